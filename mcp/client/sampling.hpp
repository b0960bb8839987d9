// Private: a server that wants the model to answer something (sampling/createMessage).
#pragma once

#include <sennit/agent/tool.hpp>

#include <string>
#include <vector>

namespace sennit::mcp {

/// What is asked, as text.
struct SamplingRequest {
  std::string system;
  std::vector<std::pair<std::string, std::string>> messages;  ///< role, text

  /// For the person who decides about it; cut where it is long.
  [[nodiscard]] std::string shown() const;
  /// For the model: the conversation, and who said what where there was more than one message.
  [[nodiscard]] std::string task() const;
};

/// Throws Error(errc::invalid_argument): no messages, too many bytes, or tools (which this client does not offer).
[[nodiscard]] SamplingRequest read_sampling(const json::object& params);

struct SamplingAnswer {
  std::string text;
  std::string model;
};

/// Lets the model of the calling agent answer: a sub-agent without tools, on the run's own limits. Throws Error.
[[nodiscard]] asio::awaitable<SamplingAnswer> answer_with_model(ToolContext& context, std::string system,
                                                                std::string task);

}  // namespace sennit::mcp
