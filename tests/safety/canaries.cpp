// A secret in every place that an agent has for one, servers that send all of them back in every form and cut wherever
// they like, and then a search through everything that was shown or kept: there is none.
#include "app/model_server.hpp"
#include "app/program.hpp"
#include "safety/canary.hpp"
#include "support/http_server.hpp"
#include "support/world.hpp"
#include <sennit/agent/agent.hpp>
#include <sennit/agent/store.hpp>
#include <sennit/plugins/builtin.hpp>

#include <catch2/catch_test_macros.hpp>
#include <fmt/format.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <future>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace sennit;
using namespace sennit::testing;
using Said = sennit::testing::Answer;

std::string in_yaml(std::string_view text) {
  return json::serialize(json::value(text));  // YAML reads it as it is
}

constexpr std::string_view kApi = R"(openapi: 3.1.0
paths: {/thing: {get: {operationId: getThing, parameters: [{name: q, in: query, schema: {type: string}}]}}}
security: [{key: []}]
components: {securitySchemes: {key: {type: apiKey, in: query, name: key}}}
)";

/// The agent with its secrets, and the servers that betray them.
class Nest {
 public:
  Nest() {
    variable("SENNIT_CANARY_KEY", canaries.plant("env: model.api_key"));
    variable("SENNIT_CANARY_URL", canaries.plant("env: password in model.base_url"), true);
    variable("SENNIT_CANARY_HTTP", canaries.plant("env: headers of http"));
    variable("SENNIT_CANARY_API", canaries.plant("env: auth of openapi"));
    variable("SENNIT_CANARY_MCP", canaries.plant("env: env of mcp"));
    secret_file("header", canaries.plant("file: model.headers"));
    secret_file("printed", canaries.plant("cmd: model.headers"));
    secret_file("hook", canaries.plant("file: env of hooks"));
    folder.write("api.yaml", kApi);
    const std::string host = "127.0.0.1:" + std::to_string(server.port());
    folder.write(
        "agent.yaml",
        fmt::format(
            "sennit: 1\nname: nest\nmodel:\n  name: openai-compatible/test\n  api_key: ${{env:SENNIT_CANARY_KEY}}\n"
            "  base_url: 'http://max:${{env:SENNIT_CANARY_URL}}@{0}/v1'\n  retry: {{attempts: 1}}\n  headers:\n"
            "    X-File: 'token ${{file:header}}'\n    X-Printed: '${{cmd:cat {1}}}'\n    X-Token: {2}\n"
            "memory: true\ntools:\n  - files: {{roots: [work], write: true}}\n  - ask\n"
            "  - http: {{allow_hosts: ['{0}'], allow_private: true, headers: {{X-Http: '${{env:SENNIT_CANARY_HTTP}}', "
            "X-Secret: {3}}}}}\n"
            "  - openapi: {{document: api.yaml, operations: [getThing], base_url: 'http://{0}/api', allow_private: "
            "true, auth: {{scheme: key, value: '${{env:SENNIT_CANARY_API}}'}}}}\n"
            "mcp: {{broken: {{command: [/bin/sh, -c, 'echo $TOKEN >&2; exit 1'], env: {{TOKEN: "
            "'${{env:SENNIT_CANARY_MCP}}'}}}}}}\n"
            "hooks: [{{run: [/bin/sh, -c, 'cat >/dev/null; echo $TOKEN >&2; echo $TOKEN'], on: [before_tool], env: "
            "{{TOKEN: '${{file:hook}}'}}, required: false}}]\n"
            "policy: {{allow: ['*'], flow: {{untrusted: allow, confidential: allow, both: allow}}}}\n",
            host, (folder / "printed").string(), in_yaml(canaries.plant("literal: model.headers")),
            in_yaml(canaries.plant("literal: headers of http"))));
    std::filesystem::create_directories(folder / "work");
  }
  ~Nest() {
    for (const auto& [name, value] : environment) ::unsetenv(name.c_str());
  }
  Nest(const Nest&) = delete;
  Nest& operator=(const Nest&) = delete;

  /// Everything that the server was told, beside what it knows anyway.
  std::string leaked(const HttpRequest& request) const {
    std::string all = request.target + "\n";
    for (const auto& [name, value] : request.headers) all += fmt::format("{}: {}\n", name, value);
    return all + in_every_form(canaries.all());
  }

  Reply answer(const HttpRequest& request) {
    const std::lock_guard lock(mutex);
    const std::string all = leaked(request);
    if (request.target.find("/chat/completions") == std::string::npos) {
      std::string filler = all;
      while (filler.size() < 80'000) filler += all + std::string(100, '.');  // so much is spilt to a file
      return Reply::text(filler)
          .header("ETag", all.substr(0, all.find('\n')))
          .status(request.target == "/no" ? 500 : 200);
    }
    const auto [role, text] = last_message(request);
    if (text.starts_with("fail")) {
      return Reply::json(
                 json::serialize(json::object{{"error", {{"message", "Incorrect API key: " + all}, {"type", all}}}}))
          .status(text == "fail again" ? 500 : 401);
    }
    if (text.starts_with("stall")) {
      reached.set_value();
      return in_pieces(Said(), all).silence();
    }
    if (role == "tool") return in_pieces(Said(), all).reply();
    const auto with = [&](std::string_view name) { return json::serialize(json::object{{name, all}}); };
    const json::object get{{"url", server.url("/echo")}, {"headers", {{"X-Leak", all.substr(0, 40)}}}};
    return in_pieces(Said(), all)
        .call("http_get", json::serialize(get))
        .call("http_get", json::serialize(json::object{{"url", server.url("/no")}}))
        .call("getThing", with("q"))
        .call("remember", with("text"))
        .call("files_write", json::serialize(json::object{{"path", "out.txt"}, {"content", all}}))
        .call("ask", with("question"))
        .call("no_such_tool", with("x"))
        .reply();
  }

  /// Thought and said in pieces of every length: no cut is like another.
  static Said in_pieces(Said answer, std::string_view all) {
    for (std::size_t at = 0, length = 1; at < all.size(); at += length, length = length % 23 + 1) {
      Said more = std::move(answer).think(all.substr(at, length));
      answer = std::move(more);
    }
    for (std::size_t at = 0, length = 1; at < all.size(); at += length, length = length % 23 + 1) {
      Said more = std::move(answer).text(all.substr(at, length));
      answer = std::move(more);
    }
    return answer;
  }

  Canaries canaries;
  TempDir folder;
  std::map<std::string, std::string> environment;
  std::promise<void> reached;  ///< a run got an answer that does not end

 private:
  void variable(const std::string& name, std::string value, bool in_url = false) {
    if (in_url) value = canaries.all().back().core;  // what a URL may hold as it is
    ::setenv(name.c_str(), value.c_str(), 1);
    environment[name] = value;
  }
  void secret_file(std::string_view name, const std::string& value) {
    ::chmod(folder.write(name, value + "\n").c_str(), S_IRUSR | S_IWUSR);
  }

  std::mutex mutex;

 public:
  HttpServer server{[this](const HttpRequest& request) { return answer(request); }};
};

/// What was shown: events, log records, outcomes.
struct Shown {
  std::string events;
  std::string logs;
  std::mutex mutex;
};

std::string joined(const std::vector<std::string>& found) {
  std::string text;
  for (const std::string& one : found) text += one + "\n";
  return text;
}

}  // namespace

TEST_CASE("the search for canaries finds them in every form") {
  Canaries canaries;
  const std::string value = canaries.plant("a slot");
  CHECK(canaries.found_in("nothing").empty());
  const std::string all = in_every_form(canaries.all());
  CHECK(canaries.found_in(all).size() == 5);
  CHECK(canaries.found_in(value) == std::vector<std::string>{"a slot as text"});
}

TEST_CASE("a run whose servers send all secrets back shows and keeps none of them") {
  Nest nest;
  Shown shown;
  RuntimeOptions options;
  options.state = nest.folder / "state";
  options.log = [&](const LogRecord& record) {
    const std::lock_guard lock(shown.mutex);
    shown.logs += record.component + ": " + record.message + "\n";
  };
  const auto check = [&](std::string_view where, const std::string& text) {
    INFO(where);
    CHECK(joined(nest.canaries.found_in(text)).empty());
  };
  {
    Runtime runtime(builtin(), options);
    const Agent agent = load(runtime, nest.folder / "agent.yaml");
    Session session = agent.session("nest");
    for (const std::string& input : {std::string("begin"), std::string("fail"), std::string("fail again"),
                                     "what is " + in_every_form(nest.canaries.all())}) {
      Run run = session.start(input);
      std::string answer;
      while (true) {
        const auto batch = elsewhere(run.next());
        if (!batch) break;
        for (const Event& event : *batch) {
          shown.events += json::serialize(to_json(event)) + "\n";
          if (const auto* text = std::get_if<TextDelta>(&event.data)) answer += text->text;
          const auto* question = std::get_if<QuestionAsked>(&event.data);
          if (question != nullptr) run.answer(question->id, in_every_form(nest.canaries.all()));
        }
      }
      check("the answer", answer);
      check("the outcome", json::serialize(to_json(run.outcome())));
      if (input == "begin") {
        INFO(run.outcome().detail);
        CHECK(run.outcome().ending == Ending::completed);
        CHECK(run.outcome().tool_calls == 7);
        CHECK(answer.find("***") != std::string::npos);
      } else if (input.starts_with("fail")) {
        REQUIRE(run.outcome().error);
        check("the error", run.outcome().error->describe() + run.outcome().error->provider_message());
      }
    }
    for (const Message& message : elsewhere(session.messages())) {
      check("the conversation", json::serialize(to_json(message)));
    }
    check("the definition", json::serialize(describe(agent.definition())));
    CHECK(joined(nest.canaries.found_below(nest.folder / "state")).empty());  // while it is open: with its log
  }
  check("the events", shown.events);
  check("the log", shown.logs);
  CHECK(joined(nest.canaries.found_below(nest.folder / "state")).empty());
  CHECK(joined(nest.canaries.found_below(nest.folder / "work")).empty());
  // It is the secrets that are missing, and not the things that held them.
  CHECK(std::filesystem::exists(nest.folder / "state/outputs"));
  CHECK(read_file(nest.folder / "work/out.txt").find("***") != std::string::npos);
  CHECK(shown.events.find("tool_finished") != std::string::npos);
  // Who is meant to get them gets them.
  std::string sent;
  for (const HttpRequest& request : nest.server.requests()) {
    for (const auto& [name, value] : request.headers) sent += fmt::format("{}: {}\n", name, value);
    sent += request.target + "\n";
  }
  CHECK(nest.canaries.found_in(sent).size() >= 7);
}

TEST_CASE("a run that is told again has no secrets either") {
  Nest nest;
  RuntimeOptions options;
  options.state = nest.folder / "state";
  Runtime runtime(builtin(), options);
  const Agent agent = load(runtime, nest.folder / "agent.yaml");
  Run run = agent.session("nest").start("fail");
  std::string was;
  std::string is;
  const auto read = [](Run& from, std::string& into) {
    while (true) {
      const auto batch = elsewhere(from.next());
      if (!batch) return;
      for (const Event& event : *batch) into += json::serialize(to_json(event)) + "\n";
    }
  };
  read(run, was);
  const RecordedRun recorded = elsewhere(runtime.store()->recorded(run.id()));
  Run replay = agent.replay(recorded);
  read(replay, is);
  CHECK(is == was);
  CHECK(joined(nest.canaries.found_in(is)).empty());
}

TEST_CASE("the program prints and keeps no secret, however it ends") {
  Nest nest;
  const Program::Options options{.folder = nest.folder.path(), .input = {}, .environment = nest.environment};
  const auto check = [&](const Ended& ended) {
    CHECK(joined(nest.canaries.found_in(ended.out)).empty());
    CHECK(joined(nest.canaries.found_in(ended.err)).empty());
    CHECK(joined(nest.canaries.found_below(nest.folder / "state")).empty());
    for (const auto& entry : std::filesystem::directory_iterator(nest.folder.path())) {
      CHECK_FALSE(entry.path().filename().string().starts_with("core"));
    }
  };
  SECTION("well") {
    const Ended ended = run_program({"--log", "debug", "run", "--session", "s", "agent.yaml", "begin"}, options);
    INFO(ended.err.substr(0, 2000));
    CHECK(ended.out.find("***") != std::string::npos);
    check(ended);
    check(run_program({"runs", "show", "last"}, options));
    check(run_program({"check", "agent.yaml"}, options));
  }
  SECTION("in an error") {
    const Ended ended = run_program({"--log", "debug", "run", "agent.yaml", "fail"}, options);
    CHECK(ended.status != 0);
    CHECK(ended.err.find("***") != std::string::npos);
    check(ended);
    check(run_program({"ping", "agent.yaml"}, options));
  }
  for (const int signal : {SIGSEGV, SIGABRT, SIGKILL, SIGTERM}) {
    DYNAMIC_SECTION("by signal " << signal << " in the middle of an answer") {
      Program program({"--log", "debug", "run", "agent.yaml", "stall"}, options);
      REQUIRE(nest.reached.get_future().wait_for(kPatience) == std::future_status::ready);
      program.until_out("***");
      program.signal(signal);
      const Ended ended = program.wait();
      CHECK(ended.status != 0);
      check(ended);
    }
  }
}

TEST_CASE("other programs of the same user cannot look into the program") {
  Nest nest;
  const Program::Options options{.folder = nest.folder.path(), .input = {}, .environment = nest.environment};
  Program program({"run", "agent.yaml", "stall"}, options);
  REQUIRE(nest.reached.get_future().wait_for(kPatience) == std::future_status::ready);
  // As another process sees it: root may look all the same.
  struct stat facts{};
  REQUIRE(::stat(fmt::format("/proc/{}/environ", program.id()).c_str(), &facts) == 0);
  CHECK(facts.st_uid == 0);
  if (::getuid() != 0) CHECK(::access(fmt::format("/proc/{}/mem", program.id()).c_str(), R_OK) != 0);
  program.signal(SIGKILL);
  (void)program.wait();
}
