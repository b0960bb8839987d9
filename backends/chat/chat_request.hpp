// Private: Writes the body of a chat-completions request. Pure: the same request gives the same bytes.
//
// The messages come last and are written one after another without look-ahead, so a conversation that grows keeps its
// beginning byte by byte: that is what providers' prompt caches match on.
#pragma once

#include <sennit/agent/backend.hpp>
#include <sennit/agent/definition.hpp>
#include <sennit/backends/providers.hpp>

#include <string>
#include <string_view>

namespace sennit {

/// A model of a provider with everything that an agent file decides about it.
struct ChatModel {
  const Provider* provider = nullptr;
  const ModelRule* rule = nullptr;
  std::string name;          ///< without the provider
  std::string url;           ///< of the endpoint
  bool own_address = false;  ///< the provider's own, not one from the agent file
  ReasoningReplay replay = ReasoningReplay::never;
  bool replay_presence = false;  ///< turns with tool calls carry the field of the reasoning even if it is empty
  ThinkStart think = ThinkStart::off;
  bool strict = false;
  bool stream = true;
  CompletionOptions options;
};

/// Throws Error(errc::config) if `spec` lacks a model name or an address that the provider does not bring, or if its
/// `options.extra` would replace what the agent itself decides (the model, the messages, the tools).
[[nodiscard]] ChatModel resolve_chat_model(const Provider& provider, const ModelSpec& spec);

/// Throws Error(errc::invalid_argument) if a part of the request cannot be expressed (a file that is no image).
[[nodiscard]] std::string chat_request_body(const ChatModel& model, const CompletionRequest& request);

}  // namespace sennit
