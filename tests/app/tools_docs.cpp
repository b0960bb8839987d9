// What docs/tools.md says of the arguments of tools is what their schemas say.
#include "support/fixtures.hpp"
#include <sennit/agent/registry.hpp>
#include <sennit/plugins/builtin.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <string>

namespace {

using namespace sennit;

std::string row_of(const ToolDescription& tool) {
  const json::value schema = tool.parameters;
  const json::value* required = find(schema, "required");
  const json::value* properties = find(schema, "properties");
  std::string arguments;
  for (const auto& [name, property] : properties->as_object()) {
    const json::value key(name);
    const bool is_required =
        required != nullptr && std::ranges::find(required->as_array(), key) != required->as_array().end();
    const std::string code = "`" + std::string(name) + "`";
    arguments += (arguments.empty() ? "" : ", ") + (is_required ? "**" + code + "**" : code);
  }
  return "| `" + tool.name + "` | " + (arguments.empty() ? "none" : arguments) + " |\n";
}

}  // namespace

TEST_CASE("the arguments of every tool stand in the docs") {
  const testing::TempDir folder;
  folder.write("x.db", "");
  const Registry registry = builtin();
  Definition definition;
  definition.file = folder.path() / "agent.yaml";
  const PartContext context{definition, registry, {}};
  const std::map<std::string, json::object> options{
      {"files", {{"write", true}}},
      {"images", {{"base_url", "http://127.0.0.1:1"}}},
      {"sqlite", {{"file", "x.db"}, {"write", true}}},
      {"web", {{"search", {{"url", "http://127.0.0.1/search"}}}}},
  };
  const std::string document = testing::read_file(SENNIT_SOURCE_DIR "/docs/tools.md");
  std::size_t found = 0;
  for (const std::string& kind : registry.tool_names()) {
    if (kind == "openapi") continue;  // its arguments are the document's
    const auto chosen = options.find(kind);
    for (const auto& tool :
         registry.tools({kind, chosen == options.end() ? json::object() : chosen->second}, context)) {
      const std::string row = row_of(tool->spec().description);
      INFO(row);
      CHECK(document.find(row) != std::string::npos);
      ++found;
    }
  }
  CHECK(found >= 20);
}
