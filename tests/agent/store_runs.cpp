// What the store does for a run beside its journal: resuming, quarantine, answers, and runs that go from store to
// store.
#include "support/store_runs.hpp"

#include "support/fixtures.hpp"
#include <sennit/agent/io/digest.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

struct Bench {
  TempDir folder;
  TestEnvironment env;
  Store store{folder.path()};

  OpenedRun begin(std::string id, std::string session) {
    return testing::begin(env, store, std::move(id), std::move(session));
  }
  OpenedRun resume(std::string id, bool forced = false) { return run(env, store.resume(std::move(id), forced)); }
  RunRecord record(std::string id) { return run(env, store.recorded(std::move(id))).record; }
  void commit(const OpenedRun& opened) { run(env, opened.log->committed()); }
};

std::string result_of(const Message& message) {
  const auto* result = std::get_if<ToolResult>(&message.parts.at(0));
  return result == nullptr ? "no result" : (result->is_error ? "error: " : "") + result->content;
}

struct Pinned {
  json::value sub{{"name", "sub"}, {"agents", json::object{}}};
  std::string sub_digest = sha256(json::serialize(sub));
  json::value root{{"name", "root"}, {"agents", {{"delegate", {{"pin", sub_digest}}}}}};
  std::string root_digest = sha256(json::serialize(root));
  std::map<std::string, json::value, std::less<>> pins{{sub_digest, sub}, {root_digest, root}};
};

RunRecord pinned(std::string id, std::string session, const std::string& pin) {
  RunRecord record = record_of(std::move(id), std::move(session));
  record.pin = pin;
  record.inputs = {{"name", "value"}};
  record.origin = {{"file", "a.yaml"}};
  return record;
}

std::string count(const Bench& bench, const std::string& table) {
  return query(bench.folder / "sennit.db", ("SELECT count(*) FROM " + table).c_str());
}

}  // namespace

TEST_CASE("a run goes on with all that it had") {
  Bench bench;
  whole_run(bench.env, bench.store, "r0", "s", {"before"});
  const Pinned pinned_agent;
  OpenedRun opened = run(bench.env, bench.store.begin(pinned("r1", "s", pinned_agent.root_digest), pinned_agent.pins));
  CHECK(opened.history.size() == 1);
  CHECK(opened.next_position == 1);
  opened.log->add_message(user_message("hello"), 1);
  opened.log->set_model("chosen");
  opened.log->append(start_entry("1", "complete"));
  const Message answer = assistant_message("hi");
  opened.log->append(end_entry("1", "complete"), &answer, 2);
  bench.commit(opened);
  opened.log.reset();
  OpenedRun resumed = bench.resume("r1");
  CHECK(resumed.history.size() == 1);
  CHECK(resumed.next_position == 3);
  CHECK(resumed.recorded.record.base == 1);
  CHECK(resumed.recorded.record.model == "chosen");
  CHECK(resumed.recorded.record.inputs.at("name") == "value");
  CHECK(resumed.recorded.record.origin.at("file") == "a.yaml");
  CHECK(resumed.recorded.record.phase == RunPhase::running);
  CHECK(resumed.recorded.pins == pinned_agent.pins);
  REQUIRE(resumed.recorded.journal.size() == 2);
  resumed.log->append(start_entry("2", "tool"));
  Outcome outcome;
  outcome.text = "done";
  resumed.log->end(WallTime(std::chrono::seconds(3'000)), outcome, 1'000);
  bench.commit(resumed);
  const RecordedRun all = run(bench.env, bench.store.recorded("r1"));
  CHECK(all.record.phase == RunPhase::ended);
  CHECK(all.record.ended == WallTime(std::chrono::seconds(3'000)));
  CHECK(outcome_from_json(all.record.outcome).text == "done");
  CHECK(all.pins == pinned_agent.pins);
  REQUIRE(all.history.size() == 1);
  CHECK(all.history[0].text() == "before");
  REQUIRE(all.journal.size() == 3);
  CHECK(all.journal[2].effect == "2");
  CHECK(run(bench.env, bench.store.messages("s")).size() == 3);
}

TEST_CASE("a run without a session goes on too, and leaves no lease behind") {
  Bench bench;
  OpenedRun opened = bench.begin("r1", "");
  opened.log->append(start_entry("1", "complete"));
  opened.log->suspend({"approval of http_send", 0});
  bench.commit(opened);
  CHECK(bench.record("r1").phase == RunPhase::waiting);
  CHECK(bench.record("r1").waits_for == "approval of http_send");
  OpenedRun resumed = bench.resume("r1");
  CHECK(bench.record("r1").waits_for.empty());
  CHECK(bench.record("r1").phase == RunPhase::running);
  resumed.log->end({}, {}, 1'000);
  bench.commit(resumed);
  CHECK(count(bench, "leases") == "0");
}

TEST_CASE("what cannot be resumed says why") {
  Bench bench;
  CHECK(run_error(bench.env, bench.store.resume("nobody", false)).code() == errc::not_found);
  whole_run(bench.env, bench.store, "r1", "s", {});
  CHECK(run_error(bench.env, bench.store.resume("r1", false)).code() == errc::invalid_argument);
  CHECK(run_error(bench.env, bench.store.abandon("r1", "no")).code() == errc::invalid_argument);
  const OpenedRun opened = bench.begin("r2", "s");
  CHECK(run_error(bench.env, bench.store.resume("r2", true)).code() == errc::busy);
}

TEST_CASE("a run that takes its program down three times without getting further is left alone") {
  Bench bench;
  bench.begin("r1", "").log.reset();
  for (int attempt = 2; attempt <= kMaxAttempts; ++attempt) {
    CHECK(bench.record("r1").phase == RunPhase::interrupted);
    CHECK(bench.resume("r1").recorded.record.attempts == attempt);
  }
  CHECK(bench.record("r1").phase == RunPhase::quarantined);
  const Error denied = run_error(bench.env, bench.store.resume("r1", false));
  CHECK(denied.code() == errc::denied);
  CHECK_THAT(denied.message(), ContainsSubstring("3 times") && ContainsSubstring("sennit runs resume --force r1"));
  CHECK(bench.record("r1").phase == RunPhase::quarantined);
  SECTION("unless a person insists") {
    CHECK(bench.resume("r1", true).recorded.record.attempts == 1);
  }
  SECTION("or ends it") {
    run(bench.env, bench.store.abandon("r1", "enough"));
    CHECK(bench.record("r1").phase == RunPhase::ended);
  }
}

TEST_CASE("progress and a graceful end make attempts count anew") {
  Bench bench;
  bench.begin("r1", "").log.reset();
  OpenedRun opened = bench.resume("r1");
  CHECK(opened.recorded.record.attempts == 2);
  SECTION("an effect ended") {
    opened.log->append(start_entry("1", "complete"));
    opened.log->append(end_entry("1", "complete"));
    bench.commit(opened);
    opened.log.reset();
  }
  SECTION("its program ended as it should") {
    opened.log->suspend({"", 0});
    bench.commit(opened);
  }
  CHECK(bench.record("r1").phase == RunPhase::interrupted);
  CHECK(bench.resume("r1").recorded.record.attempts == 1);
}

TEST_CASE("a session whose run waits for a person says so, and goes on once that run is ended") {
  Bench bench;
  OpenedRun opened = bench.begin("r1", "s");
  opened.log->suspend({"approval of http_send", 0});
  bench.commit(opened);
  const Error busy = run_error(bench.env, bench.store.begin(record_of("r2", "s"), {}));
  CHECK(busy.code() == errc::busy);
  CHECK(busy.message() ==
        "the session 's' waits for a person: run r1 wants approval of http_send; answer it with `sennit runs answer "
        "r1` or end it with `sennit runs cancel r1`");
  run(bench.env, bench.store.abandon("r1", "cancelled by a person"));
  const OpenedRun next = bench.begin("r2", "s");
  CHECK(next.history.size() == 1);  // what the person had said
}

TEST_CASE("a run that is ended from outside leaves a conversation that any provider accepts") {
  Bench bench;
  OpenedRun opened = bench.begin("r1", "s");
  opened.log->add_message(user_message("do it"), 0);
  Message calls{Role::assistant, {}};
  for (const std::string id : {"a", "b", "c"}) calls.parts.emplace_back(ToolCall{id, "tool_" + id, "{}"});
  opened.log->append(end_entry("1", "complete"), &calls, 1);
  opened.log->append(start_entry("2.1", "tool", R"({"in":{"call":"a","name":"tool_a","arguments":"{}"}})"));
  opened.log->append(end_entry("2.1", "tool", R"({"out":{"content":"it is done","is_error":false,"us":5}})"));
  opened.log->append(start_entry("2.2", "tool", R"({"in":{"call":"b","name":"tool_b","arguments":"{}"}})"));
  opened.log->append(start_entry("2.1/1.1", "tool", R"({"in":{"call":"c","name":"of a sub-agent","arguments":""}})"));
  bench.commit(opened);
  opened.log.reset();
  run(bench.env, bench.store.abandon("r1", "cancelled by a person"));
  const auto messages = run(bench.env, bench.store.messages("s"));
  REQUIRE(messages.size() == 5);
  CHECK(result_of(messages[2]) == "it is done");
  CHECK_THAT(result_of(messages[3]), ContainsSubstring("error: ") && ContainsSubstring("not known whether"));
  CHECK(result_of(messages[4]) == "error: not done: the run ended before (cancelled by a person)");
  const Outcome outcome = outcome_from_json(bench.record("r1").outcome);
  CHECK(outcome.ending == Ending::cancelled);
  CHECK(outcome.detail == "cancelled by a person");
  const OpenedRun next = bench.begin("r2", "s");
  CHECK(next.history.size() == 5);
}

TEST_CASE("an answer is kept where a request is open, and only there") {
  Bench bench;
  const OpenedRun opened = bench.begin("r1", "");
  opened.log->append(start_entry("1", "approval"));
  opened.log->append(start_entry("2", "tool"));
  opened.log->append(start_entry("3", "ask"));
  opened.log->append(end_entry("3", "ask"));
  bench.commit(opened);
  const auto answer = [&](const std::string& run, const std::string& request, const std::string& text) {
    return bench.store.answer(run, {.request = request, .text = text, .digest = "d"});
  };
  CHECK(run_error(bench.env, answer("nobody", "1", "once")).code() == errc::not_found);
  for (const std::string request : {"2", "3", "4"}) {
    CHECK(run_error(bench.env, answer("r1", request, "once")).code() == errc::not_found);
  }
  Store elsewhere(bench.folder.path());  // while the run is at work here
  run(bench.env, elsewhere.answer("r1", {.request = "1", .text = "never", .digest = "d"}));
  run(bench.env, answer("r1", "1", "once"));
  const auto answers = run(bench.env, bench.store.answers("r1"));
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].text == "once");
  CHECK(answers[0].digest == "d");
  opened.log->append(end_entry("1", "approval"));
  CHECK(run_error(bench.env, answer("r1", "1", "again")).code() == errc::not_found);
}

TEST_CASE("runs are found by what is asked for, and by the beginning of their ids") {
  Bench bench;
  whole_run(bench.env, bench.store, "abcd1", "s", {});
  const OpenedRun second = bench.begin("abcd2", "s");
  const OpenedRun third = bench.begin("abce3", "");
  const auto ids = [&](const RunFilter& filter) {
    std::string found;
    for (const RunRecord& record : run(bench.env, bench.store.runs(filter))) found += record.id + " ";
    return found;
  };
  CHECK(ids({}) == "abce3 abcd2 abcd1 ");
  CHECK(ids({.session = "s"}) == "abcd2 abcd1 ");
  CHECK(ids({.ended = true}) == "abcd1 ");
  CHECK(ids({.session = "s", .ended = false}) == "abcd2 ");
  CHECK(ids({.before = WallTime(std::chrono::seconds(1'000))}).empty());
  CHECK(ids({.before = WallTime(std::chrono::seconds(1'001)), .limit = 2}) == "abce3 abcd2 ");
  CHECK(bench.record("abce").id == "abce3");
  CHECK(bench.record("abcd1").id == "abcd1");
  CHECK_THAT(run_error(bench.env, bench.store.recorded("abcd")).message(), ContainsSubstring("abcd1, abcd2"));
  CHECK(run_error(bench.env, bench.store.recorded("abc")).code() == errc::not_found);
  CHECK(run_error(bench.env, bench.store.recorded("abcdef")).code() == errc::not_found);
}

TEST_CASE("a run goes from one store to another") {
  Bench from;
  Bench to;
  const Pinned agent;
  whole_run(from.env, from.store, "r0", "s", {"before"});
  OpenedRun opened = run(from.env, from.store.begin(pinned("r1", "s", agent.root_digest), agent.pins));
  opened.log->add_message(user_message("hello"), 1);
  opened.log->append(end_entry("1", "complete"));
  from.commit(opened);
  opened.log.reset();
  const RecordedRun exported = run(from.env, from.store.recorded("r1"));
  run(to.env, to.store.import(exported));
  CHECK(run_error(to.env, to.store.import(exported)).code() == errc::invalid_argument);
  const RecordedRun there = run(to.env, to.store.recorded("r1"));
  CHECK(there.record.session.empty());
  CHECK(there.record.base == 1);
  CHECK(there.record.phase == RunPhase::interrupted);
  CHECK(there.pins == agent.pins);
  CHECK(there.history == exported.history);
  CHECK(there.journal.size() == 1);
  const OpenedRun resumed = to.resume("r1");
  CHECK(resumed.history == exported.history);
  CHECK(resumed.next_position == 1);
  CHECK(run(to.env, to.store.messages("s")).empty());
  SECTION("but not with an agent that was changed on the way") {
    RecordedRun changed = exported;
    changed.record.id = "r2";
    changed.pins.at(agent.sub_digest) = {{"name", "another"}};
    CHECK(run_error(to.env, to.store.import(changed)).code() == errc::invalid_argument);
  }
}

TEST_CASE("an ended run is removed with what only it was made of") {
  Bench bench;
  const Pinned agent;
  const Pinned other = [] {
    Pinned pinned;
    pinned.root = {{"name", "another root"}, {"agents", {{"delegate", {{"pin", pinned.sub_digest}}}}}};
    pinned.root_digest = sha256(json::serialize(pinned.root));
    pinned.pins = {{pinned.sub_digest, pinned.sub}, {pinned.root_digest, pinned.root}};
    return pinned;
  }();
  const auto life = [&](const std::string& id, const Pinned& pin) {
    const OpenedRun opened = run(bench.env, bench.store.begin(pinned(id, "s", pin.root_digest), pin.pins));
    opened.log->add_message(user_message("hello"), opened.next_position);
    opened.log->append(start_entry("1", "complete"));
    opened.log->end({}, {}, 1'000);
    bench.commit(opened);
  };
  life("r1", agent);
  life("r2", agent);
  life("r3", other);
  bench.folder.write("outputs/r1-2.1.txt", "long");
  bench.folder.write("outputs/r10-2.1.txt", "another's");
  const OpenedRun living = bench.begin("r4", "");
  CHECK_FALSE(run(bench.env, bench.store.remove("r4")));
  CHECK_FALSE(run(bench.env, bench.store.remove("nobody")));
  CHECK(run(bench.env, bench.store.remove("r1")));
  CHECK(count(bench, "pins") == "3");
  CHECK_FALSE(std::filesystem::exists(bench.folder / "outputs/r1-2.1.txt"));
  CHECK(std::filesystem::exists(bench.folder / "outputs/r10-2.1.txt"));
  CHECK(run_error(bench.env, bench.store.recorded("r1")).code() == errc::not_found);
  CHECK(run(bench.env, bench.store.journal_of("r1")).empty());
  CHECK(run(bench.env, bench.store.messages("s")).size() == 3);
  CHECK(run(bench.env, bench.store.remove("r2")));
  CHECK(count(bench, "pins") == "2");  // what the third needs
  CHECK(run(bench.env, bench.store.remove("r3")));
  CHECK(count(bench, "pins") == "0");
  CHECK(count(bench, "journal") == "0");
}

TEST_CASE("space that is not used any more goes back to the file system, and leases stay") {
  Bench bench;
  const OpenedRun living = bench.begin("living", "");
  living.log->append(start_entry("1", "complete"));
  {
    const OpenedRun opened = bench.begin("r1", "s");
    for (int i = 0; i < 100; ++i) {
      opened.log->append(start_entry(std::to_string(i), "complete", std::string(50'000, 'x')));
    }
    opened.log->end({}, {}, 1'000);
    bench.commit(opened);
  }
  run(bench.env, bench.store.compact());
  const auto before = std::filesystem::file_size(bench.folder / "sennit.db");
  CHECK(run(bench.env, bench.store.remove("r1")));
  run(bench.env, bench.store.compact());
  CHECK(std::filesystem::file_size(bench.folder / "sennit.db") < before / 10);
  living.log->append(end_entry("1", "complete"));
  bench.commit(living);
  CHECK(bench.record("living").phase == RunPhase::running);
}
