// The store's file: one that cannot be used, one that was damaged, one of an older version, and who may read it.
#include "support/fixtures.hpp"
#include "support/store_runs.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <sys/stat.h>

#include <cstring>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

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
    const OpenedRun opened = begin(env, store, "r1", "s");
    for (int i = 0; i < 200; ++i) opened.log->add_message(user_message(std::string(1000, 'x')), i);
  }
  std::string content = read_file(folder / "sennit.db");
  REQUIRE(content.size() > 150'000);
  std::memset(content.data() + 81'920, 0xff, content.size() - 81'920);
  folder.write("sennit.db", content);
  Store store(folder.path());
  const Error error = run_error(env, store.messages("s"));
  CHECK(error.code() == errc::storage);
}

TEST_CASE("conversations are private: the files belong to their owner alone") {
  const TempDir folder;
  TestEnvironment env;
  Store store(folder.path());
  const OpenedRun opened = begin(env, store, "r1", "s");
  run(env, opened.log->committed());
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder.path())) {
    struct stat status{};
    REQUIRE(stat(file.path().c_str(), &status) == 0);
    CHECK((status.st_mode & 077U) == 0);
    ++files;
  }
  CHECK(files >= 2);
}

TEST_CASE("a store of the first version is taken over without loss") {
  const TempDir folder;
  meddle(folder / "sennit.db", R"sql(
    PRAGMA journal_mode=WAL;
    CREATE TABLE schema_versions(component TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT;
    INSERT INTO schema_versions VALUES('store', 1);
    CREATE TABLE sessions(
      id TEXT PRIMARY KEY, agent TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL) STRICT;
    CREATE TABLE runs(
      id TEXT PRIMARY KEY, session TEXT NOT NULL, agent TEXT NOT NULL, model TEXT NOT NULL, digest TEXT NOT NULL,
      input TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER, outcome TEXT) STRICT, WITHOUT ROWID;
    CREATE INDEX runs_by_session ON runs(session, started);
    CREATE TABLE messages(
      session TEXT NOT NULL, position INTEGER NOT NULL, run TEXT NOT NULL, body TEXT NOT NULL,
      PRIMARY KEY(session, position)) STRICT, WITHOUT ROWID;
    CREATE TABLE journal(
      run TEXT NOT NULL, position INTEGER NOT NULL, effect TEXT NOT NULL, kind TEXT NOT NULL,
      finished INTEGER NOT NULL, at INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY(run, position))
      STRICT, WITHOUT ROWID;
    INSERT INTO sessions VALUES('s', 'a', 1, 2);
    INSERT INTO runs VALUES('r2', 's', 'a', 'm', 'd', 'second', 2000, NULL, NULL);
    INSERT INTO runs VALUES('r1', 's', 'a', 'm', 'd', 'first', 1000, 1500, '{"ending":"completed","text":"hi"}');
    INSERT INTO messages VALUES('s', 0, 'r1', '{"role":"user","parts":[{"type":"text","text":"first"}]}');
    INSERT INTO messages VALUES('s', 1, 'r1', '{"role":"assistant","parts":[{"type":"text","text":"hi"}]}');
    INSERT INTO messages VALUES('s', 2, 'r2', '{"role":"user","parts":[{"type":"text","text":"second"}]}');
    INSERT INTO journal VALUES('r2', 1, '1', 'complete', 0, 2345, '{}');
  )sql");
  TestEnvironment env;
  Store store(folder.path());
  CHECK(run(env, store.sessions(10)).size() == 1);
  CHECK(run(env, store.messages("s")).size() == 3);
  const auto runs = run(env, store.runs({}));
  REQUIRE(runs.size() == 2);
  CHECK(runs[1].id == "r1");
  CHECK(runs[1].outcome.at("text") == "hi");
  CHECK(runs[1].base == 0);
  CHECK(runs[0].id == "r2");
  CHECK(runs[0].phase == RunPhase::ended);
  CHECK(runs[0].ended == WallTime(std::chrono::microseconds(2345)));
  CHECK(runs[0].base == 2);
  CHECK(outcome_from_json(runs[0].outcome).ending == Ending::cancelled);
  CHECK_THAT(outcome_from_json(runs[0].outcome).detail, ContainsSubstring("older version"));
  const OpenedRun opened = begin(env, store, "r3", "s");
  CHECK(opened.history.size() == 3);
  CHECK(opened.next_position == 3);
}
