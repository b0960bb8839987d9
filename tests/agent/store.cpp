// The store's promises: order, what is on disk after a boundary, and whom a failed write concerns.
#include "support/fixtures.hpp"
#include "support/store_runs.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <mutex>
#include <stdexcept>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Another program that has the write lock while it lives.
class Writer {
 public:
  explicit Writer(const std::filesystem::path& file) {
    if (sqlite3_open(file.c_str(), &handle_) != SQLITE_OK ||
        sqlite3_exec(handle_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) != SQLITE_OK) {
      throw std::runtime_error("the test could not lock the store");
    }
  }
  ~Writer() { sqlite3_close(handle_); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

 private:
  sqlite3* handle_ = nullptr;
};

constexpr milliseconds kSoon{10};

}  // namespace

TEST_CASE("reads see what was queued before them, in order") {
  const TempDir folder;
  TestEnvironment env;
  Store store(folder.path());
  const OpenedRun opened = begin(env, store, "r1", "s");
  for (int i = 0; i < 100; ++i) opened.log->add_message(user_message(std::to_string(i)), i);
  const auto messages = run(env, store.messages("s"));
  REQUIRE(messages.size() == 100);
  for (std::size_t i = 0; i < messages.size(); ++i) CHECK(messages[i].text() == std::to_string(i));
}

TEST_CASE("what is queued reaches the disk when the store goes") {
  const TempDir folder;
  TestEnvironment env;
  for (const std::string session : {"s", ""}) {
    const std::string id = "r" + session;
    OpenedRun opened;
    {
      Store store(folder.path());
      opened = begin(env, store, id, session);
      opened.log->append(start_entry("1", "complete"));
      opened.log->append(end_entry("1", "complete"));
    }
    opened.log.reset();  // later than the store, which is harmless
    Store store(folder.path());
    const auto entries = run(env, store.journal_of(id));
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].boundary == Boundary::start);
    CHECK(entries[1].boundary == Boundary::end);
    const auto runs = run(env, store.runs({.session = session, .limit = 1}));
    REQUIRE(runs.size() == 1);
    CHECK(runs[0].id == id);
    CHECK(runs[0].input == "hello");
    CHECK_FALSE(runs[0].ended);
    CHECK(runs[0].phase == RunPhase::interrupted);
  }
}

TEST_CASE("what was committed survives the death of the program") {
  const TempDir folder;
  int told[2];
  REQUIRE(pipe(told) == 0);
  const pid_t child = fork();
  if (child == 0) {
    TestEnvironment env;
    Store store(folder.path());
    const OpenedRun opened = begin(env, store, "r1", "s");
    opened.log->add_message(user_message("kept"), 0);
    run(env, opened.log->committed());
    opened.log->add_message(user_message("not yet committed"), 1);
    if (write(told[1], "c", 1) == 1) pause();
    _exit(1);
  }
  char word = 0;
  REQUIRE(read(told[0], &word, 1) == 1);
  kill(child, SIGKILL);
  REQUIRE(waitpid(child, nullptr, 0) == child);
  close(told[0]);
  close(told[1]);
  TestEnvironment env;
  Store store(folder.path());
  const auto messages = run(env, store.messages("s"));
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].text() == "kept");
}

TEST_CASE("two programs may use one store, each its own sessions") {
  const TempDir folder;
  TestEnvironment env;
  Store mine(folder.path());
  Store theirs(folder.path());
  const OpenedRun my_run = begin(env, mine, "r1", "mine");
  const OpenedRun their_run = begin(env, theirs, "r2", "theirs");
  my_run.log->add_message(user_message("a"), 0);
  their_run.log->add_message(user_message("b"), 0);
  run(env, my_run.log->committed());
  run(env, their_run.log->committed());
  CHECK(run(env, mine.messages("theirs")).size() == 1);
  CHECK(run(env, theirs.sessions(10)).size() == 2);
}

TEST_CASE("undo takes back the last run's messages only") {
  const TempDir folder;
  TestEnvironment env;
  Store store(folder.path());
  whole_run(env, store, "r1", "s", {"one"});
  whole_run(env, store, "r2", "s", {"two", "three"});
  CHECK(run(env, store.undo("s")));
  CHECK(run(env, store.messages("s")).size() == 1);
  CHECK(run(env, store.undo("s")));
  CHECK_FALSE(run(env, store.undo("s")));
}

TEST_CASE("undo is refused while a run has the session, and ends one that could be resumed") {
  const TempDir folder;
  TestEnvironment env;
  Store store(folder.path());
  OpenedRun opened = begin(env, store, "r1", "s");
  opened.log->add_message(user_message("one"), 0);
  CHECK(run_error(env, store.undo("s")).code() == errc::busy);
  opened.log.reset();
  CHECK(run(env, store.undo("s")));
  CHECK(run(env, store.messages("s")).empty());
  const RunRecord record = run(env, store.recorded("r1")).record;
  CHECK(record.phase == RunPhase::ended);
  CHECK(record.outcome.at("detail") == "its messages were taken back");
}

TEST_CASE("after a failed write nothing more of its run is kept, and every commit of it says so") {
  const TempDir folder;
  TestEnvironment env;
  Store store(folder.path());
  const OpenedRun broken = begin(env, store, "r1", "s");
  const OpenedRun whole = begin(env, store, "r2", "other");
  const OpenedRun alone = begin(env, store, "r3", "");
  broken.log->add_message(user_message("one"), 0);
  run(env, broken.log->committed());
  whole.log->add_message(user_message("beside it"), 0);
  broken.log->add_message(user_message("the same position again"), 0);
  alone.log->append(start_entry("1", "complete"));
  SECTION("the run whose write failed asks first") {
    CHECK(run_error(env, broken.log->committed()).code() == errc::storage);
  }
  SECTION("another run asks first") {
    run(env, whole.log->committed());
  }
  broken.log->add_message(user_message("after the hole"), 1);
  CHECK(run_error(env, broken.log->committed()).code() == errc::storage);
  run(env, whole.log->committed());
  run(env, alone.log->committed());
  Store other(folder.path());
  CHECK(run(env, other.messages("s")).size() == 1);
  CHECK(run(env, other.messages("other")).size() == 1);
  CHECK(run(env, other.journal_of("r3")).size() == 1);
  const OpenedRun later = begin(env, store, "r4", "s2");
  later.log->add_message(user_message("a later run"), 0);
  run(env, later.log->committed());
}

TEST_CASE("writes that another program's lock kept from the disk get there when it lets go, in order") {
  const TempDir folder;
  TestEnvironment env;
  std::vector<std::string> told;
  std::mutex mutex;
  const LogSink log = [&](const LogRecord& record) {
    const std::lock_guard lock(mutex);
    told.push_back(record.component + ": " + record.message);
  };
  Store store(folder.path(), {.busy_timeout = kSoon, .log = log});
  const OpenedRun opened = begin(env, store, "r1", "s");
  {
    const Writer other(folder / "sennit.db");
    Store opened_meanwhile(folder.path(), {.busy_timeout = kSoon});
    opened.log->append(start_entry("1", "complete"));
    opened.log->add_message(user_message("one"), 0);
    const Error busy = run_error(env, opened.log->committed());
    CHECK(busy.code() == errc::storage);
    CHECK(busy.retryable());
    CHECK_THAT(busy.describe(), ContainsSubstring((folder / "sennit.db").string()));
    opened.log->add_message(user_message("two"), 1);
    CHECK(run_error(env, opened.log->committed()).retryable());
    CHECK(run_error(env, store.messages("s")).retryable());
  }
  opened.log->add_message(user_message("three"), 2);
  run(env, opened.log->committed());
  const auto messages = run(env, store.messages("s"));
  REQUIRE(messages.size() == 3);
  CHECK(messages[0].text() == "one");
  CHECK(messages[1].text() == "two");
  CHECK(messages[2].text() == "three");
  const std::lock_guard lock(mutex);
  REQUIRE(told.size() == 3);
  CHECK(told[1].starts_with("store: 3 writes have to wait: "));
}

TEST_CASE("what waits for another program's lock has a bound, beyond which its runs fail for good") {
  const TempDir folder;
  TestEnvironment env;
  Store store(folder.path(), {.busy_timeout = milliseconds(1)});
  const OpenedRun large = begin(env, store, "r1", "");
  const OpenedRun later = begin(env, store, "r2", "");
  run(env, large.log->committed());
  const std::string data(60U << 20U, 'x');
  {
    const Writer other(folder / "sennit.db");
    for (int i = 0; i < 4; ++i) {
      large.log->append({.effect = std::to_string(i), .kind = "tool", .data = data});
      CHECK(run_error(env, large.log->committed()).retryable());
    }
    large.log->append({.effect = "5", .kind = "tool", .data = data});
    const Error lost = run_error(env, large.log->committed());
    CHECK(lost.code() == errc::storage);
    CHECK_FALSE(lost.retryable());
  }
  CHECK_FALSE(run_error(env, large.log->committed()).retryable());
  later.log->append(start_entry("1", "complete"));
  run(env, later.log->committed());
  CHECK(run(env, store.journal_of("r1")).empty());
}

TEST_CASE("what is too large is refused to its own session alone") {
  const TempDir folder;
  TestEnvironment env;
  Store store(folder.path());
  const std::string large(65U << 20U, 'x');
  RunRecord refused = record_of("r1", "large");
  refused.input = large;
  CHECK(run_error(env, store.begin(refused, {})).code() == errc::too_large);
  refused = record_of("r1", "");
  CHECK(run_error(env, store.begin(refused, {{"digest", json::value(large)}})).code() == errc::too_large);
  const OpenedRun opened = begin(env, store, "r2", "large");
  CHECK(error_of([&] { opened.log->add_message(user_message(large), 0); }).code() == errc::too_large);
  CHECK(error_of([&] { opened.log->append({.effect = "1", .kind = "tool", .data = large}); }).code() ==
        errc::too_large);
  const OpenedRun small = begin(env, store, "r3", "small");
  small.log->add_message(user_message("hello"), 0);
  run(env, small.log->committed());
  CHECK(run(env, store.messages("small")).size() == 1);
  run(env, opened.log->committed());
}

TEST_CASE(
    "a run whose input and outcome are as large as they may be is kept, and one that is larger without its text") {
  const TempDir folder;
  TestEnvironment env;
  Store store(folder.path());
  Outcome outcome;
  outcome.text.assign((32U << 20U) - 8'192, 'y');
  outcome.steps = 7;
  for (const std::string id : {"r1", "r2"}) {
    RunRecord record = record_of(id, "s");
    record.input.assign((32U << 20U) - 8'192, 'x');
    const OpenedRun opened = run(env, store.begin(record, {}));
    opened.log->set_model(std::string(100'000, 'm'));
    opened.log->end(WallTime(), outcome, 1'000);
    run(env, opened.log->committed());
    outcome.text.append(8'192, 'y');
  }
  const auto runs = run(env, store.runs({.session = "s"}));
  REQUIRE(runs.size() == 2);
  CHECK(runs[1].outcome.at("text").as_string().size() == (32U << 20U) - 8'192);
  CHECK(runs[0].outcome.at("steps") == 7);
  CHECK(runs[0].outcome.at("detail") == "the outcome was too large to be kept");
}

TEST_CASE("a disk that is full is an error, and what was there stays") {
  const TempDir folder;
  {
    TestEnvironment env;
    Store store(folder.path());
    whole_run(env, store, "r1", "s", {"one"});
  }
  // In a child, because a limit on file sizes is the whole process's.
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    TestEnvironment env;
    Store store(folder.path());
    const OpenedRun opened = begin(env, store, "r2", "s");
    constexpr rlimit kSize{128 << 10U, 128 << 10U};
    setrlimit(RLIMIT_FSIZE, &kSize);
    opened.log->add_message(user_message(std::string(1 << 20U, 'x')), 1);
    bool refused = false;
    try {
      run(env, opened.log->committed());
    } catch (const Error& error) {
      refused = error.code() == errc::storage;
    }
    _exit(refused ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  TestEnvironment env;
  Store store(folder.path());
  const auto messages = run(env, store.messages("s"));
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].text() == "one");
}

TEST_CASE("a commit is told before and after") {
  const TempDir folder;
  TestEnvironment env;
  std::vector<bool> told;
  Store store(folder.path(), {.on_commit = [&](bool done) { told.push_back(done); }});
  const OpenedRun opened = begin(env, store, "r1", "");
  CHECK(told.empty());
  opened.log->append(start_entry("1", "complete"));
  run(env, opened.log->committed());
  CHECK(told == std::vector<bool>{false, true});
}
