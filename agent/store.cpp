// Opening, and the queue: how what runs write reaches the disk.
#include <sennit/agent/store_state.hpp>

#include <algorithm>
#include <iterator>
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

// Runs that can be resumed. Those of before had a journal that tells too little for that; conversations stay.
// runs.number is the order in which they began; journal.boundary is a Boundary; times are microseconds since 1970, but
// holders.expires (Holder::now). Messages before an imported run belong to no session, and are in `histories`.
constexpr const char* kSchema2 = R"sql(
  ALTER TABLE runs RENAME TO runs_1;
  DROP INDEX runs_by_session;
  CREATE TABLE runs(
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, session TEXT NOT NULL, agent TEXT NOT NULL,
    model TEXT NOT NULL, pin TEXT NOT NULL, base INTEGER NOT NULL, started INTEGER NOT NULL, ended INTEGER,
    waits_for TEXT NOT NULL, attempts INTEGER NOT NULL, progress INTEGER NOT NULL, forked_from TEXT NOT NULL,
    inputs TEXT NOT NULL, origin TEXT NOT NULL, outcome TEXT, input TEXT NOT NULL) STRICT;
  INSERT INTO runs(id, session, agent, model, pin, base, started, ended, waits_for, attempts, progress, forked_from,
                   inputs, origin, outcome, input)
    SELECT id, session, agent, model, '',
           coalesce((SELECT min(position) FROM messages WHERE messages.session = runs_1.session AND run = runs_1.id), 0),
           started,
           coalesce(ended, (SELECT max(at) FROM journal WHERE run = runs_1.id), started), '', 0, 0, '', '{}', '{}',
           CASE WHEN ended IS NULL
                THEN '{"ending":"cancelled","detail":"its program ended before it did, and an older version of Sennit '
                     || 'made it, which kept too little to resume it","usage":{},"steps":0,"tool_calls":0,'
                     || '"duration_ms":0}'
                ELSE outcome END,
           input
    FROM runs_1 ORDER BY started, id;
  DROP TABLE runs_1;
  DROP TABLE journal;
  CREATE INDEX runs_by_session ON runs(session) WHERE session <> '';
  CREATE INDEX open_runs ON runs(session) WHERE ended IS NULL;
  CREATE TABLE journal(
    run TEXT NOT NULL, position INTEGER NOT NULL, effect TEXT NOT NULL, kind TEXT NOT NULL, boundary INTEGER NOT NULL,
    at INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY(run, position)) STRICT;
  CREATE TABLE pins(digest TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
  CREATE TABLE answers(
    run TEXT NOT NULL, request TEXT NOT NULL, text TEXT NOT NULL, digest TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY(run, request)) STRICT, WITHOUT ROWID;
  CREATE TABLE histories(
    run TEXT NOT NULL, position INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY(run, position)) STRICT, WITHOUT ROWID;
  CREATE TABLE leases(key TEXT PRIMARY KEY, fence INTEGER NOT NULL, holder INTEGER) STRICT, WITHOUT ROWID;
  CREATE TABLE holders(
    id INTEGER PRIMARY KEY AUTOINCREMENT, process INTEGER NOT NULL, expires INTEGER NOT NULL) STRICT;
)sql";

/// The runs of a batch, each with its writes in their order.
std::vector<std::vector<Write>> by_run(std::vector<Write> writes) {
  std::vector<std::vector<Write>> groups;
  std::map<const RunLog::State*, std::size_t> places;
  for (Write& write : writes) {
    const auto [place, added] = places.try_emplace(write.run.get(), groups.size());
    if (added) groups.emplace_back();
    groups[place->second].push_back(std::move(write));
  }
  return groups;
}

std::string in_words(milliseconds time) {
  if (time.count() % 1'000 != 0) return std::to_string(time.count()) + " ms";
  return std::to_string(time.count() / 1'000) + " s";
}

Error lease_is_lost(milliseconds lease) {
  return Error(errc::busy, "the run's lease was taken by another program (this one did not answer for " +
                               in_words(lease) + "); nothing more of it is written");
}

}  // namespace

Connection::Connection(const std::filesystem::path& file, milliseconds busy_timeout)
    : database(file, {.busy_timeout = busy_timeout}) {
  database.migrate("store", {kSchema1, kSchema2});
}

Kept Connection::use(const char* sql) {
  auto kept = statements_.find(sql);
  if (kept == statements_.end()) kept = statements_.emplace(sql, database.prepare(sql)).first;
  return Kept(kept->second);
}

Store::State::State(std::filesystem::path in, StoreOptions options)
    : folder(std::move(in)),
      file(folder / "sennit.db"),
      log(options.log),
      on_commit(std::move(options.on_commit)),
      connection(file, options.busy_timeout),
      holder(folder, options.lease, options.log) {}

Store::Store(const std::filesystem::path& folder, StoreOptions options) {
  std::error_code error;
  const bool created = std::filesystem::create_directories(folder, error);
  if (error) throw Error(errc::storage, "cannot create the state folder: " + error.message()).at(folder.string());
  // A folder that was there has an owner who knows who may look into it.
  if (created) std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  try {
    state_ = std::make_shared<State>(folder, std::move(options));
  } catch (const Error& failure) {
    // A person with several state folders wants to know which one it is.
    throw failure.where().empty() ? Error(failure).at((folder / "sennit.db").string()) : failure;
  }
}

Store::~Store() {
  state_->close();
}

void Store::State::enqueue(Write write) {
  const std::lock_guard lock(mutex);
  if (closed || (write.fenced && write.run->failure)) return;
  pending_bytes += write.bytes;
  pending.push_back(std::move(write));
}

void Store::State::flush() {
  std::vector<Write> writes;
  {
    const std::lock_guard lock(mutex);
    writes.swap(pending);
    pending_bytes = 0;
  }
  if (writes.empty()) return;
  std::optional<Error> failure = perform(writes);
  if (!failure) return;
  std::optional<Error> waits;
  if (failure->retryable()) {
    waits = failure;
    put_back(std::move(writes), *failure);
  } else {
    // One run's write must not cost the others theirs: each by itself.
    std::vector<std::vector<Write>> groups = by_run(std::move(writes));
    for (std::vector<Write>& group : groups) {
      if (groups.size() > 1) failure = perform(group);
      if (!failure) continue;
      if (failure->retryable()) {
        waits = failure;
        put_back(std::move(group), *failure);
      } else {
        give_up(*group.front().run, *failure);
      }
    }
  }
  if (waits) throw Error(std::move(*waits));
}

void Store::State::flush(RunLog::State& run) {
  std::optional<Error> waits;
  try {
    flush();
  } catch (const Error& error) {
    waits = error;
  }
  const std::lock_guard lock(mutex);
  if (run.failure) throw Error(*run.failure);
  const auto is_its = [&run](const Write& write) { return write.run.get() == &run; };
  if (waits && std::any_of(pending.begin(), pending.end(), is_its)) throw Error(std::move(*waits));
}

std::optional<Error> Store::State::perform(std::vector<Write>& writes) {
  try {
    const auto takes_lease = [](const Write& write) { return !write.fenced; };
    if (std::any_of(writes.begin(), writes.end(), takes_lease)) holder.prepare(connection.database);
    Transaction group(connection.database);
    ++transaction;
    for (Write& write : writes) {
      if (may_write(write)) write.perform(*this);
    }
    commit(group);
    return std::nullopt;
  } catch (...) {
    const Error error = current_error();
    return naming(error.code() == errc::storage ? error : Error(errc::storage, error.message()));
  }
}

bool Store::State::may_write(Write& write) {
  RunLog::State& run = *write.run;
  if (!write.fenced || run.checked == transaction) return true;
  {
    const std::lock_guard lock(mutex);
    if (run.failure) return false;
  }
  const Kept query = connection.use("SELECT 1 FROM leases WHERE key = ?1 AND fence = ?2");
  if (query->bind(1, run.lease).bind(2, run.fence).step()) {
    run.checked = transaction;
    return true;
  }
  give_up(run, lease_is_lost(holder.lease()));
  return false;
}

/// Nothing of a transaction that failed is on disk. What may succeed later waits in front of what came meanwhile.
void Store::State::put_back(std::vector<Write> writes, const Error& error) {
  std::size_t bytes = 0;
  for (const Write& write : writes) bytes += write.bytes;
  const std::string count = std::to_string(writes.size());
  std::unique_lock lock(mutex);
  if (bytes + pending_bytes <= kMaxPendingBytes) {
    std::move(pending.begin(), pending.end(), std::back_inserter(writes));
    pending.swap(writes);
    pending_bytes += bytes;
    lock.unlock();
    return tell(LogLevel::warning, count + " writes have to wait: " + error.describe());
  }
  lock.unlock();
  tell(LogLevel::error, "more than " + std::to_string(kMaxPendingBytes >> 20U) + " MiB wait to be written: " + count +
                            " writes are lost");
  const Error lost = Error(errc::storage, error.message()).at(error.where());
  for (const Write& write : writes) give_up(*write.run, lost);
}

void Store::State::give_up(RunLog::State& run, Error error) {
  const std::string what = "nothing more of the run " + run.run + " is written: " + error.describe();
  {
    const std::lock_guard lock(mutex);
    if (run.failure) return;
    run.failure = std::move(error);
    std::erase_if(pending, [&](const Write& write) {
      if (write.run.get() != &run || !write.fenced) return false;
      pending_bytes -= write.bytes;
      return true;
    });
  }
  tell(LogLevel::error, what);
}

void Store::State::commit(Transaction& transaction) const {
  if (on_commit) on_commit(false);
  transaction.commit();
  if (on_commit) on_commit(true);
}

void Store::State::tell(LogLevel level, std::string message) const {
  if (log) log({level, "store", std::move(message)});
}

Error Store::State::naming(const Error& error) const {
  Error named = error.code() == errc::internal ? Error(errc::storage, error.message()) : error;
  if (named.code() != errc::storage || !named.where().empty()) return named;
  return std::move(named).at(file.string());
}

void Store::State::Reading::set(bool now) {
  const std::lock_guard lock(state.mutex);
  if (now && state.closing) throw Error(errc::cancelled, "the store is closing");
  state.is_reading = now;
}

void Store::State::close() noexcept {
  try {
    {
      // Nobody waits for the answer of a read any more.
      const std::lock_guard lock(mutex);
      closing = true;
      if (is_reading) connection.database.interrupt();
    }
    thread.stop();  // joined: from here on this thread is the only one
    flush();
  } catch (...) {
    // Whoever needed the writes has awaited committed() and knows.
    tell(LogLevel::error, "closed with writes that are not on disk: " + current_error().describe());
  }
  std::vector<Write> lost;
  {
    const std::lock_guard lock(mutex);
    closed = true;
    lost.swap(pending);
  }
  lost.clear();  // without the lock: it may be the last that is left of a run
  holder.close(connection.database);
}

}  // namespace sennit
