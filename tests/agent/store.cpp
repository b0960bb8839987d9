// The store's promises: order, what is on disk after a boundary, and what it says of a file it cannot use.
#include "support/fixtures.hpp"
#include <sennit/agent/store.hpp>

#include <catch2/catch_test_macros.hpp>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <mutex>
#include <stdexcept>

using namespace sennit;
using namespace sennit::testing;

namespace {

RunRecord run_record(std::string id, std::string session) {
  RunRecord run;
  run.id = std::move(id);
  run.session = std::move(session);
  run.agent = "a";
  run.model = "m";
  run.input = "hello";
  return run;
}

JournalEntry entry(std::string effect, bool finished) {
  return {.run = "r1", .effect = std::move(effect), .kind = "tool", .finished = finished, .data = "{}"};
}

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

/// Runs SQL on the file, as another program could.
void meddle(const std::filesystem::path& file, const char* sql) {
  sqlite3* handle = nullptr;
  const bool done = sqlite3_open(file.c_str(), &handle) == SQLITE_OK &&
                    sqlite3_exec(handle, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
  sqlite3_close(handle);
  if (!done) throw std::runtime_error("the test could not change the store");
}

}  // namespace

TEST_CASE("reads see what was queued before them, in order") {
  const TempDir folder;
  TestEnvironment env;
  Store store(folder.path());
  store.begin_run(run_record("r1", "s"));
  for (int i = 0; i < 100; ++i) store.add_message("s", i, "r1", user_message(std::to_string(i)));
  const auto messages = run(env, store.messages("s"));
  REQUIRE(messages.size() == 100);
  for (std::size_t i = 0; i < messages.size(); ++i) CHECK(messages[i].text() == std::to_string(i));
}

TEST_CASE("what is queued reaches the disk when the store goes") {
  const TempDir folder;
  TestEnvironment env;
  {
    Store store(folder.path());
    store.begin_run(run_record("r1", "s"));
    store.journal(entry("1", false));
    store.journal(entry("1", true));
  }
  Store store(folder.path());
  const auto entries = run(env, store.journal_of("r1"));
  REQUIRE(entries.size() == 2);
  CHECK_FALSE(entries[0].finished);
  CHECK(entries[1].finished);
  const auto runs = run(env, store.runs("s", 10));
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].input == "hello");
  CHECK_FALSE(runs[0].ended);
}

TEST_CASE("what was committed survives the death of the program") {
  const TempDir folder;
  int told[2];
  REQUIRE(pipe(told) == 0);
  const pid_t child = fork();
  if (child == 0) {
    TestEnvironment env;
    Store store(folder.path());
    store.begin_run(run_record("r1", "s"));
    store.add_message("s", 0, "r1", user_message("kept"));
    run(env, store.committed());
    store.add_message("s", 1, "r1", user_message("not yet committed"));
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
  mine.begin_run(run_record("r1", "mine"));
  theirs.begin_run(run_record("r2", "theirs"));
  mine.add_message("mine", 0, "r1", user_message("a"));
  theirs.add_message("theirs", 0, "r2", user_message("b"));
  run(env, mine.committed());
  run(env, theirs.committed());
  CHECK(run(env, mine.messages("theirs")).size() == 1);
  CHECK(run(env, theirs.sessions(10)).size() == 2);
}

TEST_CASE("undo takes back the last run's messages only") {
  const TempDir folder;
  TestEnvironment env;
  Store store(folder.path());
  store.begin_run(run_record("r1", "s"));
  store.add_message("s", 0, "r1", user_message("one"));
  store.begin_run(run_record("r2", "s"));
  store.add_message("s", 1, "r2", user_message("two"));
  store.add_message("s", 2, "r2", user_message("three"));
  CHECK(run(env, store.undo("s")));
  CHECK(run(env, store.messages("s")).size() == 1);
  CHECK(run(env, store.undo("s")));
  CHECK_FALSE(run(env, store.undo("s")));
}

TEST_CASE("a file that is no database, or a newer one, is refused by name and left as it is") {
  const TempDir folder;
  const auto file = folder / "sennit.db";
  SECTION("not a database") {
    folder.write("sennit.db", std::string(8192, 'x'));
    const Error error = error_of([&] { Store store(folder.path()); });
    CHECK(error.code() == errc::storage);
    CHECK(error.describe().find(file.string()) != std::string::npos);
    CHECK(read_file(file) == std::string(8192, 'x'));
  }
  SECTION("made by a newer program") {
    {
      Store store(folder.path());
    }
    meddle(file, "UPDATE schema_versions SET version = 99");
    const Error error = error_of([&] { Store store(folder.path()); });
    CHECK(error.code() == errc::storage);
    CHECK(error.describe().find("newer") != std::string::npos);
    CHECK(error.describe().find(file.string()) != std::string::npos);
  }
  SECTION("a folder stands in its place") {
    std::filesystem::create_directory(file);
    CHECK(error_of([&] { Store store(folder.path()); }).code() == errc::storage);
  }
}

TEST_CASE("a damaged page is an error of the read, not a crash") {
  const TempDir folder;
  TestEnvironment env;
  {
    Store store(folder.path());
    store.begin_run(run_record("r1", "s"));
    for (int i = 0; i < 200; ++i) store.add_message("s", i, "r1", user_message(std::string(1000, 'x')));
  }
  std::string content = read_file(folder / "sennit.db");
  REQUIRE(content.size() > 100'000);
  std::memset(content.data() + 40'960, 0xff, content.size() - 40'960);
  folder.write("sennit.db", content);
  Store store(folder.path());
  const Error error = run_error(env, store.messages("s"));
  CHECK(error.code() == errc::storage);
}

TEST_CASE("after a failed write nothing more is kept, and every commit says so") {
  const TempDir folder;
  TestEnvironment env;
  Store store(folder.path());
  store.begin_run(run_record("r1", "s"));
  store.add_message("s", 0, "r1", user_message("one"));
  run(env, store.committed());
  store.add_message("s", 0, "r1", user_message("the same position again"));
  const Error first = run_error(env, store.committed());
  CHECK(first.code() == errc::storage);
  store.add_message("s", 1, "r1", user_message("after the hole"));
  CHECK(run_error(env, store.committed()).code() == errc::storage);
  Store other(folder.path());
  CHECK(run(env, other.messages("s")).size() == 1);
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
  {
    const Writer other(folder / "sennit.db");
    Store opened_meanwhile(folder.path(), {.busy_timeout = kSoon});
    store.begin_run(run_record("r1", "s"));
    store.add_message("s", 0, "r1", user_message("one"));
    const Error busy = run_error(env, store.committed());
    CHECK(busy.code() == errc::storage);
    CHECK(busy.retryable());
    store.add_message("s", 1, "r1", user_message("two"));
    CHECK(run_error(env, store.committed()).retryable());
    CHECK(run_error(env, store.messages("s")).retryable());
  }
  store.add_message("s", 2, "r1", user_message("three"));
  run(env, store.committed());
  const auto messages = run(env, store.messages("s"));
  REQUIRE(messages.size() == 3);
  CHECK(messages[0].text() == "one");
  CHECK(messages[1].text() == "two");
  CHECK(messages[2].text() == "three");
  const std::lock_guard lock(mutex);
  REQUIRE(told.size() == 3);
  CHECK(told[1].starts_with("store: 3 writes have to wait: "));
}

TEST_CASE("what is too large is refused to its own session alone") {
  const TempDir folder;
  TestEnvironment env;
  Store store(folder.path());
  const std::string large(65U << 20U, 'x');
  RunRecord refused = run_record("r1", "large");
  refused.input = large;
  CHECK(error_of([&] { store.begin_run(refused); }).code() == errc::too_large);
  CHECK(error_of([&] { store.add_message("large", 0, "r1", user_message(large)); }).code() == errc::too_large);
  CHECK(error_of([&] { store.journal({"r1", "1", "tool", false, large}); }).code() == errc::too_large);
  store.begin_run(run_record("r2", "small"));
  store.add_message("small", 0, "r2", user_message("hello"));
  run(env, store.committed());
  CHECK(run(env, store.messages("small")).size() == 1);
}

TEST_CASE(
    "a run whose input and outcome are as large as they may be is kept, and one that is larger without its text") {
  const TempDir folder;
  TestEnvironment env;
  Store store(folder.path());
  RunRecord record = run_record("r1", "s");
  record.input.assign((32U << 20U) - 8'192, 'x');
  store.begin_run(record);
  Outcome outcome;
  outcome.text.assign((32U << 20U) - 8'192, 'y');
  outcome.steps = 7;
  store.end_run("r1", WallTime(), outcome);
  run(env, store.committed());
  auto runs = run(env, store.runs("s", 1));
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].outcome.at("text").as_string().size() == outcome.text.size());
  outcome.text.append(8'192, 'y');
  store.end_run("r1", WallTime(), outcome);
  run(env, store.committed());
  runs = run(env, store.runs("s", 1));
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].outcome.at("steps") == 7);
  CHECK(runs[0].outcome.at("detail") == "the outcome was too large to be kept");
}

TEST_CASE("a disk that is full is an error, and what was there stays") {
  const TempDir folder;
  {
    TestEnvironment env;
    Store store(folder.path());
    store.begin_run(run_record("r1", "s"));
    store.add_message("s", 0, "r1", user_message("one"));
    run(env, store.committed());
  }
  // In a child, because a limit on file sizes is the whole process's.
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    TestEnvironment env;
    Store store(folder.path());
    constexpr rlimit kSize{128 << 10U, 128 << 10U};
    setrlimit(RLIMIT_FSIZE, &kSize);
    store.add_message("s", 1, "r1", user_message(std::string(1 << 20U, 'x')));
    bool refused = false;
    try {
      run(env, store.committed());
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

TEST_CASE("conversations are private: the files belong to their owner alone") {
  const TempDir folder;
  TestEnvironment env;
  Store store(folder.path());
  store.begin_run(run_record("r1", "s"));
  run(env, store.committed());
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder.path())) {
    struct stat status{};
    REQUIRE(stat(file.path().c_str(), &status) == 0);
    CHECK((status.st_mode & 077U) == 0);
    ++files;
  }
  CHECK(files >= 1);
}
