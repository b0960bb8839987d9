// Writing and editing, with real folders.
#include "tools/tool_call.hpp"
#include <sennit/tools/files.hpp>
#include <sennit/tools/files_change.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <thread>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;
using namespace std::string_literals;

namespace {

Tools tools_for(const TempDir& folder) {
  return make_files({{folder.path()}, true, {}});
}

/// Everything below a folder but the files that are expected.
std::size_t entries(const fs::path& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : fs::recursive_directory_iterator(folder)) ++count;
  return count;
}

}  // namespace

TEST_CASE("a file is created with the folders it needs, and replaced whole") {
  TestEnvironment env;
  const TempDir folder;
  const Tools tools = tools_for(folder);
  CHECK(call(env, tools, "files_write", {{"path", "new/deep/a.txt"}, {"content", "first"}}) ==
        "created new/deep/a.txt (5 bytes)");
  CHECK(read_file(folder / "new/deep/a.txt") == "first");
  CHECK(call(env, tools, "files_write", {{"path", "new/deep/a.txt"}, {"content", "x"}}) ==
        "replaced new/deep/a.txt (1 bytes, 5 before)");
  CHECK(read_file(folder / "new/deep/a.txt") == "x");
  CHECK(entries(folder.path()) == 3);  // no temporary file stays
}

TEST_CASE("replacing a file keeps its permissions but not its set-user-id bit") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("run.sh", "old");
  REQUIRE(::chmod((folder / "run.sh").c_str(), 04755) == 0);
  (void)call(env, tools_for(folder), "files_write", {{"path", "run.sh"}, {"content", "new"}});
  struct stat status{};
  REQUIRE(::stat((folder / "run.sh").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0755);
}

TEST_CASE("a reader sees the old file or the new one, never a part") {
  TestEnvironment env;
  const TempDir folder;
  const std::string a(300'000, 'a');
  const std::string b(300'000, 'b');
  folder.write("f", a);
  std::atomic<bool> done{false};
  std::atomic<std::size_t> torn{0};
  std::thread reader([&] {
    while (!done) {
      const std::string seen = read_file(folder / "f");
      if (seen != a && seen != b) ++torn;
    }
  });
  const Tools tools = tools_for(folder);
  for (int i = 0; i < 50; ++i) (void)call(env, tools, "files_write", {{"path", "f"}, {"content", i % 2 == 0 ? b : a}});
  done = true;
  reader.join();
  CHECK(torn == 0);
}

TEST_CASE("writing does not follow or replace what is no file") {
  TestEnvironment env;
  const TempDir folder;
  const TempDir outside;
  outside.write("target", "keep");
  fs::create_symlink(outside / "target", folder / "link");
  fs::create_symlink("missing", folder / "dangling");
  fs::create_directory(folder / "dir");
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  const Tools tools = tools_for(folder);
  for (const char* path : {"link", "dangling", "pipe"}) {
    INFO(path);
    CHECK(call_error(env, tools, "files_write", {{"path", path}, {"content", "x"}}).code() == errc::denied);
  }
  for (const char* path : {"dir", "dir/", ".", "..", "dir/..", ""}) {
    INFO(path);
    CHECK(call_error(env, tools, "files_write", {{"path", path}, {"content", "x"}}).code() == errc::invalid_argument);
  }
  CHECK(read_file(outside / "target") == "keep");
  CHECK_FALSE(fs::exists(folder / "missing"));
  CHECK(entries(folder.path()) == 4);
}

TEST_CASE("a path that is refused leaves no folder behind") {
  TestEnvironment env;
  const TempDir folder;
  const TempDir outside;
  fs::create_directory(folder / "old");
  fs::create_directory_symlink(outside.path(), folder / "out");
  const std::string long_name(256, 'n');
  const Tools tools = tools_for(folder);
  for (const std::string& path :
       {"new/../../x"s, "new/../x"s, "new/deep/../../../x"s, "old/new/../../../x"s, "new/../old/x"s, "new/" + long_name,
        "new/" + long_name + "/x", "../x"s, "out/new/x"s, "old/../../new/x"s}) {
    INFO(path);
    const errc code = call_error(env, tools, "files_write", {{"path", path}, {"content", "x"}}).code();
    CHECK((code == errc::denied || code == errc::invalid_argument));
  }
  CHECK(entries(folder.path()) == 2);
  CHECK(entries(outside.path()) == 0);
  CHECK(call(env, tools, "files_write", {{"path", "old/../old/./new/x"}, {"content", "x"}}) ==
        "created old/../old/./new/x (1 bytes)");
}

TEST_CASE("an agent cannot change its own rules, its state or a repository's inside") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("agent.yaml", "name: a");
  folder.write(".git/config", "[core]");
  folder.write("sub/x", "");
  fs::create_directory_symlink(".git", folder / "innocent");
  fs::create_directory_symlink(".", folder / "again");
  Definition definition;
  definition.file = folder / "agent.yaml";
  definition.agents.push_back({"helper", "helpers/helper.yaml", ""});
  const Registry registry;
  const Tools tools = make_files_tools({{"write", true}},
                                       PartContext{definition, registry, folder / ".sennit", {folder / "parent.yaml"}});
  for (const char* path :
       {"agent.yaml", "parent.yaml", "./agent.yaml", "sub/../agent.yaml", "again/agent.yaml", "helpers/helper.yaml",
        "again/helpers/helper.yaml", ".sennit/sennit.db", ".sennit/new/file", ".git/config", ".git/hooks/pre-commit",
        "innocent/hooks/pre-commit", "sub/.git/hooks/x", ".git"}) {
    INFO(path);
    CHECK(call_error(env, tools, "files_write", {{"path", path}, {"content", "x"}}).code() == errc::denied);
  }
  CHECK(call_error(env, tools, "files_edit",
                   {{"path", "agent.yaml"}, {"old_text", "a"}, {"new_text", "b"}, {"all", true}})
            .code() == errc::denied);
  CHECK(read_file(folder / "agent.yaml") == "name: a");
  CHECK_FALSE(fs::exists(folder / "helpers/helper.yaml"));
  CHECK_FALSE(fs::exists(folder / ".sennit"));
  CHECK_FALSE(fs::exists(folder / ".git/hooks"));
  CHECK(call(env, tools, "files_write", {{"path", "helpers.yaml"}, {"content", "x"}}) ==
        "created helpers.yaml (1 bytes)");
}

TEST_CASE("a text that occurs once is replaced") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("a.cpp", "int a;\nint b;\nint c;\n");
  const Tools tools = tools_for(folder);
  CHECK(call(env, tools, "files_edit", {{"path", "a.cpp"}, {"old_text", "int b;\n"}, {"new_text", "long b;\n"}}) ==
        "a.cpp: changed line 2");
  CHECK(read_file(folder / "a.cpp") == "int a;\nlong b;\nint c;\n");
  CHECK(call(env, tools, "files_edit", {{"path", "a.cpp"}, {"old_text", "long b;\n"}, {"new_text", ""}}) ==
        "a.cpp: changed line 2");
  CHECK(read_file(folder / "a.cpp") == "int a;\nint c;\n");
  CHECK(call(env, tools, "files_edit", {{"path", "a.cpp"}, {"old_text", "int"}, {"new_text", "auto"}, {"all", true}}) ==
        "a.cpp: 2 places changed, the first in line 1");
  CHECK(read_file(folder / "a.cpp") == "auto a;\nauto c;\n");
}

TEST_CASE("an edit that cannot be done says what to do and changes nothing") {
  TestEnvironment env;
  const TempDir folder;
  const std::string content = "if (x) {\n\treturn 1;\n}\nif (x) {\n\treturn 2;\n}\n";
  folder.write("a.cpp", content);
  folder.write("binary", std::string("a\0b", 3));
  const Tools tools = tools_for(folder);
  const auto message = [&](json::object arguments) {
    return call_error(env, tools, "files_edit", std::move(arguments)).message();
  };
  CHECK_THAT(message({{"path", "a.cpp"}, {"old_text", "if (x) {"}, {"new_text", "y"}}),
             ContainsSubstring("occurs 2 times in 'a.cpp' (lines 1, 4)"));
  CHECK_THAT(message({{"path", "a.cpp"}, {"old_text", "    return 2;"}, {"new_text", "y"}}),
             ContainsSubstring("line 5 is similar, but white space"));
  CHECK_THAT(message({{"path", "a.cpp"}, {"old_text", "while"}, {"new_text", "y"}}),
             ContainsSubstring("does not hold old_text. Read"));
  CHECK_THAT(message({{"path", "a.cpp"}, {"old_text", "x"}, {"new_text", "x"}}), ContainsSubstring("nothing to do"));
  CHECK_THAT(message({{"path", "binary"}, {"old_text", "a"}, {"new_text", "x"}}), ContainsSubstring("binary"));
  CHECK_THAT(message({{"path", "a.cpp"}, {"old_text", ""}, {"new_text", "x"}}), ContainsSubstring("old_text"));
  CHECK_THAT(message({{"path", "nowhere"}, {"old_text", "a"}, {"new_text", "x"}}), ContainsSubstring("does not exist"));
  CHECK(read_file(folder / "a.cpp") == content);
}

TEST_CASE("line ends of a file survive an edit written with the others") {
  files::EditArguments arguments{"f", "b\nc", "B\nC\nD", false};
  CHECK(files::replace_text("a\r\nb\r\nc\r\n", arguments).text == "a\r\nB\r\nC\r\nD\r\n");
  CHECK(files::replace_text("a\nb\nc\n", arguments).text == "a\nB\nC\nD\n");
  arguments = {"f", "b\r\nc", "x", false};
  CHECK(files::replace_text("a\r\nb\r\nc\r\n", arguments).text == "a\r\nx\r\n");
}

TEST_CASE("an edit cannot make a file that is too large") {
  files::EditArguments arguments{"f", "a", std::string(1000, 'b'), true};
  CHECK(error_of([&] { (void)files::replace_text(std::string(10'000, 'a'), arguments); }).code() == errc::too_large);
}

TEST_CASE("a file that changed since it was read is not overwritten by an edit") {
  const TempDir folder;
  folder.write("f", "old");
  const files::Root root(folder.path());
  const files::OpenFile seen = root.open_file("f");
  folder.write("f", "somebody else's");
  const Error error = error_of([&] { root.write_file("f", "mine", {}, &seen.identity); });
  CHECK_THAT(error.message(), ContainsSubstring("changed by somebody else"));
  CHECK(read_file(folder / "f") == "somebody else's");
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("a file is neither written nor edited above the bound") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("large", std::string(files::kMaxWrite + 1, 'x'));
  const Tools tools = tools_for(folder);
  CHECK(call_error(env, tools, "files_write", {{"path", "f"}, {"content", std::string(files::kMaxWrite + 1, 'x')}})
            .code() == errc::too_large);
  CHECK(call_error(env, tools, "files_edit", {{"path", "large"}, {"old_text", "y"}, {"new_text", "z"}}).code() ==
        errc::too_large);
}
