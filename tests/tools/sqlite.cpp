// Queries on real databases: what is permitted, what is not, bounds and cancellation.
#include "tools/tool_call.hpp"
#include <sennit/agent/io/database.hpp>
#include <sennit/tools/sqlite.hpp>
#include <sennit/tools/sqlite_functions.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
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

TEST_CASE("a database that has become a link, or lies behind one, is not followed") {
  TestEnvironment env;
  const TempDir outside;
  Database(outside / "shop.db").execute("CREATE TABLE t(a); INSERT INTO t VALUES('private');");
  const TempDir folder;
  fs::create_directories(folder / "data");
  Database(folder / "data/shop.db").execute("CREATE TABLE t(a); INSERT INTO t VALUES('own');");
  SqliteSettings settings;
  settings.file = folder / "data/shop.db";
  settings.write = true;
  const Tools tools = make_sqlite(settings);
  CHECK_THAT(query(env, tools, "SELECT a FROM t"), ContainsSubstring("own"));
  const auto refuses = [&] {
    CHECK(refused(env, tools, "SELECT a FROM t").code() == errc::denied);
    const Error error = refused(env, tools, "UPDATE t SET a = 'changed'", "sqlite_change");
    CHECK(error.code() == errc::denied);
    CHECK_THAT(error.message(), ContainsSubstring("link"));
  };
  SECTION("the file") {
    fs::remove(folder / "data/shop.db");
    fs::create_symlink(outside / "shop.db", folder / "data/shop.db");
    refuses();
  }
  SECTION("its folder") {
    fs::rename(folder / "data", folder / "old");
    fs::create_directory_symlink(outside.path(), folder / "data");
    refuses();
  }
  SECTION("its folder is another one, and none") {
    fs::rename(folder / "data", folder / "old");
    fs::rename(folder / "old", folder / "data");
    CHECK_THAT(query(env, tools, "SELECT a FROM t"), ContainsSubstring("own"));
    CHECK_THAT(call(env, tools, "sqlite_change", {{"sql", "UPDATE t SET a = 'new'"}}), ContainsSubstring("[1 rows"));
    fs::rename(folder / "data", folder / "old");
    CHECK(refused(env, tools, "SELECT a FROM t").code() == errc::not_found);
  }
  Database database(outside / "shop.db");
  Statement statement = database.prepare("SELECT a FROM t");
  REQUIRE(statement.step());
  CHECK(statement.text(0) == "private");
}

TEST_CASE("a folder that was a link when the tool was made is followed then, and never again") {
  TestEnvironment env;
  const TempDir folder;
  for (const char* name : {"a", "b"}) {
    fs::create_directories(folder / name);
    Database(folder / name / "x.db")
        .execute((std::string("CREATE TABLE t(a); INSERT INTO t VALUES('in ") + name + "');").c_str());
  }
  fs::create_directory_symlink(folder / "a", folder / "now");
  SqliteSettings settings;
  settings.file = folder / "now/x.db";
  const Tools tools = make_sqlite(settings);
  fs::remove(folder / "now");
  fs::create_directory_symlink(folder / "b", folder / "now");
  CHECK_THAT(query(env, tools, "SELECT a FROM t"), ContainsSubstring("in a"));
}

TEST_CASE("the state folder's databases are nobody's, whenever it comes to lie there") {
  TestEnvironment env;
  const Shop shop;
  SqliteSettings settings;
  settings.file = shop.file();
  settings.closed = {shop.folder() / "state"};
  const Tools tools = make_sqlite(settings);
  CHECK_THAT(query(env, tools, "SELECT 1"), ContainsSubstring("[1 row]"));
  fs::create_directory_symlink(shop.folder().path(), shop.folder() / "state");
  CHECK(refused(env, tools, "SELECT 1").code() == errc::denied);
}

TEST_CASE("a planted journal names no file to delete, and one that is a link is not followed") {
  TestEnvironment env;
  const TempDir outside;
  const fs::path victim = outside.write("victim", "precious");
  const TempDir folder;
  const fs::path file = folder / "x.db";
  const fs::path journal = folder / "x.db-journal";
  const fs::path kept = folder / "kept";
  {
    Database database(file);
    database.execute("PRAGMA journal_mode=DELETE; CREATE TABLE t(a); INSERT INTO t VALUES('before');");
    database.execute("PRAGMA cache_size=1; PRAGMA cache_spill=1; BEGIN;");
    database.execute("UPDATE t SET a = zeroblob(100000);");
    fs::copy_file(journal, kept);
  }
  fs::rename(kept, journal);
  SqliteSettings settings;
  settings.file = file;
  settings.write = true;
  const Tools tools = make_sqlite(settings);
  SECTION("by name") {
    const std::string name = victim.string();
    const auto number = [](std::uint32_t value) {
      std::string bytes;
      for (const unsigned shift : {24U, 16U, 8U, 0U}) bytes += static_cast<char>(value >> shift);
      return bytes;
    };
    std::uint32_t sum = 0;
    for (const char c : name) sum += static_cast<std::uint32_t>(static_cast<int>(c));
    constexpr std::uint32_t kLockPage = (1U << 30U) / 4096 + 1;
    fs::resize_file(journal, (fs::file_size(journal) + 511) / 512 * 512);
    std::ofstream(journal, std::ios::app | std::ios::binary)
        << number(kLockPage) << name << number(static_cast<std::uint32_t>(name.size())) << number(sum)
        << "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7";
    const Error error = refused(env, tools, "INSERT INTO t VALUES(1)", "sqlite_change");
    CHECK(error.code() == errc::denied);
    CHECK_THAT(error.message(), ContainsSubstring("second file"));
    CHECK(call(env, tools, "sqlite_change", {{"sql", "INSERT INTO t VALUES(1)"}}) == "[1 rows changed]\n");
  }
  SECTION("as a link") {
    fs::rename(journal, outside / "x.db-journal");
    fs::create_symlink(outside / "x.db-journal", journal);
    CHECK(refused(env, tools, "INSERT INTO t VALUES(1)", "sqlite_change").code() == errc::storage);
    CHECK(fs::exists(outside / "x.db-journal"));
  }
  CHECK(fs::exists(victim));
}

TEST_CASE("no function outlasts the deadline by much") {
  TestEnvironment env;
  const Shop shop;
  const Tools tools = shop.tools(true, milliseconds{200});
  const std::string values = "WITH v(a, b) AS (SELECT hex(zeroblob(260000)), hex(zeroblob(130000)) || '1') ";
  std::string many = "SELECT 0";
  for (int i = 0; i < 1000; ++i) many += ",instr(a,b)";
  std::string patterns = "SELECT 0";
  for (int i = 0; i < 500; ++i) patterns += ",substr(a,1,100000) LIKE '%'||substr(a,1,900)||'1'";
  const auto begun = std::chrono::steady_clock::now();
  for (const std::string& sql : {many + " FROM v", patterns + " FROM v"}) {
    INFO(sql.substr(0, 60));
    CHECK(refused(env, tools, values + sql).code() == errc::timeout);
  }
  CHECK(query(env, tools, values + "SELECT instr(a, b), length(replace(a, b, '')), length(trim(a, '1')) FROM v") ==
        "instr(a, b) | length(replace(a, b, '')) | length(trim(a, '1'))\n0 | 520000 | 520000\n[1 row]\n");
  CHECK(refused(env, tools, values + "SELECT trim(a, b) FROM v").code() == errc::invalid_argument);
  CHECK(refused(env, tools, values + "SELECT a LIKE substr(b, 1, 900) FROM v").code() == errc::invalid_argument);
  CHECK(refused(env, tools, "SELECT json_patch('{}', '{}')").code() == errc::denied);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds{20});
}

TEST_CASE("functions of ours give what SQLite's own give") {
  TestEnvironment env;
  const Shop shop;
  {
    Database database(shop.file());
    std::string text = "''";
    for (int i = 0; i < 5; ++i) text += "||substr('aAbé%_*?[]^-', abs(random()) % 18, 1)";
    database.execute(
        ("CREATE TABLE texts AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
         " SELECT " +
         text + " AS a, substr(" + text +
         ", 1, i % 4) AS b FROM n;"
         "INSERT INTO texts VALUES(NULL, 'a'), ('a', NULL), (12, 1), (x'61c3a9', x'c3a9'), (x'61', 'a');")
            .c_str());
    database.execute(
        "CREATE TABLE said AS SELECT rowid AS i, instr(a, b) AS instr, replace(a, b, '<é>') AS replaced, "
        "trim(a) AS t, trim(a, b) AS trimmed, ltrim(a, b) AS l, rtrim(a, b) AS r, a LIKE b AS likes, "
        "a LIKE b || '%' AS begins, a LIKE b ESCAPE '^' AS escaped, a GLOB b AS globs, "
        "a GLOB '*' || b || '*' AS holds FROM texts;");
  }
  CHECK(query(env, shop.tools(),
              "SELECT count(*) AS n, sum(instr) > 9 AND sum(likes) > 9 AND sum(escaped) > 9 AND sum(globs) > 9 AS "
              "many, sum("
              "instr IS NOT instr(a, b) OR replaced IS NOT replace(a, b, '<é>') OR t IS NOT trim(a) OR "
              "trimmed IS NOT trim(a, b) OR l IS NOT ltrim(a, b) OR r IS NOT rtrim(a, b) OR likes IS NOT (a LIKE b) OR "
              "begins IS NOT (a LIKE b || '%') OR escaped IS NOT (a LIKE b ESCAPE '^') OR globs IS NOT (a GLOB b) OR "
              "holds IS NOT (a GLOB '*' || b || '*')) AS wrong FROM texts JOIN said ON i = texts.rowid",
              {{"format", "json"}}) == "{\"n\":3005,\"many\":1,\"wrong\":0}\n[1 row]\n");
  CHECK(query(env, shop.tools(), "SELECT instr('é', x'a9') AS i") == "i\n0\n[1 row]\n");
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
