// Private: who holds leases. An opened store that runs something is a holder: a row with a time until which it counts
// as alive, and a lock of the kernel's on one byte of a file, which tells at once of a program that died. While it has
// leases a thread of its own renews the row, whatever the store's thread is at.
#pragma once

#include <sennit/agent/io/database.hpp>
#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/io/log.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace sennit {

class Holder {
 public:
  Holder(std::filesystem::path folder, milliseconds lease, LogSink log);
  ~Holder();
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  // ---- on the store's thread ----
  /// Before a lease is taken, outside of a transaction: makes the holder's row, or renews it where nobody did.
  void prepare(Database& database);
  /// REQUIRES: prepare() was called.
  [[nodiscard]] std::int64_t id() const noexcept { return id_; }
  /// Whether a holder that counts as alive until `expires` is. Throws Error(errc::storage).
  [[nodiscard]] bool lives(std::int64_t holder, std::int64_t expires);
  /// Ends the thread and takes the row away: all leases are free.
  void close(Database& database) noexcept;

  // ---- [thread-safe] ----
  void began_lease();
  void ended_lease();
  /// Gives a lease back that nobody waits for: soon, from this one's own thread.
  void give_back(std::string key, std::int64_t fence);
  [[nodiscard]] milliseconds lease() const noexcept { return lease_; }

  /// What `expires` counts: microseconds of a clock that all programs of a machine share and nobody sets.
  [[nodiscard]] static std::int64_t now();

 private:
  struct Returned {
    std::string key;
    std::int64_t fence;
  };

  void make(Database& database);
  void renew(Database& database);
  void remove_dead(Database& database);
  void start();
  void stop() noexcept;
  void work();
  [[nodiscard]] bool beat(std::optional<Database>& database, const std::vector<Returned>& returned);
  [[nodiscard]] bool is_due() const;

  const std::filesystem::path folder_;
  const milliseconds lease_;
  const LogSink log_;
  std::int64_t id_ = 0;  // set before the thread starts
  int lock_ = -1;        // owns the lock
  int probe_ = -1;       // asks for others' locks, which the owner's own open file could not tell from its own
  std::atomic<std::int64_t> renewed_{0};
  std::thread thread_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Returned> returned_;  // guarded by mutex_
  std::size_t leases_ = 0;          // guarded by mutex_
  bool stopping_ = false;           // guarded by mutex_
  bool told_ = false;               // the thread's: a failure is told once
};

}  // namespace sennit
