// Searching, with real folders.
#include "tools/tool_call.hpp"
#include <sennit/tools/files.hpp>
#include <sennit/tools/files_search.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <atomic>
#include <string>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

Tools tools_for(const TempDir& folder) {
  return make_files({{folder.path()}, false, {}});
}

}  // namespace

TEST_CASE("matches are shown with file and line") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("a.txt", "one\ntwo (2)\nthree\n");
  folder.write("sub/b.txt", "two (2) again");
  const Tools tools = tools_for(folder);
  CHECK(call(env, tools, "files_search", {{"pattern", "two (2)"}}) ==
        "a.txt:2: two (2)\nsub/b.txt:1: two (2) again\n[2 matches in 2 files]\n");
  CHECK(call(env, tools, "files_search", {{"pattern", "TWO"}}) == "[no match in 2 files]\n");
  CHECK_THAT(call(env, tools, "files_search", {{"pattern", "TWO"}, {"ignore_case", true}}),
             ContainsSubstring("[2 matches"));
  CHECK(call(env, tools, "files_search", {{"pattern", "^t.*e$"}, {"regex", true}}) ==
        "a.txt:3: three\n[1 matches in 1 files]\n");
  CHECK(call(env, tools, "files_search", {{"pattern", "two"}, {"path", "sub"}}) ==
        "sub/b.txt:1: two (2) again\n[1 matches in 1 files]\n");
  CHECK(call(env, tools, "files_search", {{"pattern", "two"}, {"path", "a.txt"}}) ==
        "a.txt:2: two (2)\n[1 matches in 1 files]\n");
  CHECK_THAT(call(env, tools, "files_search", {{"pattern", "two"}, {"glob", "b.*"}}), ContainsSubstring("[1 matches"));
}

TEST_CASE("context lines are shown once and groups are told apart") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("a.txt", "1\nx\n3\nx\n5\n6\n7\n8\nx\n10\n");
  CHECK(call(env, tools_for(folder), "files_search", {{"pattern", "x"}, {"context", 1}}) ==
        "a.txt-1- 1\na.txt:2: x\na.txt-3- 3\na.txt:4: x\na.txt-5- 5\n--\na.txt-8- 8\na.txt:9: x\na.txt-10- 10\n"
        "[3 matches in 1 files]\n");
}

TEST_CASE("a search is bounded in matches, in bytes of a line, and says so") {
  TestEnvironment env;
  const TempDir folder;
  std::string many;
  for (int i = 0; i < 500; ++i) many += "hit\n";
  folder.write("many.txt", many);
  folder.write("wide.txt", std::string(10'000, 'a') + "needle" + std::string(10'000, 'b'));
  const Tools tools = tools_for(folder);
  CHECK_THAT(call(env, tools, "files_search", {{"pattern", "hit"}, {"limit", 7}}),
             ContainsSubstring("[stopped after 7 matches"));
  const std::string wide = call(env, tools, "files_search", {{"pattern", "needle"}});
  CHECK(wide.size() < files::kMaxShownLine + 100);
  CHECK_THAT(wide, ContainsSubstring("needle"));
}

TEST_CASE("binary files, large files, links and .git are not searched") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("binary", std::string("needle\0", 7));
  folder.write("large", std::string(files::kMaxSearchedFile, 'x') + "needle");
  folder.write(".git/config", "needle");
  const TempDir outside;
  outside.write("secret", "needle");
  std::filesystem::create_symlink(outside / "secret", folder / "link");
  std::filesystem::create_directory_symlink(outside.path(), folder / "linked");
  const std::string text = call(env, tools_for(folder), "files_search", {{"pattern", "needle"}});
  CHECK(text == "[no match in 1 files]\n[1 files above 8388608 bytes were not searched]\n");
}

TEST_CASE("a pattern made to be slow is not slow") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("a.txt", std::string(100'000, 'a') + "b");
  // A backtracking engine needs 2^100000 steps for this, or its stack.
  CHECK(call(env, tools_for(folder), "files_search", {{"pattern", "^(a+)+$"}, {"regex", true}}) ==
        "[no match in 1 files]\n");
  CHECK(call(env, tools_for(folder), "files_search", {{"pattern", "(x*)*(x*)*y"}, {"regex", true}}) ==
        "[no match in 1 files]\n");
}

TEST_CASE("a pattern that cannot be used is explained") {
  TestEnvironment env;
  const TempDir folder;
  const Tools tools = tools_for(folder);
  for (const char* pattern :
       {"(", "a**b(", "(?=x)", "(a)\\1", "[z-a]", "x{100000}", "((((((((((x{100}){100}){100}){100}"}) {
    INFO(pattern);
    const Error error = call_error(env, tools, "files_search", {{"pattern", pattern}, {"regex", true}});
    CHECK(error.code() == errc::invalid_argument);
    CHECK_THAT(error.message(), ContainsSubstring("regular expression"));
  }
  CHECK(call_error(env, tools, "files_search", {{"pattern", ""}}).code() == errc::invalid_argument);
}

TEST_CASE("text in any language is found") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("zh.txt", "第一行\n今天喝绿茶\n");
  folder.write("de.txt", "Grüße aus Köln\n");
  const Tools tools = tools_for(folder);
  CHECK_THAT(call(env, tools, "files_search", {{"pattern", "绿茶"}}), ContainsSubstring("zh.txt:2: 今天喝绿茶"));
  CHECK_THAT(call(env, tools, "files_search", {{"pattern", "GRÜSSE|GRÜẞE"}, {"regex", true}, {"ignore_case", true}}),
             ContainsSubstring("de.txt:1:"));
}

TEST_CASE("a search nobody waits for ends early") {
  const TempDir folder;
  for (int i = 0; i < 100; ++i) folder.write("f" + std::to_string(i), "text");
  const files::Roots roots({folder.path()});
  files::SearchArguments arguments;
  arguments.pattern = "text";
  const std::string text = files::search(roots, arguments, std::make_shared<std::atomic<bool>>(true));
  CHECK_THAT(text, ContainsSubstring("[0 matches; not everything was searched"));
}
