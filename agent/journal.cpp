#include <sennit/agent/io/secrets.hpp>
#include <sennit/agent/journal.hpp>

#include <boost/json/parse.hpp>

#include <algorithm>
#include <utility>

namespace sennit {
namespace {

constexpr std::size_t kEntryDepth = 100;  // ours: what came from outside at a depth of 32 stands deeper in here

/// Whether a cancellation cut the effect short.
bool was_stopped(const json::value& out) {
  const json::value* error = find(out, "error");
  return find(out, "stopped") != nullptr ||
         (error != nullptr && find_string(*error, "code") == to_string(errc::cancelled));
}

/// Whether it is the end of a sub-agent that was cancelled.
bool was_cancelled(const Recorded& effect) {
  return effect.kind == "end" && find_string(effect.out, "ending") == to_string(Ending::cancelled);
}

/// "8.1/" of "8.1/4.2".
std::string_view scope_of(std::string_view effect) {
  return effect.substr(0, effect.rfind('/') + 1);
}

/// Of a conversation the journal has a digest alone, which tells a person nothing.
std::string input_difference(const json::value& was, const json::value& now) {
  if (was == now) return {};
  if (secrets::any()) {  // it was written without them
    json::value clean = now;
    if (secrets::redact_in(clean)) return input_difference(was, clean);
  }
  // What is no UTF-8 was written as what can be read again.
  const std::string text = json::serialize(now);
  const std::string sane = sanitize_utf8(text);
  const json::value is = sane == text ? now : parse_json(sane).value_or(now);
  constexpr const char* kDigest = "conversation";
  std::string difference = json_difference(was, is, [](std::string_view place) { return place == kDigest; });
  if (find_string(was, kDigest) != find_string(is, kDigest)) {
    difference +=
        "the conversation before it: what was said, or what a tool gave, is not what the recorded run went on with\n";
  }
  return difference;
}

json::value member(const json::value& data, std::string_view name) {
  const json::value* found = find(data, name);
  return found == nullptr ? json::value() : *found;
}

}  // namespace

json::value parse_entry(const JournalEntry& entry) {
  json::parse_options options;
  options.max_depth = kEntryDepth;
  boost::system::error_code wrong;
  json::value data = json::parse(entry.data, wrong, {}, options);
  if (wrong || !data.is_object()) {
    throw Error(errc::storage, "the journal's entry of effect " + entry.effect + " cannot be read");
  }
  return data;
}

void Journal::tell(const RecordedRun& run, Tell how) {
  loosely_ = how == Tell::loosely;
  pins_ = run.pins;
  for (const JournalEntry& entry : run.journal) {
    const json::value data = parse_entry(entry);
    Recorded& effect = effects_[entry.effect];
    if (entry.boundary != Boundary::end) {
      effect = {};  // what was begun anew is not answered by what was before
      effect.in = member(data, "in");
      effect.started_at = entry.at;
    }
    effect.kind = entry.kind;
    if (entry.boundary != Boundary::start) {
      effect.out = member(data, "out");
      effect.ended = true;
    }
    if (sennit::find(data, "anew") != nullptr) orders_.clear();
    if (const json::value* order = sennit::find(data, "order")) orders_.push_back(*order);
  }
  // A run that was ended from outside has an outcome, and no end of its own.
  if (const auto end = effects_.find("end"); end != effects_.end()) {
    end->second.out = run.record.outcome;
    if (!run.record.ended) effects_.erase(end);
  }
  // A cancellation that did not get as far as the run's end came to nothing: what it stopped was cut short by the
  // crash.
  if (!effects_.contains("end")) {
    std::erase_if(effects_, [](const auto& effect) { return was_cancelled(effect.second); });
  }
  for (auto& [id, effect] : effects_) {
    if (!effect.ended || !was_stopped(effect.out) || is_over(id)) continue;
    effect.ended = effects_.contains(std::string(scope_of(id)) + "end");
  }
}

bool Journal::has_calls(const std::string& effect) const {
  const std::string prefix = effect + ".";
  const auto first = effects_.lower_bound(prefix);
  return first != effects_.end() && first->first.starts_with(prefix);
}

bool Journal::is_over(std::string_view effect) const {
  for (std::size_t at = effect.find_last_of("./"); at != std::string_view::npos && at > 0;
       at = effect.find_last_of("./", at - 1)) {
    const Recorded* call = find(effect.substr(0, at));
    if (call != nullptr && call->ended && call->kind == "tool") return true;
  }
  return false;
}

const Recorded* Journal::find(std::string_view effect) const {
  const auto found = effects_.find(effect);
  return found == effects_.end() ? nullptr : &found->second;
}

const Recorded* Journal::find(std::string_view effect, std::string_view kind, const json::value& in) const {
  const Recorded* known = find(effect);
  if (known == nullptr) return nullptr;
  const std::string place = "effect " + std::string(effect);
  if (known->kind != kind) {
    throw Error(errc::diverged,
                "it was '" + known->kind + "' when the run was recorded, and is '" + std::string(kind) + "' now")
        .at(place);
  }
  if (loosely_ || in.is_null()) return known;
  if (std::string difference = input_difference(known->in, in); !difference.empty()) {
    throw Error(errc::diverged, known->kind + " is asked something else than when the run was recorded:\n" + difference)
        .at(place);
  }
  return known;
}

void Journal::append(const std::string& effect, std::string_view kind, Boundary boundary, json::object data,
                     WallTime at, const Message* message, std::int64_t position) {
  if (!order_->empty()) data["order"] = order_->take();
  if (std::exchange(anew_, false)) data["anew"] = true;
  ++appended_;
  json::value all = std::move(data);
  secrets::redact_in(all);
  log_->append({effect, std::string(kind), boundary, at, sanitize_utf8(json::serialize(all))}, message, position);
}

void Journal::start(const std::string& effect, std::string_view kind, const json::value& in, WallTime at) {
  if (!log_) return;
  append(effect, kind, Boundary::start, {{"in", in}}, at, nullptr, 0);
  started_.insert(effect);
}

void Journal::end(const std::string& effect, std::string_view kind, const json::value& out, WallTime at,
                  const Message* message, std::int64_t position) {
  if (!log_) return;
  append(effect, kind, Boundary::end, {{"out", out}}, at, message, position);
  started_.erase(effect);
}

void Journal::whole(const std::string& effect, std::string_view kind, const json::value& in, const json::value& out,
                    WallTime at, const Message* message, std::int64_t position) {
  if (log_) append(effect, kind, Boundary::whole, {{"in", in}, {"out", out}}, at, message, position);
}

void Journal::hand_over(const std::string& effect, const std::string& pin) {
  const Recorded* start = find(effect);
  if (log_ && start != nullptr && find_string(start->in, "pin") != pin) handed_over_.emplace(effect, pin);
}

bool Journal::write_handed_over(WallTime at) {
  const auto all = std::exchange(handed_over_, {});
  for (const auto& [effect, pin] : all) {
    const Recorded& start = *find(effect);
    json::value in = start.in;
    in.as_object()["pin"] = pin;
    whole(effect, start.kind, in, start.out, at);
  }
  return !all.empty();
}

void Journal::add_message(const Message& message, std::int64_t position) {
  if (!log_) return;
  ++appended_;
  log_->add_message(message, position);
}

asio::awaitable<void> Journal::committed() {
  if (!log_ || durable_ == appended_) co_return;
  const std::uint64_t wanted = appended_;
  co_await log_->committed();
  durable_ = std::max(durable_, wanted);
}

json::object failure_of(const Error& error) {
  return {{"error", to_json(error)}};
}

}  // namespace sennit
