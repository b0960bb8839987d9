#include <sennit/app/check.hpp>
#include <sennit/plugins/builtin.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/fixtures.hpp>

#include <array>
#include <cstdio>
#include <memory>
#include <utility>

namespace sennit::app {
namespace {

using testing::TempDir;

/// The diagnostics of a file, one a line, without its folder.
std::string check(const TempDir& folder, const std::string& name, const std::string& yaml) {
  static const Registry kRegistry = builtin();
  std::string lines;
  for (const FileDiagnostic& found : check_file(folder.write(name, yaml), kRegistry)) {
    lines += format_diagnostic(found.file.filename(), found.diagnostic) + "\n";
  }
  return lines;
}

std::string check(const std::string& yaml) {
  const TempDir folder;
  return check(folder, "a.yaml", "sennit: 1\n" + yaml);
}

bool has(const std::string& text, const std::string& part) {
  UNSCOPED_INFO(text);
  return text.find(part) != std::string::npos;
}

TEST_CASE("names that nobody has registered are found at their places") {
  CHECK(has(check("tools:\n  - calculator\n  - clok\n"),
            "a.yaml:4:5: error: unknown tool `clok`; did you mean `clock`?\n"));
  CHECK(has(check("model: depseek/deepseek-flash"),
            "a.yaml:2:8: error: unknown provider `depseek`; did you mean `deepseek`?\n"));
  CHECK(has(check("model:\n  name: gpt-5"), "a.yaml:3:9: error: unknown provider `gpt-5`; known: anthropic, auto, "));
  CHECK(has(check("model:\n  name: gpt-5"), "; a model is named `provider/model`\n"));
  CHECK(has(check("planner: toolloop"), "a.yaml:2:10: error: unknown planner `toolloop`; did you mean `tool-loop`?\n"));
  CHECK(has(check("memory:\n  kind: note"), "a.yaml:3:9: error: unknown memory `note`; did you mean `notes`?\n"));
}

TEST_CASE("options that a part refuses are found") {
  CHECK(check("tools:\n  - files: {root: .}") ==
        "a.yaml:3:19: error: the tool 'files' has no option 'root'; did you mean 'roots'?\n");
}

TEST_CASE("everything that is wrong with tools is told at once, each at its place") {
  CHECK(check(R"(tools:
  - calculater
  - files: {root: .}
  - http: {timeout: abc}
  - filess
  - calculator: 3
policy: {ask: 'clock'}
)") == R"(a.yaml:3:5: error: unknown tool `calculater`; did you mean `calculator`?
a.yaml:4:19: error: the tool 'files' has no option 'root'; did you mean 'roots'?
a.yaml:5:21: error: http: timeout is a duration such as 30s or 2m, more than 0 and at most 1h
a.yaml:6:5: error: unknown tool `filess`; did you mean `files`?
a.yaml:7:17: error: `tools[4]`: expected the options of `calculator` as a map; found the number `3`
)");
  CHECK(check(R"(tools:
  - http:
      allow_host: x
      allow_hosts: ['http://x']
      allow_private: maybe
      headers: {A: b}
      timeout: abc
  - calculator: {exact: true, digits: 3}
)") == R"(a.yaml:4:19: error: the tool 'http' has no option 'allow_host'; did you mean 'allow_hosts'?
a.yaml:5:20: error: http: 'http://x' in allow_hosts is no host: write example.com, *.example.com or example.com:8080, without http://
a.yaml:6:22: error: the tool 'http': options.allow_private: expected true or false, got string "maybe"
a.yaml:8:16: error: http: timeout is a duration such as 30s or 2m, more than 0 and at most 1h
a.yaml:9:25: error: the tool 'calculator' has no option 'exact'; it takes none
a.yaml:9:39: error: the tool 'calculator' has no option 'digits'; it takes none
)");
}

TEST_CASE("a wrong entry of a list does not hide what is wrong with the others, nor move their places") {
  const TempDir folder;
  CHECK(check(folder, "a.yaml",
              "sennit: 1\nagents:\n  - []\n  - none.yaml\nintents:\n  - 3\n  - {match: x, say: '{y}'}\n") ==
        "a.yaml:3:5: error: `agents[0]`: expected the name of a file, or a map; found a list of 0 values\n"
        "a.yaml:4:5: error: there is no agent file `none.yaml`\n"
        "a.yaml:6:5: error: `intents[0]`: expected a map; found the number `3`\n"
        "a.yaml:7:21: error: nothing gives a value to `{y}`\n");
}

TEST_CASE("references to nothing and files that are not there are found in the options of tools") {
  CHECK(check("tools:\n  - http: {allow_hosts: [x.org], headers: {A: '${NOPE}'}}") ==
        "a.yaml:3:47: warning: `${NOPE}` refers to nothing; write `${env:NOPE}`\n");
  CHECK(check("tools:\n  - http: {allow_hosts: [x.org], headers: {A: '${env:NOPE}'}}").empty());
  CHECK(has(check("tools:\n  - http: {allow_hosts: [x.org], headers: {'A B': c}}"),
            "a.yaml:3:43: error: http: in headers"));
  const TempDir folder;
  folder.write("ca.pem", "");
  CHECK(check(folder, "a.yaml", "sennit: 1\ntools: [http: {ca_file: ca.pem}]").empty());
  CHECK(check(folder, "b.yaml", "sennit: 1\ntools: [http: {ca_file: none.pem}]") ==
        "b.yaml:2:25: error: there is no file `none.pem`\n");
  CHECK(check(folder, "c.yaml", "sennit: 1\nmodel: {name: openai/x, ca_file: none.pem}\n") ==
        "c.yaml:2:34: error: there is no file `none.pem`\n");
}

TEST_CASE("a placeholder that is no input is a warning where inputs are declared") {
  CHECK(check("instructions: '{tpic} in {words} words, {tpic}'\ninputs: {topic: , words: {default: x}}") ==
        "a.yaml:2:15: warning: `{tpic}` is no input and stays as it is; did you mean `{topic}`?\n");
  CHECK(check("instructions: '{d} {c}'\ninputs: {c: }") ==
        "a.yaml:2:15: warning: `{d}` is no input and stays as it is; did you mean `{c}`?\n");
  CHECK(check("instructions: '{elsewhere}'\ninputs: {topic: , words: }") ==
        "a.yaml:2:15: warning: `{elsewhere}` is no input and stays as it is; the inputs are: topic, words\n");
  CHECK(check("instructions: 'Answer as {\"a\": 1}, { } or {two words} about {topic}.'\ninputs: {topic: }").empty());
  CHECK(check("instructions: 'Write {name}.'").empty());
}

TEST_CASE("a wrong part of the model is one error, and nothing follows from it") {
  CHECK(check("model: {name: openai-compatible/x, base_url: 'ftp://x'}\nlimits: {cost: 1}") ==
        "a.yaml:2:46: error: `model.base_url`: expected an http:// or https:// URL with a host; found the text "
        "`ftp://x`\n");
  CHECK(has(check("model: openai-compatible/x\ntools: [{}]"), "needs `model.base_url`"));
}

TEST_CASE("a limit on the cost of a model whose prices are not known is a warning") {
  CHECK(check("model: nvidia/new\nlimits: {cost: 0.5}") ==
        "a.yaml:3:16: warning: the prices of `nvidia/new` are not known, so this stops nothing; give "
        "`model.prices`\n");
  CHECK(check("model: {name: deepseek/deepseek-chat, prices: {input: 1, output: 2}}\nlimits: {cost: 0.5}").empty());
  CHECK(check("model: deepseek/deepseek-flash\nlimits: {cost: 0.5}").empty());  // the catalogue has them
  CHECK(check("model: scripted\nlimits: {cost: 0.5}").empty());
  CHECK(check("model: auto\nlimits: {cost: 0.5}").empty());  // nobody knows which
}

TEST_CASE("every model that the file names is looked at, at its place") {
  CHECK(has(check("model:\n  name: openai/gpt-5-mini\n  fallback: [depseek/x, {name: nobody/y}]"),
            "a.yaml:4:14: error: unknown provider `depseek`; did you mean `deepseek`?\n"
            "a.yaml:4:32: error: unknown provider `nobody`; known: "));
  CHECK(check(R"(model:
  name: openai/gpt-5-mini
  fallback:
    - openai-compatible/a
    - {name: nvidia/b, api: messages, ca_file: none.pem}
  route:
    rules:
      - {model: openai-compatible/c, tag: c}
      - {model: opnai/d, tag: d}
      - {model: openai-compatible/a, tag: e}
    escalate: {to: vllm}
)") == R"(a.yaml:5:7: error: openai-compatible needs `model.base_url`, for example http://127.0.0.1:8000/v1
a.yaml:6:7: error: `model.api` is messages, but NVIDIA speaks chat-completions
a.yaml:6:48: error: there is no file `none.pem`
a.yaml:9:17: error: openai-compatible needs `model.base_url`, for example http://127.0.0.1:8000/v1; `route` gives a name only: for settings, name it in `model.fallback` too
a.yaml:10:17: error: unknown provider `opnai`; did you mean `openai`?
a.yaml:12:20: error: name the model: vllm/MODEL
)");
  CHECK(check(R"(model:
  name: openai/gpt-5-mini
  fallback: [{name: openai-compatible/a, base_url: 'http://x/v1'}, scripted]
  route:
    rules: [{model: openai-compatible/a, tag: a}]
    escalate: {to: openai/gpt-5}
)")
            .empty());
}

TEST_CASE("a wrong part of a fallback or a rule is one error, and nothing follows from it") {
  CHECK(check("model:\n  name: openai/gpt-5-mini\n  fallback: [{name: openai-compatible/a, base_url: x}]\n"
              "  route: {rules: [{model: openai/gpt-5, longer_than: much}]}") ==
        "a.yaml:4:52: error: `model.fallback[0].base_url`: expected an http:// or https:// URL with a host; found the "
        "text `x`\n"
        "a.yaml:5:54: error: `model.route.rules[0].longer_than`: expected a whole number of at least 0; found the "
        "text `much`\n");
}

TEST_CASE("rules that never hold and models that take over from themselves are warnings") {
  CHECK(check("model:\n  name: openai/gpt-5-mini\n  route:\n    rules: [{model: openai/gpt-5}]\n"
              "    escalate: {to: openai/gpt-5}") ==
        "a.yaml:5:13: warning: a rule without a condition never holds; give it one, such as `longer_than`\n");
  CHECK(check("model:\n  name: openai/gpt-5\n  route: {escalate: {to: openai/gpt-5}}") ==
        "a.yaml:4:26: warning: `openai/gpt-5` is the agent's model itself, so nobody takes over\n");
  // Here the small model hands over to it.
  CHECK(check("model:\n  name: openai/gpt-5\n  route:\n    rules: [{model: openai/gpt-5-mini, tools: false}]\n"
              "    escalate: {to: openai/gpt-5}")
            .empty());
}

TEST_CASE("a limit on the cost is a warning for each model that it cannot count") {
  CHECK(check("model:\n  name: openai/gpt-5\n  fallback: [nvidia/new, {name: nvidia/priced, prices: {input: 1, output: "
              "2}}]\n"
              "  route:\n    rules: [{model: nvidia/new, tag: a}, {model: nvidia/priced, tag: b}]\n"
              "    escalate: {to: nvidia/other}\nlimits: {cost: 1}") ==
        "a.yaml:8:16: warning: the prices of `nvidia/new` are not known, so what it answers does not count; give "
        "`prices` with it in `model.fallback`\n"
        "a.yaml:8:16: warning: the prices of `nvidia/other` are not known, so what it answers does not count; give "
        "`prices` with it in `model.fallback`\n");
}

TEST_CASE("tools for a model that is known not to call any are a warning") {
  const std::string words =
      " is not known to call tools, and this agent has some; `sennit models --with tools` lists models that do\n";
  CHECK(check("model: openai/o1-mini\ntools: [calculator]") == "a.yaml:2:8: warning: `openai/o1-mini`" + words);
  CHECK(check("model: openai/o1-mini").empty());
  CHECK(check("model: nvidia/new\ntools: [calculator]").empty());  // nobody knows
  CHECK(check("model:\n  name: openai/gpt-5\n  fallback: [openai/o1-mini]\n  route:\n"
              "    rules: [{model: openai/o1-mini, tools: false}, {model: openai/o1-mini, tag: a}]\n"
              "tools: [calculator]") ==
        "a.yaml:4:14: warning: `openai/o1-mini`" + words + "a.yaml:6:60: warning: `openai/o1-mini`" + words);
}

TEST_CASE("a sub-agent that requires an input is refused: nothing can give it one") {
  const TempDir folder;
  folder.write("b.yaml",
               "sennit: 1\ninputs: {topic: {required: true}, other: {required: true, default: x}, third: }\n");
  CHECK(
      check(folder, "a.yaml", "sennit: 1\nagents: [b.yaml]\n") ==
      "a.yaml:2:10: error: `b.yaml` requires the input `topic`, and a sub-agent is given a task and no inputs: give it "
      "a `default` there\n");
  CHECK(check(folder, "b.yaml", "sennit: 1\ninputs: {topic: {required: true}}\n").empty());
}

TEST_CASE("a model needs no key to be checked") {
  CHECK(check("model: deepseek/deepseek-flash").empty());
  CHECK(check("model: openai/gpt-5-mini").empty());
}

TEST_CASE("errors of the text and of names come together, in order") {
  const std::string found = check("nmae: x\ntools: [clok]\nlimits: {steps: x}\n");
  CHECK(has(found, "a.yaml:2:1: error: unknown key `nmae`"));
  CHECK(has(found, "a.yaml:3:9: error: unknown tool `clok`"));
  CHECK(has(found, "a.yaml:4:17: error: `limits.steps`"));
  CHECK(found.find(":2:1:") < found.find(":3:9:"));
  CHECK(found.find(":3:9:") < found.find(":4:17:"));
}

TEST_CASE("a policy for tools that are not there is a warning") {
  CHECK(has(check("tools: [calculator]\npolicy: {ask: 'files_*'}"),
            "a.yaml:3:15: warning: `files_*` matches none of this agent's tools: calculator\n"));
  CHECK(check("tools: [calculator]\npolicy: {ask: 'calc*'}").empty());
  CHECK(check("memory: true\npolicy: {allow: [remember, recall, forget]}").empty());
}

TEST_CASE("a server's address is one, and programs are there") {
  CHECK(has(check("mcp:\n  far:\n    url: example.com/mcp\n"),
            "a.yaml:4:10: error: `mcp.far.url`: expected an http:// or https:// URL with a host; found the text "));
  CHECK(check("mcp: {far: {url: '${env:HOME}/mcp'}}\n").empty());
  CHECK(check("mcp: {near: {command: [sh, -c, x]}}\nhooks: [{run: [sh], on: [before_tool]}]\n").empty());
  CHECK(has(check("mcp:\n  near:\n    command: [no-such-program, x]\n"),
            "a.yaml:4:14: warning: `mcp.near.command`: there is no program `no-such-program` in "
            "/usr/local/bin:/usr/bin:/bin: install it, or give its path\n"));
  CHECK(
      has(check("hooks:\n  - {run: [/nowhere/hook], on: [before_tool]}\n"),
          "a.yaml:3:11: warning: `hooks[0].run`: there is no program `/nowhere/hook`: install it, or mend the path\n"));
  CHECK(has(check("guardrails: {input: [{run: [no-such-program]}]}\n"),
            "warning: `guardrails.input[0].run`: there is no"));
  const TempDir folder;
  const std::string yaml =
      "sennit: 1\nhooks: [{run: [./hook], on: [before_tool]}]\n"
      "mcp: {near: {command: [hook], sandbox: {enabled: false}, env: {PATH: '" +
      folder.path().string() + "'}}}\n";
  CHECK(has(check(folder, "a.yaml", yaml), "there is no program `./hook` in `"));
  const auto hook = folder.write("hook", "#!/bin/sh\n");
  CHECK(has(check(folder, "a.yaml", yaml), "`./hook` cannot be started: it may not be executed; see `chmod +x`"));
  std::filesystem::permissions(hook, std::filesystem::perms::owner_all);
  CHECK(check(folder, "a.yaml", yaml).empty());
}

TEST_CASE("sub-agents are checked with the agent, each file once") {
  const TempDir folder;
  folder.write("b.yaml", "sennit: 1\nnmae: b\n");
  const std::string found =
      check(folder, "a.yaml", "sennit: 1\nagents: [b.yaml, {file: ./b.yaml, name: again}, none.yaml]\n");
  CHECK(has(found, "a.yaml:2:49: error: there is no agent file `none.yaml`\n"));
  CHECK(has(found, "b.yaml:2:1: error: unknown key `nmae`; did you mean `name`?\n"));
  CHECK(found.find("nmae") == found.rfind("nmae"));
}

TEST_CASE("agents that reach themselves are refused") {
  const TempDir folder;
  folder.write("b.yaml", "sennit: 1\nagents: [c.yaml]\n");
  folder.write("c.yaml", "sennit: 1\nagents: [a.yaml]\n");
  CHECK(check(folder, "a.yaml", "sennit: 1\nagents: [b.yaml]\n") ==
        "c.yaml:2:10: error: `a.yaml` reaches itself through its sub-agents\n");
  CHECK(has(check(folder, "self.yaml", "sennit: 1\nagents: [self.yaml]\n"), "reaches itself"));
}

TEST_CASE("two tools of one name are refused") {
  const TempDir folder;
  folder.write("b.yaml", "sennit: 1\nname: calculator\n");
  CHECK(has(check(folder, "a.yaml", "sennit: 1\ntools: [calculator]\nagents: [b.yaml]\n"),
            "a.yaml:3:10: error: two tools of this agent are named `calculator`\n"));
}

TEST_CASE("the patterns and captures of intents are checked") {
  const std::string found = check(R"(tools: [calculator]
intents:
  - match: ['add {a', 'sum {a} {b}']
    say: Hello.
  - match: what is {sum}
    steps:
      - call: calculater
      - call: calculator
        with: {expression: "{summ}"}
        take: "{result_text} is"
        otherwise: "{result.calculator} {other}"
    say: "{sum} = {result}, {result_text} {result.clock}"
)");
  CHECK(has(found, "unknown tool of this agent `calculater`; did you mean `calculator`?"));
  CHECK(has(found, "nothing gives a value to `{summ}`; did you mean `{sum}`?"));
  CHECK(has(found, "nothing gives a value to `{other}`"));
  CHECK(has(found, "nothing gives a value to `{result.clock}`"));
  CHECK_FALSE(has(found, "`{result_text}`"));
  // What a server has is known when it runs.
  CHECK_FALSE(
      has(check("mcp: {fs: {command: [x]}}\nintents: [{match: go, steps: [{call: fs_list}]}]\n"), "unknown tool"));
  CHECK(has(check("mcp: {fs: {command: [x]}}\nintents: [{match: go, steps: [{call: sf_list}]}]\n"), "unknown tool"));
  CHECK(has(check("intents:\n  - match: 'add {a'\n    say: Hello.\n"),
            "a.yaml:3:12: error: the pattern `add {a` is wrong: a `{` is not closed by `}`\n"));
}

TEST_CASE("the examples have nothing wrong with them") {
  static const Registry kRegistry = builtin();
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SENNIT_SOURCE_DIR "/examples")) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    for (const FileDiagnostic& found : check_file(entry.path(), kRegistry)) {
      FAIL_CHECK(format_diagnostic(found.file, found.diagnostic));
    }
  }
  CHECK(files >= 4);
}

TEST_CASE("the agent files that the documents print have nothing wrong with them") {
  static const Registry kRegistry = builtin();
  for (const char* document : {"/README.md", "/docs/agents.md"}) {
    const std::string text = testing::read_file(SENNIT_SOURCE_DIR + std::string(document));
    const TempDir folder;
    std::size_t files = 0;
    for (std::size_t at = text.find("```yaml\n"); at != std::string::npos; at = text.find("```yaml\n", at + 1)) {
      const std::string yaml = text.substr(at + 8, text.find("```", at + 8) - at - 8);
      if (yaml.find("sennit: 1") == std::string::npos) continue;
      ++files;
      for (const FileDiagnostic& found : check_file(folder.write("a.yaml", yaml), kRegistry)) {
        FAIL_CHECK(document << format_diagnostic(found.file, found.diagnostic));
      }
    }
    CHECK(files == 1);
  }
}

// ---- through the program ----

struct Ran {
  std::string out;
  int status = 0;
};

Ran sennit(const std::string& arguments) {
  const std::string command = SENNIT_PROGRAM " " + arguments + " 2>&1";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), [](FILE*) { return 0; });
  Ran ran;
  std::array<char, 4096> buffer{};
  for (std::size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) > 0;)
    ran.out.append(buffer.data(), got);
  ran.status = WEXITSTATUS(::pclose(pipe.get()));
  return ran;
}

TEST_CASE("sennit check prints what is wrong and ends with 1, or says ok and ends with 0") {
  const TempDir folder;
  const std::string wrong = folder.write("wrong.yaml", "sennit: 1\nnmae: x\n").string();
  const std::string right = folder.write("right.yaml", "sennit: 1\n").string();
  const Ran both = sennit("check " + right + " " + wrong);
  CHECK(both.out == right + ": ok\n" + wrong + ":2:1: error: unknown key `nmae`; did you mean `name`?\n");
  CHECK(both.status == 1);
  CHECK(sennit("check " + right).status == 0);
  const Ran none = sennit("check " + (folder / "none.yaml").string());
  CHECK(none.out == (folder / "none.yaml").string() + ": error: no such agent file\n");
  CHECK(none.status == 1);
  const Ran warned = sennit("check " + folder.write("w.yaml", "sennit: 1\npolicy: {ask: x}\n").string());
  CHECK(warned.status == 0);
}

TEST_CASE("sennit schema prints the files that the repository keeps") {
  CHECK(sennit("schema").out == testing::read_file(SENNIT_SOURCE_DIR "/examples/sennit.schema.json"));
  CHECK(sennit("schema --markdown").out == testing::read_file(SENNIT_SOURCE_DIR "/docs/agents.md"));
}

}  // namespace
}  // namespace sennit::app
