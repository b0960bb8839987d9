// Unified diffs on real folders: all or nothing, no silent guesses, never outside.
#include "tools/tool_call.hpp"
#include <sennit/tools/patch.hpp>
#include <sennit/tools/patch_parse.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

Tools tools_for(const TempDir& folder) {
  return make_patch({.roots = files::Roots({folder.path()})});
}

std::string apply(TestEnvironment& env, const TempDir& folder, const std::string& diff) {
  return call(env, tools_for(folder), "patch", {{"diff", diff}});
}

Error refusal(TestEnvironment& env, const TempDir& folder, const std::string& diff) {
  return call_error(env, tools_for(folder), "patch", {{"diff", diff}});
}

/// Everything below a folder, by name; links by where they lead.
std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().lexically_relative(folder).string();
    if (entry.is_symlink()) {
      all[name] = "-> " + fs::read_symlink(entry.path()).string();
    } else if (entry.is_regular_file()) {
      all[name] = read_file(entry.path());
    }
  }
  return all;
}

std::string numbered(int from, int to) {
  std::string text;
  for (int i = from; i <= to; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}

const std::string kSimple = "--- a/f\n+++ b/f\n@@ -2,3 +2,3 @@\n line 2\n-line 3\n+LINE 3\n line 4\n";

}  // namespace

TEST_CASE("a hunk changes its lines and nothing else") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("f", numbered(1, 6));
  CHECK(apply(env, folder, kSimple) == "changed f, 1 hunk\n");
  CHECK(read_file(folder / "f") == "line 1\nline 2\nLINE 3\nline 4\nline 5\nline 6\n");
}

TEST_CASE("git's patches: several files, created, deleted, renamed, with a message before") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("f", numbered(1, 6));
  folder.write("old/name", numbered(1, 3));
  folder.write("gone", "x\n");
  ::chmod((folder / "old/name").c_str(), 0755);
  const std::string diff =
      "From 123 Mon Sep 17\nSubject: something\n\n diff of things\n\n"
      "diff --git a/f b/f\nindex 1..2 100644\n" +
      kSimple +
      "diff --git a/new/file b/new/file\nnew file mode 100644\nindex 0000000..2\n--- /dev/null\n+++ b/new/file\n"
      "@@ -0,0 +1,2 @@\n+one\n+two\n"
      "diff --git a/empty b/empty\nnew file mode 100644\nindex 0..e\n"
      "diff --git a/gone b/gone\ndeleted file mode 100644\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
      "diff --git a/old/name b/fresh/name\nsimilarity index 80%\nrename from old/name\nrename to fresh/name\n"
      "--- a/old/name\n+++ b/fresh/name\n@@ -1,3 +1,3 @@\n line 1\n-line 2\n+LINE 2\n line 3\n-- \n2.39\n";
  CHECK(apply(env, folder, diff) ==
        "changed f, 1 hunk\ncreated new/file (8 bytes)\ncreated empty (0 bytes)\nremoved gone\n"
        "renamed old/name to fresh/name, 1 hunk\n");
  CHECK(contents(folder.path()) ==
        std::map<std::string, std::string>{{"f", "line 1\nline 2\nLINE 3\nline 4\nline 5\nline 6\n"},
                                           {"new/file", "one\ntwo\n"},
                                           {"empty", ""},
                                           {"fresh/name", "line 1\nLINE 2\nline 3\n"}});
  struct stat status{};
  REQUIRE(::stat((folder / "fresh/name").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0755);
}

TEST_CASE("line ends are kept: CRLF files, a last line without an end") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("f", "line 1\r\nline 2\r\nline 3\r\nline 4\r\n");
  (void)apply(env, folder, kSimple);
  CHECK(read_file(folder / "f") == "line 1\r\nline 2\r\nLINE 3\r\nline 4\r\n");
  folder.write("g", "a\nb");
  (void)apply(env, folder, "--- g\n+++ g\n@@ -1,2 +1,3 @@\n a\n-b\n\\ No newline at end of file\n+b\n+c\n");
  CHECK(read_file(folder / "g") == "a\nb\nc\n");
  (void)apply(env, folder, "--- g\n+++ g\n@@ -2,2 +2,2 @@\n b\n-c\n+d\n\\ No newline at end of file\n");
  CHECK(read_file(folder / "g") == "a\nb\nd");
  folder.write("h", "a\nb");
  (void)apply(env, folder, "--- h\n+++ h\n@@ -2,0 +3 @@\n+c\n");  // behind a line that had no end
  CHECK(read_file(folder / "h") == "a\nb\nc\n");
  CHECK_THAT(refusal(env, folder, "--- h\n+++ h\n@@ -3 +3 @@\n-c\n\\ No newline at end of file\n+d\n").message(),
             ContainsSubstring("has no line end"));
}

TEST_CASE("a hunk that stands elsewhere is applied there if there is one such place, and that is told") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("f", "new\nnew\nnew\n" + numbered(1, 6));
  CHECK(apply(env, folder, kSimple) == "changed f, 1 hunk\n  hunk 1: it stood in line 5, not 2\n");
  folder.write("f", "x\n" + numbered(1, 6) + numbered(1, 6));
  const Error twice = refusal(env, folder, kSimple);
  CHECK(twice.code() == errc::invalid_argument);
  CHECK_THAT(twice.message(), ContainsSubstring("2 other places (lines 3, 9)"));
  folder.write("f", numbered(1, 6) + numbered(1, 6));  // in its own place it needs no search
  CHECK(apply(env, folder, kSimple) == "changed f, 1 hunk\n");
}

TEST_CASE("a hunk that does not fit says which one, what it wants and what stands there; nothing is changed") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("f", numbered(1, 2) + "line three\n" + numbered(4, 6));
  folder.write("g", "a\n");
  const auto before = contents(folder.path());
  const Error error = refusal(env, folder, "--- g\n+++ g\n@@ -1 +1 @@\n-a\n+b\n" + kSimple);
  CHECK(error.code() == errc::invalid_argument);
  CHECK_THAT(error.message(),
             ContainsSubstring("f: hunk 1 (line 2) does not fit: line 3 should be\n  line 3\nbut is\n  "
                               "line three\n") &&
                 ContainsSubstring("  2: line 2\n  3: line three\n") && ContainsSubstring("Nothing was changed"));
  CHECK_THAT(refusal(env, folder, "--- g\n+++ g\n@@ -7 +7 @@\n-zz\n+b\n").message(),
             ContainsSubstring("the file ends"));
  CHECK_THAT(refusal(env, folder, "--- g\n+++ g\n@@ -7,0 +8 @@\n+b\n").message(), ContainsSubstring("has 1 lines"));
  CHECK(contents(folder.path()) == before);
}

TEST_CASE("white space counts") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("f", "line 1\n  line 2\nline 3\nline 4\n");
  CHECK(refusal(env, folder, kSimple).code() == errc::invalid_argument);
}

TEST_CASE("wrong counts in a hunk's header are told, not trusted") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("f", numbered(1, 6));
  CHECK(apply(env, folder, "--- a/f\n+++ b/f\n@@ -2,7 +2,9 @@\n line 2\n-line 3\n+LINE 3\n line 4\n") ==
        "changed f, 1 hunk\n  hunk 1: its header counts 7 old and 9 new lines, it has 3 and 3\n");
  CHECK_THAT(apply(env, folder, "--- a/f\n+++ b/f\n@@ -5,1 +5,1 @@\n-line 5\n+LINE 5\n line 6\n"),
             ContainsSubstring("it has 2 and 2"));
  CHECK(read_file(folder / "f") == "line 1\nline 2\nLINE 3\nline 4\nLINE 5\nline 6\n");
}

TEST_CASE("what is no patch is refused with the line that is wrong") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("f", numbered(1, 6));
  folder.write("g", numbered(1, 6));
  folder.write("bin", std::string("a\0b\n", 4));
  const auto before = contents(folder.path());
  for (const std::string& diff : std::vector<std::string>{
           "hello", "@@ -1 +1 @@\n-a\n+b\n", "--- a/f\n+++ b/f\n", "--- a/f\n+++ b/f\n@@ what @@\n-a\n",
           "--- a/f\n+++ b/f\n@@ -1 +1 @@\n", "--- a/f\n+++ b/g\n@@ -1 +1 @@\n-line 1\n+x\n",
           "--- /dev/null\n+++ /dev/null\n@@ -1 +1 @@\n-a\n+b\n", kSimple + kSimple,
           "diff --git a/f b/c\ncopy from f\ncopy to c\n", "diff --git a/f b/f\nGIT binary patch\nliteral 1\n",
           "diff --git a/f b/f\nBinary files a/f and b/f differ\n", "--- a/bin\n+++ b/bin\n@@ -1 +1 @@\n-x\n+y\n",
           "--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+x\n", "--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-line 1\n",
           "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-line 1\n+x\n--- a/./f\n+++ b/./f\n@@ -3 +3 @@\n-line 3\n+x\n",
           "--- a/f\n+++ b/f\n@@ -99999999999999999999 +1 @@\n-line 1\n+x\n",
           "diff --git a/f b/g\nrename from f\nrename to g\n"}) {
    INFO(diff);
    const Error error = refusal(env, folder, diff);
    CHECK(error.code() == errc::invalid_argument);
    CHECK_FALSE(error.message().empty());
  }
  CHECK(refusal(env, folder, "--- a/none\n+++ b/none\n@@ -1 +1 @@\n-a\n+b\n").code() == errc::not_found);
  CHECK(contents(folder.path()) == before);
}

TEST_CASE("nothing outside of the roots, no link and nothing protected is touched") {
  TestEnvironment env;
  const TempDir folder;
  const TempDir outside;
  outside.write("f", numbered(1, 6));
  folder.write("agent.yaml", numbered(1, 6));
  folder.write(".git/config", numbered(1, 6));
  folder.write("ok", numbered(1, 6));
  fs::create_symlink(outside / "f", folder / "link");
  fs::create_symlink("ok", folder / "inner");
  fs::create_directory_symlink(outside.path(), folder / "dir");
  const auto before = contents(folder.path());
  const auto outside_before = contents(outside.path());
  Definition definition;
  definition.file = folder / "agent.yaml";
  const Registry registry;
  const Tools tools = make_patch_tools({}, PartContext{definition, registry, folder / ".sennit"});
  const std::string in_place = "@@ -2,3 +2,3 @@\n line 2\n-line 3\n+LINE 3\n line 4\n";
  const auto changing = [&](const std::string& path) { return "--- " + path + "\n+++ " + path + "\n" + in_place; };
  const auto creating = [](const std::string& path) { return "--- /dev/null\n+++ " + path + "\n@@ -0,0 +1 @@\n+x\n"; };
  const auto removing = [](const std::string& path) {
    return "diff --git a/x b/x\ndeleted file mode 100644\n--- " + path +
           "\n+++ /dev/null\n@@ -1,6 +0,0 @@\n-line 1\n-line 2\n"
           "-line 3\n-line 4\n-line 5\n-line 6\n";
  };
  const auto renaming = [](const std::string& from, const std::string& to) {
    return "diff --git a/x b/y\nrename from " + from + "\nrename to " + to + "\n";
  };
  for (const std::string& diff : std::vector<std::string>{changing("../x"),
                                                          changing((outside / "f").string()),
                                                          changing("link"),
                                                          changing("dir/f"),
                                                          changing("inner"),
                                                          changing("agent.yaml"),
                                                          changing("./agent.yaml"),
                                                          changing(".git/config"),
                                                          creating("../new"),
                                                          creating("dir/new"),
                                                          creating("/tmp/new"),
                                                          creating(".git/hooks/pre-commit"),
                                                          creating(".sennit/sennit.db"),
                                                          creating("a/../../new"),
                                                          creating("link"),
                                                          removing("agent.yaml"),
                                                          removing("dir/f"),
                                                          removing("link"),
                                                          removing(".git/config"),
                                                          renaming("ok", "../new"),
                                                          renaming("ok", "dir/new"),
                                                          renaming("agent.yaml", "other"),
                                                          renaming("ok", "agent.yaml"),
                                                          renaming("ok", ".git/hooks/x"),
                                                          renaming("link", "x"),
                                                          renaming("dir/f", "x")}) {
    INFO(diff);
    const errc code = call_error(env, tools, "patch", {{"diff", diff}}).code();
    CHECK((code == errc::denied || code == errc::invalid_argument || code == errc::not_found));
  }
  CHECK(contents(folder.path()) == before);
  CHECK(contents(outside.path()) == outside_before);
}

TEST_CASE("where a later file cannot be written, the earlier ones are as they were") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("f", numbered(1, 6));
  folder.write("gone", "x\n");
  folder.write("name", "y\n");
  folder.write("agent.yaml", "z\n");
  const auto before = contents(folder.path());
  files::Access access{.roots = files::Roots({folder.path()})};
  access.forbidden.files.push_back(folder / "agent.yaml");
  const Tools tools = make_patch(std::move(access));
  const std::string diff =
      kSimple +
      "diff --git a/gone b/gone\ndeleted file mode 100644\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
      "diff --git a/name b/other\nrename from name\nrename to other\n"
      "--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+x\n"
      "--- a/agent.yaml\n+++ b/agent.yaml\n@@ -1 +1 @@\n-z\n+evil\n";
  const Error error = call_error(env, tools, "patch", {{"diff", diff}});
  CHECK(error.code() == errc::denied);
  CHECK_THAT(error.message(), ContainsSubstring("agent.yaml") && ContainsSubstring("Nothing was changed"));
  CHECK(contents(folder.path()) == before);
}

TEST_CASE("odd names: quotes as git writes them, times behind a tab, blanks") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("é x", numbered(1, 6));
  const std::string hunk = "@@ -1 +1 @@\n-line 1\n+LINE 1\n";
  (void)apply(env, folder, "--- \"a/\\303\\251 x\"\n+++ \"b/\\303\\251 x\"\n" + hunk);
  CHECK_THAT(read_file(folder / "é x"), ContainsSubstring("LINE 1"));
  (void)apply(env, folder, "--- é x\t2024-01-01 00:00:00\n+++ é x\t2024-01-01\n@@ -2 +2 @@\n-line 2\n+LINE 2\n");
  CHECK_THAT(read_file(folder / "é x"), ContainsSubstring("LINE 2"));
}

TEST_CASE("a search that would take for ever ends, and says so") {
  TestEnvironment env;
  const TempDir folder;
  std::string same;
  for (int i = 0; i < 400'000; ++i) same += "same line\n";
  folder.write("f", same);
  std::string diff = "--- a/f\n+++ b/f\n@@ -1,50001 +1,50001 @@\n";
  for (int i = 0; i < 50'000; ++i) diff += " same line\n";
  diff += "-other\n+x\n";
  CHECK(refusal(env, folder, diff).code() == errc::too_large);
}

TEST_CASE("every path of a patch is a facet") {
  const TempDir folder;
  folder.write("f", numbered(1, 6));
  const Tools tools = tools_for(folder);
  const auto facets = [&](const std::string& diff) { return tools.at(0)->facets({{"diff", diff}}); };
  const auto whole = [&](const char* name) { return Facet{"absolute", (folder / name).string()}; };
  CHECK(facets(kSimple) == std::vector<Facet>{{"path", "f"}, whole("f")});
  CHECK(facets("diff --git a/x b/y\nrename from x\nrename to ./y\n") ==
        std::vector<Facet>{{"path", "x"}, whole("x"), {"path", "y"}, whole("y")});
  CHECK(facets("nonsense") == std::vector<Facet>{{"path", "?"}});
  CHECK(tools.at(0)->spec().touches == Touches{.read = true, .write = true});
  CHECK(tools.at(0)->spec().repeat == Repeat::never);
}
