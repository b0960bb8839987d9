// `sennit mcp`, from its command line: over pipes and over HTTP, who may come in, and how it ends.
#include "app/model_server.hpp"
#include "app/program.hpp"
#include <sennit/agent/io/http.hpp>
#include <sennit/agent/io/json.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <csignal>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr char kAgent[] = R"(sennit: 1
name: offline
description: Calculates.
model: scripted
tools: [calculator, {files: {write: true}}]
intents:
  - match: what is {sum}
    steps: [{call: calculator, with: {expression: "{sum}"}, take: "{result}"}]
    say: It is {result}.
)";

constexpr char kHello[] =
    R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},)"
    R"("clientInfo":{"name":"t","version":"1"}}})";
constexpr char kMeta[] = R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
                         R"("io.modelcontextprotocol/clientCapabilities":{}})";

std::string request(int id, const std::string& method, const std::string& params) {
  return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":")" + method + R"(","params":{)" + params +
         "}}";
}

struct Bench {
  Bench() { folder.write("agent.yaml", kAgent); }
  [[nodiscard]] Program::Options options(std::string input = {}, bool merged = false) const {
    return {.folder = folder.path(),
            .input = std::move(input),
            .environment = {{"MCP_TOKEN", "a-token-that-is-long"}, {"SHORT_TOKEN", "short"}},
            .merged = merged};
  }
  [[nodiscard]] Ended run(std::vector<std::string> arguments, const std::string& input = {}) const {
    arguments.insert(arguments.begin(), "mcp");
    return run_program(arguments, options(input));
  }
  TempDir folder;
};

/// The lines of standard output by the ids of the answers; each has to be JSON.
std::map<std::int64_t, json::object> answers(const std::string& out) {
  std::map<std::int64_t, json::object> all;
  for (std::size_t from = 0; from < out.size();) {
    const std::size_t end = out.find('\n', from);
    REQUIRE(end != std::string::npos);
    const json::object message = json::parse(out.substr(from, end - from)).as_object();
    if (const json::value* id = message.if_contains("id")) all[id->as_int64()] = message;
    from = end + 1;
  }
  return all;
}

std::string text_of(const json::object& answer) {
  return std::string(json::value(answer).at_pointer("/result/content/0/text").as_string());
}

struct Fetched {
  int status = 0;
  std::string body;
};

asio::awaitable<Fetched> post(Environment& env, std::string url, std::vector<http::Header> headers, std::string body) {
  http::Request asked;
  asked.method = "POST";
  asked.url = std::move(url);
  asked.headers = std::move(headers);
  asked.headers.push_back({"Content-Type", "application/json"});
  asked.headers.push_back({"Accept", "application/json, text/event-stream"});
  asked.body = std::move(body);
  std::unique_ptr<http::Response> response = co_await env.http().send(std::move(asked));
  Fetched fetched{response->status(), {}};
  fetched.body = co_await http::read_all(*response);
  co_return fetched;
}

/// What stands between `before` and the end of its line.
std::string line_after(const std::string& text, const std::string& before) {
  const std::size_t found = text.find(before);
  REQUIRE(found != std::string::npos);
  const std::size_t from = found + before.size();
  return text.substr(from, text.find_first_of("`\n", from) - from);
}

/// Serves over HTTP until it is destroyed.
class Serving {
 public:
  Serving(const Bench& bench, std::vector<std::string> more)
      : program_(arguments(std::move(more)), bench.options({}, true)) {
    program_.until_out("serving at ");
    program_.until_out("/mcp\n");
    url = line_after(program_.out(), "serving at ");
  }
  Fetched list(std::vector<http::Header> headers) {
    headers.push_back({"MCP-Protocol-Version", "2026-07-28"});
    headers.push_back({"Mcp-Method", "tools/list"});
    return run(env_, post(env_, url, std::move(headers), request(1, "tools/list", kMeta)));
  }
  Program& program() { return program_; }
  std::string url;

 private:
  static std::vector<std::string> arguments(std::vector<std::string> more) {
    std::vector<std::string> all{"mcp", "--http", "0", "agent.yaml"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Program program_;
  TestEnvironment env_;
};

}  // namespace

TEST_CASE("mcp: both eras over pipes, and nothing else on standard output") {
  const Bench bench;
  const std::string call = R"("name":"offline","arguments":{"input":"what is 17*23"})";
  const std::string input = std::string(kHello) + "\n" + request(2, "tools/list", "") + "\n" +
                            request(3, "tools/call", call) + "\n" + request(4, "tools/call", call + "," + kMeta) +
                            "\nrubbish\n";
  const Ended ended = bench.run({"agent.yaml"}, input);
  CHECK(ended.status == 0);
  auto all = answers(ended.out);
  CHECK(json::value(all[1]).at_pointer("/result/serverInfo/name").as_string() == "sennit");
  CHECK(json::value(all[2]).at_pointer("/result/tools").as_array().size() == 1);
  CHECK(text_of(all[3]) == "It is 391.");
  CHECK(text_of(all[4]) == "It is 391.");
  CHECK(json::value(all[4]).at_pointer("/result/resultType").as_string() == "complete");
  CHECK(ended.err.empty());
}

TEST_CASE("mcp: tools, beside the agents or alone, under the agents' policy") {
  const Bench bench;
  const std::string input =
      std::string(kHello) + "\n" + request(2, "tools/list", "") + "\n" +
      request(3, "tools/call", R"("name":"calculator","arguments":{"expression":"2^10"})") + "\n" +
      request(4, "tools/call", R"("name":"files_write","arguments":{"path":"a.txt","content":"x"})") + "\n";
  const Ended beside = bench.run({"--tools", "agent.yaml"}, input);
  CHECK_THAT(beside.out, ContainsSubstring(R"("name":"offline")"));
  const Ended alone = bench.run({"--tools", "--no-agents", "agent.yaml"}, input);
  CHECK_THAT(alone.out, !ContainsSubstring(R"("name":"offline")"));
  auto all = answers(alone.out);
  CHECK(text_of(all[3]) == "1024");
  CHECK_THAT(text_of(all[4]), ContainsSubstring("declined"));
  CHECK_FALSE(std::filesystem::exists(bench.folder / "a.txt"));
  const Ended runs = run_program({"runs", "list"}, bench.options());
  CHECK_THAT(runs.out, ContainsSubstring("calculator"));
}

TEST_CASE("mcp: over HTTP with a token that was made, or one of one's own") {
  const Bench bench;
  SECTION("made") {
    Serving serving(bench, {});
    CHECK(serving.list({}).status == 401);
    serving.program().until_out("`\n");
    const std::string header = line_after(serving.program().out(), "`Authorization: ");
    CHECK(serving.list({{"Authorization", header}}).status == 200);
    CHECK(serving.list({{"Authorization", header + "0"}}).status == 401);
    CHECK(serving.list({{"Authorization", header}, {"Origin", "https://evil.example"}}).status == 403);
    CHECK(serving.list({{"Authorization", header}, {"Host", "evil.example"}}).status == 421);
  }
  SECTION("one's own") {
    Serving serving(
        bench, {"--token", "${env:MCP_TOKEN}", "--allow-origin", "https://app.example", "--allow-host", "mcp.example"});
    const http::Header token{"Authorization", "Bearer a-token-that-is-long"};
    CHECK(serving.list({token, {"Origin", "https://app.example"}}).status == 200);
    CHECK(serving.list({token, {"Host", "mcp.example:8080"}}).status == 200);
    CHECK(serving.program().out().find("a-token-that-is-long") == std::string::npos);
  }
  SECTION("none") {
    Serving serving(bench, {"--no-token"});
    CHECK(serving.list({}).status == 200);
    CHECK_THAT(serving.list({}).body, ContainsSubstring(R"("name":"offline")"));
  }
}

TEST_CASE("mcp: signals end it well") {
  const Bench bench;
  const int signal = GENERATE(SIGTERM, SIGINT);
  SECTION("over HTTP") {
    Serving serving(bench, {"--no-token"});
    serving.program().signal(signal);
    CHECK(serving.program().wait().status == 0);
  }
  SECTION("over pipes") {
    // An input that does not end: the pipe's writer is the program itself.
    const std::string script =
        "mkfifo in; exec 3<> in; echo '" + std::string(kHello) + "' >&3; exec " SENNIT_PROGRAM " mcp agent.yaml <&3";
    Program program("/bin/sh", {"-c", script}, bench.options());
    program.until_out("serverInfo");
    program.signal(signal);
    CHECK(program.wait().status == 0);
  }
}

TEST_CASE("mcp: what is not safe, or makes no sense, is refused") {
  const Bench bench;
  const auto refused = [&](std::vector<std::string> arguments) {
    const Ended ended = bench.run(std::move(arguments));
    CHECK(ended.status == 2);
    CHECK(ended.out.empty());
    return ended.err;
  };
  CHECK_THAT(refused({"--http", "0.0.0.0:0", "--no-token", "agent.yaml"}), ContainsSubstring("this machine alone"));
  CHECK_THAT(refused({"--http", "0", "--token", "written-out-token-here", "agent.yaml"}),
             ContainsSubstring("everybody can read") && !ContainsSubstring("written-out"));
  CHECK_THAT(refused({"--http", "0", "--token", "${env:SHORT_TOKEN}", "agent.yaml"}), ContainsSubstring("guessed"));
  CHECK_THAT(refused({"--http", "0", "--token", "${env:UNSET_TOKEN}", "agent.yaml"}), ContainsSubstring("UNSET_TOKEN"));
  CHECK_THAT(refused({"--http", "here", "agent.yaml"}), ContainsSubstring("HOST:PORT"));
  CHECK_THAT(refused({"--http", "example.com:1", "agent.yaml"}), ContainsSubstring("numeric"));
  CHECK_THAT(refused({"--http", "0", "--path", "mcp", "agent.yaml"}), ContainsSubstring("begins with /"));
  CHECK_THAT(refused({"--no-agents", "agent.yaml"}), ContainsSubstring("nothing to offer"));
  CHECK_THAT(refused({"--timeout", "soon", "agent.yaml"}), ContainsSubstring("duration"));
  CHECK_THAT(refused({"nothing.yaml"}), ContainsSubstring("nothing.yaml"));
  CHECK_THAT(refused({"agent.yaml", "agent.yaml"}), ContainsSubstring("another name"));
  refused({});
}

TEST_CASE("mcp: SIGTERM suspends a run that is kept, and its caller hears of it") {
  const HttpServer model([](const HttpRequest&) { return Answer().text("I begin").silence(); });
  const Bench bench;
  bench.folder.write("slow.yaml", agent_for(model, ""));
  const std::string script = "mkfifo in; exec 3<> in; printf '%s\\n' '" + std::string(kHello) + "' '" +
                             request(2, "tools/call", R"("name":"tester","arguments":{"input":"go"})") +
                             "' >&3; exec " SENNIT_PROGRAM " mcp slow.yaml <&3";
  Program program("/bin/sh", {"-c", script}, bench.options());
  TestEnvironment env;
  until(env, [&] { return !model.requests().empty(); });
  program.signal(SIGTERM);
  const Ended ended = program.wait();
  CHECK(ended.status == 0);
  auto all = answers(ended.out);
  CHECK_THAT(text_of(all[2]) + json::serialize(all[2]), ContainsSubstring("suspended"));
  CHECK_THAT(run_program({"runs", "list"}, bench.options()).out, ContainsSubstring("interrupted"));
}
