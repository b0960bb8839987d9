// Whatever fails below SQLite, at whatever point of a run's life: what was acknowledged is there, the file is sound,
// and the run can be taken up and ended.
#include "support/faulty_disk.hpp"
#include "support/fixtures.hpp"
#include "support/recorded_runs.hpp"
#include "support/store_runs.hpp"
#include "support/world.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <atomic>
#include <chrono>
#include <thread>

using namespace sennit;
using namespace sennit::testing;

namespace {

constexpr int kEntries = 6;

/// What a life was told.
struct Told {
  bool begun = false;
  std::size_t kept = 0;
  bool ended = false;
  std::optional<Error> error{};
};

/// A short life through a store of its own.
Told live(TestEnvironment& env, const TempDir& folder) {
  Told told;
  try {
    Store store(folder.path(), {.busy_timeout = milliseconds(1)});
    const OpenedRun opened = begin(env, store, "r1", "s");
    told.begun = true;
    for (int i = 0; i < kEntries; ++i) {
      const Message message = user_message(std::to_string(i));
      opened.log->append(start_entry(std::to_string(i), "complete"), &message, i);
      run(env, opened.log->committed());
      ++told.kept;
    }
    opened.log->end(WallTime(std::chrono::seconds(2'000)), {}, 1'000);
    run(env, opened.log->committed());
    told.ended = true;
  } catch (const Error& error) {
    told.error = error;
  }
  return told;
}

/// What is wrong on the disk with a life that was told this; empty: nothing.
std::string judge(TestEnvironment& env, const TempDir& folder, const Told& told) {
  if (told.error && (told.error->code() != errc::storage || told.error->message().empty())) {
    return "an error of another kind: " + told.error->describe();
  }
  if (!told.error && !told.ended) return "neither an end nor an error";
  std::string sound = query(folder / "sennit.db", "PRAGMA integrity_check");
  if (sound != "ok") return sound;
  Store store(folder.path());
  const std::vector<RunRecord> runs = run(env, store.runs({.session = "s"}));
  if (runs.empty()) return told.begun ? "the run is missing" : "";
  const std::size_t entries = run(env, store.journal_of("r1")).size();
  const std::size_t messages = run(env, store.messages("s")).size();
  if (entries < told.kept) return "an entry that was acknowledged is missing";
  if (entries > told.kept + 1) return "there are more entries than were written";
  if (messages != entries) return "an entry and its message came apart";
  if (runs[0].phase == RunPhase::ended) return entries == kEntries ? "" : "it has ended before it ended";
  if (told.ended) return "the end that was acknowledged is missing";
  const OpenedRun resumed = run(env, store.resume("r1", false));
  if (resumed.recorded.journal.size() != entries) return "it is resumed with another journal";
  resumed.log->append(end_entry("resumed", "complete"));
  resumed.log->end(WallTime(std::chrono::seconds(3'000)), {}, 1'000);
  run(env, resumed.log->committed());
  if (run(env, store.recorded("r1")).record.phase != RunPhase::ended) return "it cannot be ended";
  return "";
}

}  // namespace

TEST_CASE("a disk or a memory that fails at any point loses nothing that was acknowledged") {
  const Fault fault = GENERATE(Fault::read, Fault::write, Fault::full, Fault::sync, Fault::truncate, Fault::lock,
                               Fault::map, Fault::memory);
  const bool lasting = GENERATE(false, true);
  INFO(to_string(fault) << (lasting ? ", from then on" : ", once"));
  TestEnvironment env;
  const TempDir made;
  {
    Store store(made.path());  // an empty one: making it is tried by the next test
  }
  int lives = 0;
  for (bool more = true; more; ++lives) {
    REQUIRE(lives < 20'000);
    const TempDir folder;
    std::filesystem::copy_file(made / "sennit.db", folder / "sennit.db");
    Told told;
    {
      const FaultyDisk faulty(fault, lives + 1, lasting);
      told = live(env, folder);
      more = faulty.fired();
    }
    INFO("at the operation " << lives + 1 << ", after " << told.kept << " entries"
                             << (told.error ? ": " + told.error->describe() : std::string()));
    const std::string wrong = judge(env, folder, told);
    if (!wrong.empty()) FAIL(wrong);
    if (!more) CHECK(told.ended);
  }
  CHECK(lives > 1);
}

TEST_CASE("a store that could not be made can be made later") {
  const Fault fault =
      GENERATE(Fault::read, Fault::write, Fault::full, Fault::sync, Fault::truncate, Fault::lock, Fault::map);
  INFO(to_string(fault));
  TestEnvironment env;
  bool more = true;
  for (int n = 1; more; ++n) {
    const TempDir folder;
    std::optional<Error> failure;
    {
      const FaultyDisk faulty(fault, n);
      try {
        Store store(folder.path(), {.busy_timeout = milliseconds(1)});
      } catch (const Error& error) {
        failure = error;
      }
      more = faulty.fired();
    }
    INFO("at the operation " << n);
    if (failure) CHECK(failure->code() == errc::storage);
    const Told told = live(env, folder);
    CHECK(told.ended);
    CHECK(query(folder / "sennit.db", "PRAGMA integrity_check") == "ok");
  }
}

TEST_CASE("a run that waits for a person outlives a disk that is full for another") {
  const TempDir folder;
  std::atomic<int> tries{0};
  Definition definition = with_tools({"pay"});
  definition.policy = {};
  definition.policy.ask = {"pay"};
  World world(
      [](const CompletionRequest& request) {
        return request.messages.size() == 1 ? calling({calls(0, "a", "pay", R"({"amount":5})")}) : text({"end"});
      },
      {.state = folder.path(), .on_commit = [&](bool done) { tries += done ? 0 : 1; }});
  const Agent agent = world.agent(definition);
  Run waiting = agent.session().start("go");
  const auto asked = elsewhere(read_until<ApprovalRequested>(waiting));
  {
    const FaultyDisk faulty(Fault::full, 1, true);
    Run other = agent.session().start("go");
    const Outcome outcome = elsewhere(other.wait());
    REQUIRE(outcome.error);
    CHECK(outcome.error->code() == errc::storage);
    CHECK(outcome.error->retryable());
    // Whoever waits for an answer looks into the store, which first tries what is queued for the other.
    const int before = tries;
    const auto due = std::chrono::steady_clock::now() + kPatience;
    while (tries == before && std::chrono::steady_clock::now() < due) std::this_thread::sleep_for(milliseconds(1));
    CHECK(tries > before);
  }
  waiting.approve(asked.id, Approval::once);
  CHECK(elsewhere(waiting.wait()).text == "end");
}
