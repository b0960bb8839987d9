// A model, wherever it runs, behind one streaming interface.
#pragma once

#include <sennit/agent/ability.hpp>
#include <sennit/agent/event.hpp>
#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/message.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

/// How a tool is described to a model.
struct ToolDescription {
  std::string name;  ///< [A-Za-z0-9_-]{1,64}
  std::string description;
  json::object parameters;  ///< JSON Schema of an object
  friend bool operator==(const ToolDescription&, const ToolDescription&) = default;
};

/// Sampling and limits of one completion; what is absent is left to the provider.
struct CompletionOptions {
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<std::int64_t> max_tokens;
  std::optional<std::int64_t> seed;
  std::vector<std::string> stop;
  std::string reasoning_effort;  ///< "none", "minimal", "low", "medium", "high", "max"; empty: the default
  std::optional<bool> parallel_tool_calls;
  json::object extra;  ///< provider-specific request fields, sent as they are
  friend bool operator==(const CompletionOptions&, const CompletionOptions&) = default;
};

enum class ToolChoice { automatic, none, required };

/// Everything a model is asked. The spans are read inside Backend::stream() only: nothing is kept of them.
struct CompletionRequest {
  std::string_view instructions;
  std::span<const Message> messages;
  std::span<const ToolDescription> tools;
  const json::object* output_schema = nullptr;  ///< the answer must be JSON of this schema; null: free text
  ToolChoice tool_choice = ToolChoice::automatic;
  CompletionOptions options;
};

/// The events of one completion, pulled. Used on one shard; destroying it stops the completion.
class TokenStream {
 public:
  virtual ~TokenStream() = default;
  /// The batch of events that has arrived, at least one: TextDelta, ReasoningDelta, RefusalDelta, ToolCallDelta,
  /// UsageUpdate, Notice, and as the last event of the last batch exactly one Finished or Failed. After that: empty.
  /// The span is valid until the next call; the caller may move from its events. A failure travels in band (Failed);
  /// the only exception is Error(errc::cancelled) when the awaiting coroutine is cancelled. Cancellation: terminal.
  [[nodiscard]] virtual asio::awaitable<std::span<Event>> next() = 0;
  /// How many pieces the model's words came in so far; 0 where that is not known. Batches merge them, yet most servers
  /// send a token a piece, so this tells tokens until the server counts them.
  [[nodiscard]] virtual std::size_t pieces() const noexcept { return 0; }
};

/// What a model can do and costs, as far as it is known.
struct ModelInfo {
  std::string id;        ///< "deepseek/deepseek-chat": provider/model
  std::string provider;  ///< who made a Reasoning part, so that only its maker gets it back
  std::optional<std::int64_t> context_tokens;
  std::optional<Prices> prices;
  std::optional<std::int64_t> output_tokens{};  ///< of one answer, at most
  std::optional<Abilities> abilities{};
};

class Backend;

/// Which backend will really answer, and why. `backend` null: the one that was asked.
struct Selection {
  std::shared_ptr<const Backend> backend;
  std::string notice;  ///< one line for the person; empty: nothing to say
};

/// Makes completions. Immutable after construction. [thread-safe]
class Backend {
 public:
  virtual ~Backend() = default;
  [[nodiscard]] virtual const ModelInfo& info() const = 0;
  /// Prepares a completion on the shard of `environment`. Sends nothing: work begins with the first next().
  /// Throws Error(errc::invalid_argument) if the request cannot be expressed for this model.
  [[nodiscard]] virtual std::unique_ptr<TokenStream> stream(Environment& environment,
                                                            const CompletionRequest& request) const = 0;
  /// Called once at the start of a run. A backend that chooses among others (`auto`) looks here which one is there.
  [[nodiscard]] virtual asio::awaitable<Selection> select(Environment& environment) const;
};

}  // namespace sennit
