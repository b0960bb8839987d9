// Where a file's text comes from, and how its path is said to a policy.
#include "tools/tool_call.hpp"
#include <sennit/tools/files.hpp>

#include <catch2/catch_test_macros.hpp>

#include <filesystem>
#include <string>
#include <vector>

using namespace sennit;
using namespace sennit::testing;
namespace fs = std::filesystem;
using Origins = std::vector<std::string>;

namespace {

Tools tools_of(const fs::path& file, const json::object& options, const fs::path& state = {}) {
  Definition definition;
  definition.file = file;
  const Registry registry;
  return make_files_tools(options, PartContext{definition, registry, state});
}

std::vector<std::string> paths(const Tools& tools, std::string_view tool, const json::object& arguments) {
  std::vector<std::string> values;
  for (const Facet& facet : tool_named(tools, tool).facets(arguments)) {
    if (facet.name == "path") values.push_back(facet.value);
  }
  return values;
}

}  // namespace

TEST_CASE("what is read of files is untrusted and private, one origin a root") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("notes/a.txt", "hello");
  folder.write("shared/b.txt", "hello");
  const Tools tools = tools_of(folder / "agent.yaml", {{"roots", json::array{"notes", "shared"}}, {"write", true}});
  for (const auto& [tool, arguments] : std::vector<std::pair<std::string, json::object>>{
           {"files_read", {{"path", "a.txt"}}}, {"files_list", {}}, {"files_search", {{"pattern", "hello"}}}}) {
    INFO(tool);
    const ToolOutput output = call_output(env, tools, tool, arguments);
    CHECK(output.labels.untrusted == Origins{"files:notes"});
    CHECK(output.labels.confidential == Origins{"files:notes"});
  }
  const std::string other = (folder / "shared/b.txt").string();
  CHECK(call_output(env, tools, "files_read", {{"path", other}}).labels.untrusted == Origins{"files:shared"});
  CHECK(tool_named(tools, "files_edit").spec().gives.untrusted == Origins{"files:notes", "files:shared"});
  CHECK(tool_named(tools, "files_write").spec().gives.empty());
}

TEST_CASE("the options trusted and private take the labels away, each its own") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("a.txt", "hello");
  const auto labels = [&](const json::object& options) {
    return call_output(env, tools_of(folder / "agent.yaml", options), "files_read", {{"path", "a.txt"}}).labels;
  };
  const std::string origin = "files:" + folder.path().filename().string();
  CHECK(labels({{"trusted", true}}) == Labels{{}, {origin}});
  CHECK(labels({{"private", false}}) == Labels{{origin}, {}});
  CHECK(labels({{"trusted", true}, {"private", false}}).empty());
}

TEST_CASE("two roots of one name are told apart") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("a/docs/x", "1");
  folder.write("b/docs/x", "2");
  const Tools tools = tools_of(folder / "agent.yaml", {{"roots", json::array{"a/docs", "b/docs"}}});
  CHECK(call_output(env, tools, "files_read", {{"path", "x"}}).labels.untrusted ==
        Origins{"files:" + (folder / "a/docs").string()});
}

TEST_CASE("what this run set aside has the labels that were kept beside it; without them it may be anything") {
  TestEnvironment env;
  const TempDir folder;
  folder.write(".sennit/outputs/run-1-3.txt", "long");
  folder.write(".sennit/outputs/run-1-3.txt.labels", R"({"untrusted":["web:a.example"]})");
  folder.write(".sennit/outputs/run-1-4.txt", "long");
  folder.write(".sennit/outputs/run-1-5.txt", "long");
  folder.write(".sennit/outputs/run-1-5.txt.labels", "{");
  const Tools tools = tools_of(folder / "agent.yaml", {}, folder / ".sennit");
  const auto read = [&](const std::string& name) {
    return call_output(env, tools, "files_read", {{"path", (folder / ".sennit/outputs" / name).string()}});
  };
  CHECK(read("run-1-3.txt").content == "long");
  CHECK(read("run-1-3.txt").labels == Labels{{"web:a.example"}, {}});
  CHECK(read("run-1-4.txt").labels == Labels{{"output:spilt"}, {"output:spilt"}});
  CHECK(read("run-1-5.txt").labels == Labels{{"output:spilt"}, {"output:spilt"}});
}

TEST_CASE("every spelling of a path is one facet, seen from the agent's folder") {
  const TempDir folder;
  folder.write("notes/plan.md", "x");
  const Tools tools = tools_of(folder / "agent.yaml", {{"write", true}});
  const std::string full = (folder / "notes/plan.md").string();
  for (const std::string& path :
       {std::string("notes/plan.md"), std::string("./notes//plan.md"), std::string("notes/../notes/plan.md"), full}) {
    INFO(path);
    CHECK(paths(tools, "files_read", {{"path", path}}) == Origins{"notes/plan.md"});
    CHECK(paths(tools, "files_write", {{"path", path}}) == Origins{"notes/plan.md"});
    CHECK(paths(tools, "files_edit", {{"path", path}}) == Origins{"notes/plan.md"});
  }
  CHECK(paths(tools, "files_list", {}) == Origins{"."});
  CHECK(paths(tools, "files_list", {{"path", "notes/"}}) == Origins{"notes"});
  CHECK(paths(tools, "files_write", {{"path", "notes/new/file"}}) == Origins{"notes/new/file"});
}

TEST_CASE("a link is both: what it is called and what it is") {
  const TempDir folder;
  folder.write("secret/key", "x");
  fs::create_directory_symlink("secret", folder / "public");
  const Tools tools = tools_of(folder / "agent.yaml", {});
  CHECK(paths(tools, "files_read", {{"path", "public/key"}}) == Origins{"public/key", "secret/key"});
  CHECK(paths(tools, "files_read", {{"path", "public/../secret/key"}}) == Origins{"secret/key"});
}

TEST_CASE("a path outside of the agent's folder is named in full, one that is refused as it is written") {
  const TempDir folder;
  const TempDir other;
  const Tools tools = tools_of(folder / "agent.yaml", {{"roots", json::array{".", other.path().string()}}});
  CHECK(paths(tools, "files_read", {{"path", (other / "x").string()}}) == Origins{(other / "x").string()});
  CHECK(paths(tools, "files_read", {{"path", "/etc/./passwd"}}) == Origins{"/etc/passwd"});
}

TEST_CASE("a file of the agent's folder has its absolute name too") {
  const TempDir folder;
  folder.write("notes/plan.md", "x");
  fs::create_directory_symlink("notes", folder / "alias");
  const Tools tools = tools_of(folder / "agent.yaml", {});
  const std::string plan = (folder / "notes/plan.md").string();
  CHECK(tool_named(tools, "files_read").facets({{"path", "notes/plan.md"}}) ==
        std::vector<Facet>{{"path", "notes/plan.md"}, {"absolute", plan}});
  CHECK(tool_named(tools, "files_read").facets({{"path", "alias/plan.md"}}) ==
        std::vector<Facet>{{"path", "alias/plan.md"},
                           {"absolute", (folder / "alias/plan.md").string()},
                           {"path", "notes/plan.md"},
                           {"absolute", plan}});
}
