// How a model is reached: through a proxy, and with authorities of one's own.
#include "support/fixtures.hpp"
#include "support/http_server.hpp"
#include <sennit/agent/registry.hpp>
#include <sennit/backends/remote.hpp>

#include <catch2/catch_test_macros.hpp>

namespace sennit::testing {
namespace {

/// What comes of asking the model of `spec`, whose agent file is in `folder`: the last event.
Event ask(const ModelSpec& spec, const TempDir& folder) {
  TestEnvironment environment;
  Registry registry;
  add_remote_backends(registry);
  Definition definition;
  definition.file = folder / "agent.yaml";
  const auto backend = registry.backend(spec, {definition, registry, {}});
  const std::vector<Message> messages{user_message("hello")};
  CompletionRequest request;
  request.messages = messages;
  const std::unique_ptr<TokenStream> stream = backend->stream(environment, request);
  Event last;
  while (true) {
    const std::span<Event> batch = run(environment, stream->next());
    if (batch.empty()) return last;
    last = batch.back();
  }
}

ModelSpec far_away() {
  ModelSpec spec;
  spec.name = "openai-compatible/far";
  spec.base_url = "http://model.invalid/v1";
  spec.api_key = Secret("key");
  return spec;
}

}  // namespace

TEST_CASE("a model is asked through the proxy that the agent names") {
  const TempDir folder;
  const HttpServer proxy(
      Reply::json(R"({"choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]})"));
  ModelSpec spec = far_away();
  spec.proxy = proxy.url("");
  CHECK(std::holds_alternative<Finished>(ask(spec, folder).data));
  REQUIRE(proxy.requests().size() == 1);
  CHECK(proxy.requests()[0].target == "http://model.invalid/v1/chat/completions");
}

TEST_CASE("a model's own authorities are looked for beside the agent file, and must be there") {
  const TempDir folder;
  const HttpServer server(Reply::text(""));
  ModelSpec spec = far_away();
  spec.base_url = "https" + server.url("/v1").substr(4);
  spec.ca_file = "corp.pem";
  const Event last = ask(spec, folder);
  REQUIRE(std::holds_alternative<Failed>(last.data));
  CHECK(std::get<Failed>(last.data).error.message().find((folder / "corp.pem").string()) != std::string::npos);
}

}  // namespace sennit::testing
