// A run's life in the store: begun, resumed, ended from outside, answered.
#include <sennit/agent/event.hpp>
#include <sennit/agent/journal.hpp>
#include <sennit/agent/open_calls.hpp>
#include <sennit/agent/store_state.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

namespace sennit {
namespace {

/// The lease's new fence, or nothing where a living holder has it.
std::optional<std::int64_t> take_lease(Store::State& store, const std::string& key) {
  {
    const Kept query = store.connection.use(
        "SELECT l.holder, h.expires FROM leases l LEFT JOIN holders h ON h.id = l.holder "
        "WHERE l.key = ?1 AND l.holder IS NOT NULL");
    if (query->bind(1, key).step() && store.holder.lives(query->integer(0), query->integer(1))) return std::nullopt;
  }
  const Kept take = store.connection.use(
      "INSERT INTO leases(key, fence, holder) VALUES(?1, 1, ?2) "
      "ON CONFLICT(key) DO UPDATE SET fence = fence + 1, holder = excluded.holder RETURNING fence");
  take->bind(1, key).bind(2, store.holder.id()).step();
  return take->integer(0);
}

Error session_is_busy(const std::string& session, const std::optional<RunRecord>& run) {
  return Error(errc::busy, "the session '" + session + "' has a run already, here or in another program" +
                               (run ? " (" + run->id + ")" : "") + "; wait for its end")
      .retry();
}

Error run_is_busy(const std::string& run) {
  return Error(errc::busy, "the run " + run + " is at work, here or in another program; wait for its end").retry();
}

Error session_waits(const RunRecord& run) {
  return Error(errc::busy, "the session '" + run.session + "' waits for a person: run " + run.id + " wants " +
                               run.waits_for + "; answer it with `sennit runs answer " + run.id +
                               "` or end it with `sennit runs cancel " + run.id + "`");
}

void count(Outcome& outcome, const JournalEntry& entry) {
  if (entry.kind == "tool" && entry.boundary != Boundary::end) ++outcome.tool_calls;
  if (entry.kind != "complete" || entry.boundary == Boundary::start) return;
  if (entry.effect.find('/') == std::string::npos) ++outcome.steps;  // a sub-agent's are its own
  const json::value data = parse_entry(entry);
  const json::value* out = find(data, "out");
  if (out == nullptr) return;
  if (const json::value* usage = find(*out, "usage")) outcome.usage += usage_from_json(*usage);
  const json::value* broken = find(*out, "broken");
  if (broken == nullptr || !broken->is_array()) return;
  for (const json::value& usage : broken->get_array()) outcome.usage += usage_from_json(usage);
}

/// The outcome of a run that is ended from outside. It tells what the journal has of its use.
std::string cancelled(std::string why, const std::vector<JournalEntry>& journal) {
  Outcome outcome;
  outcome.ending = Ending::cancelled;
  outcome.detail = std::move(why);
  try {
    for (const JournalEntry& entry : journal) count(outcome, entry);
  } catch (const std::exception&) {
    outcome.usage = {};  // a journal that cannot be read must not keep the run open
  }
  return stored(outcome);
}

using Entries = std::vector<JournalEntry>;

std::unique_ptr<RunLog> make_log(std::shared_ptr<Store::State> store, const RunRecord& record, std::int64_t fence,
                                 std::size_t entries) {
  auto log = std::make_shared<RunLog::State>(std::move(store), record, fence);
  log->next_entry = static_cast<std::int64_t>(entries);
  return std::make_unique<RunLog>(std::move(log));
}

void insert_entries(Store::State& store, const RunRecord& record, const Entries& entries) {
  std::int64_t number = 0;
  for (const JournalEntry& entry : entries) insert_entry(store, record.id, number++, entry);
}

/// The run of the session that has not ended, if there is one: there is one at most.
std::optional<RunRecord> open_run(Store::State& store, const std::string& session) {
  std::string id;
  {
    const Kept query = store.connection.use("SELECT id FROM runs WHERE session = ?1 AND ended IS NULL LIMIT 1");
    if (!query->bind(1, session).step()) return std::nullopt;
    id = query->text(0);
  }
  return read_run(store, id);
}

void touch_session(Store::State& store, const RunRecord& record) {
  const Kept touch = store.connection.use(
      "INSERT INTO sessions(id, agent, created, updated) VALUES(?1,?2,?3,?3) "
      "ON CONFLICT(id) DO UPDATE SET agent = excluded.agent, updated = excluded.updated");
  touch->bind(1, record.session).bind(2, record.agent).bind(3, to_micros(record.started)).run();
}

OpenedRun begin_in_session(const std::shared_ptr<Store::State>& state, RunRecord record, const Pins& pins,
                           const Entries& entries) {
  Store::State& store = *state;
  store.holder.prepare(store.connection.database);
  Transaction transaction(store.connection.database);
  const std::optional<std::int64_t> fence = take_lease(store, lease_key(record));
  if (!fence) throw session_is_busy(record.session, open_run(store, record.session));
  OpenedRun opened;
  std::string before = record.id;
  std::vector<JournalEntry> left_open;
  if (const std::optional<RunRecord> last = open_run(store, record.session)) {
    if (!last->waits_for.empty()) throw session_waits(*last);
    before = last->id;
    left_open = read_journal(store, last->id);
    end_run(store, last->id, record.started,
            cancelled("the session went on without it (run " + record.id + ")", left_open));
    opened.notice = "the session's last run " + last->id + " was interrupted, and is ended by this one";
  }
  opened.next_position = next_position(store, record.session);
  opened.history = read_messages(store, record.session, opened.next_position);
  // Part of what was before this run: whoever resumes it finds the same history.
  for (Message& message : closing_messages(opened.history, left_open, "not done: the program ended before")) {
    insert_message(store, record.session, opened.next_position++, before, stored(to_json(message)));
    opened.history.push_back(std::move(message));
  }
  record.base = opened.next_position;
  insert_pins(store, pins);
  insert_run(store, record);
  insert_entries(store, record, entries);
  touch_session(store, record);
  store.commit(transaction);
  opened.log = make_log(state, record, *fence, entries.size());
  opened.recorded.record = std::move(record);
  return opened;
}

/// Its lease is its own, so that nobody need be asked: all that is known of it is queued.
OpenedRun begin_alone(const std::shared_ptr<Store::State>& state, RunRecord record, Pins pins, Entries entries,
                      std::size_t bytes) {
  OpenedRun opened;
  const auto run = std::make_shared<RunLog::State>(state, record, 1);
  run->next_entry = static_cast<std::int64_t>(entries.size());
  opened.recorded.record = record;
  state->enqueue(
      {run,
       [record = std::move(record), pins = std::move(pins), entries = std::move(entries)](Store::State& store) {
         const Kept take = store.connection.use("INSERT INTO leases(key, fence, holder) VALUES(?1, 1, ?2)");
         take->bind(1, lease_key(record)).bind(2, store.holder.id()).run();
         insert_pins(store, pins);
         insert_run(store, record);
         insert_entries(store, record, entries);
       },
       bytes, false});
  opened.log = std::make_unique<RunLog>(run);
  return opened;
}

/// What the run's row comes to, with room for its end. Throws Error(errc::too_large), also for a pin that is.
std::size_t check_size(Store::State& store, const RunRecord& record, const Pins& pins) {
  const std::size_t bytes = record.id.size() + record.session.size() + record.agent.size() + record.model.size() +
                            record.pin.size() + record.input.size() + record.forked_from.size() +
                            (describe_given(record).empty() ? 0 : stored(describe_given(record)).size()) +
                            (record.origin.empty() ? 0 : stored(record.origin).size());
  require_row(kMaxOutcome + bytes);
  constexpr std::size_t kMostKnown = 1'024;
  for (const auto& [digest, body] : pins) {
    {
      const std::lock_guard lock(store.mutex);
      if (store.sized_pins.contains(digest)) continue;
    }
    (void)stored(body, digest.size());
    const std::lock_guard lock(store.mutex);
    if (store.sized_pins.size() >= kMostKnown) store.sized_pins.clear();
    store.sized_pins.insert(digest);
  }
  return bytes;
}

/// A run that can be taken up. Throws where it cannot.
RunRecord unended_run(Store::State& store, const std::string& id) {
  RunRecord run = find_run(store, id);
  if (run.ended) throw Error(errc::invalid_argument, "the run " + run.id + " has ended");
  return run;
}

void require_last_of_session(Store::State& store, const RunRecord& record) {
  if (record.session.empty()) return;
  const Kept query = store.connection.use(
      "SELECT id FROM runs WHERE session = ?1 AND session <> '' AND "
      "number > (SELECT number FROM runs WHERE id = ?2) LIMIT 1");
  if (!query->bind(1, record.session).bind(2, record.id).step()) return;
  throw Error(errc::invalid_argument, "the session '" + record.session + "' went on without the run " + record.id +
                                          " (run " + std::string(query->text(0)) + ")");
}

/// Counts the attempt that begins. Throws Error(errc::denied) for a run in quarantine.
void count_attempt(Store::State& store, RunRecord& record, bool forced) {
  std::int64_t ended = 0;
  bool got_further = false;
  {
    const Kept query = store.connection.use(
        "SELECT count(*), count(*) > (SELECT progress FROM runs WHERE id = ?1) FROM journal "
        "WHERE run = ?1 AND boundary > 0");
    query->bind(1, record.id).step();
    ended = query->integer(0);
    got_further = query->integer(1) != 0;
  }
  record.attempts = got_further || forced ? 1 : record.attempts + 1;
  if (record.attempts > kMaxAttempts) {
    throw Error(errc::denied, "the run " + record.id + " took its program down " + std::to_string(kMaxAttempts) +
                                  " times without getting further, so it is in quarantine; look at `sennit runs show " +
                                  record.id + "`, then `sennit runs resume --force " + record.id +
                                  "` or `sennit runs cancel " + record.id + "`");
  }
  const Kept update =
      store.connection.use("UPDATE runs SET attempts = ?2, progress = ?3, waits_for = '' WHERE id = ?1");
  update->bind(1, record.id).bind(2, std::int64_t{record.attempts}).bind(3, ended).run();
}

std::int64_t next_entry(Store::State& store, const std::string& run) {
  const Kept query = store.connection.use("SELECT coalesce(max(position) + 1, 0) FROM journal WHERE run = ?1");
  query->bind(1, run).step();
  return query->integer(0);
}

OpenedRun resume_run(const std::shared_ptr<Store::State>& state, const std::string& id, bool forced) {
  Store::State& store = *state;
  store.holder.prepare(store.connection.database);
  OpenedRun opened;
  {
    Transaction transaction(store.connection.database);
    RunRecord record = unended_run(store, id);
    require_last_of_session(store, record);
    const std::optional<std::int64_t> fence = take_lease(store, lease_key(record));
    if (!fence) throw run_is_busy(record.id);
    opened.before = {record.waits_for, record.attempts};
    count_attempt(store, record, forced);
    const std::int64_t entries = next_entry(store, record.id);
    store.commit(transaction);
    record.phase = RunPhase::running;
    record.process = getpid();
    record.waits_for.clear();
    auto log = std::make_shared<RunLog::State>(state, record, *fence);
    log->next_entry = entries;
    log->resumed = true;
    opened.log = std::make_unique<RunLog>(std::move(log));
    opened.recorded.record = std::move(record);
  }
  // The lease is taken: what is read now changes no more, and if it cannot be read, the log gives the lease back.
  const RunRecord& record = opened.recorded.record;
  opened.next_position = record.session.empty() ? record.base : next_position(store, record.session);
  opened.history = read_history(store, record);
  opened.recorded.pins = read_pins(store, record.pin);
  opened.recorded.journal = read_journal(store, record.id);
  opened.answers = read_answers(store, record.id);
  if (record.session.empty()) opened.recorded.history = opened.history;
  return opened;
}

/// Leaves the session's conversation as any provider accepts it.
void close_conversation(Store::State& store, const RunRecord& record, const std::vector<JournalEntry>& journal,
                        const std::string& reason) {
  std::int64_t position = next_position(store, record.session);
  std::vector<Message> conversation = read_messages(store, record.session, position);
  const auto add = [&](const Message& message) {
    insert_message(store, record.session, position++, record.id, stored(to_json(message)));
  };
  if (position <= record.base) add(user_message(record.input, record.attachments));
  for (const Message& message :
       closing_messages(conversation, journal, "not done: the run ended before (" + reason + ")")) {
    add(message);
  }
}

void abandon_run(Store::State& store, const std::string& id, const std::string& reason) {
  store.holder.prepare(store.connection.database);
  Transaction transaction(store.connection.database);
  const RunRecord record = unended_run(store, id);
  const std::string key = lease_key(record);
  const std::optional<std::int64_t> fence = take_lease(store, key);
  if (!fence) throw run_is_busy(record.id);
  const std::vector<JournalEntry> journal = read_journal(store, record.id);
  if (!record.session.empty()) close_conversation(store, record, journal, reason);
  end_run(store, record.id, std::chrono::system_clock::now(), cancelled(reason, journal));
  give_lease_back(store, key, *fence, true);
  store.commit(transaction);
}

/// Whether the run's journal has a request that nothing has settled.
bool has_open_request(Store::State& store, const std::string& run, const std::string& request) {
  static constexpr std::array<std::string_view, 3> kKinds{"approval", "ask", "doubt"};
  bool open = false;
  const Kept query =
      store.connection.use("SELECT kind, boundary FROM journal WHERE run = ?1 AND effect = ?2 ORDER BY position");
  query->bind(1, run).bind(2, request);
  while (query->step()) {
    if (query->integer(1) != static_cast<std::int64_t>(Boundary::start)) return false;
    open = std::find(kKinds.begin(), kKinds.end(), query->text(0)) != kKinds.end();
  }
  return open;
}

void keep_answer(Store::State& store, const std::string& run, const Answer& answer) {
  Transaction transaction(store.connection.database);
  const RunRecord record = find_run(store, run);
  if (record.ended || !has_open_request(store, record.id, answer.request)) {
    throw Error(errc::not_found, "the run " + record.id + " waits for no answer to '" + answer.request + "'");
  }
  const Kept insert = store.connection.use(
      "INSERT INTO answers(run, request, text, digest, at) VALUES(?1,?2,?3,?4,?5) ON CONFLICT(run, request) "
      "DO UPDATE SET text = excluded.text, digest = excluded.digest, at = excluded.at");
  insert->bind(1, record.id)
      .bind(2, answer.request)
      .bind(3, answer.text)
      .bind(4, answer.digest)
      .bind(5, to_micros(answer.at))
      .run();
  store.commit(transaction);
}

}  // namespace

OpenedRun::OpenedRun() = default;
OpenedRun::OpenedRun(OpenedRun&&) noexcept = default;
OpenedRun& OpenedRun::operator=(OpenedRun&&) noexcept = default;
OpenedRun::~OpenedRun() = default;

asio::awaitable<OpenedRun> Store::begin(RunRecord record, Pins pins, Entries entries) {
  std::size_t bytes = check_size(*state_, record, pins);
  for (const JournalEntry& entry : entries) bytes += entry.effect.size() + entry.kind.size() + entry.data.size();
  record.attempts = 1;
  record.phase = RunPhase::running;
  record.process = getpid();
  if (record.session.empty())
    co_return begin_alone(state_, std::move(record), std::move(pins), std::move(entries), bytes);
  auto begin = state_->changing(
      [store = state_, record = std::move(record), pins = std::move(pins), entries = std::move(entries)](State&) {
        return begin_in_session(store, record, pins, entries);
      });
  co_return co_await state_->thread.run(std::move(begin));
}

asio::awaitable<OpenedRun> Store::resume(std::string run, bool forced) {
  auto resume = state_->changing(
      [store = state_, run = std::move(run), forced](State&) { return resume_run(store, run, forced); });
  co_return co_await state_->thread.run(std::move(resume));
}

asio::awaitable<void> Store::abandon(std::string run, std::string reason) {
  auto abandon = state_->changing(
      [run = std::move(run), reason = std::move(reason)](State& store) { abandon_run(store, run, reason); });
  co_await state_->thread.run(std::move(abandon));
}

asio::awaitable<void> Store::answer(std::string run, Answer answer) {
  require_row(run.size() + answer.request.size() + answer.text.size() + answer.digest.size());
  auto keep = state_->changing(
      [run = std::move(run), answer = std::move(answer)](State& store) { keep_answer(store, run, answer); });
  co_await state_->thread.run(std::move(keep));
}

asio::awaitable<std::vector<Answer>> Store::answers(std::string run) {
  auto read = state_->reading([run = std::move(run)](State& store) { return read_answers(store, run); });
  co_return co_await state_->thread.run(std::move(read));
}

}  // namespace sennit
