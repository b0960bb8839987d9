// `sennit policy`, the policies of a deployment, and what `sennit check` says of rules.
#include "app/program.hpp"
#include "support/fixtures.hpp"
#include <sennit/agent/definition.hpp>
#include <sennit/app/check.hpp>
#include <sennit/app/policy_files.hpp>
#include <sennit/plugins/builtin.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <sstream>

using namespace sennit;
using namespace sennit::app;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

namespace {

constexpr const char* kAgent = R"(sennit: 1
name: helper
model: scripted
tools:
  - http
  - files: {write: true}
agents: [below.yaml]
mcp:
  ops: {command: [ops-server]}
policy:
  allow:
    - http_get: {host: "*.example.com"}
    - files_read
    - files_write: {path: "drafts/**"}
  deny:
    - files_*: {path: "*.key"}
    - clock
)";

constexpr const char* kBelow = R"(sennit: 1
name: below
model: scripted
tools: [clock, http]
policy: {allow: "*"}
)";

struct Folder {
  TempDir temp;
  Folder() {
    (void)temp.write("a.yaml", kAgent);
    (void)temp.write("below.yaml", kBelow);
  }

  [[nodiscard]] Ended sennit(const std::vector<std::string>& arguments, const std::string& policy = {}) const {
    Program::Options options;
    options.folder = temp.path();
    if (!policy.empty()) options.environment["SENNIT_POLICY"] = policy;
    return run_program(arguments, options);
  }
  [[nodiscard]] Ended test(const std::vector<std::string>& rest) const {
    std::vector<std::string> arguments{"policy", "test", "a.yaml"};
    arguments.insert(arguments.end(), rest.begin(), rest.end());
    return sennit(arguments);
  }
};

std::vector<std::string> warnings(const std::string& yaml, const PolicySettings& deployment = {}) {
  static const Registry kRegistry = builtin();
  const TempDir folder;
  std::vector<std::string> lines;
  for (const FileDiagnostic& found : check_file(folder.write("a.yaml", "sennit: 1\n" + yaml), kRegistry, deployment)) {
    lines.push_back(std::to_string(found.diagnostic.line) + ": " + found.diagnostic.message);
  }
  return lines;
}

}  // namespace

TEST_CASE("policy test tells the verdict, the rule, what the call reaches, and all that was considered") {
  const Folder folder;
  const Ended allowed = folder.test({"http_get", R"({"url":"https://api.example.com/x"})"});
  CHECK(allowed.status == 0);
  CHECK(allowed.out ==
        "allow: http_get of helper\n"
        "  because     policy.allow: http_get {host: *.example.com}\n"
        "  touches     network\n"
        "  reaches     url https://api.example.com/x\n"
        "              host api.example.com\n"
        "              method GET\n"
        "  considered  allow policy.allow: http_get {host: *.example.com}\n");
  const Ended asked = folder.test({"http_get", R"({"url":"https://example.org/"})"});
  CHECK(asked.status == 5);
  CHECK_THAT(asked.out, StartsWith("ask: http_get of helper\n  because     it uses the network\n"));
  const Ended denied = folder.test({"files_write", R"({"path":"drafts/my.key","content":"x"})"});
  CHECK(denied.status == 3);
  CHECK_THAT(denied.out, StartsWith("deny: ") && ContainsSubstring("policy.deny: files_* {path: *.key}") &&
                             ContainsSubstring("allow policy.allow: files_write {path: drafts/**}"));
}

TEST_CASE("policy test takes labels") {
  const Folder folder;
  const std::vector<std::string> call{"http_get", R"({"url":"https://api.example.com/x"})"};
  const auto with = [&](std::vector<std::string> labels) {
    labels.insert(labels.begin(), call.begin(), call.end());
    return folder.test(labels);
  };
  CHECK(with({"--untrusted", "mail"}).status == 0);
  const Ended both = with({"--untrusted", "mail", "--private", "files:x", "--private", "crm"});
  CHECK(both.status == 5);
  CHECK_THAT(both.out, ContainsSubstring("it has read untrusted mail · private crm and files:x\n") &&
                           ContainsSubstring("policy.flow.both: private data (crm and files:x) could leave to "
                                             "api.example.com, and text from mail is in the conversation"));
}

TEST_CASE("policy test as JSON") {
  const Folder folder;
  const Ended ended = folder.test({"--json", "http_get", R"({"url":"https://example.org/"})", "--untrusted", "mail"});
  CHECK(ended.status == 5);
  const json::value told = json::parse(ended.out);
  CHECK(told.at("verdict") == "ask");
  CHECK(told.at("rule") == "it uses the network");
  CHECK(told.at("facets").at(1) == json::value{{"name", "host"}, {"value", "example.org"}});
  CHECK(told.at("labels") == json::value{{"untrusted", {"mail"}}});
  CHECK(told.at("considered").as_array().size() == 1);
  CHECK(told.at("assumed") == false);
}

TEST_CASE("policy test of a sub-agent's tool has the rules of those above") {
  const Folder folder;
  const Ended clock = folder.test({"below/clock"});
  CHECK(clock.status == 3);
  CHECK_THAT(clock.out, ContainsSubstring("policy of helper.deny: clock"));
  CHECK(folder.test({"below/http_get", R"({"url":"https://example.org/"})"}).status == 0);
  CHECK_THAT(folder.test({"belo/clock"}).err,
             ContainsSubstring("`helper` has no sub-agent `belo`; did you mean `below`?"));
  CHECK(folder.test({"below", R"({"task":"x"})"}).status == 0);
}

TEST_CASE("policy test of an MCP server's tool says what it assumes") {
  const Folder folder;
  const Ended ended = folder.test({"ops_logs", R"({"any":"thing"})"});
  CHECK(ended.status == 5);
  CHECK_THAT(ended.out, ContainsSubstring("reaches     destination mcp:ops\n") &&
                            ContainsSubstring("assumed     the server was not asked") &&
                            ContainsSubstring("its result  untrusted mcp:ops\n"));
}

TEST_CASE("policy test says what was typed wrongly") {
  const Folder folder;
  const Ended tool = folder.test({"http_gett", "{}"});
  CHECK(tool.status == 2);
  CHECK_THAT(tool.err, ContainsSubstring("`helper` has no tool `http_gett`; did you mean `http_get`?"));
  CHECK_THAT(folder.test({"nonsense"}).err, ContainsSubstring("it has: http_get, http_send, files_list"));
  const Ended arguments = folder.test({"http_get", R"({"uri":"https://x.org"})"});
  CHECK(arguments.status == 2);
  CHECK_THAT(arguments.err, ContainsSubstring("wrong arguments: arguments.url: required, but missing"));
  CHECK_THAT(folder.test({"http_get", "{url"}).err, ContainsSubstring("the arguments are no JSON"));
  CHECK(folder.sennit({"policy", "test", "none.yaml", "x"}).status == 2);
}

TEST_CASE("policy show lists all tools, and the rules that depend on arguments") {
  const Folder folder;
  const Ended ended = folder.sennit({"policy", "show", "a.yaml"});
  CHECK(ended.status == 0);
  CHECK_THAT(ended.out, ContainsSubstring("http_get      ask      network         it uses the network\n") &&
                            ContainsSubstring("policy.allow: http_get {host: *.example.com}\n") &&
                            ContainsSubstring("files_read    allow    read            policy.allow: files_read\n") &&
                            ContainsSubstring("policy.deny: files_* {path: *.key}\n") &&
                            ContainsSubstring("below         allow    nothing         it only reads\n") &&
                            ContainsSubstring("ops_…: the MCP server was not asked"));
  std::istringstream lines(folder.sennit({"policy", "show", "a.yaml", "--json"}).out);
  std::string line;
  REQUIRE(std::getline(lines, line));
  CHECK(json::parse(line).at("tool") == "http_get");
  CHECK(json::parse(line).at("conditions").as_array().size() == 1);
}

TEST_CASE("a deployment's policy goes before the agent's, for every command") {
  const Folder folder;
  const std::string policy = folder.temp.write("policy.yaml", "deny: [http_*]\nask: {files_read: {path: 'x*'}}\n");
  const Ended denied =
      folder.sennit({"policy", "test", "a.yaml", "http_get", R"({"url":"https://a.example.com"})"}, policy);
  CHECK(denied.status == 3);
  CHECK_THAT(denied.out, ContainsSubstring("because     deployment policy.deny: http_*\n"));
  CHECK_THAT(folder.sennit({"policy", "show", "a.yaml"}, policy).out,
             ContainsSubstring("deployment policy.ask: files_read {path: x*}"));
  CHECK_THAT(folder.sennit({"check", "a.yaml"}, policy).out,
             ContainsSubstring("is overridden: the deployment policy denies `http_*`"));
  (void)folder.temp.write("run.yaml",
                          "sennit: 1\nname: run\nmodel: scripted\ntools: [calculator]\n"
                          "intents: [{match: sum, steps: [{call: calculator, with: {expression: 1+1}}]}]\n");
  const std::string no_sum = folder.temp.write("sums.yaml", "deny: {calculator: {expression: '*+*'}}\n");
  const Ended run = folder.sennit({"run", "run.yaml", "sum", "--json", "--no-store"}, no_sum);
  CHECK_THAT(run.out, ContainsSubstring(R"("event":"policy_decided")") &&
                          ContainsSubstring("not allowed (deployment policy.deny: calculator {expression: *+*})"));
}

TEST_CASE("a wrong policy file stops the program, and says where it is wrong") {
  const Folder folder;
  const std::string policy = folder.temp.write("policy.yaml", "deny: [clock]\nalow: [x]\n");
  const Ended ended = folder.sennit({"policy", "show", "a.yaml"}, policy);
  CHECK(ended.status == 2);
  CHECK_THAT(ended.err, ContainsSubstring("policy.yaml:2:1: ") && ContainsSubstring("did you mean `allow`?"));
  const Ended absent = folder.sennit({"run", "a.yaml", "x"}, (folder.temp.path() / "none.yaml").string());
  CHECK(absent.status == 2);
  CHECK_THAT(absent.err, ContainsSubstring("none.yaml"));
}

TEST_CASE("policies of the machine and of the person: what is stricter of both") {
  const TempDir folder;
  const PolicyPlaces places{
      .machine = folder.write("machine.yaml", "allow: [a]\ndeny: [b]\nflow: {untrusted: ask, permit: [{to: x}]}\n"),
      .person = folder.write("person.yaml",
                             "allow: [c]\ndeny: [d]\nask: [e]\ndefault: allow\ntrust: [f]\nunsandboxed: true\n"
                             "flow: {untrusted: deny, both: deny, steerable: [g], permit: [{to: y}]}\n")};
  const PolicySettings both = deployment_policy(places);
  CHECK(both.allow == std::vector<PolicyRule>{"a"});
  CHECK(both.deny == std::vector<PolicyRule>{"b", "d"});
  CHECK(both.ask == std::vector<PolicyRule>{"e"});
  CHECK_FALSE(both.fallback);
  CHECK(both.trust.empty());
  CHECK_FALSE(both.unsandboxed);
  CHECK(both.flow.untrusted == Verdict::deny);
  CHECK(both.flow.both == Verdict::deny);
  CHECK(both.flow.steerable.empty());
  CHECK(both.flow.permit == std::vector<FlowPermit>{{"*", "x"}});

  const PolicySettings alone = deployment_policy({.machine = folder / "none.yaml", .person = places.person});
  CHECK(alone.allow == std::vector<PolicyRule>{"c"});
  CHECK(alone.fallback == Verdict::allow);
  CHECK(alone.unsandboxed == true);
  CHECK(deployment_policy({.machine = folder / "none.yaml", .person = folder / "none.yaml"}) == PolicySettings{});
  CHECK(tightened({.unsandboxed = true}, {.unsandboxed = false}).unsandboxed == false);
  CHECK(tightened({.fallback = Verdict::ask}, {.fallback = Verdict::allow}).fallback == Verdict::ask);
  CHECK(tightened({}, {.fallback = Verdict::deny}).fallback == Verdict::deny);
}

TEST_CASE("a policy of which it is not known whether it is there stops the program") {
  const TempDir folder;
  std::filesystem::create_symlink("loop.yaml", folder / "loop.yaml");
  std::filesystem::create_symlink("gone.yaml", folder / "dangling.yaml");
  (void)folder.write("file", "");
  for (const char* name : {"loop.yaml", "dangling.yaml"}) {
    INFO(name);
    CHECK_THROWS_AS(deployment_policy({.machine = folder / name, .person = {}}), Error);
  }
  CHECK_FALSE(is_there(folder / "none" / "policy.yaml"));
  CHECK_THROWS_AS(is_there(folder / (std::string(300, 'x') + ".yaml")), Error);  // it cannot be looked at
}

TEST_CASE("run --label says where the input comes from") {
  const Folder folder;
  (void)folder.temp.write("run.yaml",
                          "sennit: 1\nname: run\nmodel: scripted\ntools: [files: {write: true}]\n"
                          "intents: [{match: note, steps: [{call: files_write, with: {path: n.txt, content: x}}]}]\n"
                          "policy: {allow: files_write}\n");
  CHECK_THAT(folder.sennit({"run", "run.yaml", "note", "--json", "--no-store"}).out, !ContainsSubstring("declined"));
  CHECK_THAT(folder.sennit({"run", "run.yaml", "note", "--json", "--no-store", "--label", "untrusted=mail"}).out,
             ContainsSubstring("nobody was asked (policy.flow.untrusted: text from mail is in the conversation"));
  const Ended wrong = folder.sennit({"run", "run.yaml", "note", "--label", "mail"});
  CHECK(wrong.status == 2);
  CHECK_THAT(wrong.err, ContainsSubstring("--label mail: untrusted=ORIGIN or private=ORIGIN is wanted"));
}

TEST_CASE("runs show tells the rule of what was asked or refused") {
  const Folder folder;
  (void)folder.temp.write(
      "run.yaml",
      "sennit: 1\nname: run\nmodel: scripted\ntools: [clock, calculator]\n"
      "intents: [{match: time, steps: [{call: clock}, {call: calculator, with: {expression: 1+1}}]}]\n"
      "policy: {ask: clock}\n");
  CHECK(folder.sennit({"run", "run.yaml", "time", "--yes"}).status == 0);
  const std::string shown = folder.sennit({"runs", "show", "last"}).out;
  CHECK_THAT(shown, ContainsSubstring("ask     policy.ask: clock\n"));
  CHECK_THAT(shown, !ContainsSubstring("it only reads"));
}

TEST_CASE("check warns of conditions that no call has") {
  CHECK(warnings("tools: [http, files: {write: true}]\npolicy:\n  allow:\n    - http_get: {hots: x}\n    - "
                 "files_write: {url: x}\n"
                 "    - http_send: {method: POST, host: x, url: y, json.a: z}\n") ==
        std::vector<std::string>{"5: no call of `http_get` has `hots`; did you mean `host`?",
                                 "6: no call of `files_write` has `url`; it has: absolute, content, path"});
}

TEST_CASE("check warns of rules that never decide anything") {
  CHECK(warnings("tools: [clock, calculator]\npolicy:\n  allow:\n    - clock\n    - calculator\n  ask:\n    - clock\n"
                 "  deny:\n    - c*\n") ==
        std::vector<std::string>{"5: `clock` never decides anything: `policy.deny: c*` is stricter",
                                 "6: `calculator` never decides anything: `policy.deny: c*` is stricter",
                                 "8: `clock` never decides anything: `policy.deny: c*` is stricter"});
  CHECK(warnings("tools: [clock]\npolicy:\n  allow:\n    - '*'\n    - clock\n") ==
        std::vector<std::string>{"6: `clock` never decides anything: `policy.allow: *` says so already"});
  CHECK(warnings("tools: [clock, calculator]\npolicy:\n  allow: ['*']\n  ask: [clock]\n").empty());
}

TEST_CASE("check warns of rules that match nothing, but for what an MCP server may have") {
  CHECK(warnings("tools: [clock]\npolicy:\n  trust: [clok]\n  confidential: [x]\n  flow: {steerable: [y]}\n").size() ==
        3);
  CHECK(
      warnings("tools: [clock]\nmcp: {ops: {command: [sh]}}\npolicy: {allow: [ops_logs, 'o*'], deny: ['*_restart']}\n")
          .empty());
  CHECK(warnings("tools: [clock]\nmcp: {ops: {command: [sh]}}\npolicy: {allow: [opslogs]}\n").size() == 1);
}

TEST_CASE("check and policy show warn of a deployment's rules that fit no tool, with the nearest name") {
  const Folder folder;
  (void)folder.temp.write(
      "p.yaml",
      "deny: [files_wrte, files_write, shell, 'http_*', ops_restart, below, sqlite_query, web_search]\n"
      "ask:\n  - pay: {amount: '> 20'}\nallow: ['clok*']\n");
  const auto wants = [](const std::string& said) {
    CHECK_THAT(said, ContainsSubstring("p.yaml: `deny: files_wrte` fits no tool of Sennit") ||
                         ContainsSubstring("p.yaml: warning: `deny: files_wrte` fits no tool of Sennit"));
    CHECK_THAT(said, ContainsSubstring("did you mean `files_write`?"));
    CHECK_THAT(said, ContainsSubstring("`ask: pay` fits no tool"));
    CHECK_THAT(said, ContainsSubstring("`allow: clok*` fits no tool"));
    std::size_t count = 0;
    for (std::size_t at = said.find("fits no tool"); at != std::string::npos; at = said.find("fits no tool", at + 1))
      ++count;
    CHECK(count == 3);
  };
  const Ended checked = folder.sennit({"check", "a.yaml"}, "p.yaml");
  CHECK(checked.status == 0);
  wants(checked.out);
  const Ended shown = folder.sennit({"policy", "show", "a.yaml", "--json"}, "p.yaml");
  CHECK(shown.status == 0);
  wants(shown.err);
  CHECK_THAT(shown.out, !ContainsSubstring("fits no tool"));
  CHECK(folder.sennit({"policy", "show", "a.yaml"}).err == "");
}

TEST_CASE("check warns of what a deployment overrides") {
  CHECK(warnings("tools: [clock]\npolicy:\n  allow:\n    - clock\n", {.ask = {"cl*"}}) ==
        std::vector<std::string>{"5: `clock` is overridden: the deployment policy asks for `cl*`"});
  CHECK(warnings("tools: [clock]\npolicy:\n  allow:\n    - clock\n", {.ask = {{"clock", {{"zone", {"x"}}}}}}).empty());
}
