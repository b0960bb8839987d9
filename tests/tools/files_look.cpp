// Listing and reading, with real folders.
#include "tools/tool_call.hpp"
#include <sennit/tools/files.hpp>
#include <sennit/tools/files_look.hpp>
#include <sennit/tools/files_walk.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

Tools tools_for(const TempDir& folder, bool write = false) {
  return make_files({{folder.path()}, write, {}});
}

PartContext context_of(const Definition& definition, const Registry& registry, std::filesystem::path state = {}) {
  return {definition, registry, std::move(state)};
}

}  // namespace

TEST_CASE("a folder is listed in order, with sizes, folders and links told apart") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("b.txt", "12345");
  folder.write("a/inner.txt", "1");
  std::filesystem::create_symlink("b.txt", folder / "link");
  CHECK(call(env, tools_for(folder), "files_list", {}) == "a/\nb.txt  5 bytes\nlink -> b.txt\n");
  CHECK(call(env, tools_for(folder), "files_list", {{"path", "a"}}) == "a/inner.txt  1 bytes\n");
  CHECK(call(env, tools_for(folder), "files_list", {{"depth", 2}}) ==
        "a/\na/inner.txt  1 bytes\nb.txt  5 bytes\nlink -> b.txt\n");
}

TEST_CASE("a glob lists what matches in all folders below") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("one.cpp", "");
  folder.write("deep/er/two.cpp", "");
  folder.write("deep/er/two.hpp", "");
  folder.write(".git/objects/three.cpp", "");
  const Tools tools = tools_for(folder);
  CHECK(call(env, tools, "files_list", {{"glob", "*.cpp"}}) == "deep/er/two.cpp  0 bytes\none.cpp  0 bytes\n");
  CHECK(call(env, tools, "files_list", {{"glob", "deep/**/*.{hpp,cc}"}}) == "deep/er/two.hpp  0 bytes\n");
  CHECK(call(env, tools, "files_list", {{"glob", "*.py"}}) == "[nothing here matches '*.py']\n");
  CHECK(call_error(env, tools, "files_list", {{"glob", "*.{a"}}).code() == errc::invalid_argument);
}

TEST_CASE("an empty folder says that it is empty") {
  TestEnvironment env;
  const TempDir folder;
  CHECK(call(env, tools_for(folder), "files_list", {}) == "[the folder is empty]\n");
}

TEST_CASE("a listing is bounded and says so") {
  TestEnvironment env;
  const TempDir folder;
  for (std::size_t i = 0; i <= files::kMaxListed; ++i) folder.write("f" + std::to_string(i), "");
  const std::string text = call(env, tools_for(folder), "files_list", {});
  CHECK_THAT(text, ContainsSubstring("[stopped after 1000 entries"));
  CHECK(std::count(text.begin(), text.end(), '\n') == static_cast<std::ptrdiff_t>(files::kMaxListed) + 1);
}

TEST_CASE("a name with a line break is shown on one line") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("evil\nname", "");
  CHECK(call(env, tools_for(folder), "files_list", {}) == "evil\\x0aname  0 bytes\n");
}

TEST_CASE("globs mean what people expect") {
  const std::vector<std::pair<std::string, std::vector<std::string>>> matching{
      {"*.md", {"a.md", "x/y/a.md", ".md"}},
      {"src/*.c", {"src/a.c"}},
      {"src/**", {"src/a", "src/a/b"}},
      {"**/test/*.c", {"test/a.c", "x/test/a.c", "x/y/test/a.c"}},
      {"[ab].txt", {"a.txt", "x/b.txt"}},
      {"[!ab].txt", {"c.txt"}},
      {"{a,b?}.txt", {"a.txt", "bc.txt"}},
      {"a+b(1).txt", {"a+b(1).txt"}},
      {"./a.txt", {"a.txt"}},
      {"[", {"["}},
      {"日?*.txt", {"日本.txt"}}};
  for (const auto& [glob, paths] : matching) {
    for (const std::string& path : paths) {
      INFO(glob << " against " << path);
      CHECK(files::Glob(glob).matches(path));
    }
  }
  const std::vector<std::pair<std::string, std::string>> others{{"*.md", "a.mdx"},      {"src/*.c", "src/x/a.c"},
                                                                {"src/*.c", "a.c"},     {"?.txt", "ab.txt"},
                                                                {"[!ab].txt", "a.txt"}, {"a.c", "aXc"}};
  for (const auto& [glob, path] : others) {
    INFO(glob << " against " << path);
    CHECK_FALSE(files::Glob(glob).matches(path));
  }
}

TEST_CASE("a whole file is read as it is") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("a.txt", "one\r\n\ttwo  \nthree");
  CHECK(call(env, tools_for(folder), "files_read", {{"path", "a.txt"}}) == "one\r\n\ttwo  \nthree");
}

TEST_CASE("lines are read by number, and what follows is named") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("a.txt", "1\n2\n3\n4\n5\n");
  const Tools tools = tools_for(folder);
  CHECK(call(env, tools, "files_read", {{"path", "a.txt"}, {"from", 2}, {"lines", 2}}) ==
        "2\n3\n[lines 2 to 3; more follows: go on with from = 4]\n");
  CHECK(call(env, tools, "files_read", {{"path", "a.txt"}, {"from", 4}, {"lines", 2}}) == "4\n5\n");
  CHECK(call(env, tools, "files_read", {{"path", "a.txt"}, {"from", 5}, {"lines", 100}}) == "5\n");
  const Error past = call_error(env, tools, "files_read", {{"path", "a.txt"}, {"from", 6}});
  CHECK(past.message() == "'a.txt' has 5 lines: from = 6 is past its end");
  CHECK(call_error(env, tools, "files_read", {{"path", "a.txt"}, {"from", 0}}).code() == errc::invalid_argument);
}

TEST_CASE("a long file is read in pieces that together are the file") {
  TestEnvironment env;
  const TempDir folder;
  std::string content;
  for (int i = 0; i < 20'000; ++i) content += "line number " + std::to_string(i) + "\n";
  folder.write("long.txt", content);
  const Tools tools = tools_for(folder);
  std::string joined;
  std::int64_t from = 1;
  for (int pieces = 0; pieces < 100; ++pieces) {
    std::string text = call(env, tools, "files_read", {{"path", "long.txt"}, {"from", from}});
    REQUIRE(text.size() <= files::kMaxRead + 200);
    const std::size_t note = text.rfind("[lines ");
    joined += text.substr(0, note);
    if (note == std::string::npos) break;
    from = std::stoll(text.substr(text.rfind("= ") + 2));
  }
  CHECK(joined == content);
}

TEST_CASE("a line that is too long is cut between characters, and the next one can be reached") {
  TestEnvironment env;
  const TempDir folder;
  std::string line;
  while (line.size() < 2 * files::kMaxRead) line += "日";
  folder.write("wide.txt", line + "\nnext\n");
  const Tools tools = tools_for(folder);
  const std::string text = call(env, tools, "files_read", {{"path", "wide.txt"}});
  CHECK_THAT(text, ContainsSubstring("[line 1 is longer than"));
  CHECK_THAT(text, ContainsSubstring("from = 2]"));
  CHECK(text.find("\xEF\xBF\xBD") == std::string::npos);
  CHECK(call(env, tools, "files_read", {{"path", "wide.txt"}, {"from", 2}}) == "next\n");
}

TEST_CASE("what is not text is refused, damaged text is shown as far as it goes") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("picture.png", std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16));
  folder.write("latin1.txt", "caf\xE9\n");
  folder.write("empty.txt", "");
  const Tools tools = tools_for(folder);
  CHECK(call_error(env, tools, "files_read", {{"path", "picture.png"}}).message() ==
        "'picture.png' is a binary file (16 bytes), not text");
  CHECK_THAT(call(env, tools, "files_read", {{"path", "latin1.txt"}}), ContainsSubstring("[not valid UTF-8"));
  CHECK(call(env, tools, "files_read", {{"path", "empty.txt"}}) == "[the file is empty]\n");
}

TEST_CASE("messages about paths say what is wrong") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("a/b.txt", "x");
  const Tools tools = tools_for(folder);
  CHECK(call_error(env, tools, "files_read", {{"path", "nowhere.txt"}}).message() == "'nowhere.txt' does not exist");
  CHECK(call_error(env, tools, "files_read", {{"path", "a"}}).message() == "'a' is a folder, not a regular file");
  CHECK(call_error(env, tools, "files_read", {{"path", "a/b.txt/c"}}).message() ==
        "'a/b.txt/c': a part of the path is not a folder");
  CHECK_THAT(call_error(env, tools, "files_list", {{"path", "a/b.txt"}}).message(), ContainsSubstring("not a folder"));
  CHECK_THAT(call_error(env, tools, "files_read", {{"path", std::string(5000, 'x')}}).message(),
             ContainsSubstring("too long"));
}

TEST_CASE("absolute paths work inside of a root, also by another name of it") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("real/a.txt", "inside");
  std::filesystem::create_directory_symlink(folder / "real", folder / "alias");
  const Tools tools = make_files({{folder / "alias"}, false, {}});
  for (const std::string path : {"a.txt", "./a.txt", "x/../a.txt"}) {
    if (path.starts_with("x/")) std::filesystem::create_directory(folder / "real/x");
    CHECK(call(env, tools, "files_read", {{"path", path}}) == "inside");
  }
  CHECK(call(env, tools, "files_read", {{"path", (folder / "alias/a.txt").string()}}) == "inside");
  CHECK(call(env, tools, "files_read", {{"path", (folder / "real/a.txt").string()}}) == "inside");
}

TEST_CASE("several roots: relative paths start at the first, the others are named in full") {
  TestEnvironment env;
  const TempDir first;
  const TempDir second;
  first.write("a.txt", "first");
  second.write("a.txt", "second");
  const Tools tools = make_files({{first.path(), second.path()}, false, {}});
  CHECK(call(env, tools, "files_read", {{"path", "a.txt"}}) == "first");
  const std::string full = second.path().string();
  CHECK(call(env, tools, "files_read", {{"path", full + "/a.txt"}}) == "second");
  CHECK(call(env, tools, "files_list", {{"path", full}}) == full + "/a.txt  6 bytes\n");
  CHECK_THAT(tool_named(tools, "files_read").spec().description.description, ContainsSubstring(full));
}

TEST_CASE("the factory reads its options relative to the agent's file and names typos") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("agents/data/a.txt", "data");
  Definition definition;
  definition.file = folder / "agents/agent.yaml";
  const Registry registry;
  const PartContext context = context_of(definition, registry);
  CHECK(call(env, make_files_tools({{"roots", json::array{"data"}}}, context), "files_list", {}) == "a.txt  4 bytes\n");
  CHECK(make_files_tools({}, context).size() == 3);
  CHECK(make_files_tools({{"write", true}}, context).size() == 5);
  const Error typo = error_of([&] { (void)make_files_tools({{"root", json::array{"."}}}, context); });
  CHECK(typo.code() == errc::config);
  CHECK(typo.message() == "the tool 'files' has no option 'root'; did you mean 'roots'?");
  CHECK(error_of([&] { (void)make_files_tools({{"write", "yes"}}, context); }).code() == errc::config);
  CHECK(error_of([&] { (void)make_files_tools({{"roots", json::array{}}}, context); }).code() == errc::config);
  const Error missing = error_of([&] { (void)make_files_tools({{"roots", json::array{"nowhere"}}}, context); });
  CHECK(missing.code() == errc::config);
  CHECK_THAT(missing.message(), ContainsSubstring("nowhere"));
}

TEST_CASE("the tools declare what they touch and which repeats are harmless") {
  const TempDir folder;
  const Tools tools = tools_for(folder, true);
  for (const char* name : {"files_list", "files_read", "files_search"}) {
    CHECK(tool_named(tools, name).spec().touches == Touches{.read = true});
    CHECK(tool_named(tools, name).spec().repeat == Repeat::idempotent);
  }
  CHECK(tool_named(tools, "files_write").spec().touches.write);
  CHECK(tool_named(tools, "files_write").spec().repeat == Repeat::idempotent);
  CHECK(tool_named(tools, "files_edit").spec().repeat == Repeat::never);
}
