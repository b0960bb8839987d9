// The model of a transcript: plays its turns, agent by agent.
#pragma once

#include "support/transcript.hpp"
#include <sennit/agent/backend.hpp>
#include <sennit/agent/registry.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sennit::testing {

/// What all backends of one transcript share.
struct TranscriptTurns {
  std::map<std::string, std::deque<TranscriptSection>, std::less<>> by_agent;  ///< "" is the main agent
  std::vector<std::string> requests;                                           ///< what was asked, described
  std::string instructions;                                                    ///< of the last request
  std::function<void()> on_stall;                                              ///< called when a turn stalls
  std::string main_agent;
};

[[nodiscard]] BackendFactory transcript_backend(std::shared_ptr<TranscriptTurns> turns);

/// `\n` becomes a line feed.
[[nodiscard]] std::string unescape(std::string_view text);
/// A line feed becomes `\n`.
[[nodiscard]] std::string escape(std::string_view text);

}  // namespace sennit::testing
