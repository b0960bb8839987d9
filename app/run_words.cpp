#include <sennit/app/run_words.hpp>
#include <sennit/app/unicode.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>

namespace sennit::app {

std::string when(WallTime time) {
  return fmt::format("{:%Y-%m-%d %H:%M}", fmt::localtime(std::chrono::system_clock::to_time_t(time)));
}

std::string timestamp(WallTime time) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
  constexpr std::int64_t kSecond = 1'000'000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(time)),
                     micros % kSecond);
}

std::optional<Outcome> outcome_of(const RunRecord& record) {
  if (!record.ended || !record.outcome.is_object()) return std::nullopt;
  return outcome_from_json(record.outcome);
}

std::string state_of(const RunRecord& record, const Requests& requests) {
  if (const auto outcome = outcome_of(record)) return std::string(to_string(outcome->ending));
  const bool rests = record.phase == RunPhase::waiting || record.phase == RunPhase::interrupted;
  if (rests && requests.answered) return "answered: resume it";
  if (record.phase == RunPhase::waiting) return "waiting for " + one_line(record.waits_for);
  if (rests && !requests.open.empty()) return "interrupted, waiting for " + wants(requests.open.front());
  return std::string(to_string(record.phase));
}

json::object to_json(const RunRecord& record) {
  json::object out{{"id", record.id},         {"session", record.session},   {"agent", record.agent},
                   {"model", record.model},   {"input", record.input},       {"inputs", record.inputs},
                   {"origin", record.origin}, {"pin", record.pin},           {"phase", to_string(record.phase)},
                   {"base", record.base},     {"attempts", record.attempts}, {"started", timestamp(record.started)}};
  if (record.ended) out["ended"] = timestamp(*record.ended);
  if (!record.waits_for.empty()) out["waits_for"] = record.waits_for;
  if (!record.forked_from.empty()) out["forked_from"] = record.forked_from;
  if (record.process != 0) out["process"] = record.process;
  out["outcome"] = record.outcome;
  return out;
}

}  // namespace sennit::app
