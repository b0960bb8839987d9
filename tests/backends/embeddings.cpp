// Vectors from real HTTP servers, well-behaved and not.
#include "support/fixtures.hpp"
#include "support/http_server.hpp"
#include <sennit/backends/embeddings.hpp>
#include <sennit/backends/wire/embedding_wire.hpp>

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

#include <memory>

namespace sennit::testing {
namespace {

using namespace std::chrono_literals;
using Vectors = std::vector<std::vector<float>>;

/// The key is given in the text, so that no test depends on the environment of the machine.
ModelSpec spec_for(const HttpServer& server, std::string name = "openai-compatible/test-model") {
  ModelSpec spec;
  spec.name = std::move(name);
  spec.base_url = server.url("/v1");
  spec.api_key = Secret("key-of-the-test");
  spec.retry.delay = 1ms;
  return spec;
}

Embeddings embed(TestEnvironment& environment, const ModelSpec& spec, std::vector<std::string> texts,
                 EmbedFor use = EmbedFor::document) {
  const std::shared_ptr<const Embedder> embedder = make_embedder(spec);
  return run(environment, embedder->embed(environment, std::move(texts), use));
}

Embeddings embed(const ModelSpec& spec, std::vector<std::string> texts, EmbedFor use = EmbedFor::document) {
  TestEnvironment environment;
  return embed(environment, spec, std::move(texts), use);
}

Error failure(const ModelSpec& spec, std::vector<std::string> texts = {"one", "two"}) {
  TestEnvironment environment;
  const std::shared_ptr<const Embedder> embedder = make_embedder(spec);
  return run_error(environment, embedder->embed(environment, std::move(texts), EmbedFor::document));
}

constexpr std::string_view kTwo =
    R"({"object":"list","data":[{"object":"embedding","index":1,"embedding":[0,1]},)"
    R"({"object":"embedding","index":0,"embedding":[0.25,-1.5]}],"usage":{"prompt_tokens":7,"total_tokens":7}})";

Reply two() {
  return Reply::json(std::string(kTwo));
}

TEST_CASE("OpenAI's form: what is sent, and vectors in the order of the texts") {
  const HttpServer server(two());
  ModelSpec spec = spec_for(server);
  spec.options.extra["dimensions"] = 2;
  const Embeddings given = embed(spec, {"one", "two \"quoted\""});
  CHECK(given.vectors == Vectors{{0.25F, -1.5F}, {0, 1}});
  CHECK(given.usage.input == 7);
  CHECK(given.usage.output == std::nullopt);
  const HttpRequest request = server.requests().at(0);
  CHECK(request.method == "POST");
  CHECK(request.target == "/v1/embeddings");
  CHECK(request.header("authorization") == "Bearer key-of-the-test");
  CHECK(request.body == R"({"model":"test-model","input":["one","two \"quoted\""],"dimensions":2})");
  CHECK(make_embedder(spec)->info().dimensions == 2);
}

TEST_CASE("vectors in base64 are read like those in decimals") {
  // 1.0 and -2.5 as little-endian floats: 00 00 80 3f 00 00 20 c0
  const HttpServer server(Reply::json(R"({"data":[{"index":0,"embedding":"AACAPwAAIMA="}]})"));
  ModelSpec spec = spec_for(server);
  spec.options.extra["encoding_format"] = "base64";
  CHECK(embed(spec, {"one"}).vectors == Vectors{{1.0F, -2.5F}});
  CHECK(server.requests().at(0).body == R"({"model":"test-model","input":["one"],"encoding_format":"base64"})");
}

TEST_CASE("Ollama's form") {
  const HttpServer server(Reply::json(R"({"model":"m","embeddings":[[1,0],[0,1]],"prompt_eval_count":4})"));
  ModelSpec spec = spec_for(server, "ollama/all-minilm");
  const Embeddings given = embed(spec, {"one", "two"});
  CHECK(given.vectors == Vectors{{1, 0}, {0, 1}});
  CHECK(given.usage.input == 4);
  CHECK(server.requests().at(0).target == "/api/embed");
  CHECK(server.requests().at(0).body == R"({"model":"all-minilm","input":["one","two"],"truncate":false})");
  spec.options.extra["truncate"] = true;
  CHECK(embed(spec, {"one", "two"}).vectors.size() == 2);
  CHECK(server.requests().at(1).body == R"({"model":"all-minilm","input":["one","two"],"truncate":true})");
}

TEST_CASE("Gemini's form says what the vectors are for") {
  const HttpServer server(Reply::json(R"({"embeddings":[{"values":[1,0]},{"values":[0,1]}]})"));
  ModelSpec spec = spec_for(server, "gemini/gemini-embedding-001");
  spec.base_url = server.url("/v1beta");
  spec.options.extra["dimensions"] = 2;
  CHECK(embed(spec, {"one", "two"}, EmbedFor::query).vectors == Vectors{{1, 0}, {0, 1}});
  const HttpRequest request = server.requests().at(0);
  CHECK(request.target == "/v1beta/models/gemini-embedding-001:batchEmbedContents");
  CHECK(request.header("x-goog-api-key") == "key-of-the-test");
  CHECK(request.header("authorization").empty());
  CHECK(request.body == R"({"requests":[{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"one"}]},)"
                        R"("taskType":"RETRIEVAL_QUERY","outputDimensionality":2},)"
                        R"({"model":"models/gemini-embedding-001","content":{"parts":[{"text":"two"}]},)"
                        R"("taskType":"RETRIEVAL_QUERY","outputDimensionality":2}]})");
}

/// Answers each text with its own number, as Gemini does.
Reply numbered(const HttpRequest& request) {
  const json::value asked = json::parse(request.body);
  json::array vectors;
  for (const json::value& one : asked.at("requests").as_array()) {
    const std::string text(one.at("content").at("parts").at(0).at("text").as_string());
    vectors.push_back(json::object{{"values", json::array{std::stoi(text), 1}}});
  }
  return Reply::json(json::serialize(json::value{{"embeddings", vectors}}));
}

TEST_CASE("many texts go in several requests and come back in their order") {
  const HttpServer server(numbered);
  std::vector<std::string> texts;
  for (int i = 0; i < 250; ++i) texts.push_back(std::to_string(i));
  const Embeddings given = embed(spec_for(server, "gemini/gemini-embedding-001"), texts);
  REQUIRE(given.vectors.size() == 250);
  for (std::size_t i = 0; i < 250; ++i) CHECK(given.vectors[i].front() == static_cast<float>(i));
  CHECK(server.requests().size() == 3);
}

TEST_CASE("a batch is bounded in texts and in bytes, and a long text goes alone") {
  const std::vector<std::string> texts{"1234567890", "12", "34", "56"};
  CHECK(next_batch(texts, {2, 100}) == 2);
  CHECK(next_batch(texts, {10, 5}) == 1);
  CHECK(next_batch(std::span(texts).subspan(1), {10, 5}) == 2);
  CHECK(next_batch({}, {10, 5}) == 0);
}

TEST_CASE("no texts are no request, and an empty one is refused before any") {
  const HttpServer server(two());
  CHECK(embed(spec_for(server), {}).vectors.empty());
  const Error error = failure(spec_for(server), {"one", ""});
  CHECK(error.code() == errc::invalid_argument);
  CHECK(error.message().find("text 2") != std::string::npos);
  CHECK(server.requests().empty());
}

TEST_CASE("a refused key is not tried again, and is not shown") {
  const HttpServer server(
      Reply::json(R"({"error":{"message":"bad key key-of-the-test","type":"invalid_request_error"}})").status(401));
  const Error error = failure(spec_for(server));
  CHECK(error.code() == errc::authentication);
  CHECK(error.describe().find("key-of-the-test") == std::string::npos);
  CHECK(error.where() == server.url("/v1/embeddings"));
  CHECK(server.requests().size() == 1);
}

TEST_CASE("too many requests: what the server asks for is waited for, not our own delay") {
  const HttpServer server({Reply::json(R"({"error":{"message":"slow down"}})").status(429).header("Retry-After", "0"),
                           Reply::text("busy").status(503).header("retry-after-ms", "20"), two()});
  ModelSpec spec = spec_for(server);
  spec.retry.delay = 1h;
  spec.retry.longest = 2h;
  CHECK(embed(spec, {"one", "two"}).vectors.size() == 2);
  CHECK(server.requests().size() == 3);
  CHECK(server.requests().at(2).body == server.requests().at(0).body);
}

TEST_CASE("a longer Retry-After than the settings allow is not waited for") {
  const HttpServer server(Reply::text("busy").status(429).header("Retry-After", "3600"));
  const Error error = failure(spec_for(server));
  CHECK(error.code() == errc::rate_limited);
  CHECK(error.retry_after() == 1h);
  CHECK(server.requests().size() == 1);
}

TEST_CASE("a server that fails every time is given up after the attempts of the settings") {
  const HttpServer server(Reply::text("oops").status(500));
  ModelSpec spec = spec_for(server);
  spec.retry.attempts = 3;
  const Error error = failure(spec);
  CHECK(error.code() == errc::server);
  CHECK(error.status() == 500);
  CHECK(server.requests().size() == 3);
}

TEST_CASE("an answer that ends too early is asked for again") {
  const HttpServer server({two().cut_after(20), two().reset(), two()});
  CHECK(embed(spec_for(server), {"one", "two"}).vectors.size() == 2);
  CHECK(server.requests().size() == 3);
}

TEST_CASE("what is no answer is an error that says so") {
  struct Wrong {
    std::string body;
    std::string_view says;
  };
  const std::vector<Wrong> bodies{
      {std::string(kTwo.substr(0, 60)), "not JSON"},
      {"<html><title>Sign in</title></html>", "an HTML page: Sign in"},
      {R"({"data":[{"index":0,"embedding":[1]}]})", "1 vectors for 2 texts"},
      {R"({"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]})", "two vectors with the index 0"},
      {R"({"data":[{"index":0,"embedding":[1]},{"index":2,"embedding":[1]}]})", "the index 2"},
      {R"({"data":[{"index":0,"embedding":[1]},{"index":-1,"embedding":[1]}]})", "an index that is none"},
      {R"({"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[1,2]}]})", "of 1 and of 2 dimensions"},
      {R"({"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[NaN]}]})", "not JSON"},
      {R"({"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[null]}]})", "no number"},
      {R"({"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[1e60]}]})", "not finite"},
      {R"({"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":"AADAfw=="}]})", "not finite"},  // NaN
      {R"({"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":"AAD"}]})", "no base64"},
      {R"({"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":"AAAA"}]})", "within a number"},
      {R"({"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":"____"}]})", "no base64"},
      {R"({"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[]}]})", "an empty vector"},
      {R"({"data":[1,2]})", "no object"},
      {R"({"object":"list"})", "no list of vectors"},
      {"[]", "no list of vectors"},
      {"", "not JSON"},
  };
  for (const auto& [body, says] : bodies) {
    INFO(body);
    const HttpServer server(Reply::json(body));
    const Error error = failure(spec_for(server));
    CHECK(error.code() == errc::protocol);
    CHECK(error.message().find(says) != std::string::npos);
    INFO(error.message());
    CHECK(server.requests().size() == 1);
  }
}

TEST_CASE("an error inside a good answer is an error") {
  const HttpServer server(Reply::json(R"({"error":{"message":"no such model","code":404}})"));
  const Error error = failure(spec_for(server));
  CHECK(error.code() == errc::bad_request);
  CHECK(error.message().find("no such model") != std::string::npos);
}

TEST_CASE("batches that differ in their dimensions are an error") {
  const HttpServer server([](const HttpRequest& request) {
    const std::size_t count = json::parse(request.body).at("requests").as_array().size();
    const json::array vector = count == 100 ? json::array{1, 2} : json::array{1};
    return Reply::json(json::serialize(json::value{{"embeddings", json::array(count, {{"values", vector}})}}));
  });
  const Error error = failure(spec_for(server, "gemini/m"), std::vector<std::string>(101, "text"));
  CHECK(error.code() == errc::protocol);
}

TEST_CASE("silence ends at the deadlines of the model") {
  const HttpServer headless(two().stall());
  const HttpServer midway(two().stall_after(20));
  for (const HttpServer* server : {&headless, &midway}) {
    ModelSpec spec = spec_for(*server);
    spec.first_token_timeout = spec.idle_timeout = 50ms;
    spec.retry.attempts = 1;
    CHECK(failure(spec).code() == errc::timeout);
  }
  ModelSpec whole = spec_for(midway);
  whole.total_timeout = 50ms;
  const std::size_t asked = midway.requests().size();
  CHECK(failure(whole).code() == errc::timeout);
  CHECK(midway.requests().size() == asked + 1);  // it would be given as long again
}

TEST_CASE("an error whose words do not come is the error all the same") {
  const HttpServer server(Reply::text("no such model here").status(404).cut_after(7));
  const Error error = failure(spec_for(server));
  CHECK(error.code() == errc::bad_request);
  CHECK(error.status() == 404);
}

TEST_CASE("a cancelled request is stopped, and so is a wait for the next attempt") {
  TestEnvironment environment;
  const HttpServer silent(two().stall());
  const HttpServer busy(Reply::text("busy").status(503));
  for (const HttpServer* server : {&silent, &busy}) {
    ModelSpec spec = spec_for(*server);
    spec.retry.delay = spec.retry.longest = 1h;
    const std::shared_ptr<const Embedder> embedder = make_embedder(spec);
    auto task = start(environment, embedder->embed(environment, {"one"}, EmbedFor::query));
    until(environment, [&] { return server->requests().size() == 1; });
    task.cancel();
    CHECK(task.error().code() == errc::cancelled);
  }
  until(environment, [&] { return silent.open_connections() == 0; });
}

TEST_CASE("the work goes on when the embedder is gone") {
  TestEnvironment environment;
  const HttpServer server(two());
  std::shared_ptr<const Embedder> embedder = make_embedder(spec_for(server));
  asio::awaitable<Embeddings> work = embedder->embed(environment, {"one", "two"}, EmbedFor::query);
  embedder.reset();
  const Embeddings given = run(environment, std::move(work));
  CHECK(given.vectors.size() == 2);
}

Error refused(const std::string& name, const std::function<void(ModelSpec&)>& change = {}) {
  ModelSpec spec;
  spec.name = name;
  if (change) change(spec);
  return error_of([&] { return make_embedder(spec); });
}

TEST_CASE("settings that cannot work are refused at once") {
  CHECK(refused("nobody/model").message() == "there is no provider “nobody”");
  CHECK(refused("openai").message() == "name the model: openai/MODEL");
  CHECK(refused("openai/").message() == "name the model: openai/MODEL");
  CHECK(refused("anthropic/claude").message() == "Anthropic has no vectors");
  CHECK(refused("openai-compatible/m").message().find("needs `model.base_url`") != std::string::npos);
  CHECK(refused("openai/m", [](ModelSpec& spec) { spec.base_url = "ftp://x"; }).code() == errc::config);
  CHECK(refused("openai/m", [](ModelSpec& spec) { spec.api = "messages"; }).code() == errc::config);
  CHECK(refused("openai/m", [](ModelSpec& spec) { spec.api = "nonsense"; }).code() == errc::config);
  CHECK(refused("openai/m", [](ModelSpec& spec) { spec.options.extra["input"] = "x"; }).code() == errc::config);
}

TEST_CASE("prices come from the catalogue, at the provider's own address only") {
  ModelSpec spec;
  spec.name = "openai/text-embedding-3-small";
  REQUIRE(make_embedder(spec)->info().prices);
  CHECK(make_embedder(spec)->info().prices->input == 0.02);
  CHECK(make_embedder(spec)->info().id == spec.name);
  spec.base_url = "http://127.0.0.1:1/v1";
  CHECK_FALSE(make_embedder(spec)->info().prices);
}

TEST_CASE("addresses may be written with the path, a slash or a query") {
  CHECK(embedding_url(EmbeddingApi::openai, "http://h/v1/", "m") == "http://h/v1/embeddings");
  CHECK(embedding_url(EmbeddingApi::openai, "http://h/v1/embeddings", "m") == "http://h/v1/embeddings");
  CHECK(embedding_url(EmbeddingApi::openai, "http://h/d?api-version=1", "m") == "http://h/d/embeddings?api-version=1");
  CHECK(embedding_url(EmbeddingApi::ollama, "http://h/v1", "m") == "http://h/api/embed");
  CHECK(embedding_url(EmbeddingApi::gemini, "http://h/v1beta", "m") == "http://h/v1beta/models/m:batchEmbedContents");
}

TEST_CASE("the cosine of two vectors") {
  using Catch::Approx;
  const std::vector<float> a{1, 2, 3};
  const std::vector<float> b{-2, -4, -6};
  const std::vector<float> c{3, 0, -1};
  CHECK(cosine(a, a) == Approx(1));
  CHECK(cosine(a, b) == Approx(-1));
  CHECK(cosine(a, c) == Approx(0).margin(1e-9));
  CHECK(cosine(a, std::vector<float>{0, 0, 0}) == 0);
  CHECK(error_of([&] { return cosine(a, std::vector<float>{1}); }).code() == errc::invalid_argument);
}

}  // namespace
}  // namespace sennit::testing
