// What the client decides without a server: names, forms, the rules of signing in.
#include "support/fixtures.hpp"
#include <sennit/agent/io/error.hpp>
#include <sennit/mcp/client/elicitation.hpp>
#include <sennit/mcp/client/http_channel.hpp>
#include <sennit/mcp/client/oauth_rules.hpp>
#include <sennit/mcp/client/oauth_store.hpp>
#include <sennit/mcp/client/pins.hpp>
#include <sennit/mcp/client/state_file.hpp>
#include <sennit/mcp/client/tool_names.hpp>

#include <arpa/inet.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <sys/stat.h>

using namespace sennit;
using namespace sennit::mcp;
using Catch::Matchers::ContainsSubstring;
using sennit::testing::error_of;
using sennit::testing::TempDir;
using Strings = std::vector<std::string>;

namespace {

json::object object(std::string_view text) {
  return json::parse(text).as_object();
}

std::vector<FormField> form(const std::string& properties) {
  return read_form(object(R"({"type":"object","properties":)" + properties + "}"));
}

bool reaches(const char* address, bool allow_private) {
  sockaddr_in where{};
  where.sin_family = AF_INET;
  ::inet_pton(AF_INET, address, &where.sin_addr);
  return may_connect(reinterpret_cast<const sockaddr&>(where), allow_private);
}

}  // namespace

TEST_CASE("tools are named for models, always in the same way, and never alike") {
  std::set<std::string> taken;
  CHECK(name_for_model("github", "search", taken) == "github_search");
  CHECK(name_for_model("github", "a.b/c d", taken) == "github_a_b_c_d");
  const std::string other = name_for_model("github", "a b.c d", taken);
  CHECK(other.starts_with("github_a_b_c_d_"));
  const std::string longest = name_for_model("github", std::string(128, 'x'), taken);
  CHECK(longest.size() == 64);
  CHECK(name_for_model("github", std::string(128, 'x') + "y", taken) != longest);
  std::set<std::string> anew{"github_a_b_c_d"};
  CHECK(name_for_model("github", "a b.c d", anew) == other);
  CHECK(matches("*", "anything"));
  CHECK(matches("get_*_now", "get_the_time_now"));
  CHECK_FALSE(matches("get_*", "set_x"));
  CHECK_FALSE(matches("get", "get_x"));
  CHECK_FALSE(is_tool_name(""));
  CHECK_FALSE(is_tool_name("a\nb"));
  CHECK_FALSE(is_tool_name(std::string(129, 'a')));
}

TEST_CASE("answers to a form are what its fields allow") {
  const auto fields = form(
      R"({"text":{"type":"string","minLength":2,"maxLength":4},"mail":{"type":"string","format":"email"},
          "day":{"type":"string","format":"date"},"link":{"type":"string","format":"uri"},
          "n":{"type":"integer","minimum":1,"maximum":9},"x":{"type":"number"},"ok":{"type":"boolean"},
          "one":{"type":"string","enum":["a","b"],"enumNames":["Alpha","Beta"]},
          "two":{"type":"string","oneOf":[{"const":"r","title":"Red"}]},
          "many":{"type":"array","items":{"enum":["p","q","r"]},"minItems":1,"maxItems":2}})");
  const auto value = [&](std::size_t field, std::string_view said) {
    const FieldAnswer answer = read_answer(fields.at(field), said);
    return answer.value ? json::serialize(*answer.value) : "refused";
  };
  CHECK(value(0, " abc ") == "\"abc\"");
  CHECK(value(0, "a") == "refused");
  CHECK(value(0, "abcde") == "refused");
  CHECK(value(1, "a@b.example") == "\"a@b.example\"");
  CHECK(value(1, "nobody") == "refused");
  CHECK(value(2, "2026-11-26") == "\"2026-11-26\"");
  CHECK(value(2, "26.11.2026") == "refused");
  CHECK(value(3, "https://x.example/") == "\"https://x.example/\"");
  CHECK(value(3, "not one") == "refused");
  CHECK(value(4, "7") == "7");
  CHECK(value(4, "0") == "refused");
  CHECK(value(4, "2.5") == "refused");
  CHECK(value(4, "7 apples") == "refused");
  CHECK(value(5, "2.5") == "2.5E0");
  CHECK(value(5, "nan") == "refused");
  CHECK(value(6, "Yes") == "true");
  CHECK(value(6, "n") == "false");
  CHECK(value(6, "perhaps") == "refused");
  CHECK(value(7, "beta") == "\"b\"");
  CHECK(value(7, "c") == "refused");
  CHECK(value(8, "Red") == "\"r\"");
  CHECK(value(9, "p, R") == R"(["p","r"])");
  CHECK(value(9, "p,q,r") == "refused");
  CHECK(value(9, "z") == "refused");
  CHECK(value(0, "") == "null");  // not required: left out
  CHECK_THAT(question_for(fields[7]), ContainsSubstring("a (Alpha), b (Beta)"));
  CHECK(refusal_in("Decline") == Refusal::decline);
  CHECK(refusal_in("cancel") == Refusal::cancel);
  CHECK(refusal_in("canceled") == Refusal::none);
}

TEST_CASE("a form that is none is refused") {
  CHECK(error_of([] { (void)form(R"({"a":{"type":"object"}})"); }).code() == errc::protocol);
  CHECK(error_of([] { (void)form(R"({"a":{"type":"array","items":{"type":"string"}}})"); }).code() == errc::protocol);
  CHECK(error_of([] { (void)form(R"({"a":7})"); }).code() == errc::protocol);
  std::string many = "{\"f0\":{\"type\":\"string\"}";
  for (int i = 1; i < 100; ++i) many += ",\"f" + std::to_string(i) + "\":{\"type\":\"string\"}";
  CHECK(error_of([&] { (void)form(many + "}"); }).code() == errc::protocol);
}

TEST_CASE("what a changed tool is compared by") {
  const json::object tool = object(
      R"({"name":"a","title":"A","description":"d","inputSchema":{"type":"object","properties":{"x":{},"y":{}}},
          "annotations":{"readOnlyHint":true}})");
  const json::object same =
      object(R"({"inputSchema":{"properties":{"y":{},"x":{}},"type":"object"},"description":"d","name":"a"})");
  CHECK(hash_of(pinned_part(tool)) == hash_of(pinned_part(same)));
  json::object changed = tool;
  changed["description"] = "another";
  CHECK(hash_of(pinned_part(tool)) != hash_of(pinned_part(changed)));
  CHECK_THAT(describe_change(pinned_part(tool), pinned_part(changed)),
             ContainsSubstring("its description was \"d\" and is \"another\" now"));
  changed = tool;
  changed["inputSchema"].as_object()["required"] = json::array{"x"};
  CHECK_THAT(describe_change(pinned_part(tool), pinned_part(changed)), ContainsSubstring("schema of arguments"));
}

TEST_CASE("pins are kept in a file for us alone, and a damaged one is not taken for an empty one") {
  const TempDir folder;
  Pins pins(folder / "mcp/pins.json");
  pins.load();
  CHECK_FALSE(pins.of("server").has_value());
  pins.accept("server", {{"a", object(R"({"name":"a"})")}});
  CHECK(pins.of("server").has_value());
  CHECK_FALSE(std::filesystem::exists(folder / "mcp/pins.json"));
  pins.save();
  pins.accept("server", {{"b", object(R"({"name":"b"})")}});
  pins.load();  // keeps what is not saved yet
  CHECK(pins.of("server")->size() == 2);
  pins.save();
  Pins again(folder / "mcp/pins.json");
  again.load();
  REQUIRE(again.of("server").has_value());
  CHECK(again.of("server")->size() == 2);
  CHECK_FALSE(again.of("other").has_value());
  struct stat status{};
  REQUIRE(::stat((folder / "mcp/pins.json").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0600);
  (void)folder.write("mcp/pins.json", "{");
  CHECK(error_of([&] { again.load(); }).code() == errc::storage);
  again.accept("server", {{"c", object(R"({"name":"c"})")}});
  CHECK(error_of([&] { again.save(); }).code() == errc::storage);
  (void)folder.write("mcp/pins.json", R"({"servers":{}})");
  again.save();  // what could not be saved is still to be
  again.load();
  CHECK(again.of("server")->size() == 1);
}

TEST_CASE("a file of the state folder is waited for a while, and has a bound") {
  const TempDir folder;
  const std::filesystem::path file = folder / "mcp/tokens.json";
  {
    const StateFileLock held(file);
    const Error error = error_of([&] { const StateFileLock second(file, std::chrono::milliseconds(30)); });
    CHECK(error.code() == errc::storage);
    CHECK_THAT(error.message(), ContainsSubstring("another program holds its lock"));
  }
  CHECK_NOTHROW(StateFileLock(file, std::chrono::milliseconds(30)));
  const std::string much(kMaxStateFile + 1, ' ');
  CHECK(error_of([&] { write_state_file(file, much); }).code() == errc::storage);
  CHECK_FALSE(std::filesystem::exists(file));
  (void)folder.write("mcp/tokens.json", much);
  CHECK(error_of([&] { (void)read_state_file(file); }).code() == errc::storage);
}

TEST_CASE("a challenge is read in all its spellings") {
  const oauth::Challenge challenge = oauth::read_challenge(
      R"(Basic realm="x", bearer error="insufficient_scope", scope="a b", resource_metadata="https://r.example/m?x=\"1\"")");
  CHECK(challenge.error == "insufficient_scope");
  CHECK(challenge.scope == "a b");
  CHECK(challenge.metadata == "https://r.example/m?x=\"1\"");
  CHECK(oauth::read_challenge("Bearer scope=a").scope == "a");
  CHECK(oauth::read_challenge("Basic realm=x").scope.empty());
  CHECK(oauth::read_challenge("").scope.empty());
}

TEST_CASE("where a resource and its authorization server describe themselves") {
  CHECK(oauth::resource_metadata_urls("https://r.example:8443/a/mcp?x=1", {}) ==
        Strings{"https://r.example:8443/.well-known/oauth-protected-resource/a/mcp",
                "https://r.example:8443/.well-known/oauth-protected-resource"});
  CHECK(oauth::resource_metadata_urls("https://r.example",
                                      {.metadata = "https://r.example/m", .scope = "", .error = ""}) ==
        Strings{"https://r.example/m"});
  CHECK(oauth::server_metadata_urls("https://as.example/tenant") ==
        Strings{"https://as.example/.well-known/oauth-authorization-server/tenant",
                "https://as.example/.well-known/openid-configuration/tenant",
                "https://as.example/tenant/.well-known/openid-configuration"});
  CHECK(oauth::server_metadata_urls("https://as.example").size() == 2);
  CHECK(oauth::covers("https://r.example/a", "https://r.example/a/mcp"));
  CHECK(oauth::covers("https://r.example", "https://r.example/a/mcp"));
  CHECK_FALSE(oauth::covers("https://r.example/a", "https://r.example/ab"));
  CHECK_FALSE(oauth::covers("https://evil.example/", "https://r.example/a"));
  CHECK_FALSE(oauth::covers("http://r.example/", "https://r.example/a"));
  CHECK_FALSE(oauth::covers("", "https://r.example/a"));
}

TEST_CASE("an authorization server must be who it says, and safe to talk to") {
  const std::string good =
      R"({"issuer":"https://as.example","authorization_endpoint":"https://as.example/a","token_endpoint":"https://as.example/t",
          "code_challenge_methods_supported":["S256"]})";
  CHECK(oauth::read_server(object(good), "https://as.example").token == "https://as.example/t");
  const auto refused = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return error_of([&] { (void)oauth::read_server(object(text), "https://as.example"); }).code();
  };
  CHECK(refused(R"("issuer":"https://as.example")", R"("issuer":"https://as.example/")") == errc::denied);
  CHECK(refused("https://as.example/t", "http://as.example/t") == errc::denied);
  CHECK(refused("https://as.example/a", "javascript:alert(1)") == errc::denied);
  CHECK(refused("S256", "plain") == errc::protocol);
}

TEST_CASE("the answer to a sign-in is taken from nobody but whom we asked") {
  oauth::Server server;
  server.issuer = "https://as.example";
  using Map = std::map<std::string, std::string>;
  CHECK(oauth::read_redirect(Map{{"code", "c"}}, server) == "c");
  CHECK(oauth::read_redirect(Map{{"code", "c"}, {"iss", "https://as.example"}}, server) == "c");
  CHECK(error_of([&] {
          (void)oauth::read_redirect(Map{{"code", "c"}, {"iss", "https://as.example/"}}, server);
        }).code() == errc::denied);
  CHECK_THAT(error_of([&] { (void)oauth::read_redirect(Map{{"error", "access_denied"}}, server); }).message(),
             ContainsSubstring("access_denied"));
  server.promises_issuer = true;
  CHECK(error_of([&] { (void)oauth::read_redirect(Map{{"code", "c"}}, server); }).code() == errc::denied);
}

TEST_CASE("scopes are what is needed and no more") {
  oauth::Server server;
  CHECK(oauth::scopes_for({}, {"a", "b"}, {}, server) == "a b");
  CHECK(oauth::scopes_for({.metadata = "", .scope = "c", .error = ""}, {"a", "b"}, {}, server) == "c");
  CHECK(oauth::scopes_for({.metadata = "", .scope = "c", .error = ""}, {"a"}, {"d"}, server) == "d c");
  CHECK(oauth::scopes_for({}, {}, {}, server).empty());
  server.scopes = {"offline_access"};
  CHECK(oauth::scopes_for({}, {"a"}, {}, server) == "a offline_access");
  CHECK(oauth::joined_scopes("a b", "b c") == "a b c");
}

TEST_CASE("forms of the web and PKCE are as their standards have them") {
  CHECK(oauth::encode_form({{"a b", "c&d=e+f"}, {"g", "ü"}}) == "a%20b=c%26d%3De%2Bf&g=%C3%BC");
  const auto fields = oauth::decode_form("code=a%2Fb&state=x+y&empty=&flag");
  CHECK(fields.at("code") == "a/b");
  CHECK(fields.at("state") == "x y");
  CHECK(fields.at("empty").empty());
  CHECK(fields.contains("flag"));
  // RFC 7636, appendix B
  CHECK(oauth::challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") ==
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

TEST_CASE("tokens are kept for us alone, by resource, and survive a damaged file") {
  const TempDir folder;
  oauth::Store store(folder / "mcp/tokens.json");
  CHECK_FALSE(store.tokens("https://r.example").has_value());
  store.keep("https://r.example", oauth::Tokens{"https://as.example", "secret", "again", 5, "a"});
  store.keep("https://as.example", oauth::Registration{"id", "s", "none", 4711});
  const oauth::Store other(folder / "mcp/tokens.json");
  REQUIRE(other.tokens("https://r.example").has_value());
  CHECK(other.tokens("https://r.example")->refresh == "again");
  CHECK(other.registration("https://as.example")->port == 4711);
  CHECK_FALSE(other.registration("https://other.example").has_value());
  store.forget("https://r.example", "another program's newer one is not what failed");
  CHECK(other.tokens("https://r.example").has_value());
  store.forget("https://r.example", "again");
  CHECK_FALSE(other.tokens("https://r.example").has_value());
  CHECK(other.issuer("https://r.example") == "https://as.example");
  store.keep("https://r.example", oauth::Tokens{"https://as.example", "secret", "again", 5, "a"});
  struct stat status{};
  REQUIRE(::stat((folder / "mcp/tokens.json").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0600);
  REQUIRE(::stat((folder / "mcp").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0700);
  (void)folder.write("mcp/tokens.json", "nonsense");
  CHECK_FALSE(other.tokens("https://r.example").has_value());
}

TEST_CASE("a server is looked for where it may be") {
  CHECK(reaches("127.0.0.1", false));
  CHECK(reaches("93.184.216.34", false));
  CHECK_FALSE(reaches("10.0.0.1", false));
  CHECK_FALSE(reaches("169.254.169.254", false));
  CHECK(reaches("10.0.0.1", true));
  CHECK(names_loopback("http://localhost:3000/mcp"));
  CHECK(names_loopback("http://[::1]:3000/"));
  CHECK_FALSE(names_loopback("http://localhost.evil.example/"));
  CHECK_FALSE(names_loopback("not a url"));
  CHECK(media_type("Text/Event-Stream; charset=utf-8") == "text/event-stream");
}
