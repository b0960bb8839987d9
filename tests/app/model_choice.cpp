// Another model than the agent file names: what it gets of the file's settings, and above all what it does not.
#include "app/conversation.hpp"
#include "app/program.hpp"
#include <sennit/app/model_choice.hpp>
#include <sennit/app/origin.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace sennit;
using namespace sennit::testing;
using app::read_agent;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr char kAgent[] = R"(sennit: 1
model:
  name: nvidia/one
  api: chat-completions
  base_url: https://nim.example.org/v1
  api_key: ${env:HOUSE_KEY}
  headers: {X-Team: cats}
  prices: {input: 1, output: 2}
  split_think: true
  reasoning_replay: always
  strict_tools: true
  stream: false
  proxy: http://proxy:3128
  ca_file: ca.pem
  timeouts: {connect: 1s, first_token: 2s, idle: 3s, total: 4s}
  rate: {requests: 5}
  retry: {attempts: 2}
  options: {temperature: 0.5, top_p: 0.6, max_tokens: 7, seed: 8, stop: [END], reasoning_effort: low, parallel_tool_calls: false, extra: {house: 1}}
  fallback: [nvidia/two]
  route: {rules: [{model: nvidia/three, tag: big}], escalate: {to: nvidia/four}}
)";

struct File {
  TempDir folder;
  std::filesystem::path path = folder.write("agent.yaml", kAgent);
  [[nodiscard]] ModelSpec model(std::string name = {}, std::vector<std::string> settings = {}) const {
    return read_agent({.file = path, .model = std::move(name), .settings = std::move(settings)}).model;
  }
};

/// What may go to any provider.
ModelSpec neutral(const ModelSpec& from, std::string name) {
  ModelSpec spec;
  spec.name = std::move(name);
  spec.options = from.options;
  spec.options.extra.clear();
  spec.proxy = from.proxy;
  spec.ca_file = from.ca_file;
  spec.connect_timeout = from.connect_timeout;
  spec.first_token_timeout = from.first_token_timeout;
  spec.idle_timeout = from.idle_timeout;
  spec.total_timeout = from.total_timeout;
  spec.retry = from.retry;
  return spec;
}

std::string model_in(const HttpRequest& request) {
  return std::string(json::parse(request.body).at("model").as_string());
}

}  // namespace

TEST_CASE("the key, the address and the rest of a provider's settings stay with that provider") {
  const File file;
  const ModelSpec own = file.model();
  REQUIRE(own.options.extra.contains("house"));
  for (const char* name : {"deepseek/deepseek-chat", "openai-compatible/one", "nvidia-two/one", "auto", "scripted"}) {
    CHECK(file.model(name) == neutral(own, name));
  }
}

TEST_CASE("another model of the same provider has its settings, but prices, fallbacks and routes") {
  const File file;
  ModelSpec expected = file.model();
  expected.fallback.clear();
  expected.route = {};
  CHECK(file.model("nvidia/one") == expected);  // it costs what it did
  expected.name = "nvidia/other";
  expected.prices.reset();
  CHECK(file.model("nvidia/other") == expected);
}

TEST_CASE("what --set says of the model holds for the chosen one") {
  const File file;
  const std::vector<std::string> settings{"model.base_url=http://127.0.0.1:1/v1", "model.options.seed=9",
                                          "model.options.extra={door: 2}", "model.fallback=[scripted]",
                                          "limits.steps=5"};
  const ModelSpec model = file.model("openai-compatible/x", settings);
  ModelSpec expected = neutral(file.model(), "openai-compatible/x");
  expected.base_url = "http://127.0.0.1:1/v1";
  expected.options.seed = 9;
  expected.options.extra = {{"door", 2}};
  expected.fallback.emplace_back().name = "scripted";
  CHECK(model == expected);
  const ModelSpec same = file.model("nvidia/other", {"model.prices={input: 3, output: 4}"});
  REQUIRE(same.prices);
  CHECK(same.prices->input == 3);
  CHECK_FALSE(same.api_key.empty());
  CHECK(file.model("nvidia/other", {"limits.steps=5"}) == file.model("nvidia/other"));
  CHECK(file.model("nvidia/other", {"model=deepseek/x"}).name == "deepseek/x");  // said last
}

TEST_CASE("run --model sends the file's key and headers to the file's provider only") {
  HttpServer server(answer_chat);
  const TempDir folder;
  const auto agent = [&](const std::string& name) {
    return "sennit: 1\nmodel: {name: " + name + ", api_key: '${env:HOUSE_KEY}', headers: {X-Team: cats}, base_url: '" +
           server.url("/v1") + "'}\n";
  };
  folder.write("same.yaml", agent("openai-compatible/one"));
  folder.write("other.yaml", agent("nvidia/one"));
  const Program::Options options{.folder = folder.path(), .input = {}, .environment = {{"HOUSE_KEY", "house-secret"}}};
  CHECK(run_program({"run", "-m", "openai-compatible/two", "same.yaml", "hi"}, options).out == "<hi> 1 sent\n");
  REQUIRE(server.requests().size() == 1);
  const HttpRequest request = server.requests()[0];
  CHECK(model_in(request) == "two");
  CHECK(request.header("authorization") == "Bearer house-secret");
  CHECK(request.header("x-team") == "cats");
  const Ended away = run_program({"run", "-m", "openai-compatible/two", "other.yaml", "hi"}, options);
  CHECK_THAT(away.err, ContainsSubstring("openai-compatible needs `model.base_url`"));
  CHECK(server.requests().size() == 1);
}

TEST_CASE("/model takes of the file's settings what --model does, also after other models", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat;
  chat.say("/model openai-compatible/other", "Going on with openai-compatible/other.");
  chat.say("one", "<one> 1 sent");
  CHECK(model_in(chat.server.requests().back()) == "other");
  chat.say("/model scripted", "Going on with scripted.");
  chat.say("/model", "The model is scripted.");
  chat.say("/model openai-compatible/third", "Going on with openai-compatible/third.");
  chat.say("two", "<two> 3 sent");
  CHECK(model_in(chat.server.requests().back()) == "third");
}
