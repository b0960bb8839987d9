#include <sennit/backends/auto.hpp>
#include <sennit/backends/catalogue/catalogue.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <catch2/catch_test_macros.hpp>
#include <support/fixtures.hpp>
#include <support/http_server.hpp>

#include <cstdlib>
#include <map>

namespace sennit {
namespace {

using testing::HttpServer;
using testing::Reply;
using testing::TestEnvironment;

/// Sets variables for one test; no key of the machine's own is seen meanwhile.
class Variables {
 public:
  explicit Variables(const std::map<std::string, std::string>& set) {
    for (const std::string& name : names()) {
      const char* const value = std::getenv(name.c_str());
      if (value != nullptr) before_.emplace(name, value);
      ::unsetenv(name.c_str());
    }
    for (const auto& [name, value] : set) ::setenv(name.c_str(), value.c_str(), 1);
  }
  ~Variables() {
    for (const std::string& name : names()) ::unsetenv(name.c_str());
    for (const auto& [name, value] : before_) ::setenv(name.c_str(), value.c_str(), 1);
  }
  Variables(const Variables&) = delete;
  Variables& operator=(const Variables&) = delete;

 private:
  static std::vector<std::string> names() {
    std::vector<std::string> all{"OLLAMA_HOST"};
    for (const Provider& provider : catalogue()->providers()) all.push_back(provider.key_variable);
    return all;
  }

  std::map<std::string, std::string> before_;
};

std::string address(const HttpServer& server) {
  return server.url("");
}

/// An address where nobody listens.
std::string nobody() {
  asio::io_context loop;
  asio::ip::tcp::acceptor acceptor(loop, {asio::ip::make_address("127.0.0.1"), 0});
  return "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
}

const std::string kModels = R"({"object":"list","data":[{"id":"nomic-embed-text"},{"id":"qwen3:8b"},{"id":"other"}]})";

/// An agent that can answer offline.
Definition with_intents() {
  Definition definition;
  definition.intents.emplace_back().match = {"hello"};
  definition.intents.back().say = "Hello!";
  return definition;
}

Selection select(std::vector<LocalServer> servers, const ModelSpec& spec = {},
                 const Definition& definition = with_intents()) {
  TestEnvironment env;
  const Registry registry;
  const auto backend = make_auto_backend(spec, {definition, registry, {}}, std::move(servers));
  return testing::run(env, backend->select(env));
}

std::string chosen(const Selection& selection) {
  return selection.backend ? selection.backend->info().id : "none";
}

TEST_CASE("a key in the environment goes before everything, in the order of the providers") {
  const Variables variables({{"OPENAI_API_KEY", "k"}});
  const HttpServer server(Reply::json(kModels));
  const Selection selection = select({{"ollama", address(server)}});
  CHECK(chosen(selection).starts_with("openai/"));
  CHECK(selection.notice.find("OPENAI_API_KEY is set") != std::string::npos);
  CHECK(server.requests().empty());
  ::setenv("DEEPSEEK_API_KEY", "k", 1);
  CHECK(chosen(select({})).starts_with("deepseek/"));
}

TEST_CASE("an empty key is no key") {
  const Variables variables({{"DEEPSEEK_API_KEY", ""}});
  CHECK(chosen(select({})) == "scripted");
}

TEST_CASE("a local server that answers is taken, with a model that can talk") {
  const Variables variables({});
  const HttpServer server(Reply::json(kModels));
  const Selection selection = select({{"llama-server", nobody()}, {"ollama", address(server)}});
  CHECK(chosen(selection) == "ollama/qwen3:8b");
  CHECK(selection.notice.find(address(server)) != std::string::npos);
  CHECK(selection.notice.find('\n') == std::string::npos);
  REQUIRE(server.requests().size() == 1);
  CHECK(server.requests()[0].target == "/v1/models");
}

TEST_CASE("of several local servers the first of the list is taken, not the quickest") {
  const Variables variables({});
  const HttpServer slow(Reply::json(R"({"data":[{"id":"slow"}]})").after(std::chrono::milliseconds(30)));
  const HttpServer quick(Reply::json(R"({"data":[{"id":"quick"}]})"));
  CHECK(chosen(select({{"ollama", address(slow)}, {"vllm", address(quick)}})) == "ollama/slow");
}

TEST_CASE("without key and server the agent answers offline, and says how to get a model") {
  const Variables variables({});
  const Selection selection = select({{"ollama", nobody()}});
  CHECK(chosen(selection) == "scripted");
  CHECK(selection.notice.find("DEEPSEEK_API_KEY") != std::string::npos);
  CHECK(selection.notice.find("Ollama") != std::string::npos);
}

TEST_CASE("an agent without intents does not answer without a model: it fails, and says how to get one") {
  const Variables variables({});
  const Error error = testing::error_of([&] { (void)select({{"ollama", nobody()}}, {}, Definition{}); });
  CHECK(error.code() == errc::not_found);
  CHECK(error.message().find("DEEPSEEK_API_KEY") != std::string::npos);
  CHECK(error.message().find("`intents`") != std::string::npos);
}

TEST_CASE("what listens but is no model server is passed over") {
  const Variables variables({});
  const HttpServer html(Reply::text("<html>hello</html>"));
  const HttpServer missing(Reply::text("no").status(404));
  const HttpServer none(Reply::json(R"({"data":[]})"));
  const HttpServer embeddings(Reply::json(R"({"data":[{"id":"bge-m3"}]})"));
  const HttpServer odd(Reply::json(R"({"data":{"id":5}})"));
  const HttpServer garbage(Reply::raw("\x16\x03\x01 garbage"));
  const HttpServer large(Reply::json("[\"" + std::string(1U << 20U, 'x') + "\"]"));
  CHECK(chosen(select({{"ollama", address(html)},
                       {"ollama", address(missing)},
                       {"ollama", address(none)},
                       {"vllm", address(embeddings)},
                       {"vllm", address(odd)},
                       {"vllm", address(garbage)},
                       {"vllm", address(large)}})) == "scripted");
}

TEST_CASE("a server that never answers is given up in time") {
  const Variables variables({});
  const HttpServer silent(Reply::json(kModels).stall());
  const HttpServer stuck(Reply::json(kModels).stall_after(10));
  const HttpServer good(Reply::json(kModels));
  const auto start = std::chrono::steady_clock::now();
  CHECK(chosen(select({{"ollama", address(silent)}, {"vllm", address(stuck)}, {"llama-server", address(good)}})) ==
        "llama-server/qwen3:8b");
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
}

TEST_CASE("a cancelled choice stops asking") {
  const Variables variables({});
  TestEnvironment env;
  const HttpServer silent(Reply::json(kModels).stall());
  const Definition definition;
  const Registry registry;
  const auto backend = make_auto_backend({}, {definition, registry, {}}, {{"ollama", address(silent)}});
  auto task = testing::start(env, backend->select(env));
  testing::until(env, [&] { return silent.requests().size() == 1; });
  task.cancel();
  CHECK(task.error().code() == errc::cancelled);
}

TEST_CASE("OLLAMA_HOST is read as Ollama reads it") {
  const auto ollama = [](const std::string& host) {
    const Variables variables({{"OLLAMA_HOST", host}});
    return local_servers().front().address;
  };
  CHECK(ollama("") == "http://127.0.0.1:11434");
  CHECK(ollama("0.0.0.0") == "http://127.0.0.1:11434");
  CHECK(ollama("box") == "http://box:11434");
  CHECK(ollama("box:1234") == "http://box:1234");
  CHECK(ollama(":1234") == "http://127.0.0.1:1234");
  CHECK(ollama("https://box:1234/") == "https://box:1234");
  CHECK(ollama("[::1]:1234") == "http://[::1]:1234");
  CHECK(ollama("[::1]") == "http://[::1]:11434");
}

TEST_CASE("settings that belong to a provider are refused beside auto") {
  const Definition definition;
  const Registry registry;
  ModelSpec spec;
  spec.base_url = "http://127.0.0.1:1";
  CHECK_THROWS_AS(make_auto_backend(spec, {definition, registry, {}}), Error);
  spec = {};
  spec.name = "auto/large";
  CHECK_THROWS_AS(make_auto_backend(spec, {definition, registry, {}}), Error);
}

}  // namespace
}  // namespace sennit
