// CSV files as tables: separators, headers, types, charsets, hostile input.
#include "tools/tool_call.hpp"
#include <sennit/tools/csv.hpp>
#include <sennit/tools/csv_parse.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using Rows = std::vector<csv::Row>;

namespace {

Rows parse(std::string_view text, char separator = ',') {
  Rows rows;
  csv::for_each_row(text, separator, [&](csv::Row&& row) { return rows.push_back(std::move(row)), true; });
  return rows;
}

Tools tools_for(const TempDir& folder, milliseconds timeout = milliseconds{10'000}) {
  return make_csv({.roots = files::Roots({folder.path()})}, timeout);
}

std::string ask(TestEnvironment& env, const std::string& content, json::object arguments = {}) {
  const TempDir folder;
  folder.write("a.csv", content);
  arguments["file"] = "a.csv";
  return call(env, tools_for(folder), "csv_query", std::move(arguments));
}

Error refusal(TestEnvironment& env, const std::string& content, json::object arguments = {}) {
  const TempDir folder;
  folder.write("a.csv", content);
  arguments["file"] = "a.csv";
  return call_error(env, tools_for(folder), "csv_query", std::move(arguments));
}

}  // namespace

TEST_CASE("rows are split as RFC 4180 says, and as programs do it") {
  CHECK(parse("a,b\r\nc,d\r\n") == Rows{{"a", "b"}, {"c", "d"}});
  CHECK(parse("a,\"b,\"\"c\"\"\nd\",e") == Rows{{"a", "b,\"c\"\nd", "e"}});
  CHECK(parse("a,,\n,\n\n\nx") == Rows{{"a", "", ""}, {"", ""}, {"x"}});
  CHECK(parse("\"a\"b,c\"d") == Rows{{"ab", "c\"d"}});
  CHECK(parse("a\rb") == Rows{{"a"}, {"b"}});
  CHECK(parse("").empty());
  CHECK_THROWS_AS(parse("a,\"b"), Error);
  CHECK_THROWS_AS(parse(std::string(1000, ',')), Error);
}

TEST_CASE("the separator is the one that makes a table") {
  CHECK(csv::find_separator("a,b\n1,2\n") == ',');
  CHECK(csv::find_separator("a;b\n1,5;2,5\n3,5;4\n") == ';');
  CHECK(csv::find_separator("a\tb c, d\n1\t2\n") == '\t');
  CHECK(csv::find_separator("a|b\n1|2\n") == '|');
  CHECK(csv::find_separator("only\none\n") == ',');
  CHECK(csv::find_separator("\"a;b\",c\n\"d;e\",f\n") == ',');
}

TEST_CASE("types: numbers are numbers, codes stay text") {
  using csv::Type;
  for (const char* integer : {"0", "7", "-12", "9223372036854775807"}) CHECK(csv::type_of(integer) == Type::integer);
  for (const char* real : {"1.5", "-0.25", ".5", "1e6"}) CHECK(csv::type_of(real) == Type::real);
  for (const char* text : {"007", "+1", "1,5", "x", "-", "1 ", "0x10", "nan", "inf", "12345678901234567890", "1-2"}) {
    INFO(text);
    CHECK(csv::type_of(text) == Type::text);
  }
}

TEST_CASE("without SQL a file is described: columns, types, first rows") {
  TestEnvironment env;
  CHECK(ask(env, "Name;Größe;Preis;Code\nA;1;1.5;007\nB;2;;010\n") ==
        "table data(\"Name\" TEXT, \"Größe\" INTEGER, \"Preis\" REAL, \"Code\" TEXT), 2 rows\n"
        "Name | Größe | Preis | Code\nA | 1 | 1.5 | 007\nB | 2 | NULL | 010\n[2 rows]\n");
  CHECK_THAT(ask(env, "1,2\n3,4\n"),
             StartsWith("table data(\"column_1\" INTEGER, \"column_2\" INTEGER), 2 rows, no header"));
  CHECK_THAT(ask(env, "a,A,a\n1,2,3\n"), ContainsSubstring("no header"));  // names that are not different are none
  CHECK_THAT(ask(env, "a,A,a\n1,2,3\n", {{"header", true}}),
             ContainsSubstring("\"a\" INTEGER, \"A_2\" INTEGER, \"a_3\""));
  CHECK_THAT(ask(env, "a,b\n1\n1,2,3\n"),
             ContainsSubstring("1 rows are shorter") && ContainsSubstring("1 rows are longer"));
}

TEST_CASE("SQL on the table, with numbers that compare as numbers") {
  TestEnvironment env;
  const std::string file = "city,people\nA,9\nB,10\nC,100\n";
  CHECK(ask(env, file, {{"sql", "SELECT city FROM data WHERE people > ? ORDER BY people DESC"}, {"parameters", {9}}}) ==
        "city\nC\nB\n[2 rows]\n");
  CHECK(ask(env, file, {{"sql", "SELECT sum(people) AS s FROM data"}}) == "s\n119\n[1 row]\n");
  CHECK(ask(env, "a:b\n1:2\n", {{"separator", ":"}, {"sql", "SELECT b FROM data"}}) == "b\n2\n[1 row]\n");
  CHECK(ask(env, "a\tb\n1\t2\n", {{"separator", "tab"}, {"sql", "SELECT b FROM data"}}) == "b\n2\n[1 row]\n");
}

TEST_CASE("charsets: UTF-8 with its mark, UTF-16, and what spreadsheets write") {
  TestEnvironment env;
  CHECK_THAT(ask(env, "\xEF\xBB\xBFname,x\né,1\n"), ContainsSubstring("\"name\" TEXT") && ContainsSubstring("é | 1"));
  CHECK_THAT(ask(env, "name,x\n\xE9,1\n"), ContainsSubstring("é | 1"));
  std::string utf16 = "\xFF\xFE";
  for (const char unit : std::string("n,x\n\xE9,1\n")) utf16 += {unit, '\0'};
  CHECK_THAT(ask(env, utf16), ContainsSubstring("é | 1"));
}

TEST_CASE("names and fields cannot become SQL") {
  TestEnvironment env;
  const std::string file = "a\"); DROP TABLE data; --,\"b\nc\"\n'; DELETE FROM data; --,2\n";
  const std::string text = ask(env, file);
  CHECK_THAT(text, ContainsSubstring("1 rows") && ContainsSubstring("b c") && ContainsSubstring("DELETE FROM data"));
}

TEST_CASE("only queries, only in the roots, only text") {
  TestEnvironment env;
  for (const char* sql : {"DELETE FROM data", "DROP TABLE data", "ATTACH '/tmp/x.db' AS x", "PRAGMA query_only=OFF",
                          "SELECT 1; SELECT 2", "CREATE TABLE x(a)", "SELECT readfile('/etc/passwd')"}) {
    INFO(sql);
    const errc code = refusal(env, "a,b\n1,2\n", {{"sql", sql}}).code();
    CHECK((code == errc::denied || code == errc::invalid_argument));
  }
  CHECK(refusal(env, std::string("a,b\0c\n", 6)).code() == errc::invalid_argument);
  CHECK(refusal(env, "").code() == errc::invalid_argument);
  CHECK(refusal(env, "a,\"b").code() == errc::invalid_argument);
  CHECK(refusal(env, "a,b\n", {{"separator", "ab"}}).code() == errc::invalid_argument);
  const TempDir folder;
  std::filesystem::create_symlink("/etc/passwd", folder / "link.csv");
  const Tools tools = tools_for(folder);
  CHECK(call_error(env, tools, "csv_query", {{"file", "link.csv"}}).code() == errc::denied);
  CHECK(call_error(env, tools, "csv_query", {{"file", "../x.csv"}}).code() == errc::denied);
  CHECK(call_error(env, tools, "csv_query", {{"file", "none.csv"}}).code() == errc::not_found);
}

TEST_CASE("large files have bounds; a cancelled call ends") {
  TestEnvironment env;
  CHECK(refusal(env, std::string(kMaxCsv + 1, 'x')).code() == errc::too_large);
  const TempDir folder;
  std::string large = "a,b\n";
  for (int i = 0; i < 100'000; ++i) large += std::to_string(i) + ",x\n";
  folder.write("large.csv", large);
  const Tools tools = tools_for(folder, milliseconds{600'000});
  CHECK(call(env, tools, "csv_query", {{"file", "large.csv"}, {"sql", "SELECT count(*) AS n FROM data"}}) ==
        "n\n100000\n[1 row]\n");
  CallContext context(env);
  auto task =
      start(env, tool_named(tools, "csv_query")
                     .call({{"file", "large.csv"}, {"sql", "SELECT count(*) FROM data x, data y, data z"}}, context));
  std::atomic<int> turns{0};
  until(env, [&] { return ++turns > 20; });
  task.cancel();
  CHECK(task.error().code() == errc::cancelled);
}

TEST_CASE("a file of a root has its labels and its path as a facet") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("data/a.csv", "a,b\n1,2\n");
  Definition definition;
  definition.file = folder / "agent.yaml";
  const Registry registry;
  const Tools tools = make_csv_tools({{"roots", {"data"}}}, PartContext{definition, registry, {}});
  CHECK(tools.at(0)->facets({{"file", "a.csv"}}) ==
        std::vector<Facet>{{"path", "data/a.csv"}, {"absolute", (folder / "data/a.csv").string()}});
  CHECK(call_output(env, tools, "csv_query", {{"file", "a.csv"}}).labels == Labels{{"files:data"}, {"files:data"}});
  CHECK(tools.at(0)->spec().touches == Touches{.read = true});
}
