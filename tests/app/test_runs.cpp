// Runs that are told again: `sennit runs replay`, `fork`, `export`, `import`, and `sennit test`.
#include "app/kept.hpp"
#include "app/model_server.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <atomic>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr char kScripted[] = R"(sennit: 1
name: offline
model: scripted
instructions: |
  You calculate.
  Always.
tools: [calculator]
intents:
  - match: what is {sum}
    steps: [{call: calculator, with: {expression: "{sum}"}, take: "{result}"}]
    say: It is {result}.
)";

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const std::size_t at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), with);
}

/// A run of the scripted agent, kept.
struct Recorded : Kept {
  Recorded() {
    folder.write("agent.yaml", kScripted);
    REQUIRE(run({"agent.yaml", "what is 17*23"}).out == "It is 391.\n");
  }
};

}  // namespace

TEST_CASE("every example is told again byte for byte") {
  const Kept kept;
  const auto [file, input] = GENERATE(table<const char*, const char*>({{"assistant", "remember that Mei lives in Oslo"},
                                                                       {"assistant", "what time is it for Mei"},
                                                                       {"assistant", "how many days until 24 December"},
                                                                       {"assistant", "what is 18% of 240"},
                                                                       {"assistant", "nonsense"},
                                                                       {"deepseek", "hello"},
                                                                       {"fact-checker", "hello"},
                                                                       {"local", "hello"},
                                                                       {"research", "hello"}}));
  const std::string agent = std::string(SENNIT_SOURCE_DIR "/examples/") + file + ".yaml";
  const Ended ended = kept.run({"-m", "scripted", "--json", agent, input});
  INFO(file << ": " << input << "\n" << ended.err);
  REQUIRE_FALSE(ended.out.empty());
  const Ended again = kept.runs({"replay", "--json", "last"});
  CHECK(again.out == ended.out);
  CHECK(again.err == ended.err);
  CHECK(again.status == ended.status);
  REQUIRE(kept.runs({"export", "last", "x.run.jsonl"}).status == 0);
  CHECK(kept.runs({"replay", "--json", "x.run.jsonl"}).out == ended.out);
  CHECK(run_program({"test", "x.run.jsonl"}, kept.options()).out == "ok x.run.jsonl\n1 run: 1 ok, 0 failed\n");
}

TEST_CASE("tools and sub-agents side by side are told again byte for byte, without their server") {
  const Kept kept;
  std::string recorded;
  {
    HttpServer server([](const HttpRequest& request) {
      const auto [role, text] = last_message(request);
      if (role == "tool") return Answer().text("I have ").text(text).reply().every(std::chrono::milliseconds(2));
      if (text == "go") {
        return Answer()
            .think("Hm.")
            .text("Let me see.")
            .call("calculator", R"({"expression":"1+1"})")
            .call("helper", R"({"task":"first"})")
            .call("helper", R"({"task":"second"})")
            .call("calculator", R"({"expression":"2+2"})")
            .reply();
      }
      return Answer().text("for " + text).call("calculator", R"({"expression":"3+3"})").reply().cut_into(40);
    });
    kept.folder.write("helper.yaml", replaced(agent_for(server, "tools: [calculator]\n"), "tester", "helper"));
    kept.folder.write("agent.yaml", agent_for(server,
                                              "tools: [calculator]\nagents: [helper.yaml]\n"
                                              "policy: {allow: [\"*\"]}\n"));
    const Ended ended = kept.run({"--json", "agent.yaml", "go"});
    REQUIRE(ended.status == 0);
    recorded = ended.out;
  }
  CHECK(kept.runs({"replay", "--json", "last"}).out == recorded);
  const std::string shown = kept.runs({"show", "last"}).out;
  CHECK_THAT(shown, ContainsSubstring("\n  4.1     calculator(expression: \"1+1\") → “2”") &&
                        ContainsSubstring("\n  4.2     helper(task: \"first\") → “I have 6”") &&
                        ContainsSubstring("\n    4.2/1   start   helper · ") &&
                        ContainsSubstring("\n    4.2/4.1 calculator(expression: \"3+3\")"));
}

TEST_CASE("an agent that changed goes another way, and the place is shown") {
  const Recorded kept;
  kept.folder.write("agent.yaml", replaced(kScripted, "Always.", "Never."));
  const Ended diverged = kept.runs({"replay", "last"});
  CHECK(diverged.status == 1);
  CHECK_THAT(diverged.err, ContainsSubstring("effect 1") && ContainsSubstring("instructions") &&
                               ContainsSubstring("- Always.") && ContainsSubstring("+ Never."));
  const Ended json = kept.runs({"replay", "--json", "last"});
  CHECK(json.status == 1);
  CHECK_THAT(json.err, ContainsSubstring("effect 1") && ContainsSubstring("+ Never."));
  kept.folder.write("old.yaml", kScripted);
  CHECK(kept.runs({"replay", "last", "--agent", "old.yaml"}).out == "It is 391.\n");
  std::filesystem::remove(kept.folder / "agent.yaml");
  CHECK_THAT(kept.runs({"replay", "last"}).err, ContainsSubstring("no such agent file"));
}

TEST_CASE("a fork goes its own way from an effect on, with other settings and other words") {
  std::atomic<int> asked{0};
  HttpServer server([&](const HttpRequest& request) {
    ++asked;
    const auto [role, text] = last_message(request);
    if (text == "go") return Answer().call("calculator", R"({"expression":"1+1"})").reply();
    const json::value body = json::parse(request.body);
    const std::string head(body.at("messages").as_array()[0].at("content").as_string());
    return Answer().text(head + " " + text).reply();
  });
  const Kept kept;
  kept.folder.write("agent.yaml", agent_for(server, "tools: [calculator]\ninstructions: Be brief.\n"));
  REQUIRE(kept.run({"agent.yaml", "go"}).out == "Be brief. 2\n");
  const std::string first = kept.newest();
  REQUIRE(asked == 2);
  CHECK(kept.runs({"fork", first, "--at", "5"}).out == "Be brief. 2\n");
  CHECK(asked == 3);
  CHECK_THAT(kept.runs({"show", "last"}).out, ContainsSubstring("forked from " + first + "@5"));
  CHECK(kept.runs({"fork", first, "--at", "5", "--input", "and now?"}).out == "Be brief. and now?\n");
  const Ended set =
      kept.runs({"fork", first, "--at", "5", "--set", "instructions=Be long: very.", "--set", "limits.steps=7", "--set",
                 "model.options.temperature=0.5", "--set", "tools=[calculator, clock]"});
  CHECK(set.out == "Be long: very. 2\n");
  CHECK_THAT(server.requests().back().body, ContainsSubstring("\"temperature\":0.5") && ContainsSubstring("clock"));
  CHECK(kept.runs({"replay", "last"}).out == "Be long: very. 2\n");  // its origin has the settings
  CHECK(kept.runs({"fork", first, "--at", "1", "--input", "other"}).out == "Be brief. other\n");
  const Ended wrong = kept.runs({"fork", first, "--at", "5", "--set", "limits.stps=7"});
  CHECK(wrong.status == 2);
  CHECK_THAT(wrong.err, ContainsSubstring("--set: unknown key `stps`; did you mean `steps`?"));
  CHECK_THAT(kept.runs({"fork", first, "--at", "5", "--set", "limits.steps=many"}).err,
             ContainsSubstring("`limits.steps`: expected a whole number"));
  CHECK_THAT(kept.runs({"fork", first, "--at", "5", "--set", "limits"}).err,
             ContainsSubstring("--set wants KEY=VALUE"));
  CHECK_THAT(kept.runs({"fork", first, "--at", "99"}).err, ContainsSubstring("it can be forked at 1 to"));
  CHECK(kept.runs({"fork", first}).status == 2);
}

TEST_CASE("an exported run is taken in elsewhere") {
  const Recorded kept;
  const std::string id = kept.newest();
  const Ended exported = kept.runs({"export", "last"});
  CHECK(exported.out == id + ".run.jsonl\n");
  CHECK(kept.runs({"export", "last"}).status == 2);  // the file is there
  CHECK_THAT(kept.runs({"import", id + ".run.jsonl"}).err, ContainsSubstring("is there already"));
  const Ended piped = kept.runs({"export", "last", "-"});
  CHECK_THAT(piped.out, ContainsSubstring("{\"sennit_run\":1,") && ContainsSubstring(id));
  const Kept other;
  std::filesystem::copy_file(kept.folder / "agent.yaml", other.folder / "agent.yaml");
  std::filesystem::copy_file(kept.folder / (id + ".run.jsonl"), other.folder / "moved.jsonl");
  std::filesystem::remove(kept.folder / "agent.yaml");
  CHECK(other.runs({"import", "moved.jsonl"}).out == "imported " + id + "\n");
  CHECK(other.runs({"replay", id}).out == "It is 391.\n");
  CHECK_THAT(other.runs({"list"}).out, ContainsSubstring("what is 17*23"));
  other.folder.write("no.run.jsonl", "{}\n");
  CHECK_THAT(other.runs({"import", "no.run.jsonl"}).err, ContainsSubstring("no.run.jsonl:1"));
}

TEST_CASE("a run file that was edited, or that has no end, is no test that passes") {
  const Recorded kept;
  REQUIRE(kept.runs({"export", "last", "x.run.jsonl"}).status == 0);
  const std::string text = read_file(kept.folder / "x.run.jsonl");
  const auto failing = [&](const std::string& edited) {
    kept.folder.write("y.run.jsonl", edited);
    const Ended ended = run_program({"test", "y.run.jsonl"}, kept.options());
    CHECK(ended.status == 1);
    return ended.out;
  };
  CHECK_THAT(failing(replaced(text, "\"trace\"", "\"tracks\"")),
             ContainsSubstring("the journal's entry cannot be read") && ContainsSubstring("effect 3"));
  CHECK_THAT(failing(replaced(text, "\"content\":\"391\"", "\"content\":\"392\"")),
             ContainsSubstring("effect 5") && ContainsSubstring("the conversation before it"));
  const std::size_t ended = text.find(",\"ended\":");
  CHECK_THAT(failing(text.substr(0, ended) + text.substr(text.find_first_of(",}", ended + 1))),
             ContainsSubstring("the run had not ended when it was exported"));
}

TEST_CASE("recorded runs are tests of their agent: green, and red where it changed") {
  const Recorded kept;
  REQUIRE(kept.run({"agent.yaml", "what is 2+2"}).status == 0);
  std::filesystem::create_directories(kept.folder / "tests/deep");
  REQUIRE(kept.runs({"export", "last", "tests/deep/two.run.jsonl"}).status == 0);
  const std::string newest = kept.newest();
  const std::string list = kept.runs({"list", "--json"}).out;
  const std::string second = list.substr(list.find('\n') + 1);
  const std::string oldest(json::parse(second.substr(0, second.find('\n'))).at("id").as_string());
  REQUIRE(oldest != newest);
  REQUIRE(kept.runs({"export", oldest, "tests/one.run.jsonl"}).status == 0);
  kept.folder.write("tests/README.md", "no run");
  // All of it is moved, and there is neither a home nor a state folder.
  const TempDir elsewhere;
  std::filesystem::rename(kept.folder / "tests", elsewhere / "tests");
  std::filesystem::rename(kept.folder / "agent.yaml", elsewhere / "agent.yaml");
  const Program::Options options{
      .folder = elsewhere.path(), .input = {}, .environment = {{"HOME", ""}, {"SENNIT_STATE", "/nowhere/at/all"}}};
  const Ended green = run_program({"test", "tests"}, options);
  CHECK(green.status == 0);
  CHECK(green.out == "ok tests/deep/two.run.jsonl\nok tests/one.run.jsonl\n2 runs: 2 ok, 0 failed\n");
  elsewhere.write("agent.yaml", replaced(kScripted, "Always.", "Never."));
  const Ended red = run_program({"test", "tests"}, options);
  CHECK(red.status == 1);
  CHECK_THAT(red.out, ContainsSubstring("FAILED tests/one.run.jsonl\n") && ContainsSubstring("\n  - Always.") &&
                          ContainsSubstring("\n  + Never.") && ContainsSubstring("2 runs: 0 ok, 2 failed"));
  elsewhere.write("old.yaml", kScripted);
  CHECK(run_program({"test", "--agent", "old.yaml", "tests/one.run.jsonl"}, options).status == 0);
  std::filesystem::create_directories(elsewhere / "empty");
  CHECK(run_program({"test", "empty"}, options).status == 2);
  CHECK(run_program({"test", "missing.run.jsonl"}, options).status != 0);
}
