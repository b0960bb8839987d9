// `sennit run`, from its command line to its exit status.
#include "app/model_server.hpp"
#include "app/program.hpp"
#include <sennit/agent/event.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <csignal>
#include <thread>
#include <tuple>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::Matches;

namespace {

constexpr char kScripted[] = R"(sennit: 1
name: offline
model: scripted
tools: [calculator]
intents:
  - match: what is {sum}
    steps: [{call: calculator, with: {expression: "{sum}"}, take: "{result}"}]
    say: It is **{result}**.
  - match: hello
    say: Hello!
)";

Reply answer(const HttpRequest& request) {
  const auto [role, text] = last_message(request);
  if (role == "tool") return Answer().text("The tool said: ").text(text).reply();
  if (text == "add") return Answer().text("Let me see.").call("calculator", R"({"expression":"17*23"})").reply();
  if (text == "write") return Answer().call("files_write", R"({"path":"note.txt","content":"hi\n"})").reply();
  if (text == "stall") return Answer().text("I begin").silence();
  if (text == "long") return Answer().text("As I was").reply("length");
  if (text == "bad") return Answer().reply("content_filter");
  if (text == "escape") return Answer().text("\x1b]0;title\x07 done").reply();
  return Answer().text(text + ", message ").text(std::to_string(message_count(request))).reply();
}

struct Bench {
  HttpServer server{answer};
  TempDir folder;
  Bench() { folder.write("agent.yaml", agent_for(server, "tools: [calculator, {files: {write: true}}]\n")); }
  Ended run(std::vector<std::string> arguments, const std::string& input = {}) {
    arguments.insert(arguments.begin(), "run");
    return run_program(arguments, {.folder = folder.path(), .input = input, .environment = {}});
  }
};

}  // namespace

TEST_CASE("a pipe gets the agent's words, and standard error tells the rest") {
  Bench bench;
  const Ended ended = bench.run({"agent.yaml", "add"});
  CHECK(ended.status == 0);
  CHECK(ended.out == "Let me see.\nThe tool said: 391\n");
  CHECK_THAT(ended.err, ContainsSubstring("● calculator(expression: \"17*23\")\n  ↳ 391 · "));
  CHECK_THAT(ended.err, ContainsSubstring("200 in · 14 out"));
  CHECK(ended.err.find('\x1b') == std::string::npos);
}

TEST_CASE("where both go to one place, it reads as on a terminal") {
  Bench bench;
  bench.folder.write("offline.yaml", kScripted);
  const Program::Options merged{.folder = bench.folder.path(), .input = {}, .environment = {}, .merged = true};
  const Ended ended = run_program({"run", "offline.yaml", "What is 17*23?"}, merged);
  CHECK_THAT(ended.out, Matches(R"(● calculator\(expression: "17\*23"\)
  ↳ 391 · [0-9.]+ .?s

It is 391\.

scripted · .*1 tool call
)"));
}

TEST_CASE("quiet prints the final answer alone") {
  Bench bench;
  const Ended ended = bench.run({"--quiet", "agent.yaml", "add"});
  CHECK(ended.out == "The tool said: 391\n");
  CHECK(ended.err.empty());
}

TEST_CASE("json prints one event a line, the last one the outcome") {
  Bench bench;
  const Ended ended = bench.run({"--json", "agent.yaml", "add"});
  CHECK(ended.status == 0);
  std::vector<Event> events;
  for (std::size_t at = 0; at < ended.out.size();) {
    const std::size_t end = ended.out.find('\n', at);
    REQUIRE(end != std::string::npos);
    events.push_back(event_from_json(json::parse(ended.out.substr(at, end - at))));
    at = end + 1;
  }
  REQUIRE(events.size() > 5);
  CHECK(std::holds_alternative<RunStarted>(events.front().data));
  const auto* finished = std::get_if<RunFinished>(&events.back().data);
  REQUIRE(finished != nullptr);
  CHECK(finished->outcome.text == "The tool said: 391");
  CHECK(finished->outcome.tool_calls == 1);
}

TEST_CASE("numbers are written as people write them") {
  Bench bench;
  bench.folder.write("offline.yaml", kScripted);
  const Ended events = bench.run({"--json", "offline.yaml", "What is 17*23?"});
  CHECK_THAT(events.out, ContainsSubstring("\"amount\":0,") && !Matches("(.|\n)*:[0-9.]+E[0-9](.|\n)*"));
}

TEST_CASE("the offline agent needs no network") {
  TempDir folder;
  folder.write("offline.yaml", kScripted);
  const Ended ended = run_program({"run", "offline.yaml", "what", "is", "2^10", "+", "1"},
                                  {.folder = folder.path(), .input = {}, .environment = {}});
  CHECK(ended.status == 0);
  CHECK(ended.out == "It is **1025**.\n");
}

TEST_CASE("input comes from words, a dash, or a pipe") {
  Bench bench;
  CHECK(bench.run({"agent.yaml", "two", "words"}).out == "two words, message 1\n");
  CHECK(bench.run({"agent.yaml", "-"}, "from a pipe\n").out == "from a pipe, message 1\n");
  CHECK(bench.run({"agent.yaml"}, "lines\nof text\n").out == "lines\nof text, message 1\n");
  const Ended nothing = bench.run({"agent.yaml"});
  CHECK(nothing.status == 2);
  CHECK_THAT(nothing.err, ContainsSubstring("sennit: error: there is nothing to say"));
}

TEST_CASE("a session goes on where it was left") {
  Bench bench;
  CHECK(bench.run({"--session", "s1", "agent.yaml", "one"}).out == "one, message 1\n");
  CHECK(bench.run({"agent.yaml", "--session", "s1", "two"}).out == "two, message 3\n");
  CHECK(bench.run({"--session", "other", "agent.yaml", "three"}).out == "three, message 1\n");
  CHECK(bench.run({"agent.yaml", "four"}).out == "four, message 1\n");
}

TEST_CASE("calls that ask are approved, declined, or declined with a hint") {
  Bench bench;
  const Ended unasked = bench.run({"agent.yaml", "write"});
  CHECK_THAT(unasked.err, ContainsSubstring("declined by settings"));
  CHECK_THAT(unasked.err, ContainsSubstring("--yes allows them"));
  CHECK_FALSE(std::filesystem::exists(bench.folder / "note.txt"));
  const Ended declined = bench.run({"--no", "agent.yaml", "write"});
  CHECK_THAT(declined.err, !ContainsSubstring("--yes"));
  CHECK_FALSE(std::filesystem::exists(bench.folder / "note.txt"));
  CHECK(bench.run({"--yes", "agent.yaml", "write"}).status == 0);
  CHECK(read_file(bench.folder / "note.txt") == "hi\n");
}

TEST_CASE("a question that nobody is there to hear is declined at once, also where calls are approved beforehand") {
  const HttpServer server([](const HttpRequest& request) {
    const auto [role, text] = last_message(request);
    if (role == "tool") return Answer().text(text).reply();
    return Answer().call("ask", R"({"question":"Which colour?"})").reply();
  });
  const TempDir folder;
  folder.write("agent.yaml", agent_for(server, "tools: [ask]\n"));
  const Ended ended =
      run_program({"run", "--yes", "agent.yaml", "go"}, {.folder = folder.path(), .input = {}, .environment = {}});
  CHECK(ended.status == 0);
  CHECK_THAT(ended.out, ContainsSubstring("nobody is there to answer"));
}

TEST_CASE("exit statuses tell how it ended") {
  Bench bench;
  CHECK(bench.run({"agent.yaml", "long"}).status == 4);
  CHECK(bench.run({"agent.yaml", "bad"}).status == 3);
  bench.folder.write("limited.yaml", agent_for(bench.server, "tools: [calculator]\nlimits: {steps: 1}\n"));
  CHECK(bench.run({"limited.yaml", "add"}).status == 4);
  bench.folder.write("gone.yaml",
                     "sennit: 1\nname: gone\nmodel: {name: openai-compatible/x, base_url: 'http://127.0.0.1:1/v1'}\n");
  const Ended failed = bench.run({"gone.yaml", "hello"});
  CHECK(failed.status == 1);
  CHECK_THAT(failed.err, ContainsSubstring("error: "));
  CHECK(failed.out.empty());
}

TEST_CASE("wrong use says what is wrong and exits with 2") {
  Bench bench;
  bench.folder.write("typo.yaml", "sennit: 1\nname: typo\nmodle: auto\n");
  const Ended typo = bench.run({"typo.yaml", "hello"});
  CHECK(typo.status == 2);
  CHECK_THAT(typo.err, ContainsSubstring("sennit: error: ") && ContainsSubstring("typo.yaml:3:1: ") &&
                           ContainsSubstring("model"));
  CHECK(bench.run({"missing.yaml", "hello"}).status == 2);
  CHECK(bench.run({}).status == 2);
  const Ended option = bench.run({"agent.yaml", "--sesion", "x"});
  CHECK(option.status == 2);
  CHECK_THAT(option.err, ContainsSubstring("did you mean --session?"));
  CHECK(bench.run({"--yes", "--no", "agent.yaml", "x"}).status == 2);
  CHECK(bench.run({"-i", "nothing", "agent.yaml", "x"}).status == 2);
  CHECK(bench.run({"-i", "a=b", "agent.yaml", "x"}).status == 2);
}

TEST_CASE("inputs are given by name, in the type that the agent declares") {
  Bench bench;
  bench.folder.write(
      "inputs.yaml",
      agent_for(
          bench.server,
          "instructions: Count to {n} as {who}.\ninputs: {n: {type: number, required: true}, who: {default: me}}\n"));
  CHECK(bench.run({"-i", "n=3", "inputs.yaml", "go"}).status == 0);
  CHECK_THAT(bench.server.requests().back().body, ContainsSubstring("Count to 3 as me."));
  const Ended wrong = bench.run({"-i", "n=three", "inputs.yaml", "go"});
  CHECK(wrong.status == 2);
  CHECK_THAT(wrong.err, ContainsSubstring("a number is wanted"));
  const Ended unknown = bench.run({"-i", "whom=x", "inputs.yaml", "go"});
  CHECK_THAT(unknown.err, ContainsSubstring("did you mean 'who'?"));
}

TEST_CASE("Ctrl-C ends a program that waits for a secret") {
  Bench bench;
  const std::filesystem::path asked = bench.folder / "asked";
  bench.folder.write("slow.yaml", "sennit: 1\nmodel: {name: openai/x, api_key: \"${cmd:sh -c 'touch " + asked.string() +
                                      "; exec sleep 60'}\"}\n");
  Program program({"run", "slow.yaml", "hi"}, {.folder = bench.folder.path(), .input = {}, .environment = {}});
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!std::filesystem::exists(asked) && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  REQUIRE(std::filesystem::exists(asked));
  const auto begun = std::chrono::steady_clock::now();
  program.signal(SIGINT);
  CHECK(program.wait().status == 130);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(5));
}

TEST_CASE("Ctrl-C cancels the run at once and leaves the session usable") {
  Bench bench;
  Program program({"run", "--session", "s", "agent.yaml", "stall"},
                  {.folder = bench.folder.path(), .input = {}, .environment = {}});
  program.until_out("I begin");
  const auto begun = std::chrono::steady_clock::now();
  program.signal(SIGINT);
  const Ended ended = program.wait();
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(5));
  CHECK(ended.status == 130);
  CHECK(ended.out == "I begin\n");
  CHECK_THAT(ended.err, ContainsSubstring("cancelled: interrupt"));
  // The exchange so far is in the conversation: user, assistant, user.
  CHECK(bench.run({"--session", "s", "agent.yaml", "again"}).out == "again, message 3\n");
}

TEST_CASE("SIGTERM ends the program, and the run can be resumed") {
  Bench bench;
  Program program({"run", "agent.yaml", "stall"}, {.folder = bench.folder.path(), .input = {}, .environment = {}});
  program.until_out("I begin");
  program.signal(SIGTERM);
  const Ended ended = program.wait();
  CHECK(ended.status == 143);
  CHECK_THAT(ended.err, ContainsSubstring("suspended: terminated\n") && ContainsSubstring("  sennit runs resume "));
}

TEST_CASE("a terminal that is closed ends the run and the program") {
  Bench bench;
  Program program({"run", "agent.yaml", "stall"}, {.folder = bench.folder.path(), .input = {}, .environment = {}});
  program.until_out("I begin");
  program.signal(SIGHUP);
  CHECK(program.wait().status == 129);
}

TEST_CASE("a closed output ends the run quietly") {
  HttpServer server([](const HttpRequest&) {
    Answer answer;
    for (int i = 0; i < 400; ++i) std::ignore = std::move(answer).text("many words and more of them ");
    return std::move(answer).reply().every(std::chrono::milliseconds(5));
  });
  TempDir folder;
  folder.write("agent.yaml", agent_for(server));
  Program program({"run", "agent.yaml", "talk"}, {.folder = folder.path(), .input = {}, .environment = {}});
  program.until_out("many");
  program.close_out();
  const Ended ended = program.wait();
  CHECK(ended.status == 141);
  CHECK(ended.err.empty());
}
