#include <sennit/agent/definition.hpp>
#include <sennit/agent/io/error.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/fixtures.hpp>

#include <algorithm>
#include <cstdlib>

namespace sennit {
namespace {

using testing::TempDir;

Error read_error(const std::filesystem::path& file) {
  try {
    (void)read_definition(file);
  } catch (const Error& error) {
    return error;
  }
  FAIL("it was read");
  throw;
}

/// What a wrong file must be told: the text in the file beside it.
std::string diagnose(const std::filesystem::path& file) {
  std::string lines;
  for (const Diagnostic& diagnostic : parse_definition_file(file).diagnostics) {
    lines += format_diagnostic(file.filename(), diagnostic) + "\n";
  }
  return lines;
}

TEST_CASE("each wrong file is told everything that is wrong with it, at its place") {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SENNIT_SOURCE_DIR "/tests/agent/wrong")) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    INFO(entry.path().filename());
    auto expected = entry.path();
    CHECK(diagnose(entry.path()) == testing::read_file(expected.replace_extension(".txt")));
  }
  CHECK(files >= 30);
}

TEST_CASE("all errors of a file are thrown together, at the first one's place") {
  const TempDir folder;
  const auto file = folder.write("a.yaml", "sennit: 1\nnmae: x\nlimits: {steps: no}\n");
  const Error error = read_error(file);
  CHECK(error.code() == errc::config);
  CHECK(error.where() == file.string() + ":2:1");
  CHECK(error.describe() ==
        file.string() + ":2:1: unknown key `nmae`; did you mean `name`?\n" + file.string() +
            ":3:17: error: `limits.steps`: expected a whole number from 1 to 100000; found the text `no`");
}

TEST_CASE("a file that is not there is not found, and a folder is no file") {
  const TempDir folder;
  CHECK(read_error(folder / "none.yaml").code() == errc::not_found);
  CHECK(read_error(folder.path()).code() == errc::io);
}

TEST_CASE("an alias stands for the value that its anchor names, errors included") {
  const ParsedDefinition parsed = parse_definition(
      "sennit: 1\nname: &n helper\ndescription: *n\n"
      "policy:\n  allow: &names [one, two]\n  deny: *names\n");
  CHECK(parsed.diagnostics.empty());
  CHECK(parsed.definition.description == "helper");
  CHECK(parsed.definition.policy.deny == std::vector<PolicyRule>{"one", "two"});

  const ParsedDefinition wrong = parse_definition("sennit: 1\nname: &n 'the helper'\nlimits: {steps: *n}\n");
  REQUIRE(wrong.diagnostics.size() == 2);
  CHECK(wrong.diagnostics[1].line == 2);  // where the value is written
}

TEST_CASE("a file without a name is named after itself") {
  CHECK(parse_definition("sennit: 1", "x/my agent.yaml").definition.name == "my-agent");
  CHECK(parse_definition("sennit: 1").definition.name == "agent");
  CHECK(parse_definition("sennit: 1\nname: x", "y.yaml").definition.name == "x");
}

TEST_CASE("relative paths are relative to the file") {
  CHECK(parse_definition("sennit: 1", "x/a.yaml").definition.directory() == "x");
  CHECK(parse_definition("sennit: 1", "a.yaml").definition.directory() == ".");
}

TEST_CASE("what is wrong is left out, and the rest is there") {
  const ParsedDefinition parsed =
      parse_definition("sennit: 1\nlimits: {steps: 7, time: x}\ntools: [a, 'b c']\nmemory: true");
  CHECK_FALSE(parsed.ok());
  CHECK(parsed.definition.limits.steps == 7);
  CHECK(parsed.definition.tools == std::vector<ToolSelection>{{"a", {}}, {}});  // a wrong entry keeps its place
  CHECK(parsed.definition.memory.enabled);
}

TEST_CASE("values have places for later checks") {
  const ParsedDefinition parsed =
      parse_definition("sennit: 1\ntools:\n  - a\n  - b: {c: 1}\nmodel: x/y\nagents: [{file: f}]");
  CHECK(parsed.positions.at("tools[1]") == Position{4, 5});
  CHECK(parsed.positions.at("model") == Position{5, 8});
  CHECK(parsed.positions.at("agents[0].file") == Position{6, 17});
}

TEST_CASE("line ends of other systems and a byte order mark change nothing") {
  CHECK(parse_definition("\xEF\xBB\xBFsennit: 1\r\nname: x\r\n").definition.name == "x");
  const auto parsed = parse_definition("sennit: 1\r\nnmae: x\r\n");
  REQUIRE(parsed.diagnostics.size() == 1);
  CHECK(parsed.diagnostics[0].line == 2);
}

TEST_CASE("a YAML 1.1 truth is a text where a text is wanted") {
  const Definition definition = parse_definition("sennit: 1\nname: 123\ndescription: no\ninstructions: 1.0").definition;
  CHECK(definition.name == "123");
  CHECK(definition.description == "no");
  CHECK(definition.instructions == "1.0");
}

TEST_CASE("the digest changes with what the agent does, and with nothing else") {
  const auto of = [](const char* yaml, const char* file = "a.yaml") {
    return digest(parse_definition(yaml, file).definition);
  };
  const std::string plain = of("sennit: 1\nname: a\nlimits: {steps: 5, time: 60s}");
  CHECK(plain.size() == 64);
  CHECK(plain == of("# words\nsennit: 1\nlimits: {time: 1m, steps: 5}\nname: a", "elsewhere/b.yaml"));
  CHECK(plain != of("sennit: 1\nname: a\nlimits: {steps: 6, time: 60s}"));
  CHECK(of("sennit: 1\nname: a\ntools: [{x: {a: 1, b: 2}}]") == of("sennit: 1\nname: a\ntools: [{x: {b: 2, a: 1}}]"));
  CHECK(of("sennit: 1\nname: a\ntools: [x, y]") != of("sennit: 1\nname: a\ntools: [y, x]"));
  CHECK(of("sennit: 1\nname: a\nintents: [{match: x, say: y}]") != of("sennit: 1\nname: a"));
  CHECK(of("sennit: 1\nmodel: {name: a/b, api_key: '${env:A}'}") ==
        of("sennit: 1\nmodel: {name: a/b, api_key: '${env:B}'}"));
}

TEST_CASE("the address of a model is a whole http URL, with references or without") {
  const auto errors = [](const std::string& url) {
    const auto parsed = parse_definition("sennit: 1\nmodel: {name: openai/x, base_url: '" + url + "'}");
    return parsed.diagnostics.size();
  };
  for (const char* right : {"http://x", "https://api.example.com/v1", "http://[::1]:8080/v1/", "${env:URL}",
                            "${env:URL}/v1", "https://${env:HOST}:${env:PORT}/v1", "http://h:65535"}) {
    INFO(right);
    CHECK(errors(right) == 0);
  }
  for (const char* wrong : {"ftp://x", "http://", "https:///v1", "http://:80", "http:x", "http://a b", "x.org/v1",
                            "http://h:65616", "http://h:0", "http://${env:HOST", "${env:A"}) {
    INFO(wrong);
    CHECK(errors(wrong) == 1);
  }
}

TEST_CASE("a secret is looked up when it is used, and never shown") {
  ::setenv("SENNIT_TEST_TOKEN", "s3cret", 1);
  CHECK(Secret("${env:SENNIT_TEST_TOKEN}").resolve() == "s3cret");
  CHECK(Secret("Bearer ${env:SENNIT_TEST_TOKEN}!").resolve() == "Bearer s3cret!");
  CHECK(Secret("plain").resolve() == "plain");
  CHECK(Secret("").resolve().empty());
  CHECK(Secret("${env:SENNIT_TEST_TOKEN}").describe() == "${env:SENNIT_TEST_TOKEN}");
  CHECK(Secret("Bearer ${env:SENNIT_TEST_TOKEN}").describe() == "***${env:SENNIT_TEST_TOKEN}");
  CHECK(Secret("plain").describe() == "***");
  ::unsetenv("SENNIT_TEST_TOKEN");
  try {
    (void)Secret("${env:SENNIT_TEST_TOKEN}").resolve();
    FAIL("an unset variable has no value");
  } catch (const Error& error) {
    CHECK(error.code() == errc::config);
    CHECK(error.message().find("SENNIT_TEST_TOKEN") != std::string::npos);
  }
}

// ---- files that mean harm ----

bool refused(const std::string& yaml) {
  const ParsedDefinition parsed = parse_definition(yaml);
  const auto sane = [](const Diagnostic& d) { return d.line >= 1 && d.column >= 1 && d.message.size() < 500; };
  CHECK(std::ranges::all_of(parsed.diagnostics, sane));
  CHECK(parsed.diagnostics.size() <= 101);
  return !parsed.ok();
}

std::string times(std::string_view text, std::size_t count) {
  std::string result;
  for (std::size_t i = 0; i < count; ++i) result += text;
  return result;
}

TEST_CASE("hostile files are refused quickly") {
  CHECK(refused(std::string(10U << 20U, 'a')));
  CHECK(refused(times("[", 10'000)));
  CHECK(refused("sennit: 1\ntools: " + times("[", 100) + times("]", 100)));
  CHECK(refused(times("{a: ", 10'000)));
  CHECK(refused(times("- ", 400'000)));
  CHECK(refused(times("? ", 400'000)));
  CHECK(refused("sennit: 1\n" + times("a: &x 1\n", 50'000)));
  CHECK(refused("sennit: 1\ntools: [" + times("a, ", 300'000) + "a]"));
  CHECK(refused("sennit: 1\n" + times("k: v\n", 9'000)));
  CHECK(refused("a: &a [*a]"));
  CHECK(refused("&a [*a, *b]"));
  CHECK(refused(std::string("sennit: 1\nname: \0", 17)));
  CHECK(refused("sennit: 1\nname: \xED\xA0\x80"));
  CHECK(refused("sennit: 1\nname: \xC0\x80"));
  CHECK(refused("sennit: 1\nname: \x1b[31m"));
  CHECK(refused("%YAML 9.9\n---\nsennit: 1\nx: y"));
  CHECK(refused("sennit: 1\n" + times("x", 200'000) + ": y"));
  CHECK(refused("sennit: 1\n'" + times("x", 900'000)));
}

TEST_CASE("aliases and anchors that multiply a long text are refused before they fill the memory") {
  const std::string text = times("x", 500'000);
  CHECK(refused("sennit: 1\ndescription: &a " + text + "\npolicy: {allow: [" + times("*a, ", 2'000) + "*a]}\n"));
  const ParsedDefinition in_lists = parse_definition("sennit: 1\ninputs:\n  a: {description: &a [" + text +
                                                     "]}\n  b: [" + times("*a, ", 100) + "*a]\n");
  REQUIRE(in_lists.diagnostics.size() == 1);
  CHECK(in_lists.diagnostics[0].message ==
        "more than 4096 KiB of text, what anchors and aliases repeat counted in; an agent file is smaller");
  CHECK(in_lists.diagnostics[0].line == 4);
  std::string nested = text;
  for (int level = 0; level < 25; ++level) nested = "&a" + std::to_string(level) + " [" + nested + "]";
  CHECK(refused("sennit: 1\ntools: " + nested + "\n"));
  CHECK_FALSE(refused("sennit: 1\ndescription: &a " + text + "\ninstructions: *a\n"));
}

TEST_CASE("a nesting that is deep and allowed is read") {
  const std::string deep = times("[", 28) + times("]", 28);
  CHECK_FALSE(refused("sennit: 1\ntools: [{x: {y: " + deep + "}}]"));
}

}  // namespace
}  // namespace sennit
