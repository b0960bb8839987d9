// Secrets among the words of a command.
#include "support/fixtures.hpp"
#include <sennit/agent/definition.hpp>
#include <sennit/agent/io/secrets.hpp>
#include <sennit/agent/secret.hpp>
#include <sennit/agent/secret_words.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace sennit;
using Catch::Matchers::ContainsSubstring;
using Strings = std::vector<std::string>;

TEST_CASE("a word of a command is a secret by the name before it") {
  const auto shown = [](const Strings& words) {
    Strings command{"npx"};
    command.insert(command.end(), words.begin(), words.end());
    Strings result = without_secrets(command);
    result.erase(result.begin());
    return result;
  };
  CHECK(shown({"--token", "sk-1"}) == Strings{"--token", "***"});
  CHECK(shown({"--api-key=sk-1"}) == Strings{"--api-key=***"});
  CHECK(shown({"-e", "API_KEY=sk=1"}) == Strings{"-e", "API_KEY=***"});
  CHECK(shown({"--header", "Authorization: Bearer sk-1"}) == Strings{"--header", "Authorization: ***"});
  CHECK(shown({"https://x.org/mcp?a=b&token=sk-1"}) == Strings{"https://x.org/mcp?a=b&token=***"});

  const Strings harmless{"-y",     "server",    "--root",           "/srv",    "--token-file",
                         "/run/t", "--verbose", "https://x.org:80", "--token", "-v",
                         "a=b",    "--api-key", "${env:KEY}",       "--key=",  "img/key:1.0"};
  CHECK(shown(harmless) == harmless);
}

TEST_CASE("a command is told from another by what is secret in it, without saying it") {
  const Strings first = with_fingerprints({"x", "--token", "sk-live-0123456789"});
  const Strings second = with_fingerprints({"x", "--token", "sk-live-9876543210"});
  CHECK(first != second);
  CHECK(first == with_fingerprints({"x", "--token", "sk-live-0123456789"}));
  CHECK_THAT(first[2], ContainsSubstring("***#"));
  CHECK(first[2].find("sk-live") == std::string::npos);
}

TEST_CASE("a secret in a server's command is warned of, kept out of the settings that are shown, and redacted") {
  const ParsedDefinition parsed =
      parse_definition("sennit: 1\nmcp: {s: {command: [npx, server, --token, sk-live-0123456789]}}", "agent.yaml");
  CHECK(parsed.ok());
  REQUIRE(parsed.diagnostics.size() == 1);
  CHECK_THAT(parsed.diagnostics[0].message, ContainsSubstring("`mcp.s.command[3]`"));
  CHECK(json::serialize(describe(parsed.definition)).find("sk-live") == std::string::npos);
  secrets::forget_all();
  load_secrets(parsed.definition);
  CHECK(secrets::redact("sk-live-0123456789") == "***");
  secrets::forget_all();
}

TEST_CASE("a client's secret needs the authorization server that it is for") {
  const std::string start = "sennit: 1\nmcp: {s: {url: 'https://x.org/mcp', client_id: me, client_secret: '${env:S}'";
  CHECK(parse_definition(start + ", issuer: 'https://as.org'}}", "agent.yaml").ok());
  const ParsedDefinition parsed = parse_definition(start + "}}", "agent.yaml");
  CHECK_FALSE(parsed.ok());
  REQUIRE(parsed.diagnostics.size() == 1);
  CHECK_THAT(parsed.diagnostics[0].message, ContainsSubstring("needs `issuer`"));
}
