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
  explicit Connection(const std::filesystem::path& file) : database(file) {
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

using Write = std::function<void(Connection&)>;

/// A person with several state folders wants to know which one it is.
Error naming(const std::filesystem::path& file, const Error& error) {
  Error named = error.code() == errc::storage ? error : Error(errc::storage, error.message());
  return named.where().empty() ? std::move(named).at(file.string()) : named;
}

}  // namespace

struct Store::State {
  explicit State(std::filesystem::path database) : file(std::move(database)), connection(file) {}

  /// After a failure nothing reaches the disk, so nothing is kept for it.
  void enqueue(Write write) {
    const std::lock_guard lock(mutex);
    if (!failure) pending.push_back(std::move(write));
  }

  /// Brings everything queued to the disk. On the store's thread (or when it has ended).
  void flush() {
    std::vector<Write> writes;
    {
      const std::lock_guard lock(mutex);
      if (failure) throw Error(*failure);
      writes.swap(pending);
    }
    if (writes.empty()) return;
    try {
      Transaction transaction(connection.database);
      for (Write& write : writes) write(connection);
      transaction.commit();
    } catch (const Error& error) {
      const std::lock_guard lock(mutex);
      failure = naming(file, error);
      pending.clear();
      throw Error(*failure);
    }
  }

  /// A job for the store's thread: what `read` finds once everything queued is on disk.
  template <class Read>
  [[nodiscard]] std::function<std::invoke_result_t<Read&, Database&>()> reading(Read read) {
    return [this, read = std::move(read)] {
      flush();
      try {
        return read(connection.database);
      } catch (const Error& error) {
        throw naming(file, error);
      }
    };
  }

  const std::filesystem::path file;
  Connection connection;
  std::mutex mutex;
  std::vector<Write> pending;    // guarded by mutex; bounded by the runs, which wait at each boundary
  std::optional<Error> failure;  // guarded by mutex
  static constexpr std::size_t kQueue = 1U << 20U;  // one waiting entry a run
  std::optional<Pool> thread{std::in_place, 1, kQueue};
};

Store::Store(const std::filesystem::path& folder) {
  std::error_code error;
  const bool created = std::filesystem::create_directories(folder, error);
  if (error) throw Error(errc::storage, "cannot create the state folder: " + error.message()).at(folder.string());
  // A folder that was there has an owner who knows who may look into it.
  if (created) std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  const std::filesystem::path file = folder / "sennit.db";
  try {
    state_ = std::make_shared<State>(file);
  } catch (const Error& failure) {
    throw naming(file, failure);
  }
}

Store::~Store() {
  state_->thread.reset();  // joined: from here on this thread is the only one
  try {
    state_->flush();
  } catch (...) {
    // Whoever needed the writes has awaited committed() and knows.
  }
}

void Store::begin_run(RunRecord run) {
  state_->enqueue([run = std::move(run)](Connection& connection) {
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
  state_->enqueue([id = std::move(id), ended, body = stored(to_json(outcome))](Connection& connection) {
    connection.end_run->bind(1, id).bind(2, to_micros(ended)).bind(3, body).run();
  });
}

void Store::journal(JournalEntry entry) {
  const std::int64_t at = to_micros(std::chrono::system_clock::now());
  state_->enqueue([entry = std::move(entry), at](Connection& connection) {
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
  state_->enqueue([session = std::move(session), position, run = std::move(run),
                   body = stored(to_json(message))](Connection& connection) {
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
