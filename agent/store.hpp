// The store: sessions, their messages, runs, and each run's journal of effects, in one SQLite file.
//
// Writes are queued in memory and reach the disk in order; committed() brings everything queued so far to the disk in
// one transaction, so that runs which reach a boundary at the same time share it (group commit). All SQLite work
// happens on one thread of the store's own, never on the loop.
#pragma once

#include <sennit/agent/event.hpp>
#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/io/log.hpp>
#include <sennit/agent/message.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

struct RunRecord {
  std::string id;
  std::string session;  ///< empty: none
  std::string agent;
  std::string model;
  std::string definition_digest;
  std::string input;
  WallTime started;
  std::optional<WallTime> ended;
  json::value outcome;  ///< null while it runs
};

/// One boundary of an effect.
struct JournalEntry {
  std::string run;
  std::string effect;  ///< its place in the planner: "1", "2.1", "2.1/3"
  std::string kind;    ///< "complete", "tool", "approval", "recall" …
  bool finished = false;
  std::string data;  ///< JSON: what goes in at the start, what came out at the end
};

struct SessionRecord {
  std::string id;
  std::string agent;
  WallTime updated;
  std::int64_t messages = 0;
};

struct StoreOptions {
  /// How long to wait for another program that writes.
  milliseconds busy_timeout{5'000};
  LogSink log{};
};

/// [thread-safe]
class Store {
 public:
  /// Opens or creates `folder`/sennit.db. Throws Error(errc::storage).
  explicit Store(const std::filesystem::path& folder, StoreOptions options = {});
  ~Store();  ///< commits what is queued
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // ---- writes: queued, in order, never blocking ----
  // What exceeds SQLite's bound (64 MiB a row; an input half of it) is not queued: Error(errc::too_large).
  void begin_run(RunRecord run);
  /// Never throws: an outcome that is too large is kept without its text.
  void end_run(std::string id, WallTime ended, const Outcome& outcome);
  void journal(JournalEntry entry);
  /// `position` counts the session's messages from 0.
  void add_message(std::string session, std::int64_t position, std::string run, const Message& message);

  /// Suspends until everything queued before is on disk. Throws Error(errc::storage). Retryable: another program has
  /// the lock, or the disk is full; what was queued stays queued, and the next call tries again. After any other
  /// failed write every later call throws too: a journal with a hole must not be continued.
  [[nodiscard]] asio::awaitable<void> committed();

  // ---- reads: they see what was queued before ----
  [[nodiscard]] asio::awaitable<std::vector<Message>> messages(std::string session);
  /// Deletes the messages of the session's last run. False if there is none.
  [[nodiscard]] asio::awaitable<bool> undo(std::string session);
  [[nodiscard]] asio::awaitable<std::vector<SessionRecord>> sessions(std::size_t limit);
  [[nodiscard]] asio::awaitable<std::vector<RunRecord>> runs(std::string session, std::size_t limit);
  [[nodiscard]] asio::awaitable<std::vector<JournalEntry>> journal_of(std::string run);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sennit
