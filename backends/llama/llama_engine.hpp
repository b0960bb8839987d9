// Private: One loaded model and its thread. Completions are handed in, and their bytes come back to the shard of
// whoever asked; between two tokens the thread looks who has left.
#pragma once

#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/signal.hpp>
#include <sennit/backends/llama/llama_prompt.hpp>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace sennit {

enum class LlamaEnd : std::uint8_t { stopped, length, full };

/// What has come since the last look.
struct LlamaNews {
  std::string bytes;
  std::size_t tokens = 0;
  std::int64_t prompt = 0;  ///< tokens; of these, `cached` had not to be read again
  std::int64_t cached = 0;
  std::int64_t written = 0;  ///< tokens, in all
  std::vector<std::string> notices;
  std::optional<LlamaEnd> end;
  std::optional<Error> error;

  [[nodiscard]] bool ended() const noexcept { return end || error; }
  [[nodiscard]] bool empty() const noexcept { return tokens == 0 && notices.empty() && !ended(); }
};

class LlamaEngine;

/// One completion, between the engine's thread and one shard. Destroying it, on its shard, ends the completion.
class LlamaTicket {
 public:
  ~LlamaTicket();
  LlamaTicket(const LlamaTicket&) = delete;
  LlamaTicket& operator=(const LlamaTicket&) = delete;

  /// What has come; may be empty. On the shard.
  [[nodiscard]] LlamaNews take();
  /// Suspends until there is news, or woken by hand. On the shard. Cancellation: terminal.
  [[nodiscard]] asio::awaitable<void> wait() { return arrived_.wait(); }
  void wake() { arrived_.notify(); }

 private:
  friend class LlamaEngine;
  struct Shared;
  LlamaTicket(std::shared_ptr<LlamaEngine> engine, std::shared_ptr<Shared> shared);

  std::shared_ptr<LlamaEngine> engine_;
  std::shared_ptr<Shared> shared_;
  Signal arrived_;
};

/// Loads its model when it is first asked, and keeps it until nobody holds the engine any more. [thread-safe]
class LlamaEngine : public std::enable_shared_from_this<LlamaEngine> {
 public:
  explicit LlamaEngine(LlamaSettings settings);
  /// Stops the thread, in the middle of a batch where llama.cpp can do that, and frees the model.
  ~LlamaEngine();
  LlamaEngine(const LlamaEngine&) = delete;
  LlamaEngine& operator=(const LlamaEngine&) = delete;

  /// The one engine of this process for these settings.
  [[nodiscard]] static std::shared_ptr<LlamaEngine> find(const LlamaSettings& settings);

  /// Begins a completion. What goes wrong comes as news. Throws Error(errc::overloaded) where too many wait already.
  [[nodiscard]] std::unique_ptr<LlamaTicket> ask(LlamaPrompt prompt, asio::any_io_executor executor);
  /// Vectors of length 1. Blocks until the thread has made them: for a pool's thread.
  [[nodiscard]] std::vector<std::vector<float>> embed(const std::vector<std::string>& texts);

 private:
  friend class LlamaTicket;
  struct State;
  void nudge();
  void leave(const std::shared_ptr<LlamaTicket::Shared>& shared);

  std::unique_ptr<State> state_;
};

}  // namespace sennit
