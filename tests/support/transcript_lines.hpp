// How a transcript writes down what a run shows: events, messages and figures as lines, and how lines are compared.
#pragma once

#include <sennit/agent/event.hpp>
#include <sennit/agent/message.hpp>

#include <span>
#include <string>
#include <vector>

namespace sennit::testing {

/// An event as the line that a transcript expects; empty: transcripts do not show it.
[[nodiscard]] std::string event_line(const Event& event);

/// One line a message: its role and its parts.
[[nodiscard]] std::vector<std::string> message_lines(const std::vector<Message>& messages);

/// What a run used: "steps 2", "tool_calls 1", "usage 10 3", "cost 0.000012 USD".
[[nodiscard]] std::vector<std::string> figure_lines(const Outcome& outcome);

/// `...` stands for any characters in a line, and alone for any number of lines.
[[nodiscard]] bool lines_match(std::span<const std::string> expected, std::span<const std::string> found);

}  // namespace sennit::testing
