// Agents and their tools as an MCP server: runs, and what their clients see of them.
#include "mcp/server_bench.hpp"
#include "support/world.hpp"
#include <sennit/mcp/server/agent_service.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <future>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

Definition definition_of(std::vector<std::string> tools = {}) {
  Definition definition;
  definition.name = "helper";
  definition.description = "Helps.";
  definition.model.name = "world/model";
  for (std::string& tool : tools) definition.tools.push_back({std::move(tool), {}});
  return definition;
}

/// A client of a server with these agents.
class Bench {
 public:
  explicit Bench(Play play, mcp::AgentServiceOptions options = {}, RuntimeOptions runtime = {})
      : world(std::move(play), std::move(runtime)),
        service(world.runtime, std::move(options)),
        server(env, service),
        peer(server.meet()) {}
  ~Bench() {
    server.leave(peer);
    run(env, server.stop(milliseconds{1}));
  }

  void greet(json::object capabilities = {}) {
    call("initialize", {{"protocolVersion", "2025-11-25"},
                        {"capabilities", std::move(capabilities)},
                        {"clientInfo", {{"name", "test"}, {"version", "1"}}}});
  }
  std::shared_ptr<Collector> send(std::string method, json::object params) {
    auto outlet = std::make_shared<Collector>();
    server.take(peer, mcp::Request{++last_id, std::move(method), std::move(params)}, outlet);
    return outlet;
  }
  /// The n-th message to come.
  json::object message(const std::shared_ptr<Collector>& outlet, std::size_t number) {
    until(env, [&] { return outlet->messages.size() > number; });
    return outlet->messages[number];
  }
  json::object answer_of(const std::shared_ptr<Collector>& outlet) {
    until(env, [&] { return !outlet->messages.empty() && !outlet->messages.back().contains("method"); });
    return outlet->messages.back();
  }
  json::object call(std::string method, json::object params = {}) {
    return answer_of(send(std::move(method), std::move(params)));
  }
  json::object call_tool(std::string_view name, json::object arguments) {
    return call("tools/call", {{"name", name}, {"arguments", std::move(arguments)}});
  }
  std::string text_of_call(std::string_view name, json::object arguments) {
    return text_at_path(call_tool(name, std::move(arguments)), "result/content/0/text");
  }
  std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const json::value& tool : service.tools()) all.emplace_back(find_string(tool, "name"));
    return all;
  }

  TestEnvironment env;
  World world;
  mcp::AgentService service;
  mcp::Server server;
  std::shared_ptr<mcp::ServerPeer> peer;
  std::int64_t last_id = 0;
};

Turn call_of(std::string name, std::string arguments) {
  return {{calls(0, "c1", std::move(name), std::move(arguments))}};
}

json::object accepted(std::string_view field, std::string_view value) {
  return {{"action", "accept"}, {"content", json::object{{field, value}}}};
}

}  // namespace

TEST_CASE("an agent is a tool that is given a task", "[mcp_agents]") {
  Bench bench(says("Hello."));
  Definition definition = definition_of();
  definition.inputs = {{.name = "tone", .type = "string", .description = "How", .required = true, .fallback = nullptr},
                       {.name = "loud", .type = "boolean", .description = {}, .required = false, .fallback = false}};
  bench.service.add(definition);
  bench.greet();
  const json::object tool = bench.service.tools().at(0).as_object();
  CHECK(text_at_path(tool, "description") == "Helps.");
  CHECK(text_at_path(tool, "inputSchema/required") == R"(["input","tone"])");
  CHECK(text_at_path(tool, "inputSchema/properties/loud/type") == "boolean");
  CHECK(at(tool, "inputSchema/properties/session").is_object());
  const json::object answer = bench.call_tool("helper", {{"input", "Hi"}, {"tone", "kind"}});
  CHECK(text_at_path(answer, "result/content/0/text") == "Hello.");
  CHECK(text_at_path(answer, "result/isError") == "false");
  CHECK(text_at_path(answer, "result/_meta/sennit~1ending") == "completed");
  CHECK_THAT(text_at_path(bench.call("initialize", {{"protocolVersion", "2025-11-25"}}), "result/instructions"),
             ContainsSubstring("- helper: Helps."));
}

TEST_CASE("wrong arguments are a result that says so", "[mcp_agents]") {
  Bench bench(says("Hello."));
  bench.service.add(definition_of());
  bench.greet();
  const auto told = [&](json::object arguments) {
    const json::object answer = bench.call_tool("helper", std::move(arguments));
    CHECK(text_at_path(answer, "result/isError") == "true");
    return text_at_path(answer, "result/content/0/text");
  };
  CHECK_THAT(told({}), ContainsSubstring("'input' is missing"));
  CHECK_THAT(told({{"input", 7}}), ContainsSubstring("must be a string"));
  CHECK_THAT(told({{"input", "Hi"}, {"mood", "good"}}), ContainsSubstring("no input 'mood'"));
}

TEST_CASE("a run that fails is a result that says so", "[mcp_agents]") {
  Bench bench([](const CompletionRequest&) -> Turn { throw Error(errc::authentication, "the key is wrong"); });
  bench.service.add(definition_of());
  bench.greet();
  const json::object answer = bench.call_tool("helper", {{"input", "Hi"}});
  CHECK(text_at_path(answer, "result/isError") == "true");
  CHECK_THAT(text_at_path(answer, "result/content/0/text"),
             ContainsSubstring("failed: ") && ContainsSubstring("the key is wrong"));
}

TEST_CASE("what a run does is progress", "[mcp_agents]") {
  Bench bench(plays({call_of("shout", R"({"text":"ho","times":2})"), {{TextDelta{"Done."}}}}));
  bench.service.add(definition_of({"shout"}));
  bench.greet();
  const auto outlet = bench.send(
      "tools/call", {{"name", "helper"}, {"arguments", {{"input", "Hi"}}}, {"_meta", {{"progressToken", "p"}}}});
  bench.answer_of(outlet);
  std::string all;
  std::int64_t last = 0;
  for (const json::object& message : outlet->messages) {
    if (!message.contains("method")) continue;
    all += text_at_path(message, "params/message") + "\n";
    CHECK(at(message, "params/progress").as_int64() == ++last);
    CHECK(text_at_path(message, "params/progressToken") == "p");
  }
  CHECK_THAT(all, ContainsSubstring("step 1") && ContainsSubstring("shout(") && ContainsSubstring("step 2"));
}

TEST_CASE("what asks is asked of the client's person", "[mcp_agents]") {
  const std::string decision = GENERATE("once", "never", "decline");
  const bool modern = GENERATE(false, true);
  CAPTURE(decision, modern);
  Bench bench([](const CompletionRequest& request) {
    if (request.messages.back().role == Role::tool) {
      return Turn{{TextDelta{std::get<ToolResult>(request.messages.back().parts.front()).content}}};
    }
    return call_of("save", R"({"text":"saved it"})");
  });
  bench.service.add(definition_of({"save"}));
  const json::object reply =
      decision == "decline" ? json::object{{"action", "decline"}} : accepted("decision", decision);
  json::object params{{"name", "helper"}, {"arguments", {{"input", "Hi"}}}};
  json::object answer;
  if (modern) {
    params["_meta"] = modern_meta({{"elicitation", json::object()}});
    const json::object asked = bench.call("tools/call", params);
    REQUIRE(text_at_path(asked, "result/resultType") == "input_required");
    const json::object requests = at(asked, "result/inputRequests").as_object();
    REQUIRE(requests.size() == 1);
    CHECK_THAT(text_at_path(requests.begin()->value().as_object(), "params/message"), ContainsSubstring("saved it"));
    params["requestState"] = at(asked, "result/requestState");
    params["inputResponses"] = json::object{{requests.begin()->key(), reply}};
    answer = bench.call("tools/call", params);
  } else {
    bench.greet({{"elicitation", json::object()}});
    const auto outlet = bench.send("tools/call", params);
    const json::object asked = bench.message(outlet, 0);
    CHECK(text_at_path(asked, "method") == "elicitation/create");
    CHECK_THAT(text_at_path(asked, "params/message"), ContainsSubstring("save") && ContainsSubstring("saved it"));
    bench.server.take(bench.peer, mcp::Answer{mcp::read_id(asked.at("id")), reply}, nullptr);
    answer = bench.answer_of(outlet);
  }
  CHECK_THAT(text_at_path(answer, "result/content/0/text"),
             ContainsSubstring(decision == "once" ? "saved it" : "declined"));
}

TEST_CASE("a question is put to the client's person", "[mcp_agents]") {
  Bench bench([](const CompletionRequest& request) {
    if (request.messages.back().role == Role::tool) {
      return Turn{{TextDelta{std::get<ToolResult>(request.messages.back().parts.front()).content}}};
    }
    return call_of("question", R"({"text":"Which colour?"})");
  });
  bench.service.add(definition_of({"question"}));
  SECTION("who answers") {
    bench.greet({{"elicitation", json::object()}});
    const auto outlet = bench.send("tools/call", {{"name", "helper"}, {"arguments", {{"input", "Hi"}}}});
    const json::object asked = bench.message(outlet, 0);
    CHECK(text_at_path(asked, "params/message") == "Which colour?");
    bench.server.take(bench.peer, mcp::Answer{mcp::read_id(asked.at("id")), accepted("answer", "blue")}, nullptr);
    CHECK_THAT(text_at_path(bench.answer_of(outlet), "result/content/0/text"), ContainsSubstring("blue"));
  }
  SECTION("who is not there, or can only open addresses") {
    bench.greet(GENERATE(json::object{}, json::object{{"elicitation", {{"url", json::object()}}}}));
    CHECK_THAT(bench.text_of_call("helper", {{"input", "Hi"}}), ContainsSubstring("nobody is there"));
  }
}

TEST_CASE("the end of a request is the end of its run", "[mcp_agents]") {
  const TempDir state;
  Bench bench([](const CompletionRequest&) { return Turn{{TextDelta{"I begin"}}, true}; }, {}, {.state = state.path()});
  bench.service.add(definition_of());
  bench.greet();
  const auto outlet = bench.send("tools/call", {{"name", "helper"}, {"arguments", {{"input", "Hi"}}}});
  auto stalled = std::async(std::launch::async, [&] { bench.world.wait_for_stall(); });
  until(bench.env, [&] { return stalled.wait_for(std::chrono::seconds(0)) == std::future_status::ready; });
  SECTION("where the client cancels it") {
    bench.server.take(bench.peer, mcp::Notification{"notifications/cancelled", {{"requestId", bench.last_id}}},
                      nullptr);
  }
  SECTION("where the client leaves") {
    bench.server.leave(bench.peer);
  }
  until(bench.env, [&] { return outlet->dropped == 1; });
  const auto ended = [&] {
    const auto runs = run(bench.env, bench.world.runtime.store()->runs({}));
    return runs.size() == 1 && find_string(runs.front().outcome, "ending") == "cancelled";
  };
  until(bench.env, ended);
}

TEST_CASE("calls with the same session are one conversation", "[mcp_agents]") {
  const TempDir state;
  const bool kept = GENERATE(false, true);
  Bench bench(
      [](const CompletionRequest& request) { return Turn{{TextDelta{std::to_string(request.messages.size())}}}; }, {},
      {.state = kept ? state.path() : std::filesystem::path()});
  bench.service.add(definition_of());
  bench.greet();
  CHECK(bench.text_of_call("helper", {{"input", "a"}}) == "1");
  CHECK(bench.text_of_call("helper", {{"input", "b"}}) == "1");
  CHECK(bench.text_of_call("helper", {{"input", "c"}, {"session", "s"}}) == "1");
  CHECK(bench.text_of_call("helper", {{"input", "d"}, {"session", "s"}}) == "3");
  CHECK(bench.text_of_call("helper", {{"input", "e"}, {"session", "other"}}) == "1");
}

TEST_CASE("two agents do not share a conversation that a client names alike", "[mcp_agents]") {
  const TempDir state;
  const bool kept = GENERATE(false, true);
  Bench bench(
      [](const CompletionRequest& request) { return Turn{{TextDelta{std::to_string(request.messages.size())}}}; }, {},
      {.state = kept ? state.path() : std::filesystem::path()});
  for (const char* name : {"alpha", "alpha-main"}) {
    Definition definition = definition_of();
    definition.name = name;
    bench.service.add(definition);
  }
  bench.greet();
  CHECK(bench.text_of_call("alpha", {{"input", "a"}, {"session", "main-x"}}) == "1");
  CHECK(bench.text_of_call("alpha-main", {{"input", "b"}, {"session", "main-x"}}) == "1");
  CHECK(bench.text_of_call("alpha-main", {{"input", "c"}, {"session", "x"}}) == "1");
  CHECK(bench.text_of_call("alpha", {{"input", "d"}, {"session", "main-x"}}) == "3");
  CHECK_THAT(bench.text_of_call("alpha", {{"input", "e"}, {"session", std::string(257, 'x')}}),
             ContainsSubstring("'session' is too long"));
}

TEST_CASE("an answer with a schema is structured content", "[mcp_agents]") {
  Bench bench(says(R"({"colour":"blue"})"));
  Definition definition = definition_of();
  definition.output = json::object{
      {"type", "object"}, {"properties", {{"colour", {{"type", "string"}}}}}, {"required", json::array{"colour"}}};
  bench.service.add(definition);
  bench.greet();
  CHECK(at(bench.service.tools().at(0).as_object(), "outputSchema") == json::value(*definition.output));
  const json::object answer = bench.call_tool("helper", {{"input", "Hi"}});
  CHECK(text_at_path(answer, "result/structuredContent/colour") == "blue");
}

TEST_CASE("an agent's tools are offered under its policy", "[mcp_agents]") {
  const TempDir state;
  Bench bench([](const CompletionRequest&) -> Turn { throw Error(errc::internal, "no model is to be asked"); },
              {.tools = true}, {.state = state.path()});
  Definition definition = definition_of({"echo", "fail", "save", "pay", "big"});
  definition.policy.deny = {"pay"};
  bench.service.add(definition);
  CHECK(bench.names() == std::vector<std::string>{"helper", "echo", "fail", "save", "big"});
  SECTION("what is allowed is done, and kept as a run") {
    bench.greet();
    CHECK(bench.text_of_call("echo", {{"text", "ho"}}) == "ho");
    const json::object failed = bench.call_tool("fail", {{"message", "broken"}});
    CHECK(text_at_path(failed, "result/isError") == "true");
    CHECK_THAT(text_at_path(failed, "result/content/0/text"), ContainsSubstring("broken"));
    CHECK_THAT(bench.text_of_call("echo", {{"words", "ho"}}), ContainsSubstring("wrong arguments"));
    CHECK(run(bench.env, bench.world.runtime.store()->runs({})).size() == 3);
  }
  SECTION("what is denied is not there") {
    bench.greet();
    CHECK(text_at_path(bench.call_tool("pay", {{"amount", 5}}), "error/code") == "-32602");
  }
  SECTION("what asks is declined where nobody can be asked") {
    bench.greet();
    CHECK_THAT(bench.text_of_call("save", {{"text", "x"}}), ContainsSubstring("declined"));
  }
  SECTION("and asked where somebody can") {
    bench.greet({{"elicitation", json::object()}});
    const auto outlet = bench.send("tools/call", {{"name", "save"}, {"arguments", {{"text", "x"}}}});
    const json::object asked = bench.message(outlet, 0);
    bench.server.take(bench.peer, mcp::Answer{mcp::read_id(asked.at("id")), accepted("decision", "once")}, nullptr);
    CHECK(text_at_path(bench.answer_of(outlet), "result/content/0/text") == "x");
  }
}

TEST_CASE("what comes from elsewhere may not steer what has consequences", "[mcp_agents]") {
  Bench bench(says("Hello."), {.tools = true, .agents = false, .labels = {.untrusted = {"mcp-client"}}});
  Definition definition = definition_of({"echo", "save"});
  definition.policy.allow = {"*"};
  bench.service.add(definition);
  bench.greet();
  CHECK(bench.text_of_call("echo", {{"text", "ho"}}) == "ho");
  CHECK_THAT(bench.text_of_call("save", {{"text", "x"}}), !ContainsSubstring("x\n") && ContainsSubstring("mcp-client"));
}

TEST_CASE("two agents may have the same tools, and not the same name", "[mcp_agents]") {
  Bench bench(says("Hello."), {.tools = true});
  bench.service.add(definition_of({"echo"}));
  Definition second = definition_of({"echo"});
  second.name = "the other";
  bench.service.add(second);
  CHECK(bench.names() == std::vector<std::string>{"helper", "echo", "the_other", "the_other_echo"});
  CHECK(error_of([&] { bench.service.add(definition_of()); }).code() == errc::invalid_argument);
}

TEST_CASE("an agent's work is a task, of a client that knows tasks", "[mcp_agents]") {
  Bench bench(says("Hello."));
  bench.service.add(definition_of());
  const json::object able{{"extensions", json::object{{"io.modelcontextprotocol/tasks", json::object()}}}};
  json::object params{{"name", "helper"}, {"arguments", {{"input", "Hi"}}}, {"_meta", modern_meta(able)}};
  const json::object made = bench.call("tools/call", params);
  REQUIRE(text_at_path(made, "result/resultType") == "task");
  const auto get = [&] {
    return bench.call("tasks/get", {{"taskId", at(made, "result/taskId")}, {"_meta", modern_meta(able)}});
  };
  until(bench.env, [&] { return text_at_path(get(), "result/status") == "completed"; });
  CHECK(text_at_path(get(), "result/result/content/0/text") == "Hello.");
}
