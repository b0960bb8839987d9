// Changes that no run makes: taking back, taking in, taking away.
#include <sennit/agent/io/digest.hpp>
#include <sennit/agent/store_state.hpp>

#include <set>
#include <utility>

namespace sennit {
namespace {

// ---- undo ----

/// Ends the run that could be resumed into what is taken back. Throws Error(errc::busy) where it lives.
void end_open_run(Store::State& store, const std::string& session) {
  std::string run;
  {
    const Kept query = store.connection.use("SELECT id FROM runs WHERE session = ?1 AND ended IS NULL LIMIT 1");
    if (!query->bind(1, session).step()) return;
    run = query->text(0);
  }
  const std::optional<RunRecord> record = read_run(store, run);
  if (!record) return;
  if (record->phase == RunPhase::running) {
    throw Error(errc::busy, "the session '" + session + "' has a run, here or in another program; wait for its end")
        .retry();
  }
  {  // Whoever was stopped and wakes up gets nothing in any more.
    const Kept fence = store.connection.use("UPDATE leases SET fence = fence + 1, holder = NULL WHERE key = ?1");
    fence->bind(1, lease_key(*record)).run();
  }
  Outcome outcome;
  outcome.ending = Ending::cancelled;
  outcome.detail = "its messages were taken back";
  end_run(store, run, std::chrono::system_clock::now(), stored(outcome));
}

bool take_back(Store::State& store, const std::string& session) {
  Transaction transaction(store.connection.database);
  end_open_run(store, session);
  const Kept remove = store.connection.use(
      "DELETE FROM messages WHERE session = ?1 AND run = "
      "(SELECT run FROM messages WHERE session = ?1 ORDER BY position DESC LIMIT 1)");
  remove->bind(1, session).run();
  const bool removed = store.connection.database.changes() > 0;
  store.commit(transaction);
  return removed;
}

// ---- import ----

void check_import(const RecordedRun& run) {
  // It becomes a part of files' names.
  constexpr std::string_view kLetters = "0123456789abcdefghijklmnopqrstuvwxyz-";
  if (run.record.id.empty() || run.record.id.find_first_not_of(kLetters) != std::string::npos) {
    throw Error(errc::invalid_argument, "a run's id is made of letters (a-z), digits and '-'");
  }
  for (const auto& [digest, body] : run.pins) {
    // Under a digest that is not its own it would pass for another agent's.
    if (sha256(json::serialize(body)) != digest) {
      throw Error(errc::invalid_argument, "the run's pin " + digest + " was changed: it has another digest");
    }
    (void)stored(body, digest.size());
  }
  const RunRecord& record = run.record;
  require_row(record.id.size() + record.agent.size() + record.model.size() + record.pin.size() + record.input.size() +
              record.forked_from.size() + record.waits_for.size() + stored(describe_given(record)).size() +
              stored(record.origin).size() + stored(record.outcome).size());
  for (const JournalEntry& entry : run.journal) {
    require_row(record.id.size() + entry.effect.size() + entry.kind.size() + entry.data.size());
  }
}

void take_in(Store::State& store, RecordedRun run) {
  Transaction transaction(store.connection.database);
  if (read_run(store, run.record.id)) {
    throw Error(errc::invalid_argument, "the run " + run.record.id + " is there already");
  }
  run.record.session.clear();
  run.record.base = static_cast<std::int64_t>(run.history.size());
  insert_pins(store, run.pins);
  insert_run(store, run.record);
  std::int64_t position = 0;
  for (const Message& message : run.history) {
    const std::string body = stored(to_json(message), run.record.id.size());
    const Kept insert = store.connection.use("INSERT INTO histories(run, position, body) VALUES(?1,?2,?3)");
    insert->bind(1, run.record.id).bind(2, position++).bind(3, body).run();
  }
  position = 0;
  for (const JournalEntry& entry : run.journal) insert_entry(store, run.record.id, position++, entry);
  store.commit(transaction);
}

// ---- remove ----

/// Deletes what only a run with this pin needed, which has gone.
void remove_pins(Store::State& store, const std::string& root) {
  {
    const Kept query = store.connection.use("SELECT 1 FROM runs WHERE pin = ?1 LIMIT 1");
    if (query->bind(1, root).step()) return;  // nearly always: an agent runs more than once
  }
  std::set<std::string> unused;
  for (const auto& pin : read_pins(store, root)) unused.insert(pin.first);
  Statement roots = store.connection.database.prepare("SELECT DISTINCT pin FROM runs");
  while (!unused.empty() && roots.step()) {
    for (const auto& pin : read_pins(store, std::string(roots.text(0)))) unused.erase(pin.first);
  }
  for (const std::string& digest : unused) {
    const Kept remove = store.connection.use("DELETE FROM pins WHERE digest = ?1");
    remove->bind(1, digest).run();
  }
}

bool remove_rows(Store::State& store, const std::string& id) {
  Transaction transaction(store.connection.database);
  const std::optional<RunRecord> record = read_run(store, id);
  if (!record || !record->ended) return false;
  for (const char* sql : {"DELETE FROM journal WHERE run = ?1", "DELETE FROM answers WHERE run = ?1",
                          "DELETE FROM histories WHERE run = ?1", "DELETE FROM leases WHERE key = 'r:' || ?1",
                          "DELETE FROM runs WHERE id = ?1"}) {
    const Kept remove = store.connection.use(sql);
    remove->bind(1, id).run();
  }
  remove_pins(store, record->pin);
  store.commit(transaction);
  return true;
}

/// What its tools put out beyond what a model is shown. What cannot be deleted does no harm.
void remove_outputs(const std::filesystem::path& folder, const std::string& id) {
  std::error_code ignored;
  const std::string prefix = id + "-";
  for (auto entry = std::filesystem::directory_iterator(folder / "outputs", ignored);
       entry != std::filesystem::directory_iterator(); entry.increment(ignored)) {
    if (!entry->path().filename().string().starts_with(prefix)) continue;
    std::error_code busy;
    std::filesystem::remove(entry->path(), busy);
  }
}

// ---- compact ----

/// Makes the holders that are alive count as alive for so long.
void extend_leases(Store::State& store, milliseconds time) {
  const std::int64_t now = Holder::now();
  const Kept update = store.connection.use("UPDATE holders SET expires = ?1 WHERE expires > ?2");
  update->bind(1, now + std::chrono::duration_cast<std::chrono::microseconds>(time).count()).bind(2, now).run();
}

void give_space_back(Store::State& store) {
  // Meanwhile no program can renew its leases, which must last.
  constexpr std::chrono::hours kLongest{1};
  extend_leases(store, kLongest);
  struct Shorten {
    explicit Shorten(Store::State& of) : store(of) {}
    Shorten(const Shorten&) = delete;
    Shorten& operator=(const Shorten&) = delete;
    ~Shorten() {
      try {
        extend_leases(store, store.holder.lease());
      } catch (const Error&) {
        // Each holder does it for itself, when it next renews.
      }
    }
    Store::State& store;
  };
  {
    const Shorten afterwards(store);
    store.connection.database.vacuum();
  }
  const Kept checkpoint = store.connection.use("PRAGMA wal_checkpoint(TRUNCATE)");
  if (checkpoint->step() && checkpoint->integer(0) != 0) {
    throw Error(errc::storage, "another program reads the store: the space is given back when it is done").retry();
  }
}

}  // namespace

asio::awaitable<bool> Store::undo(std::string session) {
  auto undo = state_->changing([session = std::move(session)](State& store) { return take_back(store, session); });
  co_return co_await state_->thread.run(std::move(undo));
}

asio::awaitable<void> Store::import(RecordedRun run) {
  check_import(run);
  auto import = state_->changing([run = std::move(run)](State& store) { take_in(store, run); });
  co_await state_->thread.run(std::move(import));
}

asio::awaitable<bool> Store::remove(std::string run) {
  auto remove = state_->changing([run = std::move(run)](State& store) {
    const bool removed = remove_rows(store, run);
    if (removed) remove_outputs(store.folder, run);
    return removed;
  });
  co_return co_await state_->thread.run(std::move(remove));
}

asio::awaitable<void> Store::compact() {
  auto compact = state_->changing([](State& store) { give_space_back(store); });
  co_await state_->thread.run(std::move(compact));
}

}  // namespace sennit
