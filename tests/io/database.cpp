// Connections to one file: what several that come at the same time get.
#include "support/fixtures.hpp"
#include <sennit/agent/io/database.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <sqlite3.h>
#include <sys/stat.h>

#include <atomic>
#include <latch>
#include <string>
#include <thread>
#include <vector>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

// A query that would take longer than anybody waits.
constexpr const char* kEndless =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

}  // namespace

TEST_CASE("all that open a new file at the same time get it") {
  const TempDir folder;
  constexpr int kOpeners = 8;
  for (int round = 0; round < 25; ++round) {
    const std::filesystem::path file = folder / ("new" + std::to_string(round) + ".db");
    std::latch together(kOpeners);
    std::atomic<int> opened = 0;
    std::vector<std::jthread> openers;
    for (int i = 0; i < kOpeners; ++i) {
      openers.emplace_back([&] {
        together.arrive_and_wait();
        try {
          Database database(file);
          database.migrate("things", {"CREATE TABLE things(id INTEGER) STRICT"});
          database.execute("INSERT INTO things VALUES(1)");
          ++opened;
        } catch (const Error&) {
          // Counted below: assertions belong to the test's thread.
        }
      });
    }
    openers.clear();
    REQUIRE(opened == kOpeners);
    Database database(file);
    Statement count = database.prepare("SELECT count(*) FROM things");
    REQUIRE(count.step());
    CHECK(count.integer(0) == kOpeners);
  }
}

TEST_CASE("a new file and what SQLite makes beside it are their owner's alone") {
  const TempDir folder;
  const std::filesystem::path file = folder / "private.db";
  Database database(file);
  database.execute("CREATE TABLE things(id INTEGER) STRICT");
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat status{};
    REQUIRE(stat((file.string() + suffix).c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0600U);
  }
}

TEST_CASE("a statement that would not end is stopped at its deadline, and the database goes on") {
  Database database(":memory:", {.statement_deadline = std::chrono::milliseconds(20)});
  const Error stepped = error_of([&] { database.prepare(kEndless).step(); });
  CHECK(stepped.code() == errc::storage);
  CHECK(stepped.retryable());
  CHECK_THAT(stepped.message(), ContainsSubstring("20 ms"));
  CHECK(error_of([&] { database.execute(kEndless); }).code() == errc::storage);
  database.execute("CREATE TABLE things(id INTEGER) STRICT; INSERT INTO things VALUES(1)");
  CHECK(database.changes() == 1);
}

TEST_CASE("a statement is stopped from another thread") {
  Database database(":memory:");
  std::atomic<bool> ended = false;
  std::jthread other([&] {
    while (!ended) database.interrupt();  // again and again: one that finds nothing at work does nothing
  });
  CHECK(error_of([&] { database.prepare(kEndless).step(); }).code() == errc::storage);
  ended = true;
}

TEST_CASE("a file system that cannot do WAL is refused") {
  const TempDir folder;
  sqlite3_vfs* const usual = sqlite3_vfs_find(nullptr);
  REQUIRE(sqlite3_vfs_register(sqlite3_vfs_find("unix-dotfile"), 1) == SQLITE_OK);  // it has no shared memory
  const Error error = error_of([&] { Database database(folder / "x.db"); });
  REQUIRE(sqlite3_vfs_register(usual, 1) == SQLITE_OK);
  CHECK(error.code() == errc::storage);
  CHECK_THAT(error.describe(), ContainsSubstring("write-ahead log") && ContainsSubstring("x.db"));
}

TEST_CASE("a file that needs no migration is opened while another connection writes") {
  const TempDir folder;
  const std::filesystem::path file = folder / "x.db";
  const std::initializer_list<const char*> steps = {"CREATE TABLE things(id INTEGER) STRICT"};
  Database writer(file);
  writer.migrate("things", steps);
  Transaction held(writer);
  Database other(file, {.busy_timeout = std::chrono::milliseconds(0)});
  other.migrate("things", steps);
  CHECK_FALSE(other.prepare("SELECT id FROM things").step());
  const Error error = error_of([&] { other.migrate("others", {"CREATE TABLE others(id INTEGER) STRICT"}); });
  CHECK(error.retryable());
}
