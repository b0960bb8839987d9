// Names to parts: what is registered twice, and what is not registered at all.
#include "support/fixtures.hpp"
#include <sennit/agent/registry.hpp>
#include <sennit/agent/typed_tool.hpp>
#include <sennit/plugins/builtin.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace sennit;
using namespace sennit::testing;

namespace {

std::string one() {
  return "one";
}

std::string description_of(const Registry& registry, const std::string& name) {
  const Definition definition;
  const auto tools = registry.tools({name, {}}, {definition, registry, {}});
  return tools.size() == 1 ? tools[0]->spec().description.description : "not one tool";
}

Error unknown_tool(const Registry& registry, const std::string& name) {
  const Definition definition;
  return error_of([&] { (void)registry.tools({name, {}}, {definition, registry, {}}); });
}

}  // namespace

TEST_CASE("an unknown name gives the nearest known one") {
  Registry registry;
  registry.add_tool("files", "", one);
  registry.add_tool("http", "", one);
  registry.add_tool("weather", "", one);
  const Error error = unknown_tool(registry, "wether");
  CHECK(error.code() == errc::not_found);
  CHECK(error.message() == "unknown tool 'wether'; did you mean 'weather'?");
  CHECK(unknown_tool(registry, "htpt").message() == "unknown tool 'htpt'; did you mean 'http'?");
}

TEST_CASE("a name that is near to none gives all that are known, in order") {
  Registry registry;
  CHECK(unknown_tool(registry, "x").message() == "unknown tool 'x'; none is known");
  registry.add_tool("http", "", one);
  registry.add_tool("files", "", one);
  CHECK(unknown_tool(registry, "calendar").message() == "unknown tool 'calendar'; known: files http");
}

TEST_CASE("every kind of part says what kind is unknown") {
  const Registry registry = builtin();
  const Definition definition;
  const PartContext context{definition, registry, {}};
  ModelSpec model;
  model.name = "opnai/gpt";
  CHECK(error_of([&] { (void)registry.backend(model, context); }).message() ==
        "unknown model provider 'opnai'; did you mean 'openai'?");
  MemorySettings memory;
  memory.kind = "note";
  CHECK(error_of([&] { (void)registry.memory(memory, context); }).message() ==
        "unknown memory 'note'; did you mean 'notes'?");
  CHECK(error_of([&] { (void)registry.planner("tool_loop", {}, context); }).message() ==
        "unknown planner 'tool_loop'; did you mean 'tool-loop'?");
}

TEST_CASE("adding a name twice replaces the first") {
  Registry registry;
  registry.add_tool("a", "the first", one);
  CHECK(description_of(registry, "a") == "the first");
  registry.add_tool("a", "the second", one);
  CHECK(description_of(registry, "a") == "the second");
  CHECK(registry.tool_names() == std::vector<std::string>{"a"});
}

TEST_CASE("a plugin may replace a built-in part of any kind") {
  Registry registry = builtin();
  const auto backends = registry.backend_names();
  registry.add_backend("openai", [](const ModelSpec&, const PartContext&) -> std::shared_ptr<const Backend> {
    throw Error(errc::config, "replaced");
  });
  CHECK(registry.backend_names() == backends);
  const Definition definition;
  ModelSpec model;
  model.name = "openai/some/model";
  CHECK(error_of([&] { (void)registry.backend(model, {definition, registry, {}}); }).message() == "replaced");
}

TEST_CASE("a ready tool takes no options") {
  Registry registry;
  registry.add_tool("a", "", one);
  const Definition definition;
  const Error error = error_of([&] { (void)registry.tools({"a", {{"root", "."}}}, {definition, registry, {}}); });
  CHECK(error.code() == errc::config);
  CHECK(error.message() == "the tool 'a' takes no options");
}

TEST_CASE("the nearest name is within a third of the word's letters, and one at least") {
  const std::vector<std::string> names{"files_read", "http", "a"};
  CHECK(nearest("files_raed", names) == "files_read");
  CHECK(nearest("file_red", names) == "files_read");
  CHECK(nearest("htt", names) == "http");
  CHECK(nearest("b", names) == "a");
  CHECK(nearest("ftp", names).empty());
  const std::vector<std::string> none;
  CHECK(nearest("", none).empty());
  CHECK(nearest(std::string(100'000, 'f'), names).empty());
}
