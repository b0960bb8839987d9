// A run in one file: what is written is what is read, and what is damaged says where.
#include "support/fixtures.hpp"
#include "support/store_runs.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <sys/stat.h>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

json::value deep(std::size_t levels) {
  json::value value = 1.5;
  for (std::size_t i = 0; i < levels; ++i) value = json::array{std::move(value)};
  return value;
}

RecordedRun whole() {
  RecordedRun run;
  run.record = record_of("01hx", "s");
  run.record.pin = "digest";
  run.record.inputs = {{"name", 7}};
  run.record.origin = {{"file", "a.yaml"}};
  run.record.forked_from = "01hw@3";
  run.record.base = 1;
  run.record.ended = WallTime(std::chrono::microseconds(1'234'567'890'123'456));
  run.record.outcome = {{"ending", "completed"}, {"output", deep(kMaxJsonDepth)}};
  run.record.phase = RunPhase::ended;
  run.record.attempts = 2;
  run.pins = {{"digest", {{"name", "a"}, {"agents", json::object{}}}}, {"other", {{"x", 1e300}}}};
  Message message{Role::assistant, {}};
  message.parts.emplace_back(Reasoning{"thought", "provider", deep(5)});
  message.parts.emplace_back(ToolCall{"call_1", "read", "{\"a\":"});
  run.history = {user_message("line\nbreak \"quoted\" ü"), std::move(message)};
  run.journal.push_back(start_entry("1", "complete", R"({"in":{"messages":1},"order":[1,[2,3]]})"));
  run.journal.push_back(end_entry("1", "complete", R"({"out":{"x":1.5E0,"y":-3}})"));
  run.journal.push_back({.effect = "2.1/3",
                         .kind = "now",
                         .boundary = Boundary::whole,
                         .at = WallTime(std::chrono::microseconds(-5)),
                         .data = R"({ "spaced" : 1.50 })"});
  run.journal.push_back(start_entry("3", "tool", "not JSON at all"));
  run.journal.push_back(start_entry("4", "tool", json::serialize(json::object{{"in", deep(200)}})));
  run.journal.push_back(start_entry("5", "tool", ""));
  return run;
}

std::string text_of(const RecordedRun& run, const TempDir& folder, const std::string& name) {
  write_run_file(run, folder / name);
  return read_file(folder / name);
}

/// A whole file's lines.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

}  // namespace

TEST_CASE("a run comes back from its file as it was") {
  const TempDir folder;
  const RecordedRun run = whole();
  const std::string text = text_of(run, folder, "run.jsonl");
  const RecordedRun read = read_run_file(folder / "run.jsonl");
  CHECK(read.record.id == run.record.id);
  CHECK(read.record.session == run.record.session);
  CHECK(read.record.agent == run.record.agent);
  CHECK(read.record.model == run.record.model);
  CHECK(read.record.pin == run.record.pin);
  CHECK(read.record.input == run.record.input);
  CHECK(read.record.inputs == run.record.inputs);
  CHECK(read.record.origin == run.record.origin);
  CHECK(read.record.forked_from == run.record.forked_from);
  CHECK(read.record.base == run.record.base);
  CHECK(read.record.started == run.record.started);
  CHECK(read.record.ended == run.record.ended);
  CHECK(read.record.outcome == run.record.outcome);
  CHECK(read.record.phase == run.record.phase);
  CHECK(read.record.attempts == run.record.attempts);
  CHECK(read.pins == run.pins);
  CHECK(read.history == run.history);
  REQUIRE(read.journal.size() == run.journal.size());
  for (std::size_t i = 0; i < run.journal.size(); ++i) {
    CHECK(read.journal[i].effect == run.journal[i].effect);
    CHECK(read.journal[i].kind == run.journal[i].kind);
    CHECK(read.journal[i].boundary == run.journal[i].boundary);
    CHECK(read.journal[i].at == run.journal[i].at);
    CHECK(read.journal[i].data == run.journal[i].data);
  }
  CHECK(text_of(read, folder, "again.jsonl") == text);
}

TEST_CASE("a run's file is its owner's alone, and never written over") {
  const TempDir folder;
  const std::string text = text_of(whole(), folder, "run.jsonl");
  struct stat status{};
  REQUIRE(stat((folder / "run.jsonl").c_str(), &status) == 0);
  CHECK((status.st_mode & 077U) == 0);
  const Error there = error_of([&] { write_run_file(whole(), folder / "run.jsonl"); });
  CHECK(there.code() == errc::invalid_argument);
  CHECK(there.where() == (folder / "run.jsonl").string());
  CHECK(read_file(folder / "run.jsonl") == text);
  CHECK(error_of([&] { write_run_file(whole(), folder / "nowhere/run.jsonl"); }).code() == errc::io);
  RecordedRun large = whole();
  large.record.input.assign(65U << 20U, 'x');
  CHECK(error_of([&] { write_run_file(large, folder / "large.jsonl"); }).code() == errc::too_large);
  CHECK_FALSE(std::filesystem::exists(folder / "large.jsonl"));
}

TEST_CASE("a file that is not there, or cannot be read, says so") {
  const TempDir folder;
  CHECK(error_of([&] { (void)read_run_file(folder / "none.jsonl"); }).code() == errc::not_found);
  CHECK(error_of([&] { (void)read_run_file(folder.path()); }).code() == errc::io);
}

TEST_CASE("a file that was cut, anywhere, is not taken for a whole one") {
  const TempDir folder;
  const std::string text = text_of(whole(), folder, "run.jsonl");
  for (std::size_t size = 0; size + 1 < text.size(); size += 7) {
    const auto file = folder.write("cut.jsonl", text.substr(0, size));
    const Error error = error_of([&] { (void)read_run_file(file); });
    CHECK(error.code() == errc::invalid_argument);
    CHECK_THAT(error.where(), ContainsSubstring(file.string()));
  }
  std::vector<std::string> lines = lines_of(text);
  lines.erase(lines.begin() + 2);
  const Error error = error_of([&] { (void)read_run_file(folder.write("hole.jsonl", joined(lines))); });
  CHECK(error.message() == "the file is damaged: it has 5 of 6 entries");
  CHECK(error.where() == (folder / "hole.jsonl").string() + ":7");
  const auto longer = folder.write("longer.jsonl", text + "{}\n");
  CHECK(error_of([&] { (void)read_run_file(longer); }).message() == "the file goes on behind its end");
}

TEST_CASE("a line that is no part of a run is named with what is wrong") {
  const TempDir folder;
  const std::vector<std::string> lines = lines_of(text_of(whole(), folder, "run.jsonl"));
  struct Wrong {
    std::size_t line;
    std::string was;
    std::string is;
    std::string words;
  };
  const Wrong wrong = GENERATE(values<Wrong>({
      {0, "\"sennit_run\":1", "\"sennit_run\":2", "another version"},
      {0, "\"sennit_run\":1", "\"run\":1", "not the file of a run"},
      {0, "\"id\":\"01hx\"", "\"id\":\"\"", "'id' is empty"},
      {0, "\"id\":\"01hx\"", "\"id\":5", "'id' must be a string"},
      {0, "\"base\":1", "\"base\":-1", "'base' is out of range"},
      {0, "\"base\":1", "\"base\":1.5", "'base' must be a whole number"},
      {0, "\"started\":1000000000", "\"started\":9223372036854775807", "'started' is no time"},
      {0, "\"attempts\":2", "\"attempts\":2000000000", "'attempts' is out of range"},
      {0, "\"inputs\":{\"name\":7}", "\"inputs\":[]", "'inputs' must be an object"},
      {0, "\"outcome\"", "\"result\"", "'outcome' is missing"},
      {0, "\"role\":\"user\"", "\"role\":\"nobody\"", "no message"},
      {1, "\"boundary\":\"start\"", "\"boundary\":\"middle\"", "'boundary' must be"},
      {1, "\"data\"", "\"date\"", "'data' is missing"},
      {1, "{\"effect\"", "[\"effect\"", "not a line of a run"},
      {7, "{\"entries\":6}", "{\"entries\":-1}", "damaged"},
      {7, "{\"entries\":6}", "[]", "no JSON object"},
  }));
  std::vector<std::string> changed = lines;
  const std::size_t at = changed.at(wrong.line).find(wrong.was);
  REQUIRE(at != std::string::npos);
  changed[wrong.line].replace(at, wrong.was.size(), wrong.is);
  const Error error = error_of([&] { (void)read_run_file(folder.write("wrong.jsonl", joined(changed))); });
  CHECK(error.code() == errc::invalid_argument);
  CHECK_THAT(error.message(), ContainsSubstring(wrong.words));
  CHECK(error.where() == (folder / "wrong.jsonl").string() + ":" + std::to_string(wrong.line + 1));
}

TEST_CASE("bytes that are no UTF-8 do not make a file that cannot be read") {
  const TempDir folder;
  RecordedRun run = whole();
  run.record.input = "\xff\xfe";
  run.journal.push_back(start_entry("6", "tool", "{\"in\":\"\xff\"}"));
  write_run_file(run, folder / "run.jsonl");
  CHECK(read_run_file(folder / "run.jsonl").journal.size() == 7);
}
