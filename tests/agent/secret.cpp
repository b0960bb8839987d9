// Secrets as handles: where their values come from, what they say of themselves, and what is registered of them.
#include "support/forgetting.hpp"
#include <sennit/agent/definition.hpp>
#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/secrets.hpp>
#include <sennit/agent/secret.hpp>
#include <sennit/agent/secret_reference.hpp>
#include <sennit/agent/secret_source.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/fixtures.hpp>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

using namespace sennit;
using namespace sennit::testing;
using sennit::testing::TempDir;

std::filesystem::path written(const std::filesystem::path& file, std::string_view text, mode_t mode = 0600) {
  std::ofstream(file, std::ios::binary) << text;
  ::chmod(file.c_str(), mode);
  return file;
}

std::string failure(const std::string& reference) {
  try {
    (void)Secret(reference).resolve();
  } catch (const Error& error) {
    CHECK(error.code() == errc::config);
    return error.message();
  }
  return "nothing failed";
}

bool is_hidden(const std::string& value) {
  return secrets::redact("<" + value + ">") == "<***>";
}

}  // namespace

TEST_CASE("a command's words are split as in a shell, and nothing else of one is understood") {
  const Forgetting forgetting;
  using secret::split_words;
  using Words = std::vector<std::string>;
  CHECK(split_words("pass show example/token") == Words{"pass", "show", "example/token"});
  CHECK(split_words("  a  'b c'  \"d \\\" e\"  f\\ g h'i'j '' ") == Words{"a", "b c", "d \" e", "f g", "hij", ""});
  CHECK(split_words("sh -c 'a | b; c > $HOME'") == Words{"sh", "-c", "a | b; c > $HOME"});
  for (const char* wrong : {"a | b", "a; b", "a > b", "a && b", "a `b`", "(a)", "a 'b", "a \"b", "", "  "}) {
    INFO(wrong);
    CHECK_THROWS_AS(split_words(wrong), Error);
  }
}

TEST_CASE("references are found where they end, and what is none is told") {
  const Forgetting forgetting;
  using secret::wrong_reference;
  const auto found = secret::find_reference("x ${cmd:jq -r '.a}' f} y");
  REQUIRE(found);
  CHECK(found->what == "jq -r '.a}' f");
  for (const char* right :
       {"", "plain", "${env:A_1}", "Bearer ${file:~/key} and ${cmd:pass show 'a b'}", "a $ b {c}"}) {
    CHECK(wrong_reference(right).empty());
  }
  CHECK(wrong_reference("${TOKEN}") == "`${TOKEN}` refers to nothing; write `${env:TOKEN}`");
  CHECK(wrong_reference("${env:A B}") == "`${env:A B}` refers to nothing; write `${env:NAME}`");
  CHECK(wrong_reference("${file:}") == "`${file:}` names no file; write `${file:PATH}`");
  CHECK(wrong_reference("${cmd:a | b}").find("sh -c") != std::string::npos);
  CHECK(wrong_reference("${env:A} ${file:x") == "a `${` is not closed by `}`");
  CHECK(wrong_reference("${cmd:a 'b}") == "a `${cmd:` is not closed by a `}` outside of quotes");
}

TEST_CASE("a secret's file: its text without line breaks at its end") {
  const Forgetting forgetting;
  const TempDir folder;
  const auto file = written(folder.path() / "key", "file-secret-1\n");
  const std::string handle = "${file:" + file.string() + "}";
  CHECK(Secret(handle).resolve() == "file-secret-1");
  CHECK(Secret("Bearer " + handle).resolve() == "Bearer file-secret-1");
  CHECK(Secret("Bearer " + handle).describe() == "***" + handle);
  CHECK(is_hidden("file-secret-1"));
  SECTION("is kept in memory until an agent is loaded again") {
    written(file, "file-secret-2\n");
    CHECK(Secret(handle).resolve() == "file-secret-1");
    Definition definition;
    definition.model.api_key = Secret(handle);
    load_secrets(definition);
    CHECK(Secret(handle).resolve() == "file-secret-2");
    CHECK(is_hidden("file-secret-2"));
  }
}

TEST_CASE("a secret's file that cannot be one is refused in words that help") {
  const Forgetting forgetting;
  const TempDir folder;
  const auto in = [&](const char* name) { return "${file:" + (folder.path() / name).string() + "}"; };
  CHECK(failure(in("absent")).ends_with("cannot be read: No such file or directory"));
  written(folder.path() / "open", "open-secret-1", 0644);
  CHECK(failure(in("open")).find("is open to others than its owner (mode 0644); close it with `chmod 600 ") !=
        std::string::npos);
  written(folder.path() / "empty", "\n\n");
  CHECK(failure(in("empty")).ends_with("is empty"));
  written(folder.path() / "large", std::string(secret::kMaxValue + 1, 'x'));
  CHECK(failure(in("large")).ends_with("is larger than 64 KiB"));
  written(folder.path() / "binary", std::string("a\0b", 3));
  CHECK(failure(in("binary")).ends_with("holds a zero byte; a secret is text"));
  REQUIRE(::mkfifo((folder.path() / "fifo").c_str(), 0600) == 0);
  CHECK(failure(in("fifo")).ends_with("is no regular file"));
  CHECK(failure("${file:" + folder.path().string() + "}").find("is no regular file") != std::string::npos);
}

TEST_CASE("a secret's program: what it prints, in an environment of its own") {
  const Forgetting forgetting;
  CHECK(Secret("${cmd:printf 'cmd-secret-%s\\n' 7}").resolve() == "cmd-secret-7");
  CHECK(is_hidden("cmd-secret-7"));
  CHECK(Secret("${cmd:pass show a/b}").describe() == "${cmd:pass show a/b}");
  ::setenv("PASSWORD_STORE_DIR", "/a/store", 1);
  ::setenv("SENNIT_TEST_OTHER", "not for it", 1);
  CHECK(Secret("${cmd:sh -c 'echo cmd-secret: $PASSWORD_STORE_DIR $SENNIT_TEST_OTHER'}").resolve() ==
        "cmd-secret: /a/store");
  ::unsetenv("PASSWORD_STORE_DIR");
  ::unsetenv("SENNIT_TEST_OTHER");
}

TEST_CASE("a secret's program that fails is told of by name, status and last words") {
  const Forgetting forgetting;
  CHECK(failure("${cmd:sh -c 'echo no such entry >&2; exit 3'}") ==
        "the secret `${cmd:sh …}` could not be had: sh exited with 3: no such entry");
  CHECK(failure("${cmd:true}") == "the secret `${cmd:true …}` could not be had: true printed nothing");
  CHECK(failure("${cmd:sh -c 'kill -9 $$'}").ends_with("sh was killed by signal 9"));
  CHECK(failure("${cmd:sennit-no-such-program}").find("sennit-no-such-program") != std::string::npos);
  CHECK(failure("${cmd:yes}").ends_with("yes printed more than 64 KiB"));
  try {
    (void)secret::read_command("sh -c 'echo unlock >&2; sleep 30'", std::chrono::milliseconds{300});
    FAIL("it waited");
  } catch (const Error& error) {
    CHECK(error.message() ==
          "the secret `${cmd:sh …}` could not be had: sh did not end within 0.3 s (does it wait for a password? unlock "
          "the store first): unlock");
  }
}

TEST_CASE("what fails at load is told where it is needed, and tried again at the next load") {
  const Forgetting forgetting;
  const TempDir folder;
  const auto file = folder.path() / "late";
  Definition definition;
  definition.model.headers["Authorization"] = "Bearer ${file:" + file.string() + "}";
  load_secrets(definition);
  CHECK(failure("${file:" + file.string() + "}").find("cannot be read") != std::string::npos);
  written(file, "late-secret-12");
  load_secrets(definition);
  CHECK(Secret(definition.model.headers["Authorization"]).resolve() == "Bearer late-secret-12");
}

TEST_CASE("a program that two settings name runs once a load") {
  const Forgetting forgetting;
  const TempDir folder;
  const std::string handle =
      "${cmd:sh -c 'echo x >> " + (folder.path() / "count").string() + "; echo counted-secret-1'}";
  Definition definition;
  definition.model.api_key = Secret(handle);
  definition.model.headers["X-Token"] = handle;
  load_secrets(definition);
  for (int i = 0; i < 3; ++i) CHECK(Secret(handle).resolve() == "counted-secret-1");
  std::ifstream count(folder.path() / "count");
  CHECK(std::string(std::istreambuf_iterator<char>(count), {}) == "x\n");
}

TEST_CASE("files are relative to the agent file, and the agent is the same wherever its folder is") {
  const Forgetting forgetting;
  const TempDir folder;
  written(folder.path() / "key", "placed-secret-1");
  constexpr std::string_view kText =
      "sennit: 1\nmodel: {name: openai/x, api_key: '${file:key}', headers: {X: 'a ${file:./key}'}}\n"
      "tools: [{http: {allow_hosts: [x.org], headers: {Authorization: '${file:key}'}}}]\n";
  const ParsedDefinition here = parse_definition(kText, folder.path() / "agent.yaml");
  const ParsedDefinition there = parse_definition(kText, "/elsewhere/agent.yaml");
  REQUIRE(here.ok());
  CHECK(here.definition.model.api_key.resolve() == "placed-secret-1");
  CHECK(Secret(here.definition.model.headers.at("X")).resolve() == "a placed-secret-1");
  CHECK(here.definition.model.api_key.describe() == "${file:key}");
  CHECK(digest(here.definition) == digest(there.definition));
  CHECK(describe(here.definition) == describe(there.definition));
  CHECK(here.definition.model.api_key.fingerprint() == there.definition.model.api_key.fingerprint());
  CHECK(json::serialize(describe(here.definition)).find(folder.path().string()) == std::string::npos);
}

TEST_CASE("of an address its host is no secret, and the rest is as far as it is one") {
  const Forgetting forgetting;
  ::setenv("SENNIT_TEST_HOST", "house-nine.example.com", 1);
  ::setenv("SENNIT_TEST_PASSWORD", "url-password-1", 1);
  ::setenv("SENNIT_TEST_PATH", "url-path-secret-1", 1);
  ::setenv("SENNIT_TEST_URL", "https://max:url-password-2@house-ten.example.com/v1?key=url-key-22&v=url-version-3", 1);
  CHECK(Secret("https://u:${env:SENNIT_TEST_PASSWORD}@${env:SENNIT_TEST_HOST}/${env:SENNIT_TEST_PATH}?a=b")
            .resolve_address() == "https://u:url-password-1@house-nine.example.com/url-path-secret-1?a=b");
  CHECK(is_hidden("url-password-1"));
  CHECK(is_hidden("url-path-secret-1"));
  CHECK_FALSE(is_hidden("house-nine.example.com"));
  CHECK(Secret("${env:SENNIT_TEST_URL}").resolve_address().starts_with("https://max:"));
  CHECK(is_hidden("url-password-2"));
  CHECK(is_hidden("url-key-22"));
  CHECK(is_hidden("url-version-3"));
  CHECK_FALSE(is_hidden("house-ten.example.com"));
  CHECK(Secret("https://token-as-user-1@h/").resolve_address() == "https://token-as-user-1@h/");
  CHECK(is_hidden("token-as-user-1"));
}

TEST_CASE("of an address that is one reference, what is around its host is secret") {
  const Forgetting forgetting;
  ::setenv("SENNIT_TEST_URL",
           "https://bot-1:pass-22@hooks.example.com/services/T0/path-token-of-16b?x=value-33&y=a%2Bb-44#t", 1);
  ::setenv("SENNIT_TEST_HOST", "bot-55:pass-66@other.example.com", 1);
  (void)Secret("${env:SENNIT_TEST_URL}").resolve_address();
  (void)Secret("https://${env:SENNIT_TEST_HOST}/v1").resolve_address();
  for (const char* value : {"pass-22", "path-token-of-16b", "value-33", "a%2Bb-44", "a+b-44", "bot-55", "pass-66"}) {
    INFO(value);
    CHECK(is_hidden(value));
  }
  for (const char* value : {"hooks.example.com", "services", "other.example.com"}) {
    INFO(value);
    CHECK_FALSE(is_hidden(value));
  }
}

TEST_CASE("variables that everybody knows are no secrets") {
  const Forgetting forgetting;
  const char* const known = std::getenv("HOME");
  const std::string home = known == nullptr ? "" : known;
  ::setenv("HOME", "/home/nobody-at-all", 1);
  CHECK(Secret("${env:HOME}/x").resolve() == "/home/nobody-at-all/x");
  CHECK_FALSE(is_hidden("/home/nobody-at-all"));
  ::setenv("HOME", home.c_str(), 1);
}

TEST_CASE("literal secrets are registered when an agent is loaded") {
  const Forgetting forgetting;
  Definition definition;
  definition.model.api_key = Secret("literal-key-000001");
  definition.model.base_url = "https://u:literal-pass-01@h.example.com/v1?api_key=literal-query-1";
  definition.model.headers = {{"Authorization", "Bearer literal-bearer-1"},
                              {"Cookie", "a=literal-cookie-1; b=literal-cookie-2"},
                              {"X-Plain", "for-everybody-99"}};
  definition.model.fallback.emplace_back().api_key = Secret("literal-key-000002");
  definition.tools.push_back(
      {"openapi",
       json::parse(R"({"auth":{"scheme":"key","value":"literal-auth-1"},"headers":{"X-Token":"literal-tool-1"}})")
           .as_object()});
  McpServer& server = definition.mcp.emplace_back();
  server.headers["Authorization"] = "Bearer literal-mcp-0001";
  server.env["GITHUB_TOKEN"] = "literal-mcp-0002";
  definition.hooks.emplace_back().env["API_KEY"] = "literal-hook-01";
  load_secrets(definition);
  for (const char* value : {"literal-key-000001", "literal-pass-01", "literal-query-1", "literal-bearer-1",
                            "literal-cookie-1", "literal-cookie-2", "literal-key-000002", "literal-auth-1",
                            "literal-tool-1", "literal-mcp-0001", "literal-mcp-0002", "literal-hook-01"}) {
    INFO(value);
    CHECK(is_hidden(value));
  }
  CHECK_FALSE(is_hidden("for-everybody-99"));
  const std::string shown = json::serialize(describe(definition));
  CHECK(shown.find("literal-auth-1") == std::string::npos);
  CHECK(shown.find("literal-tool-1") == std::string::npos);
}
