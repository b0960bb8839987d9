// Connections to one file: what several that come at the same time get.
#include "support/fixtures.hpp"
#include <sennit/agent/io/database.hpp>

#include <catch2/catch_test_macros.hpp>
#include <sys/stat.h>

#include <atomic>
#include <latch>
#include <string>
#include <thread>
#include <vector>

using namespace sennit;
using namespace sennit::testing;

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
