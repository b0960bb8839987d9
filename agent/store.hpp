// The store: sessions, their messages, runs, and each run's journal of effects, in one SQLite file.
//
// A run writes through its RunLog. Writes are queued in memory and reach the disk in order; committed() brings
// everything queued so far to the disk in one transaction, so that runs which reach a boundary at the same time share
// it (group commit). All SQLite work happens on one thread of the store's own, never on the loop.
//
// One run at a time holds a session (a run without a session holds itself): a lease with a fence, a number that grows
// with each holder. A holder is one opened store; it renews its leases while it lives. A lease is free when it was
// given back, when its holder is dead (the kernel tells: it held a lock on a file), or when it was not renewed for
// StoreOptions::lease. Each transaction checks the fence of each run that writes in it: who was stopped and overtaken
// gets nothing in.
#pragma once

#include <sennit/agent/event.hpp>
#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/log.hpp>
#include <sennit/agent/message.hpp>
#include <sennit/agent/run_record.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sennit {

class RunLog;

struct SessionRecord {
  std::string id;
  std::string agent;
  WallTime updated;
  std::int64_t messages = 0;
};

struct StoreOptions {
  /// How long to wait for another program that writes.
  milliseconds busy_timeout{5'000};
  /// After so long without a sign of life a holder's leases are free.
  milliseconds lease{10'000};
  LogSink log{};
  /// For tests: called on the store's thread before each commit (false) and after it (true).
  std::function<void(bool done)> on_commit{};
};

/// What a run needs to begin or to go on.
struct OpenedRun {
  OpenedRun();
  OpenedRun(OpenedRun&&) noexcept;
  OpenedRun& operator=(OpenedRun&&) noexcept;
  ~OpenedRun();
  std::unique_ptr<RunLog> log;
  std::vector<Message> history;    ///< of the session, before this run
  std::int64_t next_position = 0;  ///< where the session's next message goes
  /// Of a run that goes on: all of it, but its history, which is above (a run without a session has it here too). Of
  /// one that begins: its record.
  RecordedRun recorded;
  std::vector<Answer> answers;  ///< that were given meanwhile
  std::string notice{};         ///< what the person should know of it; empty: nothing
  Standing before{};            ///< of a run that goes on: how it stood until this attempt
};

/// Of runs(): what is absent matches all.
struct RunFilter {
  std::string session{};
  std::optional<bool> ended{};
  std::optional<WallTime> before{};  ///< started before
  std::size_t limit = 1'000;
};

/// [thread-safe]
class Store {
 public:
  /// Opens or creates `folder`/sennit.db. Throws Error(errc::storage).
  explicit Store(const std::filesystem::path& folder, StoreOptions options = {});
  ~Store();  ///< commits what is queued
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // ---- a run's life ----
  // Where a run is named, the beginning of its id will do that is unmistakable, and has four characters: but not in
  // answers(), journal_of() and remove().
  /// Takes the lease and begins. The last run of the session, where its program ended before it did, is ended (as
  /// cancelled: the session went on without it), and the calls that it left open are closed with what its journal
  /// knows. `pins` that the store has not are kept. A run without a session awaits nothing: its begin reaches the disk
  /// with its first committed(). Throws Error(errc::busy) where the session has a run that lives, or one that waits for
  /// a person; Error(errc::too_large).
  /// `entries`: what its journal begins with.
  [[nodiscard]] asio::awaitable<OpenedRun> begin(RunRecord record, std::map<std::string, json::value, std::less<>> pins,
                                                 std::vector<JournalEntry> entries = {});
  /// Takes the lease of a run that has not ended, counts the attempt, and reads all of it. Throws Error(errc::busy)
  /// where it runs, errc::not_found, errc::invalid_argument where it has ended, errc::denied where it is in
  /// quarantine and not `forced`.
  [[nodiscard]] asio::awaitable<OpenedRun> resume(std::string run, bool forced);
  /// Ends a run that no living program works on, without running it. Throws like resume().
  [[nodiscard]] asio::awaitable<void> abandon(std::string run, std::string reason);
  /// Keeps what a person said. Throws Error(errc::not_found) where the run waits for no such request.
  [[nodiscard]] asio::awaitable<void> answer(std::string run, Answer answer);
  [[nodiscard]] asio::awaitable<std::vector<Answer>> answers(std::string run);

  // ---- reads: they see what was queued before ----
  [[nodiscard]] asio::awaitable<std::vector<Message>> messages(std::string session);
  /// Deletes the messages of the session's last run. False if there is none. Throws Error(errc::busy) while a run has
  /// the session.
  [[nodiscard]] asio::awaitable<bool> undo(std::string session);
  [[nodiscard]] asio::awaitable<std::vector<SessionRecord>> sessions(std::size_t limit);
  /// The newest first.
  [[nodiscard]] asio::awaitable<std::vector<RunRecord>> runs(RunFilter filter);
  [[nodiscard]] asio::awaitable<std::vector<JournalEntry>> journal_of(std::string run);
  /// All of a run, for a replay, a fork or a file. Throws Error(errc::not_found).
  [[nodiscard]] asio::awaitable<RecordedRun> recorded(std::string run);

  // ---- care ----
  /// Takes in a run that was exported; it belongs to no session here. Throws Error(errc::invalid_argument) where
  /// there is one with its id, or where a pin is not what its digest says.
  [[nodiscard]] asio::awaitable<void> import(RecordedRun run);
  /// Deletes an ended run with its journal, and what only it was made of; conversations stay. False if it has not
  /// ended or is not there.
  [[nodiscard]] asio::awaitable<bool> remove(std::string run);
  /// Gives unused pages back to the file system. Throws Error(errc::storage), retryable where another program reads.
  [[nodiscard]] asio::awaitable<void> compact();

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace sennit
