#include "tools/tool_call.hpp"
#include <sennit/agent/typed_tool.hpp>

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace workshop {

struct AddArgs {
  double x;
  double y;
};
BOOST_DESCRIBE_STRUCT(AddArgs, (), (x, y))

struct Item {
  int count;
  std::string name;
};
SENNIT_DESCRIBE(Item, (count, "how many", {.minimum = 1}), (name))

struct OrderArgs {
  std::vector<Item> items;
  bool express = false;
};
SENNIT_DESCRIBE(OrderArgs, (items, "what to order", {.min_length = 1}), (express))

struct Receipt {
  int total;
  std::vector<std::string> names;
  std::optional<std::string> note;
};
SENNIT_DESCRIBE(Receipt, (total), (names), (note))

double add(AddArgs args) {
  return args.x + args.y;
}

}  // namespace workshop

using namespace sennit;
using namespace sennit::testing;
using namespace workshop;

namespace {

std::string call_tool(const std::shared_ptr<Tool>& tool, json::object arguments = {}) {
  TestEnvironment environment;
  return call(environment, Tools{tool}, tool->spec().description.name, std::move(arguments));
}

std::string refused(const std::shared_ptr<Tool>& tool, json::object arguments) {
  TestEnvironment environment;
  const Error error = call_error(environment, Tools{tool}, tool->spec().description.name, std::move(arguments));
  CHECK(error.code() == errc::invalid_argument);
  return error.message();
}

json::object parse(std::string_view text) {
  return json::parse(text).as_object();
}

}  // namespace

TEST_CASE("a plain function is a tool and runs on the pool") {
  const auto tool = make_tool("add", "Adds", [](AddArgs args) { return args.x + args.y; });
  CHECK(call_tool(tool, parse(R"({"x":1.5,"y":2})")) == "3.5");
  CHECK(call_tool(make_tool("add", "Adds", add), parse(R"({"x":1,"y":2})")) == "3");

  const auto here = std::this_thread::get_id();
  const auto elsewhere = make_tool("where", "", [here] { return std::this_thread::get_id() != here; });
  CHECK(call_tool(elsewhere) == "true");
}

TEST_CASE("a coroutine is a tool and runs on the shard") {
  const auto here = std::this_thread::get_id();
  const auto tool =
      make_tool("order", "Orders", [here](OrderArgs args, ToolContext& context) -> asio::awaitable<Receipt> {
        co_await context.environment().sleep(milliseconds(1));
        Receipt receipt{.total = 0, .names = {}, .note = {}};
        for (const Item& item : args.items) {
          receipt.total += item.count;
          receipt.names.push_back(item.name);
        }
        if (std::this_thread::get_id() != here) receipt.note = "on another thread";
        co_return receipt;
      });
  CHECK(call_tool(tool, parse(R"({"items":[{"count":2,"name":"cord"},{"count":"3","name":"hook"}]})")) ==
        R"({"total":5,"names":["cord","hook"]})");
}

TEST_CASE("a tool lists everything that is wrong with its arguments and is not called") {
  auto called = std::make_shared<int>(0);
  const auto tool = make_tool("order", "Orders", [called](const OrderArgs&) { ++*called; });
  CHECK(refused(tool,
                parse(R"({"items":[{"count":1,"name":"a"},{"count":1,"name":"b"},{"count":"three","name":4.5}]})")) ==
        "arguments.items[2].count: expected an integer, got string \"three\"; "
        "arguments.items[2].name: expected a string, got number 4.5");
  CHECK(refused(tool, parse(R"({"items":[],"expres":true})")) ==
        "arguments.items: expected at least 1 item, got 0; arguments.expres: unknown; did you mean \"express\"?");
  CHECK(refused(tool, {}) == "arguments.items: required, but missing (an array)");
  CHECK(refused(tool, parse(R"({"items":[{"count":3000000000,"name":"a"}]})")) ==
        "arguments.items[0].count: expected an integer from -2147483648 to 2147483647, got number 3000000000");
  CHECK(*called == 0);
  CHECK(call_tool(tool, parse(R"({"items":[{"count":1,"name":"a"}]})")) == "done");
  CHECK(*called == 1);
}

TEST_CASE("text is given as it is, everything else as JSON") {
  CHECK(call_tool(make_tool("t", "", [] { return std::string("plain \"text\""); })) == "plain \"text\"");
  CHECK(call_tool(make_tool("t", "", [] { return "literal"; })) == "literal");
  CHECK(call_tool(make_tool("t", "", [] { return 42; })) == "42");
  CHECK(call_tool(make_tool("t", "", [] { return 0.1; })) == "0.1");
  CHECK(call_tool(make_tool("t", "", [] { return true; })) == "true");
  CHECK(call_tool(make_tool("t", "", [] { return std::vector<std::string>{"a", "b"}; })) == R"(["a","b"])");
  CHECK(call_tool(make_tool("t", "", [] { return std::optional<int>(); })) == "null");
  CHECK(call_tool(make_tool("t", "", [] { return json::value{{"k", 1.0}}; })) == R"({"k":1})");
  CHECK(call_tool(make_tool("t", "", [] {})) == "done");
  CHECK(call_tool(make_tool("t", "", []() -> asio::awaitable<void> { co_return; })) == "done");

  TestEnvironment environment;
  const Tools tools{make_tool("t", "", [] { return ToolOutput{"no such shelf", true}; })};
  const ToolOutput output = call_output(environment, tools, "t", {});
  CHECK(output.content == "no such shelf");
  CHECK(output.is_error);
}

TEST_CASE("every form of function is accepted") {
  CHECK(call_tool(make_tool("t", "", [](ToolContext& context) -> asio::awaitable<std::string> {
          co_return context.effect_id();
        })) == "run-1/3");
  CHECK(call_tool(make_tool("t", "", [](AddArgs args) -> asio::awaitable<double> { co_return args.x; }),
                  parse(R"({"x":1,"y":2})")) == "1");
  CHECK(call_tool(make_tool("t", "",
                            [](const AddArgs& args, ToolContext& context) -> asio::awaitable<double> {
                              co_await context.environment().sleep(milliseconds(1));
                              co_return args.y;
                            }),
                  parse(R"({"x":1,"y":2})")) == "2");
  CHECK(call_tool(make_tool("t", "", [](AddArgs&& args) noexcept { return args.x; }), parse(R"({"x":1,"y":2})")) ==
        "1");
}

TEST_CASE("what a function throws reaches the caller") {
  TestEnvironment environment;
  const auto fails = [](const std::shared_ptr<Tool>& tool) {
    TestEnvironment env;
    return call_error(env, Tools{tool}, "t", {});
  };
  const Error plain = fails(make_tool("t", "", []() -> int { throw Error(errc::not_found, "no such shelf"); }));
  CHECK(plain.code() == errc::not_found);
  CHECK(plain.message() == "no such shelf");
  const Error coroutine = fails(make_tool("t", "", []() -> asio::awaitable<int> {
    throw Error(errc::tool, "broken");
    co_return 1;
  }));
  CHECK(coroutine.code() == errc::tool);
}

TEST_CASE("a closure outlives its tool until the call has ended") {
  TestEnvironment environment;
  CallContext context(environment);
  auto witness = std::make_shared<std::string>("kept");
  auto tool = make_tool("t", "", [witness](ToolContext& inner) -> asio::awaitable<std::string> {
    co_await inner.environment().sleep(milliseconds(5));
    co_return *witness;
  });
  const std::weak_ptr<std::string> alive = witness;
  witness.reset();
  auto call = start(environment, tool->call({}, context));
  environment.turn();
  CHECK(call.get().content == "kept");
  tool.reset();
  CHECK(alive.expired());
}

TEST_CASE("a cancelled call does not wait for a plain function, which keeps what it needs") {
  TestEnvironment environment;
  CallContext context(environment);
  auto began = std::make_shared<std::atomic<bool>>(false);
  auto release = std::make_shared<std::atomic<bool>>(false);
  auto text = std::make_shared<std::atomic<std::size_t>>(0);
  auto tool = make_tool("t", "", [began, release, text](const Item& item) {
    *began = true;
    while (!*release) std::this_thread::yield();
    *text = item.name.size();
  });
  auto call = start(environment,
                    tool->call(parse(R"({"count":1,"name":"a name that is too long to be stored inside"})"), context));
  until(environment, [&] { return began->load(); });
  call.cancel();
  CHECK(call.error().code() == errc::cancelled);
  tool.reset();
  *release = true;
  until(environment, [&] { return text->load() == 43; });
}

TEST_CASE("what is particular about a tool is said with its traits") {
  const auto tool = make_tool("pay", "Pays", [](AddArgs) {},
                              {.touches = {.network = true, .money = true},
                               .repeat = Repeat::keyed,
                               .timeout = milliseconds(5),
                               .output_limit = 7,
                               .concurrency = 1});
  const ToolSpec& spec = tool->spec();
  CHECK(spec.description.name == "pay");
  CHECK(spec.description.description == "Pays");
  CHECK(json_text(spec.description.parameters) ==
        R"({"type":"object","properties":{"x":{"type":"number"},"y":{"type":"number"}},"required":["x","y"],)"
        R"("additionalProperties":false})");
  CHECK(spec.touches == Touches{.network = true, .money = true});
  CHECK(spec.repeat == Repeat::keyed);
  CHECK(spec.timeout == milliseconds(5));
  CHECK(spec.output_limit == 7);
  CHECK(spec.concurrency == 1);
  CHECK(make_tool("t", "", [] {})->spec().repeat == Repeat::never);
}

TEST_CASE("a tool's name is what every provider accepts") {
  for (const std::string& name :
       {std::string(), std::string("two words"), std::string("ärger"), std::string(65, 'a')}) {
    INFO(name);
    CHECK(error_of([&] { return make_tool(name, "", [] {}); }).code() == errc::config);
  }
  CHECK(make_tool(std::string(64, 'a'), "", [] {})->spec().description.name.size() == 64);
}

TEST_CASE("a registry takes functions as tools") {
  Registry registry;
  registry.add_tool("add", "Adds", [](AddArgs args) { return args.x + args.y; });
  registry.add_tool("subtract", "Subtracts", [](AddArgs args) { return args.x - args.y; },
                    {.repeat = Repeat::idempotent});
  const Definition definition;
  const auto tools = registry.tools(ToolSelection{"subtract", {}}, PartContext{definition, registry, {}});
  TestEnvironment environment;
  CHECK(call(environment, tools, "subtract", parse(R"({"x":3,"y":1})")) == "2");
}
