// The store's rows, written and read. Everything here happens on the store's thread.
#include <sennit/agent/io/secrets.hpp>
#include <sennit/agent/store_state.hpp>

#include <unistd.h>

#include <limits>
#include <utility>

namespace sennit {
namespace {

// What is stored contains what came from outside, which is nested kMaxJsonDepth deep at most.
constexpr std::size_t kMaxStoredDepth = 2 * kMaxJsonDepth;

// A run with what tells its phase: whether its attempts led nowhere, and who has its lease.
constexpr const char* kRunOfId =
    "SELECT r.id, r.session, r.agent, r.model, r.pin, r.base, r.started, r.ended, r.waits_for, r.attempts, "
    "r.forked_from, r.inputs, r.origin, r.outcome, r.input, "
    "r.ended IS NULL AND r.attempts >= ?2 AND "
    "(SELECT count(*) FROM journal WHERE run = r.id AND boundary > 0) <= r.progress, l.holder, h.expires, h.process "
    "FROM runs r LEFT JOIN leases l ON r.ended IS NULL AND "
    "l.key = CASE r.session WHEN '' THEN 'r:' || r.id ELSE 's:' || r.session END "
    "LEFT JOIN holders h ON h.id = l.holder WHERE r.id = ?1";

json::object object_of(std::string_view text) {
  std::optional<json::value> value = parse_stored(text);
  return value && value->is_object() ? std::move(value->get_object()) : json::object{};
}

}  // namespace

void require_row(std::size_t bytes) {
  constexpr std::size_t kRest = 6'144;  // of a row: numbers, short texts that come later, SQLite's own
  if (bytes + kRest <= kMaxStoredBytes) return;
  throw Error(errc::too_large,
              "what is to be kept exceeds the store's bound of " + std::to_string(kMaxStoredBytes) + " bytes a row");
}

std::int64_t to_micros(WallTime time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

WallTime from_micros(std::int64_t micros) {
  return WallTime(std::chrono::microseconds(micros));
}

std::string stored(const json::value& value, std::size_t beside) {
  std::string text = json::serialize(value);
  require_row(text.size() + beside);
  text = sanitize_utf8(text);
  require_row(text.size() + beside);
  return text;
}

std::string stored(const Outcome& outcome) {
  std::string body = sanitize_utf8(json::serialize(to_json(outcome)));
  if (body.size() <= kMaxOutcome) return body;
  Outcome figures = outcome;
  figures.text.clear();
  figures.output = nullptr;
  figures.error.reset();
  figures.detail = kOutcomeTooLarge;
  return stored(to_json(figures));
}

std::optional<json::value> parse_stored(std::string_view text) {
  json::parse_options options;
  options.max_depth = kMaxStoredDepth;
  boost::system::error_code error;
  json::value value = json::parse(text, error, {}, options);
  if (error) return std::nullopt;
  return value;
}

std::string lease_key(const RunRecord& record) {
  return record.session.empty() ? "r:" + record.id : "s:" + record.session;
}

// ---- written ----

void insert_run(Store::State& store, const RunRecord& record) {
  const Kept insert = store.connection.use(
      "INSERT INTO runs(id, session, agent, model, pin, base, started, ended, waits_for, attempts, progress, "
      "forked_from, inputs, origin, outcome, input) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,0,?11,?12,?13,?14,?15)");
  insert->bind(1, record.id)
      .bind(2, record.session)
      .bind(3, record.agent)
      .bind(4, record.model)
      .bind(5, record.pin)
      .bind(6, record.base)
      .bind(7, to_micros(record.started))
      .bind(9, record.waits_for)
      .bind(10, std::int64_t{record.attempts})
      .bind(11, record.forked_from)
      .bind(12, stored(describe_given(record)))
      .bind(13, stored(record.origin))
      .bind(15, record.input);
  if (record.ended) insert->bind(8, to_micros(*record.ended));
  if (!record.outcome.is_null()) insert->bind(14, stored(record.outcome));
  insert->run();
}

void insert_pins(Store::State& store, const Pins& pins) {
  for (const auto& [digest, body] : pins) {
    // Asked first: nearly always it is there, and need not be written as text.
    const Kept known = store.connection.use("SELECT 1 FROM pins WHERE digest = ?1");
    if (known->bind(1, digest).step()) continue;
    const Kept insert = store.connection.use("INSERT INTO pins(digest, body) VALUES(?1, ?2)");
    json::value clean = body;
    secrets::redact_in(clean);
    insert->bind(1, digest).bind(2, stored(clean)).run();
  }
}

void insert_entry(Store::State& store, const std::string& run, std::int64_t position, const JournalEntry& entry) {
  const Kept insert = store.connection.use(
      "INSERT INTO journal(run, position, effect, kind, boundary, at, data) VALUES(?1,?2,?3,?4,?5,?6,?7)");
  insert->bind(1, run)
      .bind(2, position)
      .bind(3, entry.effect)
      .bind(4, entry.kind)
      .bind(5, static_cast<std::int64_t>(entry.boundary))
      .bind(6, to_micros(entry.at))
      .bind(7, entry.data)
      .run();
}

void insert_message(Store::State& store, const std::string& session, std::int64_t position, const std::string& run,
                    std::string_view body) {
  const Kept insert = store.connection.use("INSERT INTO messages(session, position, run, body) VALUES(?1,?2,?3,?4)");
  insert->bind(1, session).bind(2, position).bind(3, run).bind(4, body).run();
}

void end_run(Store::State& store, const std::string& run, WallTime at, const std::string& outcome) {
  const Kept update = store.connection.use("UPDATE runs SET ended = ?2, outcome = ?3, waits_for = '' WHERE id = ?1");
  update->bind(1, run).bind(2, to_micros(at)).bind(3, outcome).run();
}

void give_lease_back(Store::State& store, const std::string& key, std::int64_t fence, bool run_has_ended) {
  const bool is_done_with = run_has_ended && key.starts_with("r:");
  const Kept give =
      store.connection.use(is_done_with ? "DELETE FROM leases WHERE key = ?1 AND fence = ?2"
                                        : "UPDATE leases SET holder = NULL WHERE key = ?1 AND fence = ?2");
  give->bind(1, key).bind(2, fence).run();
}

// ---- read ----

std::optional<RunRecord> read_run(Store::State& store, const std::string& id) {
  const Kept query = store.connection.use(kRunOfId);
  query->bind(1, id).bind(2, std::int64_t{kMaxAttempts});
  if (!query->step()) return std::nullopt;
  RunRecord run;
  run.id = query->text(0);
  run.session = query->text(1);
  run.agent = query->text(2);
  run.model = query->text(3);
  run.pin = query->text(4);
  run.base = query->integer(5);
  run.started = from_micros(query->integer(6));
  if (!query->is_null(7)) run.ended = from_micros(query->integer(7));
  run.waits_for = query->text(8);
  run.attempts = static_cast<int>(query->integer(9));
  run.forked_from = query->text(10);
  take_given(run, object_of(query->text(11)));
  run.origin = object_of(query->text(12));
  if (!query->is_null(13)) run.outcome = parse_stored(query->text(13)).value_or(nullptr);
  run.input = query->text(14);
  if (run.ended) {
    run.phase = RunPhase::ended;
  } else if (!query->is_null(16) && store.holder.lives(query->integer(16), query->integer(17))) {
    run.phase = RunPhase::running;
    run.process = query->is_null(18) ? std::int64_t{getpid()} : query->integer(18);
  } else if (!run.waits_for.empty()) {
    run.phase = RunPhase::waiting;
  } else {
    run.phase = query->integer(15) != 0 ? RunPhase::quarantined : RunPhase::interrupted;
  }
  return run;
}

RunRecord find_run(Store::State& store, const std::string& id) {
  constexpr std::size_t kShortest = 4;
  if (std::optional<RunRecord> exact = read_run(store, id)) return std::move(*exact);
  std::vector<std::string> found;
  if (id.size() >= kShortest) {
    // Up to what follows every continuation of it.
    const Kept query =
        store.connection.use("SELECT id FROM runs WHERE id > ?1 AND id < ?1 || char(1114111) ORDER BY id LIMIT 3");
    query->bind(1, id);
    while (query->step()) found.emplace_back(query->text(0));
  }
  if (found.empty()) throw no_such_run(id);
  if (found.size() > 1) {
    throw Error(errc::not_found,
                "several runs begin with '" + id + "': " + found[0] + ", " + found[1] + (found.size() > 2 ? " …" : ""));
  }
  std::optional<RunRecord> run = read_run(store, found.front());
  if (!run) throw no_such_run(id);
  return std::move(*run);
}

std::vector<Message> read_messages(Store::State& store, const std::string& session, std::int64_t end) {
  const Kept query =
      store.connection.use("SELECT body FROM messages WHERE session = ?1 AND position < ?2 ORDER BY position");
  query->bind(1, session).bind(2, end);
  std::vector<Message> messages;
  while (query->step()) {
    try {
      messages.push_back(message_from_json(parse_stored(query->text(0)).value_or(nullptr)));
    } catch (const Error&) {
      throw Error(errc::storage, "the session '" + session + "' has a message that cannot be read");
    }
  }
  return messages;
}

std::int64_t next_position(Store::State& store, const std::string& session) {
  const Kept query = store.connection.use("SELECT coalesce(max(position) + 1, 0) FROM messages WHERE session = ?1");
  query->bind(1, session).step();
  return query->integer(0);
}

std::vector<Message> read_history(Store::State& store, const RunRecord& record) {
  if (!record.session.empty()) return read_messages(store, record.session, record.base);
  const Kept query = store.connection.use("SELECT body FROM histories WHERE run = ?1 ORDER BY position");
  query->bind(1, record.id);
  std::vector<Message> messages;
  while (query->step()) {
    try {
      messages.push_back(message_from_json(parse_stored(query->text(0)).value_or(nullptr)));
    } catch (const Error&) {
      throw Error(errc::storage, "the run " + record.id + " has a message that cannot be read");
    }
  }
  return messages;
}

std::vector<JournalEntry> read_journal(Store::State& store, const std::string& run) {
  const Kept query =
      store.connection.use("SELECT effect, kind, boundary, at, data FROM journal WHERE run = ?1 ORDER BY position");
  query->bind(1, run);
  std::vector<JournalEntry> entries;
  while (query->step()) {
    const std::int64_t boundary = query->integer(2);
    if (boundary < 0 || boundary > static_cast<std::int64_t>(Boundary::whole)) {
      throw Error(errc::storage, "the run " + run + " has a journal entry that cannot be read");
    }
    entries.push_back({std::string(query->text(0)), std::string(query->text(1)), static_cast<Boundary>(boundary),
                       from_micros(query->integer(3)), std::string(query->text(4))});
  }
  return entries;
}

std::vector<Answer> read_answers(Store::State& store, const std::string& run) {
  const Kept query = store.connection.use("SELECT request, text, digest, at FROM answers WHERE run = ?1 ORDER BY at");
  query->bind(1, run);
  std::vector<Answer> answers;
  while (query->step()) {
    answers.push_back({std::string(query->text(0)), std::string(query->text(1)), std::string(query->text(2)),
                       from_micros(query->integer(3))});
  }
  return answers;
}

Pins read_pins(Store::State& store, const std::string& root) {
  Pins pins;
  std::vector<std::string> wanted{root};
  while (!wanted.empty()) {
    std::string digest = std::move(wanted.back());
    wanted.pop_back();
    if (pins.contains(digest)) continue;
    const Kept query = store.connection.use("SELECT body FROM pins WHERE digest = ?1");
    if (!query->bind(1, digest).step()) continue;
    std::optional<json::value> body = parse_stored(query->text(0));
    if (!body) throw Error(errc::storage, "the pin " + digest + " cannot be read");
    if (const json::value* agents = find(*body, "agents"); agents != nullptr && agents->is_object()) {
      for (const auto& agent : agents->get_object()) wanted.emplace_back(find_string(agent.value(), "pin"));
    }
    pins.emplace(std::move(digest), std::move(*body));
  }
  return pins;
}

Error no_such_run(const std::string& id) {
  return Error(errc::not_found, "there is no run '" + id + "'");
}

}  // namespace sennit
