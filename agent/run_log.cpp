#include <sennit/agent/redaction.hpp>
#include <sennit/agent/store_state.hpp>

#include <cassert>
#include <utility>

namespace sennit {
namespace {

// Of a run's row beside its texts: it must fit, whatever comes to be known of the run.
constexpr std::size_t kMaxName = 1'000;

/// Cuts at `limit` bytes without splitting a character.
std::string cut(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U) --limit;
  text.resize(limit);
  return text;
}

void put_message(Store::State& store, const RunLog::State& run, std::int64_t position, const std::string& body) {
  if (run.resumed) {
    const Kept remove = store.connection.use("DELETE FROM messages WHERE session = ?1 AND position = ?2 AND run = ?3");
    remove->bind(1, run.session).bind(2, position).bind(3, run.run).run();
  }
  insert_message(store, run.session, position, run.run, body);
}

/// What an attempt that was cut short had added behind where the run ends now.
void remove_messages(Store::State& store, const RunLog::State& run, std::int64_t from) {
  if (run.session.empty()) return;
  const Kept remove = store.connection.use("DELETE FROM messages WHERE session = ?1 AND position >= ?2 AND run = ?3");
  remove->bind(1, run.session).bind(2, from).bind(3, run.run).run();
}

}  // namespace

RunLog::State::State(std::shared_ptr<Store::State> of, const RunRecord& record, std::int64_t with_fence)
    : store(std::move(of)), run(record.id), session(record.session), lease(lease_key(record)), fence(with_fence) {
  store->holder.began_lease();
}

RunLog::State::~State() {
  store->holder.ended_lease();
}

RunLog::RunLog(std::shared_ptr<State> state) : state_(std::move(state)) {}

RunLog::~RunLog() {
  if (state_->over && !has_failed()) return;  // the lease goes back with the run's last write, which is queued
  // In its place among the writes, for who asks this store next; and at once, for all others.
  State& run = *state_;
  run.store->enqueue(
      {state_, [&run](Store::State& store) { give_lease_back(store, run.lease, run.fence, false); }, 0, false});
  run.store->holder.give_back(run.lease, run.fence);
}

bool RunLog::has_failed() const {
  const std::lock_guard lock(state_->store->mutex);
  return state_->failure.has_value();
}

void RunLog::queue(std::function<void(Store::State&)> write, std::size_t bytes) {
  State& run = *state_;
  if (!run.together) return run.store->enqueue({state_, std::move(write), bytes});
  run.together->writes.push_back(std::move(write));
  run.together->bytes += bytes;
}

void RunLog::together(const std::function<void()>& queue) {
  State& run = *state_;
  assert(!run.together);
  run.together.emplace();
  try {
    queue();
  } catch (...) {
    run.together.reset();
    throw;
  }
  WriteGroup all = std::move(*run.together);
  run.together.reset();
  run.store->enqueue({state_,
                      [writes = std::move(all.writes)](Store::State& store) {
                        for (const auto& write : writes) write(store);
                      },
                      all.bytes});
}

void RunLog::append(JournalEntry entry, const Message* message, std::int64_t position) {
  State& run = *state_;
  assert(!run.over);
  const std::size_t entry_bytes = run.run.size() + entry.effect.size() + entry.kind.size() + entry.data.size();
  require_row(entry_bytes);
  if (message == nullptr || run.session.empty()) {
    queue([&run, number = run.next_entry,
           entry = std::move(entry)](Store::State& store) { insert_entry(store, run.run, number, entry); },
          entry_bytes);
  } else {
    const std::size_t keys = run.session.size() + run.run.size();
    std::string body = stored(to_json(redacted(*message)), keys);
    const std::size_t message_bytes = keys + body.size();
    queue(
        [&run, number = run.next_entry, entry = std::move(entry), position,
         body = std::move(body)](Store::State& store) {
          insert_entry(store, run.run, number, entry);
          put_message(store, run, position, body);
        },
        entry_bytes + message_bytes);
  }
  ++run.next_entry;
}

void RunLog::add_message(const Message& message, std::int64_t position) {
  State& run = *state_;
  assert(!run.over);
  if (run.session.empty()) return;
  const std::size_t keys = run.session.size() + run.run.size();
  std::string body = stored(to_json(redacted(message)), keys);
  const std::size_t bytes = keys + body.size();
  queue([&run, position, body = std::move(body)](Store::State& store) { put_message(store, run, position, body); },
        bytes);
}

void RunLog::set_model(std::string model) {
  State& run = *state_;
  assert(!run.over);
  queue(
      [&run, model = cut(std::move(model), kMaxName)](Store::State& store) {
        const Kept update = store.connection.use("UPDATE runs SET model = ?2 WHERE id = ?1");
        update->bind(1, run.run).bind(2, model).run();
      },
      kMaxName);
}

void RunLog::set_pin(std::string digest, Pins pins) {
  State& run = *state_;
  assert(!run.over);
  std::size_t bytes = digest.size();
  for (const auto& [name, body] : pins) bytes += name.size() + stored(body, name.size()).size();
  queue(
      [&run, digest = std::move(digest), pins = std::move(pins)](Store::State& store) {
        insert_pins(store, pins);
        const Kept update = store.connection.use("UPDATE runs SET pin = ?2 WHERE id = ?1");
        update->bind(1, run.run).bind(2, digest).run();
      },
      bytes);
}

void RunLog::end(WallTime at, const Outcome& outcome, std::int64_t next_position) {
  State& run = *state_;
  if (std::exchange(run.over, true)) return;
  Outcome clean = outcome;
  redact_in(clean);
  std::string body = stored(clean);
  const std::size_t bytes = body.size();
  queue(
      [&run, at, body = std::move(body), next_position](Store::State& store) {
        if (run.resumed) remove_messages(store, run, next_position);
        end_run(store, run.run, at, body);
        give_lease_back(store, run.lease, run.fence, true);
      },
      bytes);
}

void RunLog::suspend(Standing standing) {
  State& run = *state_;
  if (std::exchange(run.over, true)) return;
  standing.waits_for = cut(std::move(standing.waits_for), kMaxName);
  queue(
      [&run, standing = std::move(standing)](Store::State& store) {
        const Kept update = store.connection.use("UPDATE runs SET waits_for = ?2, attempts = ?3 WHERE id = ?1");
        update->bind(1, run.run).bind(2, standing.waits_for).bind(3, std::int64_t{standing.attempts}).run();
        give_lease_back(store, run.lease, run.fence, false);
      },
      kMaxName);
}

asio::awaitable<void> RunLog::committed() {
  // The state stays: the job may outlive a caller that was cancelled.
  std::function<void()> flush = [run = state_] { run->store->flush(*run); };
  co_await state_->store->thread.run(std::move(flush));
}

}  // namespace sennit
