// The event loop that runs live on: own threads, or a caller's executor.
#pragma once

#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/io/log.hpp>
#include <sennit/agent/policy_settings.hpp>
#include <sennit/agent/registry.hpp>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

namespace sennit {

class Store;

struct RuntimeOptions {
  /// Event-loop threads, each with its own loop ("shard"). Ignored with `executor`.
  std::size_t threads = 1;
  /// Threads for blocking work. They start when first needed.
  std::size_t pool_threads = 4;
  /// Run on the caller's loop instead; no event-loop thread is started. Like any Asio object, a Runtime does one
  /// thing at a time: where several threads run the loop, pass a strand. Whoever awaits Run::next() on this very
  /// executor saves a hop between executors.
  std::optional<asio::any_io_executor> executor{};
  /// Folder for the store (`sennit.db`), spilt outputs and parts' files. Empty: nothing is kept on disk and
  /// nothing is journalled.
  std::filesystem::path state{};
  /// How long the runs of a program that was stopped (not ended: the kernel tells of that) stay its own.
  milliseconds lease{10'000};
  /// What holds for every agent, whatever its file says: its denials and questions cannot be relaxed there.
  PolicySettings policy{};
  LogSink log{};
  /// For tests of what a crash leaves: called on the store's thread before each commit (false) and after it (true).
  std::function<void(bool done)> on_commit{};
};

/// Owns the shards, the pool, the store and the registry. Must outlive its agents and sessions; the handle of a run
/// may outlive it.
/// [thread-safe] unless a function says otherwise.
class Runtime {
 public:
  /// Throws Error(errc::storage) if the state folder cannot be used, Error(errc::io) if a thread cannot be started.
  explicit Runtime(Registry registry, RuntimeOptions options = {});
  /// Suspends the runs that the store keeps, cancels the others (reason "shutdown"), waits until it has ended and its
  /// last events have left for their readers, joins all threads. With a borrowed executor nothing can be waited for
  /// here, so `co_await shutdown()` first, while the loop still runs. Runs that are at work all the same keep what they
  /// need, and end when the loop turns. If it never does, they end as cancelled when it is destroyed; what a suspended
  /// planner holds in memory is then not freed. (A strand has to outlive the Runtime and the handles of its runs.)
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  /// Refuses new runs, lets running ones finish for `grace`, suspends (or cancels, where nothing is kept) the rest, and
  /// returns when all have ended.
  [[nodiscard]] asio::awaitable<void> shutdown(milliseconds grace = milliseconds{0});

  [[nodiscard]] Registry& registry();
  /// The next shard, in turn.
  [[nodiscard]] Environment& shard();
  /// Null if nothing is kept.
  [[nodiscard]] const std::shared_ptr<Store>& store() const;
  [[nodiscard]] const std::filesystem::path& state() const;

  struct State;
  [[nodiscard]] const std::shared_ptr<State>& internals();

 private:
  std::shared_ptr<State> state_;
};

}  // namespace sennit
