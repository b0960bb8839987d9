// Private: what one run writes to the store. All of it is fenced: once another holder has taken the run's lease,
// nothing of it reaches the disk any more.
#pragma once

#include <sennit/agent/store.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sennit {

/// One run's writes. Used on the run's shard; destroying it without end() or suspend() gives the lease back and leaves
/// the run as interrupted.
class RunLog {
 public:
  struct State;
  explicit RunLog(std::shared_ptr<State> state);
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  // Queued, in order, never blocking. What exceeds SQLite's bound (64 MiB a row) is not queued:
  // Error(errc::too_large). After a failed write nothing is kept.
  /// An entry, and the message that the effect adds to the session's conversation, in one transaction.
  void append(JournalEntry entry, const Message* message = nullptr, std::int64_t position = 0);
  void add_message(const Message& message, std::int64_t position);
  /// What `queue` queues is one write: all of it reaches the disk, or nothing. Where `queue` throws, nothing is queued.
  void together(const std::function<void()>& queue);
  /// The model that answers, once it was chosen.
  void set_model(std::string model);
  /// What the run is made of from now on.
  void set_pin(std::string digest, std::map<std::string, json::value, std::less<>> pins);
  /// Ends the run and gives the lease back. Never throws: an outcome that is too large is kept without its text.
  /// `next_position`: of the session's next message; what an earlier attempt of this run left behind it is removed.
  void end(WallTime at, const Outcome& outcome, std::int64_t next_position);
  /// Leaves the run to be resumed, and gives the lease back.
  void suspend(Standing standing);

  /// Suspends until everything queued before is on disk. Throws Error(errc::storage). Retryable: another program has
  /// the lock, or the disk is full; what was queued stays queued, and the next call tries again. After any other
  /// failed write of this run every later call throws too: a journal with a hole must not be continued. Throws
  /// Error(errc::busy) once the lease was taken by another holder.
  [[nodiscard]] asio::awaitable<void> committed();

 private:
  void queue(std::function<void(Store::State&)> write, std::size_t bytes);
  [[nodiscard]] bool has_failed() const;

  std::shared_ptr<State> state_;
};

}  // namespace sennit
