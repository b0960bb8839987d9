#include <sennit/agent/io/database.hpp>
#include <sennit/agent/io/pool.hpp>
#include <sennit/agent/store.hpp>

#include <functional>
#include <mutex>
#include <utility>

namespace sennit {
namespace {

constexpr const char* kSchema1 = R"sql(
  CREATE TABLE sessions(
    id TEXT PRIMARY KEY, agent TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL) STRICT;
  CREATE TABLE runs(
    id TEXT PRIMARY KEY, session TEXT NOT NULL, agent TEXT NOT NULL, model TEXT NOT NULL, digest TEXT NOT NULL,
    input TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER, outcome TEXT) STRICT, WITHOUT ROWID;
  CREATE INDEX runs_by_session ON runs(session, started);
  CREATE TABLE messages(
    session TEXT NOT NULL, position INTEGER NOT NULL, run TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY(session, position)) STRICT, WITHOUT ROWID;
  CREATE TABLE journal(
    run TEXT NOT NULL, position INTEGER NOT NULL, effect TEXT NOT NULL, kind TEXT NOT NULL, finished INTEGER NOT NULL,
    at INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY(run, position)) STRICT, WITHOUT ROWID;
)sql";

std::int64_t to_micros(WallTime time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}
WallTime from_micros(std::int64_t micros) {
  return WallTime(std::chrono::microseconds(micros));
}

/// As text that can be read back: bytes that are no UTF-8, which only a caller can bring in, would end the session.
std::string stored(const json::value& value) {
  return sanitize_utf8(json::serialize(value));
}

/// The connection with its prepared statements. Touched by the store's one thread only.
struct Connection {
  Connection(const std::filesystem::path& file, milliseconds busy_timeout)
      : database(file, {.busy_timeout = busy_timeout}) {
    database.migrate("store", {kSchema1});
    begin_run.emplace(database.prepare(
        "INSERT INTO runs(id, session, agent, model, digest, input, started) VALUES(?1,?2,?3,?4,?5,?6,?7)"));
    touch_session.emplace(
        database.prepare("INSERT INTO sessions(id, agent, created, updated) VALUES(?1,?2,?3,?3) "
                         "ON CONFLICT(id) DO UPDATE SET agent = excluded.agent, updated = excluded.updated"));
    end_run.emplace(database.prepare("UPDATE runs SET ended = ?2, outcome = ?3 WHERE id = ?1"));
    add_journal.emplace(database.prepare(
        "INSERT INTO journal(run, position, effect, kind, finished, at, data) "
        "VALUES(?1, (SELECT coalesce(max(position), 0) + 1 FROM journal WHERE run = ?1), ?2,?3,?4,?5,?6)"));
    add_message.emplace(database.prepare("INSERT INTO messages(session, position, run, body) VALUES(?1,?2,?3,?4)"));
  }

  Database database;
  std::optional<Statement> begin_run;
  std::optional<Statement> touch_session;
  std::optional<Statement> end_run;
  std::optional<Statement> add_journal;
  std::optional<Statement> add_message;
};

// Of a run's row, which holds its input as well.
constexpr std::size_t kMaxOutcome = kMaxStoredBytes / 2;

struct Write {
  std::function<void(Connection&)> perform;  // may be called again after a failure
  std::size_t bytes;
};

/// A person with several state folders wants to know which one it is.
Error naming(const std::filesystem::path& file, const Error& error) {
  Error named = error.code() == errc::storage ? error : Error(errc::storage, error.message());
  return named.where().empty() ? std::move(named).at(file.string()) : named;
}

}  // namespace

struct Store::State {
  State(std::filesystem::path database, StoreOptions options)
      : file(std::move(database)), log(std::move(options.log)), connection(file, options.busy_timeout) {}

  /// `bytes` is what its row may come to. After a failure nothing reaches the disk, so nothing is kept for it.
  void enqueue(std::size_t bytes, std::function<void(Connection&)> perform) {
    constexpr std::size_t kRest = 4'096;  // of a row: numbers, SQLite's own
    if (bytes + kRest > kMaxStoredBytes) {
      throw Error(errc::too_large, "what is to be kept exceeds the store's bound of " +
                                       std::to_string(kMaxStoredBytes) + " bytes a row");
    }
    const std::lock_guard lock(mutex);
    if (failure) return;
    pending.push_back({std::move(perform), bytes});
    pending_bytes += bytes;
  }

  /// Brings everything queued to the disk. On the store's thread (or when it has ended).
  void flush() {
    std::vector<Write> writes;
    {
      const std::lock_guard lock(mutex);
      if (failure) throw Error(*failure);
      writes.swap(pending);
      pending_bytes = 0;
    }
    if (writes.empty()) return;
    try {
      Transaction transaction(connection.database);
      for (const Write& write : writes) write.perform(connection);
      transaction.commit();
    } catch (...) {
      throw not_written(std::move(writes), naming(file, current_error()));
    }
  }

  /// Nothing of a transaction that failed is on disk. What may succeed later waits in front of what came meanwhile.
  Error not_written(std::vector<Write> writes, Error error) {
    std::size_t bytes = 0;
    for (const Write& write : writes) bytes += write.bytes;
    const std::string count = std::to_string(writes.size());
    const std::lock_guard lock(mutex);
    if (error.retryable() && bytes + pending_bytes <= kMaxPendingBytes) {
      tell(LogLevel::warning, count + " writes have to wait: " + error.describe());
      std::move(pending.begin(), pending.end(), std::back_inserter(writes));
      pending.swap(writes);
      pending_bytes += bytes;
      return error;
    }
    tell(LogLevel::error, count + " writes are lost, and nothing more is written: " + error.describe());
    failure = error.retryable() ? Error(errc::storage, error.message()).at(error.where()) : error;
    pending.clear();
    pending_bytes = 0;
    return *failure;
  }

  void tell(LogLevel level, std::string message) const {
    if (log) log({level, "store", std::move(message)});
  }

  /// A job for the store's thread: what `read` finds once everything queued is on disk.
  template <class Read>
  [[nodiscard]] std::function<std::invoke_result_t<Read&, Database&>()> reading(Read read) {
    return [this, read = std::move(read)] {
      flush();
      const Reading interruptible(*this);
      try {
        return read(connection.database);
      } catch (const Error& error) {
        throw naming(file, error);
      }
    };
  }

  /// While it lives the store's end may interrupt the statement at work. A flush is never interrupted.
  struct Reading {
    explicit Reading(State& store) : state(store) { set(true); }
    ~Reading() { set(false); }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;
    void set(bool now) {
      const std::lock_guard lock(state.mutex);
      if (now && state.closing) throw Error(errc::cancelled, "the store is closing");
      state.is_reading = now;
    }
    State& state;
  };

  /// Nobody waits for the answer of a read any more.
  void interrupt_reading() {
    const std::lock_guard lock(mutex);
    closing = true;
    if (is_reading) connection.database.interrupt();
  }

  // What waits for a busy file or a full disk. Beyond it the store gives up for good.
  static constexpr std::size_t kMaxPendingBytes = 256ULL << 20U;

  const std::filesystem::path file;
  const LogSink log;
  Connection connection;
  std::mutex mutex;
  std::vector<Write> pending;     // guarded by mutex; bounded by the runs, which wait at each boundary
  std::size_t pending_bytes = 0;  // guarded by mutex
  std::optional<Error> failure;   // guarded by mutex
  bool is_reading = false;        // guarded by mutex
  bool closing = false;           // guarded by mutex
  static constexpr std::size_t kQueue = 1U << 20U;  // one waiting entry a run
  std::optional<Pool> thread{std::in_place, 1, kQueue};
};

Store::Store(const std::filesystem::path& folder, StoreOptions options) {
  std::error_code error;
  const bool created = std::filesystem::create_directories(folder, error);
  if (error) throw Error(errc::storage, "cannot create the state folder: " + error.message()).at(folder.string());
  // A folder that was there has an owner who knows who may look into it.
  if (created) std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  const std::filesystem::path file = folder / "sennit.db";
  try {
    state_ = std::make_shared<State>(file, std::move(options));
  } catch (const Error& failure) {
    throw naming(file, failure);
  }
}

Store::~Store() {
  state_->interrupt_reading();
  state_->thread.reset();  // joined: from here on this thread is the only one
  try {
    state_->flush();
  } catch (const Error& error) {
    // Whoever needed the writes has awaited committed() and knows.
    state_->tell(LogLevel::error, "closed with writes that are not on disk: " + error.describe());
  }
}

void Store::begin_run(RunRecord run) {
  const std::size_t bytes = run.id.size() + run.session.size() + run.agent.size() + run.model.size() +
                            run.definition_digest.size() + run.input.size();
  state_->enqueue(kMaxOutcome + bytes, [run = std::move(run)](Connection& connection) {
    connection.begin_run->bind(1, run.id)
        .bind(2, run.session)
        .bind(3, run.agent)
        .bind(4, run.model)
        .bind(5, run.definition_digest)
        .bind(6, run.input)
        .bind(7, to_micros(run.started))
        .run();
    if (run.session.empty()) return;
    connection.touch_session->bind(1, run.session).bind(2, run.agent).bind(3, to_micros(run.started)).run();
  });
}

void Store::end_run(std::string id, WallTime ended, const Outcome& outcome) {
  std::string body = stored(to_json(outcome));
  if (body.size() > kMaxOutcome) {
    Outcome figures = outcome;
    figures.text.clear();
    figures.output = nullptr;
    figures.error.reset();
    figures.detail = "the outcome was too large to be kept";
    body = stored(to_json(figures));
  }
  const std::size_t bytes = id.size() + body.size();
  state_->enqueue(bytes, [id = std::move(id), ended, body = std::move(body)](Connection& connection) {
    connection.end_run->bind(1, id).bind(2, to_micros(ended)).bind(3, body).run();
  });
}

void Store::journal(JournalEntry entry) {
  const std::int64_t at = to_micros(std::chrono::system_clock::now());
  const std::size_t bytes = entry.run.size() + entry.effect.size() + entry.kind.size() + entry.data.size();
  state_->enqueue(bytes, [entry = std::move(entry), at](Connection& connection) {
    connection.add_journal->bind(1, entry.run)
        .bind(2, entry.effect)
        .bind(3, entry.kind)
        .bind(4, std::int64_t{entry.finished})
        .bind(5, at)
        .bind(6, entry.data)
        .run();
  });
}

void Store::add_message(std::string session, std::int64_t position, std::string run, const Message& message) {
  std::string body = stored(to_json(message));
  const std::size_t bytes = session.size() + run.size() + body.size();
  state_->enqueue(bytes, [session = std::move(session), position, run = std::move(run),
                          body = std::move(body)](Connection& connection) {
    connection.add_message->bind(1, session).bind(2, position).bind(3, run).bind(4, body).run();
  });
}

asio::awaitable<void> Store::committed() {
  std::function<void()> flush = [state = state_.get()] { state->flush(); };
  co_await state_->thread->run(std::move(flush));
}

asio::awaitable<std::vector<Message>> Store::messages(std::string session) {
  auto read = state_->reading([session = std::move(session)](Database& database) {
    Statement query = database.prepare("SELECT body FROM messages WHERE session = ? ORDER BY position");
    query.bind(1, session);
    std::vector<Message> messages;
    while (query.step()) {
      const auto body = parse_json(query.text(0));
      if (!body) throw Error(errc::storage, "the session '" + session + "' has a message that cannot be read");
      messages.push_back(message_from_json(*body));
    }
    return messages;
  });
  co_return co_await state_->thread->run(std::move(read));
}

asio::awaitable<bool> Store::undo(std::string session) {
  auto remove = state_->reading([session = std::move(session)](Database& database) {
    database
        .prepare(
            "DELETE FROM messages WHERE session = ?1 AND run = "
            "(SELECT run FROM messages WHERE session = ?1 ORDER BY position DESC LIMIT 1)")
        .bind(1, session)
        .run();
    return database.changes() > 0;
  });
  co_return co_await state_->thread->run(std::move(remove));
}

asio::awaitable<std::vector<SessionRecord>> Store::sessions(std::size_t limit) {
  auto read = state_->reading([limit](Database& database) {
    Statement query = database.prepare(
        "SELECT id, agent, updated, (SELECT count(*) FROM messages WHERE session = sessions.id) "
        "FROM sessions ORDER BY updated DESC LIMIT ?");
    query.bind(1, static_cast<std::int64_t>(limit));
    std::vector<SessionRecord> sessions;
    while (query.step()) {
      sessions.push_back(
          {std::string(query.text(0)), std::string(query.text(1)), from_micros(query.integer(2)), query.integer(3)});
    }
    return sessions;
  });
  co_return co_await state_->thread->run(std::move(read));
}

asio::awaitable<std::vector<RunRecord>> Store::runs(std::string session, std::size_t limit) {
  auto read = state_->reading([session = std::move(session), limit](Database& database) {
    Statement query = database.prepare(
        "SELECT id, session, agent, model, digest, input, started, ended, outcome FROM runs "
        "WHERE session = ?1 OR ?1 = '' ORDER BY started DESC LIMIT ?2");
    query.bind(1, session).bind(2, static_cast<std::int64_t>(limit));
    std::vector<RunRecord> runs;
    while (query.step()) {
      RunRecord run{std::string(query.text(0)),
                    std::string(query.text(1)),
                    std::string(query.text(2)),
                    std::string(query.text(3)),
                    std::string(query.text(4)),
                    std::string(query.text(5)),
                    from_micros(query.integer(6)),
                    std::nullopt,
                    nullptr};
      if (!query.is_null(7)) run.ended = from_micros(query.integer(7));
      if (!query.is_null(8)) run.outcome = parse_json(query.text(8)).value_or(nullptr);
      runs.push_back(std::move(run));
    }
    return runs;
  });
  co_return co_await state_->thread->run(std::move(read));
}

asio::awaitable<std::vector<JournalEntry>> Store::journal_of(std::string run) {
  auto read = state_->reading([run = std::move(run)](Database& database) {
    Statement query =
        database.prepare("SELECT effect, kind, finished, data FROM journal WHERE run = ? ORDER BY position");
    query.bind(1, run);
    std::vector<JournalEntry> entries;
    while (query.step()) {
      entries.push_back({run, std::string(query.text(0)), std::string(query.text(1)), query.integer(2) != 0,
                         std::string(query.text(3))});
    }
    return entries;
  });
  co_return co_await state_->thread->run(std::move(read));
}

}  // namespace sennit
