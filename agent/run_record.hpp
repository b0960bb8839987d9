// What the store has of a run: its record, its journal, what it was made of. An exported run is the same in one file.
#pragma once

#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/io/json.hpp>
#include <sennit/agent/message.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

/// Where a run stands.
enum class RunPhase {
  running,      ///< a living program works on it
  waiting,      ///< for a person: see RunRecord::waits_for
  interrupted,  ///< its program ended before it did: it can be resumed
  quarantined,  ///< it took its program down kMaxAttempts times without getting further
  ended,
};

[[nodiscard]] std::string_view to_string(RunPhase phase) noexcept;

/// So many attempts in a row may end with their program before the run is left alone.
inline constexpr int kMaxAttempts = 3;

struct RunRecord {
  std::string id;
  std::string session;  ///< empty: none
  std::string agent;    ///< its name
  std::string model;    ///< that answers, once it was chosen
  std::string pin;      ///< digest of what the run is made of: see RecordedRun::pins
  std::string input;
  json::object inputs{};            ///< RunOptions::inputs
  std::vector<Blob> attachments{};  ///< RunOptions::attachments
  Labels labels{};                  ///< RunOptions::labels
  std::vector<std::string> tags{};  ///< RunOptions::tags
  json::object origin{};            ///< RunOptions::origin: how its program finds the agent again
  std::string forked_from;          ///< "RUN@N"; empty: it began by itself
  std::int64_t base = 0;            ///< messages of its session before it
  WallTime started{};
  std::optional<WallTime> ended{};
  json::value outcome{};  ///< null until it has ended
  RunPhase phase = RunPhase::running;
  std::string waits_for{};   ///< of a waiting run, for people: "approval of http_send"
  int attempts = 0;          ///< in a row that ended with their program
  std::int64_t process = 0;  ///< of a running one: who works on it
};

/// What was handed to a run beside its input, as one object: names of inputs are plain, the others begin with a plus.
[[nodiscard]] json::object describe_given(const RunRecord& record);
/// The same back. Throws Error(errc::invalid_argument) for what describe_given() did not give.
void take_given(RunRecord& record, json::object given);

/// Of a record: how a run that is not at work stands.
struct Standing {
  std::string waits_for{};
  int attempts = 0;
};

/// A boundary of an effect. A `whole` one has both sides: nothing could happen in between.
enum class Boundary { start = 0, end = 1, whole = 2 };

[[nodiscard]] std::string_view to_string(Boundary boundary) noexcept;

struct JournalEntry {
  std::string effect;  ///< its place in the planner: "1", "2.1", "2.1/3"
  std::string kind;    ///< "start", "complete", "tool", "approval", "recall" …
  Boundary boundary = Boundary::start;
  WallTime at{};
  std::string data{};  ///< JSON: {"in":…} at the start, {"out":…} at the end; "order": of the run's events until here
};

/// What a person said to a request (an approval, a question, a doubt) of a run.
struct Answer {
  std::string request;  ///< its effect: "2.1.approval"
  std::string text;     ///< "once", "always", "never"; "done", "not done", "abort"; or words
  std::string digest;   ///< of what was asked: an answer to something else does not count
  WallTime at{};
};

/// The detail of an outcome whose text exceeded what the store keeps.
inline constexpr std::string_view kOutcomeTooLarge = "the outcome was too large to be kept";

/// All that there is of a run.
struct RecordedRun {
  RunRecord record;
  std::map<std::string, json::value, std::less<>> pins{};  ///< by digest: of the run's agent and its sub-agents
  std::vector<Message> history{};                          ///< the conversation before the run
  std::vector<JournalEntry> journal{};
};

/// Writes a run as one file (JSON, one object a line). Throws Error(errc::io), and errc::invalid_argument if the file
/// is there already.
void write_run_file(const RecordedRun& run, const std::filesystem::path& file);
/// Throws Error(errc::invalid_argument) with the line for what is no such file, Error(errc::not_found, errc::io).
[[nodiscard]] RecordedRun read_run_file(const std::filesystem::path& file);

}  // namespace sennit
