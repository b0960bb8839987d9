// `sennit ping` against real sockets: what is right, and what is wrong in words.
#include "app/model_server.hpp"
#include "app/program.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <csignal>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::Matches;

namespace {

bool asks_for_a_call(const HttpRequest& request) {
  return json::parse(request.body).as_object().contains("tools");
}

Reply healthy(const HttpRequest& request) {
  if (asks_for_a_call(request)) return Answer().call("pong", R"({"word":"ready"})").reply();
  return Answer().text("one, two, three").reply();
}

struct Line {
  [[nodiscard]] Program::Options options(std::map<std::string, std::string> environment = {}) const {
    return {.folder = folder.path(), .input = {}, .environment = std::move(environment)};
  }
  [[nodiscard]] Ended ping(const HttpServer& server, std::vector<std::string> more = {},
                           std::map<std::string, std::string> environment = {}) const {
    std::vector<std::string> arguments{"ping", "openai-compatible/test", "--base-url", server.url("/v1")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments, options(std::move(environment)));
  }
  TempDir folder;
};

/// What is said where every request is answered with `reply`.
std::string failing(Reply reply) {
  const HttpServer server(std::move(reply));
  const Ended ended = Line().ping(server, {}, {{"OPENAI_COMPATIBLE_API_KEY", "sk-wrong"}});
  CHECK(ended.status == 1);
  CHECK(ended.err.empty());
  return ended.out;
}

}  // namespace

TEST_CASE("a model that answers and calls tools is said to, line by line") {
  const HttpServer server(healthy);
  const Ended ended = Line().ping(server, {}, {{"OPENAI_COMPATIBLE_API_KEY", "sk-right"}});
  CHECK(ended.status == 0);
  CHECK_THAT(ended.out,
             Matches("openai-compatible/test · chat-completions · http://127.0.0.1:[0-9]+/v1/chat/completions\n"
                     "  ✓ address  answers\n"
                     "  ✓ key      OPENAI_COMPATIBLE_API_KEY is accepted\n"
                     "  ✓ answer   first token after [0-9.]+ m?s · 100 in · 7 out\n"
                     "  ✓ tools    called pong as it was told, after [0-9.]+ m?s\n"
                     "  · cost     not known: there are no prices for it [^\n]+\n"));
  REQUIRE(server.requests().size() == 2);
  CHECK(server.requests().front().header("authorization") == "Bearer sk-right");
  CHECK(json::parse(server.requests().back().body).at("tool_choice").as_string() == "required");
}

TEST_CASE("the speed is told where the words come one after another") {
  std::vector<std::string> words;
  for (int i = 0; i < 20; ++i) words.emplace_back(R"({"choices":[{"index":0,"delta":{"content":"w "}}]})");
  words.emplace_back(
      R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":20}})");
  words.emplace_back("[DONE]");
  const HttpServer server(Reply::sse(words).every(std::chrono::milliseconds(10)));
  const Ended ended = Line().ping(server, {"--no-tools"});
  CHECK(ended.status == 0);
  CHECK_THAT(ended.out, ContainsSubstring(" tokens/s · 9 in · 20 out") && !ContainsSubstring("tools") &&
                            ContainsSubstring("· key      none was sent, and none was asked for\n"));
}

TEST_CASE("an agent file's model is pinged, with its key, its prices and its address") {
  const HttpServer server(healthy);
  const Line line;
  line.folder.write("agent.yaml", "sennit: 1\nname: tester\nmodel:\n  name: openai-compatible/test\n  base_url: " +
                                      server.url("/v1") +
                                      "\n  api_key: ${env:HOUSE_KEY}\n  prices: {input: 1, output: 2}\n");
  const Ended ended = run_program({"ping", "agent.yaml"}, line.options({{"HOUSE_KEY", "sk-house"}}));
  CHECK(ended.status == 0);
  CHECK_THAT(ended.out, ContainsSubstring("✓ key      the agent file's is accepted\n") &&
                            ContainsSubstring("· cost     $0.00023 for this\n") && !ContainsSubstring("sk-house"));
  CHECK(server.requests().front().header("authorization") == "Bearer sk-house");
}

TEST_CASE("a key that is missing is named before anything is sent") {
  const Ended ended = run_program({"ping", "openai/gpt-4o"}, Line().options());
  CHECK(ended.status == 1);
  CHECK_THAT(ended.out, ContainsSubstring("✗ key      OpenAI needs a key: set OPENAI_API_KEY"));
}

TEST_CASE("what is wrong is said in words, with what to do") {
  CHECK_THAT(failing(Reply::json(R"({"error":{"message":"Incorrect API key provided"}})").status(401)),
             ContainsSubstring("✗ key      ") && ContainsSubstring("the key was not accepted") &&
                 ContainsSubstring("`export OPENAI_COMPATIBLE_API_KEY=…`") && !ContainsSubstring("sk-wrong"));
  CHECK_THAT(failing(Reply::json(R"({"error":{"message":"model `test` not found"}})").status(404)),
             ContainsSubstring("✗ model    ") && ContainsSubstring("model `test` not found") &&
                 ContainsSubstring("Is the name right"));
  CHECK_THAT(
      failing(Reply::json(R"({"error":{"message":"slow down"}})").status(429).header("Retry-After", "7")),
      ContainsSubstring("✗ account  ") && ContainsSubstring("slow down") && ContainsSubstring("Try again in 7.0 s."));
  CHECK_THAT(failing(Reply::json(R"({"error":{"message":"out","code":"insufficient_quota"}})").status(429)),
             ContainsSubstring("Waiting does not help"));
  CHECK_THAT(failing(Reply::json(R"({"error":{"message":"boom"}})").status(500)), ContainsSubstring("try again later"));
  CHECK_THAT(failing(Reply::text("<html><body>Log in</body></html>").header("Content-Type", "text/html")),
             ContainsSubstring("✗ address  ") && ContainsSubstring("Is that the address of an API"));
}

TEST_CASE("a server that is not there is said not to be") {
  std::string gone;
  {
    const HttpServer server(Reply::text(""));
    gone = server.url("/v1");
  }
  const Ended ended = run_program({"ping", "openai-compatible/test", "--base-url", gone}, Line().options());
  CHECK(ended.status == 1);
  CHECK_THAT(ended.out, ContainsSubstring("✗ address  ") && ContainsSubstring("cannot connect") &&
                            ContainsSubstring("Does the server run, and there?"));
}

TEST_CASE("a model that talks instead of calling is found out") {
  const HttpServer server([](const HttpRequest&) { return Answer().text("I cannot call tools.").reply(); });
  const Ended ended = Line().ping(server);
  CHECK(ended.status == 1);
  CHECK_THAT(ended.out,
             ContainsSubstring("✓ answer ") &&
                 ContainsSubstring("✗ tools    it was told to call a tool and did not: “I cannot call tools.”"));
}

TEST_CASE("a model that refuses to be forced is asked to call by itself") {
  const HttpServer server([](const HttpRequest& request) {
    const json::value body = json::parse(request.body);
    if (body.as_object().contains("tool_choice")) {
      return Reply::json(R"({"error":{"message":"tool_choice is not supported while thinking"}})").status(400);
    }
    return healthy(request);
  });
  const Ended ended = Line().ping(server);
  CHECK(ended.status == 0);
  CHECK_THAT(ended.out, ContainsSubstring("(it refuses to be forced to)"));
  CHECK(server.requests().size() == 3);
}

TEST_CASE("a server that says nothing is given up, and Ctrl-C is heeded") {
  const HttpServer server(Reply::text("").stall());
  const Line line;
  const Ended late = line.ping(server, {"--timeout", "200ms"});
  CHECK(late.status == 1);
  CHECK_THAT(late.out, ContainsSubstring("✗ answer   ") && ContainsSubstring("More patience: --timeout 5m."));
  Program program({"ping", "openai-compatible/test", "--base-url", server.url("/v1")}, line.options());
  program.until_out("chat/completions\n");
  program.signal(SIGINT);
  CHECK(program.wait().status == 130);
}

TEST_CASE("a ping that cannot be meant is a usage error") {
  const Line line;
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"ping"},
                                             {"ping", "nosuchmodel"},
                                             {"ping", "openai/o1", "--api", "smoke"},
                                             {"ping", "missing.yaml"},
                                             {"ping", "openai/o1", "--api", "ollama-chat"},
                                             {"ping", "openai/o1", "--timeout", "soon"}}) {
    INFO(arguments.back());
    CHECK(run_program(arguments, line.options()).status == 2);
  }
}

TEST_CASE("a scripted agent is pinged like any other model") {
  const Line line;
  line.folder.write("agent.yaml", "sennit: 1\nmodel: scripted\nintents: [{match: hi, say: Hello!}]\n");
  const Ended ended = run_program({"ping", "agent.yaml", "--no-tools"}, line.options());
  CHECK(ended.status == 0);
  CHECK_THAT(ended.out, ContainsSubstring("scripted\n") && ContainsSubstring("✓ answer "));
}
