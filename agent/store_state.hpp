// Private: what a Store is made of: the connection with its statements, the queue of writes, and the holder of its
// leases.
#pragma once

#include <sennit/agent/holder.hpp>
#include <sennit/agent/io/database.hpp>
#include <sennit/agent/io/pool.hpp>
#include <sennit/agent/run_log.hpp>
#include <sennit/agent/store.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sennit {

using Pins = std::map<std::string, json::value, std::less<>>;

/// A prepared statement while it is used. It is reset however that ends: an open one would hold on to what it reads.
class Kept {
 public:
  explicit Kept(Statement& statement) : statement_(statement) {}
  ~Kept() { statement_.reset(); }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  Statement* operator->() const noexcept { return &statement_; }
  Statement& operator*() const noexcept { return statement_; }

 private:
  Statement& statement_;
};

/// Touched by the store's one thread only.
class Connection {
 public:
  Connection(const std::filesystem::path& file, milliseconds busy_timeout);
  /// The statement, prepared once. REQUIRES: `sql` is a literal (it is known by its address), and not in use.
  [[nodiscard]] Kept use(const char* sql);
  Database database;

 private:
  std::map<const char*, Statement> statements_;
};

/// What one run has queued.
struct Write {
  std::shared_ptr<RunLog::State> run;
  std::function<void(Store::State&)> perform;  // may be called again after a failure
  std::size_t bytes = 0;
  bool fenced = true;  // false: it takes the lease, or looks at the fence by itself
};

/// Writes that are to be one.
struct WriteGroup {
  std::vector<std::function<void(Store::State&)>> writes{};
  std::size_t bytes = 0;
};

/// One run's side of it.
struct RunLog::State {
  State(std::shared_ptr<Store::State> of, const RunRecord& record, std::int64_t fence);
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  const std::shared_ptr<Store::State> store;
  const std::string run;
  const std::string session;
  const std::string lease;
  const std::int64_t fence;
  bool resumed = false;                  // messages of what was cut short may stand where new ones go
  std::int64_t next_entry = 0;           // the shard's
  bool over = false;                     // the shard's: it was ended, or left to be resumed
  std::optional<WriteGroup> together{};  // the shard's: what is to be one write
  std::uint64_t checked = 0;       // the store's thread's: the last transaction that found the fence as it should be
  std::optional<Error> failure{};  // guarded by the store's mutex: nothing more of the run is written
};

struct Store::State {
  State(std::filesystem::path in, StoreOptions options);

  // ---- the queue (store.cpp) ----
  /// [thread-safe] Nothing is kept for a run that had a failure.
  void enqueue(Write write);
  /// Brings everything queued to the disk. On the store's thread (or when it has ended). Throws a retryable error
  /// where some of it has to wait. A run whose writes fail for good has its `failure`, and no other is touched.
  void flush();
  /// flush(), for one run's committed().
  void flush(RunLog::State& run);
  void commit(Transaction& transaction) const;
  void tell(LogLevel level, std::string message) const;
  /// Ends the thread, brings what is queued to the disk, gives the leases back.
  void close() noexcept;

  // ---- jobs for the store's thread ----
  /// What `work` gives once everything queued is on disk. Interrupted by the store's end.
  template <class Work>
  [[nodiscard]] auto reading(Work work) {
    return [this, work = std::move(work)]() mutable {
      return in_place([&] {
        flush();
        const Reading interruptible(*this);
        return work(*this);
      });
    };
  }
  /// The same for what changes something: it is never interrupted.
  template <class Work>
  [[nodiscard]] auto changing(Work work) {
    return [this, work = std::move(work)]() mutable {
      return in_place([&] {
        flush();
        return work(*this);
      });
    };
  }
  /// Failures say which file it was.
  template <class Work>
  auto in_place(Work&& work) -> decltype(work()) {
    std::optional<Error> failure;
    try {
      return std::forward<Work>(work)();
    } catch (...) {
      failure = naming(current_error());
    }
    throw Error(std::move(*failure));
  }
  [[nodiscard]] Error naming(const Error& error) const;

  /// While it lives the store's end may interrupt the statement at work. A flush is never interrupted.
  struct Reading {
    explicit Reading(State& store) : state(store) { set(true); }
    ~Reading() { set(false); }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;
    void set(bool now);
    State& state;
  };

  const std::filesystem::path folder;
  const std::filesystem::path file;
  const LogSink log;
  const std::function<void(bool done)> on_commit;
  Connection connection;
  Holder holder;
  std::uint64_t transaction = 0;  // the store's thread's

  std::mutex mutex;
  std::vector<Write> pending;        // guarded by mutex; bounded by the runs, which wait at each boundary
  std::size_t pending_bytes = 0;     // guarded by mutex
  std::set<std::string> sized_pins;  // guarded by mutex: are known not to be too large
  bool is_reading = false;           // guarded by mutex
  bool closing = false;              // guarded by mutex
  bool closed = false;               // guarded by mutex
  // What waits for a busy file or a full disk. Beyond it the runs that it is of fail.
  static constexpr std::size_t kMaxPendingBytes = 256ULL << 20U;
  static constexpr std::size_t kQueue = 1U << 20U;  // one waiting entry a run
  Pool thread{1, kQueue};

 private:
  [[nodiscard]] std::optional<Error> perform(std::vector<Write>& writes);
  [[nodiscard]] bool may_write(Write& write);
  void put_back(std::vector<Write> writes, const Error& error);
  void give_up(RunLog::State& run, Error error);
};

// ---- rows ----

/// Of a run's row, which holds its input as well.
inline constexpr std::size_t kMaxOutcome = kMaxStoredBytes / 2;

/// Throws Error(errc::too_large) where a row with texts of so many bytes exceeds the database's bound.
void require_row(std::size_t bytes);
[[nodiscard]] std::int64_t to_micros(WallTime time);
[[nodiscard]] WallTime from_micros(std::int64_t micros);
/// As text that can be read back: bytes that are no UTF-8, which only a caller can bring in, would end the session.
/// Throws Error(errc::too_large) where it exceeds a row that has `beside` bytes of its own.
[[nodiscard]] std::string stored(const json::value& value, std::size_t beside = 0);
/// An outcome that is too large for its row is stored without its text.
[[nodiscard]] std::string stored(const Outcome& outcome);
/// Reads what stored() gave, which may be nested deeper than what came from outside: it contains that.
[[nodiscard]] std::optional<json::value> parse_stored(std::string_view text);

/// "s:SESSION", or "r:RUN" of a run without a session.
[[nodiscard]] std::string lease_key(const RunRecord& record);

void insert_run(Store::State& store, const RunRecord& record);
void insert_pins(Store::State& store, const Pins& pins);
void insert_entry(Store::State& store, const std::string& run, std::int64_t position, const JournalEntry& entry);
void insert_message(Store::State& store, const std::string& session, std::int64_t position, const std::string& run,
                    std::string_view body);
void end_run(Store::State& store, const std::string& run, WallTime at, const std::string& outcome);
/// `key` as in lease_key(); only while the lease has this fence. What nobody will need again is deleted.
void give_lease_back(Store::State& store, const std::string& key, std::int64_t fence, bool run_has_ended);

[[nodiscard]] std::optional<RunRecord> read_run(Store::State& store, const std::string& id);
/// The run that is meant by an id or the beginning of one. Throws Error(errc::not_found).
[[nodiscard]] RunRecord find_run(Store::State& store, const std::string& id);
/// A session's messages before `end`.
[[nodiscard]] std::vector<Message> read_messages(Store::State& store, const std::string& session, std::int64_t end);
/// Where the session's next message goes.
[[nodiscard]] std::int64_t next_position(Store::State& store, const std::string& session);
[[nodiscard]] std::vector<Message> read_history(Store::State& store, const RunRecord& record);
[[nodiscard]] std::vector<JournalEntry> read_journal(Store::State& store, const std::string& run);
[[nodiscard]] std::vector<Answer> read_answers(Store::State& store, const std::string& run);
/// The pin with all that it refers to.
[[nodiscard]] Pins read_pins(Store::State& store, const std::string& root);
[[nodiscard]] Error no_such_run(const std::string& id);

}  // namespace sennit
