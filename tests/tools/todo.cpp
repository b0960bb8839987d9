#include "tools/tool_call.hpp"
#include <sennit/tools/todo.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>

using namespace sennit;
using namespace sennit::testing;

namespace {

Tools todo(const json::object& options = {}) {
  const Definition definition;
  const Registry registry;
  return make_todo(options, PartContext{definition, registry, {}});
}

}  // namespace

TEST_CASE("a plan is given back and shown to the person, a line a step") {
  TestEnvironment env;
  const Tools tools = todo();
  CallContext context(env);
  const json::object arguments{{"items",
                                {{{"text", "read\nthe file"}, {"status", "done"}},
                                 {{"text", "change it"}, {"status", "in_progress"}},
                                 {{"text", "test"}}}}};
  const ToolOutput output = run(env, call_checked(tool_named(tools, "todo_write"), arguments, context));
  const std::string list = "[x] read the file\n[>] change it\n[ ] test\n1 of 3 done\n";
  CHECK(output.content == list);
  CHECK(context.told == std::vector<std::string>{list});
  CHECK(output.labels.empty());
}

TEST_CASE("a plan has bounds, and touches nothing") {
  TestEnvironment env;
  const Tools tools = todo();
  CHECK(call(env, tools, "todo_write", {{"items", json::array{}}}) == "the list is empty\n");
  json::array many;
  for (int i = 0; i < 101; ++i) many.push_back(json::object{{"text", "x"}});
  for (const json::value& items : {json::value(many), json::value(json::array{json::object{{"text", ""}}}),
                                   json::value(json::array{json::object{{"text", std::string(301, 'x')}}}),
                                   json::value(json::array{json::object{{"text", "x"}, {"status", "maybe"}}})}) {
    CHECK(call_error(env, tools, "todo_write", {{"items", items}}).code() == errc::invalid_argument);
  }
  CHECK(tools.at(0)->spec().touches == Touches{});
  CHECK_THROWS_AS(todo({{"x", 1}}), Error);
}
