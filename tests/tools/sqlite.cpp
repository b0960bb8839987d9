// Queries on real databases: what is permitted, what is not, bounds and cancellation.
#include "tools/tool_call.hpp"
#include <sennit/agent/io/database.hpp>
#include <sennit/tools/sqlite.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;
using Origins = std::vector<std::string>;

namespace {

/// A database with the table `t(id, name, price)` of three rows.
class Shop {
 public:
  Shop() {
    Database database(file());
    database.execute(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, price REAL);"
        "INSERT INTO t VALUES(1,'one',1.5),(2,'two|2',NULL),(3,'three\nlines',x'00FF');"
        "CREATE VIRTUAL TABLE words USING fts5(body); INSERT INTO words VALUES('hello world');");
  }
  [[nodiscard]] fs::path file() const { return folder_ / "shop.db"; }
  [[nodiscard]] const TempDir& folder() const { return folder_; }
  [[nodiscard]] Tools tools(bool write = false, milliseconds timeout = milliseconds{10'000}) const {
    SqliteSettings settings;
    settings.file = file();
    settings.write = write;
    settings.timeout = timeout;
    return make_sqlite(settings);
  }
  [[nodiscard]] std::int64_t rows() const {
    Database database(file());
    Statement statement = database.prepare("SELECT count(*) FROM t");
    return statement.step() ? statement.integer(0) : -1;
  }

 private:
  TempDir folder_;
};

std::string query(TestEnvironment& env, const Tools& tools, const std::string& sql, json::object more = {}) {
  more["sql"] = sql;
  return call(env, tools, "sqlite_query", std::move(more));
}

Error refused(TestEnvironment& env, const Tools& tools, const std::string& sql,
              std::string_view tool = "sqlite_query") {
  return call_error(env, tools, tool, {{"sql", sql}});
}

constexpr const char* kEndless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT count(*) FROM c";

}  // namespace

TEST_CASE("rows come as a table or as JSON, with parameters by place and by name") {
  TestEnvironment env;
  const Shop shop;
  const Tools tools = shop.tools();
  CHECK(query(env, tools, "SELECT * FROM t ORDER BY id") ==
        "id | name | price\n1 | one | 1.5\n2 | two\\|2 | NULL\n3 | three\\nlines | [blob, 2 bytes]\n[3 rows]\n");
  CHECK(query(env, tools, "SELECT id, name FROM t WHERE id < 2;", {{"format", "json"}}) ==
        "{\"id\":1,\"name\":\"one\"}\n[1 row]\n");
  CHECK(query(env, tools, "SELECT name FROM t WHERE id = ? AND price > ?", {{"parameters", {1, 1.25}}}) ==
        "name\none\n[1 row]\n");
  CHECK(query(env, tools, "SELECT name FROM t WHERE name = :n", {{"parameters", {{"n", "one' OR 1=1 --"}}}}) ==
        "name\n[0 rows]\n");
  CHECK(query(env, tools, "SELECT body FROM words WHERE words MATCH 'hello'") == "body\nhello world\n[1 row]\n");
  CHECK_THAT(call(env, tools, "sqlite_schema", {}), ContainsSubstring("CREATE TABLE t(id INTEGER PRIMARY KEY"));
  CHECK_THAT(query(env, tools, "PRAGMA table_info(t)"), ContainsSubstring("price"));
  CHECK_THAT(query(env, tools, "-- a comment\nSELECT 1 -- end\n; -- more"), ContainsSubstring("[1 row]"));
}

TEST_CASE("what a query may not do is refused, and the database stays as it was") {
  TestEnvironment env;
  const Shop shop;
  const Tools tools = shop.tools();
  const std::string other = (shop.folder() / "other.db").string();
  for (const std::string& sql : std::vector<std::string>{"DELETE FROM t",
                                                         "UPDATE t SET id = 9",
                                                         "INSERT INTO t VALUES(9,'x',1)",
                                                         "DROP TABLE t",
                                                         "CREATE TABLE x(a)",
                                                         "CREATE TEMP TABLE x(a)",
                                                         "CREATE VIEW v AS SELECT 1",
                                                         "ALTER TABLE t ADD COLUMN z",
                                                         "ATTACH '" + other + "' AS o",
                                                         "DETACH main",
                                                         "VACUUM",
                                                         "VACUUM INTO '" + other + "'",
                                                         "REINDEX",
                                                         "ANALYZE",
                                                         "PRAGMA journal_mode=DELETE",
                                                         "PRAGMA query_only=OFF",
                                                         "PRAGMA writable_schema=ON",
                                                         "PRAGMA user_version=7",
                                                         "PRAGMA wal_checkpoint",
                                                         "PRAGMA temp_store_directory='/tmp'",
                                                         "PRAGMA database_list",
                                                         "PRAGMA trusted_schema=1",
                                                         "BEGIN",
                                                         "BEGIN EXCLUSIVE",
                                                         "COMMIT",
                                                         "SAVEPOINT x",
                                                         "SELECT load_extension('/tmp/x.so')",
                                                         "SELECT fts3_tokenizer('simple')",
                                                         "SELECT readfile('/etc/passwd')",
                                                         "SELECT writefile('/tmp/x', 'y')",
                                                         "SELECT edit('x')",
                                                         "INSERT INTO words VALUES('x')",
                                                         "INSERT INTO words(words) VALUES('rebuild')",
                                                         "UPDATE sqlite_schema SET sql = 'x'",
                                                         "DELETE FROM sqlite_sequence",
                                                         "EXPLAIN DELETE FROM t",
                                                         "WITH x AS (SELECT 1) DELETE FROM t",
                                                         "SELECT 1; DELETE FROM t",
                                                         "SELECT 1; SELECT 2",
                                                         "",
                                                         ";",
                                                         "-- nothing",
                                                         "SELECT",
                                                         "SELECT * FROM nowhere",
                                                         "nonsense",
                                                         "REPLACE INTO t VALUES(1,'x',1)",
                                                         "INSERT INTO t SELECT * FROM t RETURNING id",
                                                         "CREATE VIRTUAL TABLE z USING fts5(a)",
                                                         "SELECT * FROM pragma_database_list",
                                                         std::string("SELECT 1\0; DELETE FROM t", 24)}) {
    const Error error = refused(env, tools, sql);
    INFO(sql << ": " << error.describe());
    CHECK((error.code() == errc::denied || error.code() == errc::invalid_argument));
  }
  CHECK(shop.rows() == 3);
  CHECK_FALSE(fs::exists(other));
}

TEST_CASE("changes are a tool of their own where they are permitted, one statement at a time") {
  TestEnvironment env;
  const Shop shop;
  const Tools tools = shop.tools(true);
  const auto change = [&](const std::string& sql, json::object more = {}) {
    more["sql"] = sql;
    return call(env, tools, "sqlite_change", std::move(more));
  };
  CHECK(change("INSERT INTO t VALUES(?,?,?)", {{"parameters", {4, "four", nullptr}}}) == "[1 rows changed]\n");
  CHECK(change("UPDATE t SET price = 1 RETURNING id", {}) == "id\n1\n2\n3\n4\n[4 rows]\n[4 rows changed]\n");
  CHECK(change("CREATE TABLE more(a)") == "[0 rows changed]\n");
  CHECK(change("ALTER TABLE more ADD COLUMN b") == "[0 rows changed]\n");
  CHECK(change("DROP TABLE more") == "[0 rows changed]\n");
  CHECK(shop.rows() == 4);
  CHECK(refused(env, tools, "DELETE FROM t").code() == errc::denied);  // sqlite_query still only reads
  const std::string other = (shop.folder() / "other.db").string();
  for (const std::string& sql : std::vector<std::string>{
           "ATTACH '" + other + "' AS o", "VACUUM INTO '" + other + "'", "BEGIN", "PRAGMA writable_schema=ON",
           "PRAGMA journal_mode=OFF", "UPDATE sqlite_schema SET sql='x'", "INSERT INTO sqlite_schema VALUES(1,2,3,4,5)",
           "DELETE FROM t; DELETE FROM t", "CREATE TEMP TABLE x(a)",
           "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END", "CREATE VIRTUAL TABLE x USING dbstat",
           "SELECT load_extension('x')"}) {
    const Error error = refused(env, tools, sql, "sqlite_change");
    INFO(sql << ": " << error.describe());
    CHECK((error.code() == errc::denied || error.code() == errc::invalid_argument));
  }
  CHECK(shop.rows() == 4);
  CHECK_FALSE(fs::exists(other));
}

TEST_CASE("rows, values and the output have bounds that are told") {
  TestEnvironment env;
  const Shop shop;
  const Tools tools = shop.tools();
  const std::string numbers = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x < 5000) ";
  CHECK_THAT(query(env, tools, numbers + "SELECT x FROM c"), ContainsSubstring("[100 rows are shown; there are more"));
  CHECK_THAT(query(env, tools, numbers + "SELECT x FROM c LIMIT 7", {{"limit", 5}}),
             ContainsSubstring("[5 rows are shown"));
  CHECK(query(env, tools, numbers + "SELECT hex(zeroblob(500)) FROM c", {{"limit", 1000}}).size() < 30'000);
  CHECK_THAT(query(env, tools, "SELECT hex(zeroblob(5000))"), ContainsSubstring("…"));
  std::string wide = "SELECT 1";
  for (int i = 0; i < 1500; ++i) wide += ",hex(zeroblob(499))";
  CHECK(query(env, tools, wide).size() < 80'000);
  CHECK(refused(env, tools, "SELECT zeroblob(100000000)").code() == errc::too_large);
  CHECK(refused(env, tools, "SELECT 1 WHERE " + std::string(2000, '~') + "1").code() == errc::invalid_argument);
}

TEST_CASE("a statement without end is stopped by its deadline, one that eats memory by that bound") {
  TestEnvironment env;
  const Shop shop;
  const Error late = refused(env, shop.tools(false, milliseconds{200}), kEndless);
  CHECK(late.code() == errc::timeout);
  CHECK_THAT(late.message(), ContainsSubstring("0.2 seconds"));
  const std::string greedy =
      "WITH RECURSIVE c(x) AS (SELECT randomblob(1000000) UNION ALL SELECT randomblob(1000000) FROM c) "
      "SELECT count(*) FROM (SELECT x FROM c ORDER BY x)";
  const errc code = refused(env, shop.tools(false, milliseconds{30'000}), greedy).code();
  CHECK(code == errc::too_large);
}

TEST_CASE("a cancelled query ends at once and frees its thread") {
  TestEnvironment env;
  const Shop shop;
  const Tools tools = shop.tools(false, milliseconds{600'000});
  CallContext context(env);
  auto task = start(env, tool_named(tools, "sqlite_query").call({{"sql", kEndless}}, context));
  std::atomic<int> turns{0};
  until(env, [&] { return ++turns > 20; });
  task.cancel();
  CHECK(task.error().code() == errc::cancelled);
  // The environment's pool waits for its threads when the test ends: a query that went on would hang here.
}

TEST_CASE("a locked, broken or missing database is told in words") {
  TestEnvironment env;
  const Shop shop;
  const TempDir folder;
  const auto error_of = [&](const fs::path& file) {
    SqliteSettings settings;
    settings.file = file;
    return refused(env, make_sqlite(settings), "SELECT * FROM t");
  };
  CHECK(error_of(folder / "none.db").code() == errc::not_found);
  CHECK_FALSE(fs::exists(folder / "none.db"));
  CHECK(error_of(folder.write("bad.db", std::string(5000, 'x'))).code() == errc::storage);
  const TempDir locked;
  {
    Database database(locked / "x.db");
    database.execute("PRAGMA journal_mode=DELETE; CREATE TABLE t(a);");
    database.execute("PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE;");
    SqliteSettings settings;
    settings.file = locked / "x.db";
    settings.timeout = milliseconds{200};
    const Error busy = refused(env, make_sqlite(settings), "SELECT * FROM t");
    CHECK(busy.code() == errc::timeout);
    CHECK_THAT(busy.message(), ContainsSubstring("locked"));
  }
}

TEST_CASE("a hostile schema does nothing") {
  TestEnvironment env;
  const TempDir folder;
  {
    Database database(folder / "evil.db");
    database.execute(
        "CREATE TABLE t(a); INSERT INTO t VALUES(1);"
        "CREATE VIEW v AS SELECT load_extension('/tmp/x.so') FROM t;"
        "CREATE TRIGGER tr AFTER INSERT ON t BEGIN DELETE FROM t; END;");
  }
  SqliteSettings settings;
  settings.file = folder / "evil.db";
  const Tools tools = make_sqlite(settings);
  const errc code = refused(env, tools, "SELECT * FROM v").code();
  CHECK((code == errc::denied || code == errc::invalid_argument));
  CHECK_THAT(query(env, tools, "SELECT a FROM t"), ContainsSubstring("[1 row]"));
}

TEST_CASE("the file is a facet, and its contents are private and untrusted unless said otherwise") {
  const TempDir folder;
  Definition definition;
  definition.file = folder / "agent.yaml";
  const Registry registry;
  const auto make = [&](const json::object& options) {
    return make_sqlite_tools(options, PartContext{definition, registry, folder / ".sennit"});
  };
  const Tools tools = make({{"file", "./data/shop.db"}, {"name", "shop"}});
  REQUIRE(tools.size() == 2);
  const Tool& tool = tool_named(tools, "shop_query");
  CHECK(tool.facets({{"sql", "SELECT 1"}}) ==
        std::vector<Facet>{{"path", "data/shop.db"}, {"absolute", (folder / "data/shop.db").string()}});
  CHECK(tool.spec().gives == Labels{{"file:shop.db"}, {"file:shop.db"}});
  CHECK(tool.spec().touches == Touches{.read = true});
  const Tools open = make({{"file", "a.db"}, {"trusted", true}, {"confidential", false}, {"write", true}});
  CHECK(open.at(0)->spec().gives.empty());
  CHECK(tool_named(open, "sqlite_change").spec().touches == Touches{.read = true, .write = true});
  CHECK(tool_named(open, "sqlite_change").spec().repeat == Repeat::never);
  CHECK_THROWS_AS(make({}), Error);
  CHECK_THROWS_AS(make({{"file", ".sennit/sennit.db"}}), Error);
  CHECK_THROWS_AS(make({{"file", "a.db"}, {"name", "not a name"}}), Error);
}
