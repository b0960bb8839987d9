// Private: tool calls that were left without a result. No provider takes a conversation with one.
#pragma once

#include <sennit/agent/message.hpp>
#include <sennit/agent/run_record.hpp>

#include <string_view>
#include <vector>

namespace sennit {

/// What closes the calls that `conversation` left open: for each the result that the journal of its run has, or that
/// it is not known whether it was done, where the journal has its start alone; `otherwise` where it was not begun.
[[nodiscard]] std::vector<Message> closing_messages(const std::vector<Message>& conversation,
                                                    const std::vector<JournalEntry>& journal,
                                                    std::string_view otherwise);

}  // namespace sennit
