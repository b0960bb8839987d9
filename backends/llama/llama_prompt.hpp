// Private: What a local model is given: the conversation as plain messages, the grammar that it is held to, and how it
// chooses its words.
//
// libllama's templates know messages and nothing else, so tools are spoken of in the text, in the one format that most
// open models have learnt: described in <tools>, called in <tool_call>, answered in <tool_response>.
#pragma once

#include <sennit/agent/backend.hpp>
#include <sennit/agent/definition.hpp>
#include <sennit/backends/llama/llama_answer.hpp>
#include <sennit/backends/llama/llama_module.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace sennit {

/// Calls that one answer may hold.
inline constexpr std::size_t kMaxLlamaCalls = 8;

struct LlamaMessage {
  const char* role = "user";
  std::string content;
  friend bool operator==(const LlamaMessage&, const LlamaMessage&) = default;
};

/// One completion, ready to be handed to the engine's thread.
struct LlamaPrompt {
  std::vector<LlamaMessage> messages;
  std::string grammar;  ///< empty: none
  bool waits = false;   ///< the grammar begins with the first <tool_call>
  LlamaReading reading;
  sennit_llama_request sampling{};  ///< its numbers; the rest is filled in by the engine
};

/// How a model is loaded: from `model.options.extra`.
struct LlamaSettings {
  std::filesystem::path file;
  std::uint32_t context = 0;
  std::uint32_t sequences = 4;
  std::uint32_t batch = 0;
  std::int32_t threads = 0;
  std::int32_t gpu_layers = -1;
  std::uint32_t queue = 64;  ///< requests that may wait for a sequence
  friend auto operator<=>(const LlamaSettings&, const LlamaSettings&) = default;
};

/// Throws Error(errc::config) for a value that cannot be right.
[[nodiscard]] LlamaSettings llama_settings(const ModelSpec& spec);

/// Throws Error(errc::invalid_argument) for what a local model cannot be asked: images, numbers out of range.
[[nodiscard]] LlamaPrompt llama_prompt(const ModelSpec& spec, const CompletionRequest& request);

}  // namespace sennit
