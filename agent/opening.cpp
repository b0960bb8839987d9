#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/opening.hpp>
#include <sennit/agent/pin.hpp>
#include <sennit/agent/runtime_state.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>

#include <charconv>
#include <utility>

namespace sennit {
namespace {

// How often a run that queues looks whether the session is free: another program does not tell.
constexpr milliseconds kLook{20};

/// Takes a session that lives in memory.
std::vector<Message> take_in_memory(Session::State& session) {
  const std::lock_guard lock(session.mutex);
  if (std::exchange(session.running, true)) throw session_is_busy();
  session.run_starts.push_back(session.messages.size());
  return session.messages;
}

RunRecord new_record(const Run::State& run, const Session::State& session, const std::string& input) {
  RunRecord record;
  record.id = run.id;
  record.session = session.kept() ? session.id : std::string();
  record.agent = session.parts->definition.name;
  record.pin = session.parts->digest;
  record.input = input;
  for (const auto& [name, value] : run.options.inputs) record.inputs[name] = value;
  record.attachments = run.options.attachments;
  record.labels = run.options.labels;
  record.tags = run.options.tags;
  record.origin = run.options.origin;
  record.started = run.environment->wall_now();
  return record;
}

Opening opening_of(OpenedRun opened, Run::State& run) {
  Opening opening;
  opening.journal = Journal(std::move(opened.log), run.order);
  opening.history = std::move(opened.history);
  opening.next_position = opened.next_position;
  opening.notice = std::move(opened.notice);
  opening.before = std::move(opened.before);
  for (Answer& answer : opened.answers) {
    std::string request = answer.request;
    run.answers.insert_or_assign(std::move(request), std::move(answer));
  }
  return opening;
}

asio::awaitable<Opening> begin_new(Run::State& run, Session::State& session, std::string input) {
  Opening opening;
  Store* const store = session.parts->runtime->store.get();
  std::vector<Message> history;
  if (!session.kept()) history = take_in_memory(session);
  if (store != nullptr) {
    std::optional<Error> failure;
    try {
      OpenedRun opened = co_await store->begin(new_record(run, session, input), session.parts->pins);
      opening = opening_of(std::move(opened), run);
    } catch (...) {
      failure = current_error();
    }
    if (failure) {
      close_session(session, nullptr);
      throw Error(std::move(*failure));
    }
  }
  if (!session.kept()) opening.history = std::move(history);
  opening.input = std::move(input);
  co_return opening;
}

/// Begins, or queues for the session, first come, first served.
asio::awaitable<Opening> begin_in_turn(Run::State& run, Session::State& session, std::string input) {
  const SteadyTime due = run.environment->now() + run.options.wait_for_session;
  const Queue::Place place(session.parts->runtime->queue, session.kept() ? session.id : session.address());
  while (true) {
    if (run.cancelled) throw Error(errc::cancelled, run.cancel_reason);
    const bool last_look = run.environment->now() >= due;
    if (place.is_first() || last_look) {
      try {
        co_return co_await begin_new(run, session, input);
      } catch (const Error& error) {
        if (error.code() != errc::busy || last_look || !error.retryable()) throw;
      }
    }
    co_await run.environment->sleep(kLook);
  }
}

void take_inputs(Run::State& run, const RunRecord& record) {
  run.options.inputs.clear();
  for (const auto& [name, value] : record.inputs) run.options.inputs.emplace(name, value);
  run.options.attachments = record.attachments;
  run.options.labels = record.labels;
  run.options.tags = record.tags;
}

/// The history of a run that no session keeps stands in its journal.
std::vector<Message> history_of(const RecordedRun& recorded, const Journal& journal) {
  if (!recorded.history.empty()) return recorded.history;
  std::vector<Message> history;
  const Recorded* start = journal.find("1");
  const json::value* kept = start == nullptr ? nullptr : find(start->in, "history");
  if (kept == nullptr) return history;
  for (const json::value& message : kept->as_array()) history.push_back(message_from_json(message));
  return history;
}

void tell(Run::State& run, Opening& opening, const RecordedRun& recorded, Journal::Tell how) {
  take_inputs(run, recorded.record);
  opening.journal.tell(recorded, how);
  opening.input = recorded.record.input;
  run.retold.emplace();
  for (const json::value& order : opening.journal.order()) run.retold->expect(order);
}

Opening open_replay(Run::State& run, Session::State& session, const RecordedRun& recorded) {
  Opening opening;
  session.id = recorded.record.session;  // in name only: nothing is written
  tell(run, opening, recorded, Journal::Tell::exactly);
  opening.journal.only_tell();
  opening.history = history_of(recorded, opening.journal);
  return opening;
}

/// The run goes on with the agent that it began with, unless a person wants otherwise.
void check_pin(const RecordedRun& recorded, const Agent::Parts& parts) {
  if (recorded.record.pin == parts.digest) return;
  const auto was = recorded.pins.find(recorded.record.pin);
  std::string difference;
  if (was != recorded.pins.end()) difference = pin_difference(was->second, parts.pin);
  throw Error(errc::diverged,
              "the agent is another one than the run began with; go on all the same by choice "
              "(--migrate), or take the old agent file:\n" +
                  difference)
      .at("run " + recorded.record.id);
}

asio::awaitable<Opening> open_resumed(Run::State& run, Session::State& session, Beginning beginning) {
  Store* const store = session.parts->runtime->store.get();
  if (store == nullptr) throw Error(errc::invalid_argument, "without a state folder there is no run to go on with");
  if (!beginning.migrate) {
    const RecordedRun recorded = co_await store->recorded(beginning.resume);
    check_pin(recorded, *session.parts);
  }
  OpenedRun opened = co_await store->resume(beginning.resume, beginning.forced);
  const RecordedRun recorded = std::move(opened.recorded);
  session.id = recorded.record.session;
  Opening opening = opening_of(std::move(opened), run);
  opening.next_position = recorded.record.base;  // what is told counts on from there: each message has its place
  std::optional<Error> failure;
  try {
    tell(run, opening, recorded, beginning.migrate ? Journal::Tell::loosely : Journal::Tell::exactly);
    if (session.id.empty()) opening.history = history_of(recorded, opening.journal);
  } catch (...) {
    failure = current_error();
  }
  if (failure) {  // a run that cannot be read is what it was
    opening.journal.log()->suspend(opening.before);
    auto leaving = opening.journal.log()->committed();
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await shielded(std::move(leaving));  // where that fails as well, the store has said so in the log
    throw Error(std::move(*failure));
  }
  co_return opening;
}

/// The number of a run's own effect that `effect` is, or is a part of.
std::uint32_t number_of(const std::string& effect) {
  std::uint32_t number = 0;
  std::from_chars(effect.data(), effect.data() + effect.size(), number);
  return number;
}

/// What a fork takes over: what was done between the start, which it does itself, and effect `at`.
std::vector<JournalEntry> taken_over(const std::vector<JournalEntry>& journal, std::uint32_t at) {
  std::vector<JournalEntry> entries;
  for (JournalEntry entry : journal) {
    const std::uint32_t number = number_of(entry.effect);
    if (number < 2 || number >= at) continue;
    json::value data = parse_entry(entry);
    data.as_object().erase("order");
    data.as_object().erase("anew");
    entry.data = json::serialize(data);
    entries.push_back(std::move(entry));
  }
  return entries;
}

asio::awaitable<Opening> open_fork(Run::State& run, Session::State& session, Beginning beginning) {
  RecordedRun source = std::move(*beginning.recorded);
  std::uint32_t last = 0;
  for (const JournalEntry& entry : source.journal) last = std::max(last, number_of(entry.effect));
  if (beginning.fork_at > last + 1) {
    throw Error(errc::invalid_argument, "the run has " + std::to_string(last) + " effects: it can be forked at 1 to " +
                                            std::to_string(last + 1));
  }
  if (beginning.fork_at == 1 && !beginning.say.empty()) source.record.input = std::exchange(beginning.say, {});
  Journal whole;
  whole.tell(source, Journal::Tell::loosely);
  std::vector<Message> history = history_of(source, whole);
  source.journal = taken_over(source.journal, beginning.fork_at);

  Store* const store = session.parts->runtime->store.get();
  Opening opening;
  take_inputs(run, source.record);
  if (store != nullptr) {
    RunRecord record = new_record(run, session, source.record.input);
    record.forked_from = source.record.id + "@" + std::to_string(beginning.fork_at);
    OpenedRun opened = co_await store->begin(std::move(record), session.parts->pins, source.journal);
    opening = opening_of(std::move(opened), run);
  }
  tell(run, opening, source, Journal::Tell::loosely);
  opening.history = std::move(history);
  opening.say = std::move(beginning.say);
  co_return opening;
}

}  // namespace

asio::awaitable<Opening> open_run(Run::State& run, Session::State& session, Beginning& beginning) {
  if (beginning.recorded && beginning.fork_at == 0) co_return open_replay(run, session, *beginning.recorded);
  if (beginning.recorded) co_return co_await open_fork(run, session, std::move(beginning));
  if (!beginning.resume.empty()) co_return co_await open_resumed(run, session, std::move(beginning));
  if (run.options.wait_for_session <= milliseconds::zero()) {
    co_return co_await begin_new(run, session, std::move(beginning.input));
  }
  co_return co_await begin_in_turn(run, session, std::move(beginning.input));
}

SENNIT_OUT_OF_FRAME void close_session(Session::State& session, std::vector<Message>* conversation) {
  if (session.kept()) return;  // the store gives it back
  const std::lock_guard lock(session.mutex);
  if (conversation != nullptr) {
    session.messages = std::move(*conversation);
  } else if (session.running) {
    session.run_starts.pop_back();  // it left nothing that could be taken back
  }
  session.running = false;
}

Error session_is_busy() {
  return Error(errc::busy, "the session has a run already; wait for its end").retry();
}

}  // namespace sennit
