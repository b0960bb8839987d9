// Whose key goes where: an agent file from a stranger must not carry it off.
#include "support/fixtures.hpp"
#include "support/http_server.hpp"
#include <sennit/backends/remote.hpp>
#include <sennit/backends/wire/provider_key.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <optional>
#include <string>

namespace sennit::testing {
namespace {

constexpr const char* kVariable = "OPENAI_API_KEY";

/// The variable of OpenAI's key, set or not, until the end of the scope.
class KeyVariable {
 public:
  explicit KeyVariable(const char* value) {
    if (const char* const before = std::getenv(kVariable)) before_ = before;
    value != nullptr ? ::setenv(kVariable, value, 1) : ::unsetenv(kVariable);
  }
  ~KeyVariable() { before_ ? ::setenv(kVariable, before_->c_str(), 1) : ::unsetenv(kVariable); }
  KeyVariable(const KeyVariable&) = delete;
  KeyVariable& operator=(const KeyVariable&) = delete;

 private:
  std::optional<std::string> before_;
};

std::string key_for(std::string base_url, std::string api_key = {}, std::string_view provider = "openai") {
  ModelSpec spec;
  spec.name = std::string(provider) + "/x";
  spec.base_url = std::move(base_url);
  if (!api_key.empty()) spec.api_key = Secret(std::move(api_key));
  return resolve_key(*catalogue()->provider(provider), spec);
}

TEST_CASE("a provider's variable goes to its own host only") {
  const KeyVariable variable("sk-secret");
  for (const char* const own :
       {"", "https://api.openai.com/v1", "https://API.OPENAI.COM:443/v1?x=1", "https://eu.api.openai.com/v1"}) {
    INFO(own);
    CHECK(key_for(own) == "sk-secret");
  }
  for (const char* const elsewhere :
       {"https://example.org/v1", "http://api.openai.com/v1", "https://api.openai.com.example.org/v1",
        "https://api.openai.com@example.org/v1", "https://user@api.openai.com/v1", "https://notapi.openai.com/v1",
        "https://api.openai.com:8443/v1", "https://example.org\\@api.openai.com/v1", "https://api%2eopenai.com.evil/v1",
        "http://192.168.0.7:8000/v1", "https://localhost.example.org/v1"}) {
    INFO(elsewhere);
    const Error error = error_of([&] { (void)key_for(elsewhere); });
    CHECK(error.code() == errc::authentication);
    CHECK(error.message().find("api_key: ${env:OPENAI_API_KEY}") != std::string::npos);
    CHECK(error.message().find("sk-secret") == std::string::npos);
  }
}

TEST_CASE("a server on this machine needs no key, and gets none that is not its own") {
  const KeyVariable variable("sk-secret");
  for (const char* const here :
       {"http://127.0.0.1:8080/v1", "http://127.1.2.3/v1", "http://[::1]:8080/v1", "http://localhost:1/v1"}) {
    INFO(here);
    CHECK(key_for(here).empty());
    CHECK(key_for(here, "${env:OPENAI_API_KEY}") == "sk-secret");
  }
}

TEST_CASE("a key that the agent file names goes where the agent file says") {
  const KeyVariable variable("sk-secret");
  CHECK(key_for("https://example.org/v1", "${env:OPENAI_API_KEY}") == "sk-secret");
  CHECK(key_for("https://example.org/v1", "other") == "other");
}

TEST_CASE("a server that gets credentials in a header gets no key") {
  const KeyVariable variable("sk-secret");
  for (const char* const header : {"Authorization", "api-key", "X-API-Key"}) {
    ModelSpec spec;
    spec.name = "openai/x";
    spec.base_url = "https://gateway.example.org/v1";
    spec.headers = {{header, "Basic abc"}};
    CHECK(resolve_key(*catalogue()->provider("openai"), spec).empty());
  }
}

TEST_CASE("without the variable another host is asked without a key") {
  const KeyVariable variable(nullptr);
  CHECK(key_for("https://example.org/v1").empty());
  CHECK(error_of([] { (void)key_for(""); }).message().find(kVariable) != std::string::npos);
}

TEST_CASE("an address by reference is judged and asked by its value") {
  const HttpServer server(Reply::json(R"({"choices":[{"message":{"content":"hello"},"finish_reason":"stop"}]})"));
  const KeyVariable variable(server.url("/v1").c_str());
  CHECK(key_for("${env:OPENAI_API_KEY}").empty());
  ModelSpec spec;
  spec.name = "vllm/x";
  spec.base_url = "${env:OPENAI_API_KEY}";
  TestEnvironment environment;
  const auto stream = make_remote_backend(spec)->stream(environment, CompletionRequest{});
  const std::span<Event> batch = run(environment, stream->next());
  CHECK(std::get<TextDelta>(batch.front().data).text == "hello");
}

TEST_CASE("the advice does not name a variable that was not read") {
  ModelSpec spec;
  const Provider& openai = *catalogue()->provider("openai");
  CHECK(key_variable_for(openai, spec) == kVariable);
  spec.base_url = "http://127.0.0.1:1/v1";
  CHECK(key_variable_for(openai, spec).empty());
  CHECK(key_variable_for(*catalogue()->provider("vllm"), spec) == "VLLM_API_KEY");
}

TEST_CASE("what a header of the agent file brings is blotted out like the key") {
  ModelSpec spec;
  spec.name = "openai-compatible/x";
  spec.base_url = "http://127.0.0.1:1/v1";
  const KeyVariable variable("hs-verysecret-123456");
  spec.headers = {{"Authorization", "Bearer ${env:OPENAI_API_KEY}"}, {"X-Plain", "everybody may see this"}};
  const Error quoted = Error(errc::authentication, "bad key hs-verysecret-123456; everybody may see this")
                           .provider(401, "x", "Bearer hs-verysecret-123456");
  const Error clean = without_key(quoted, *catalogue()->provider("openai-compatible"), spec);
  CHECK(clean.message() == "bad key ***; everybody may see this");
  CHECK(clean.provider_message().find("verysecret") == std::string::npos);
  CHECK(clean.status() == 401);
  CHECK(key_variable_for(*catalogue()->provider("openai-compatible"), spec).empty());
}

}  // namespace
}  // namespace sennit::testing
