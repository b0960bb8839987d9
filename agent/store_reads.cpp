// What people and programs ask a store for.
#include <sennit/agent/store_state.hpp>

#include <limits>
#include <utility>

namespace sennit {
namespace {

std::vector<RunRecord> read_runs(Store::State& store, const RunFilter& filter) {
  std::string sql = "SELECT id FROM runs WHERE true";
  if (!filter.session.empty()) sql += " AND session = ?1 AND session <> ''";
  if (filter.ended) sql += *filter.ended ? " AND ended IS NOT NULL" : " AND ended IS NULL";
  if (filter.before) sql += " AND started < ?2";
  sql += " ORDER BY number DESC LIMIT ?3";
  Statement query = store.connection.database.prepare(sql);
  query.bind(3, static_cast<std::int64_t>(filter.limit));
  if (!filter.session.empty()) query.bind(1, filter.session);
  if (filter.before) query.bind(2, to_micros(*filter.before));
  std::vector<RunRecord> runs;
  while (query.step()) {
    std::optional<RunRecord> run = read_run(store, std::string(query.text(0)));
    if (run) runs.push_back(std::move(*run));
  }
  return runs;
}

std::vector<SessionRecord> read_sessions(Store::State& store, std::size_t limit) {
  const Kept query = store.connection.use(
      "SELECT id, agent, updated, (SELECT count(*) FROM messages WHERE session = sessions.id) "
      "FROM sessions ORDER BY updated DESC LIMIT ?");
  query->bind(1, static_cast<std::int64_t>(limit));
  std::vector<SessionRecord> sessions;
  while (query->step()) {
    sessions.push_back(
        {std::string(query->text(0)), std::string(query->text(1)), from_micros(query->integer(2)), query->integer(3)});
  }
  return sessions;
}

RecordedRun read_all(Store::State& store, const std::string& id) {
  RecordedRun run;
  run.record = find_run(store, id);
  run.pins = read_pins(store, run.record.pin);
  run.history = read_history(store, run.record);
  run.journal = read_journal(store, run.record.id);
  return run;
}

}  // namespace

asio::awaitable<std::vector<Message>> Store::messages(std::string session) {
  auto read = state_->reading([session = std::move(session)](State& store) {
    return read_messages(store, session, std::numeric_limits<std::int64_t>::max());
  });
  co_return co_await state_->thread.run(std::move(read));
}

asio::awaitable<std::vector<SessionRecord>> Store::sessions(std::size_t limit) {
  auto read = state_->reading([limit](State& store) { return read_sessions(store, limit); });
  co_return co_await state_->thread.run(std::move(read));
}

asio::awaitable<std::vector<RunRecord>> Store::runs(RunFilter filter) {
  auto read = state_->reading([filter = std::move(filter)](State& store) { return read_runs(store, filter); });
  co_return co_await state_->thread.run(std::move(read));
}

asio::awaitable<std::vector<JournalEntry>> Store::journal_of(std::string run) {
  auto read = state_->reading([run = std::move(run)](State& store) { return read_journal(store, run); });
  co_return co_await state_->thread.run(std::move(read));
}

asio::awaitable<RecordedRun> Store::recorded(std::string run) {
  auto read = state_->reading([run = std::move(run)](State& store) { return read_all(store, run); });
  co_return co_await state_->thread.run(std::move(read));
}

}  // namespace sennit
