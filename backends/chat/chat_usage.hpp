// Private: The `usage` of a chat-completions answer: as it was sent, and as agent/usage.hpp means it.
#pragma once

#include <sennit/agent/io/json.hpp>
#include <sennit/agent/usage.hpp>

namespace sennit {

/// {input, output, cached_input, reasoning} with the numbers of the wire, null where it has none.
[[nodiscard]] json::object usage_as_sent(const json::object& usage);
/// The same as whole numbers.
[[nodiscard]] Usage counts_of(const json::object& usage);
/// What they mean: cached tokens are a part of the input, reasoning is a part of the output.
[[nodiscard]] Usage usage_of(const json::object& usage);

}  // namespace sennit
