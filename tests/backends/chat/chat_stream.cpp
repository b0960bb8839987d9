// The chat backend against a real HTTP server that behaves badly in every way we know.
#include "backends/chat/chat_bodies.hpp"
#include "support/fixtures.hpp"
#include "support/http_server.hpp"
#include <sennit/backends/remote.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <memory>

namespace sennit::testing {
namespace {

using namespace std::chrono_literals;

/// The key is given in the text, so that no test depends on the environment of the machine.
ModelSpec spec_for(const HttpServer& server, std::string name = "openai-compatible/test-model") {
  ModelSpec spec;
  spec.name = std::move(name);
  spec.base_url = server.url("/v1");
  spec.api_key = Secret("key-of-the-test");
  return spec;
}

std::shared_ptr<const Backend> backend_of(const ModelSpec& spec) {
  return make_remote_backend(spec);
}

asio::awaitable<std::vector<Event>> all_events(TokenStream& stream) {
  std::vector<Event> all;
  for (;;) {
    const std::span<Event> batch = co_await stream.next();
    if (batch.empty()) co_return all;
    all.insert(all.end(), batch.begin(), batch.end());
  }
}

/// Asks `spec` for a completion and gives everything the stream yields.
std::vector<Event> complete(TestEnvironment& environment, const ModelSpec& spec) {
  const std::vector<Message> messages{user_message("hello")};
  CompletionRequest request;
  request.messages = messages;
  const std::shared_ptr<const Backend> backend = backend_of(spec);
  const std::unique_ptr<TokenStream> stream = backend->stream(environment, request);
  return run(environment, all_events(*stream));
}

std::vector<Event> complete(const HttpServer& server) {
  TestEnvironment environment;
  return complete(environment, spec_for(server));
}

std::size_t terminals(const std::vector<Event>& events) {
  return static_cast<std::size_t>(std::count_if(events.begin(), events.end(), [](const Event& event) {
    return std::holds_alternative<Finished>(event.data) || std::holds_alternative<Failed>(event.data);
  }));
}

const Error& failure(const std::vector<Event>& events) {
  REQUIRE(terminals(events) == 1);
  REQUIRE(std::holds_alternative<Failed>(events.back().data));
  return std::get<Failed>(events.back().data).error;
}

const Finished& ending(const std::vector<Event>& events) {
  REQUIRE(terminals(events) == 1);
  if (const auto* failed = std::get_if<Failed>(&events.back().data)) FAIL(failed->error.describe());
  return std::get<Finished>(events.back().data);
}

Reply hello() {
  return Reply::sse({text_chunk("hel"), text_chunk("lo"), finish_chunk("stop"), "[DONE]"});
}

/// A stream of `body` as an event stream, whole.
Reply events_of(std::string body) {
  return Reply::text(std::move(body)).header("Content-Type", "text/event-stream");
}

TEST_CASE("an answer streams from a server, and the request says what was asked") {
  const HttpServer server(hello());
  const std::vector<Event> events = complete(server);
  CHECK(text_of(events) == "hello");
  CHECK(ending(events) == Finished{StopReason::stop, "stop"});
  const HttpRequest request = server.requests().at(0);
  CHECK(request.method == "POST");
  CHECK(request.target == "/v1/chat/completions");
  CHECK(request.header("content-type") == "application/json");
  CHECK(request.header("authorization") == "Bearer key-of-the-test");
  CHECK(
      request.body ==
      R"({"model":"test-model","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hello"}]})");
}

TEST_CASE("an answer in odd pieces is the same answer") {
  for (const std::size_t size : {1UL, 3UL, 7UL, 64UL}) {
    INFO(size);
    const HttpServer server(hello().cut_into(size));
    const std::vector<Event> events = complete(server);
    CHECK(text_of(events) == "hello");
    CHECK(ending(events).reason == StopReason::stop);
  }
}

TEST_CASE("tokens are given out as they arrive, not at the end") {
  const HttpServer server(hello().stall_after(sse({text_chunk("hel")}).size()));
  TestEnvironment environment;
  const std::vector<Message> messages{user_message("hello")};
  CompletionRequest request;
  request.messages = messages;
  const auto stream = backend_of(spec_for(server))->stream(environment, request);
  const std::span<Event> batch = run(environment, stream->next());
  REQUIRE(batch.size() == 1);
  CHECK(std::get<TextDelta>(batch.front().data).text == "hel");
}

TEST_CASE("a server that answers a stream with a document is understood") {
  const std::string answer = R"({"choices":[{"index":0,"message":{"content":"hello"},"finish_reason":"stop"}]})";
  CHECK(text_of(complete(HttpServer(Reply::json(answer)))) == "hello");
  CHECK(text_of(complete(HttpServer(events_of(answer)))) == "hello");
  CHECK(text_of(complete(HttpServer(Reply::json("\n\n\n" + answer).cut_into(1)))) == "hello");
}

TEST_CASE("a content type of lines is known in any case, and not believed where the body says otherwise") {
  const std::string lines = text_chunk("hel") + "\n" + text_chunk("lo") + "\n" + finish_chunk("stop") + "\n";
  const auto announced = [](const std::string& body) {
    return Reply::text(body).header("Content-Type", "Application/X-NDJSON; charset=utf-8");
  };
  CHECK(text_of(complete(HttpServer(announced(lines)))) == "hello");
  CHECK(text_of(complete(HttpServer(announced(sse({text_chunk("hello"), finish_chunk("stop"), kDone}))))) == "hello");
}

TEST_CASE("a server that cannot stream is not asked to") {
  const HttpServer server(Reply::json(R"({"choices":[{"message":{"content":"hello"},"finish_reason":"stop"}]})"));
  TestEnvironment environment;
  ModelSpec spec = spec_for(server);
  spec.stream = false;
  CHECK(text_of(complete(environment, spec)) == "hello");
  CHECK(server.requests().at(0).body.find(R"("stream":false)") != std::string::npos);
  CHECK(server.requests().at(0).body.find("stream_options") == std::string::npos);
}

TEST_CASE("a connection is used again after an answer that was read to its end mark") {
  const HttpServer server(hello().chunked());
  TestEnvironment environment;
  for (int i = 0; i < 3; ++i) CHECK(text_of(complete(environment, spec_for(server))) == "hello");
  CHECK(server.requests().size() == 3);
  CHECK(server.connections() == 1);
}

TEST_CASE("an end mark ends the answer, even if the server keeps the connection open") {
  const std::string body = sse({text_chunk("hello"), finish_chunk("stop"), kDone});
  const HttpServer server(events_of(body + ": never read\n\n").stall_after(body.size()));
  CHECK(ending(complete(server)).reason == StopReason::stop);
}

TEST_CASE("an answer that is cut off is a retryable truncation, with the text that came") {
  const std::size_t cut = sse({text_chunk("hel")}).size() + 10;
  for (const bool by_reset : {false, true}) {
    INFO((by_reset ? "reset" : "closed"));
    const HttpServer server(by_reset ? hello().reset_after(cut) : hello().cut_after(cut));
    const std::vector<Event> events = complete(server);
    CHECK(failure(events).code() == errc::truncated);
    CHECK(failure(events).retryable());
    if (!by_reset) CHECK(text_of(events) == "hel");
  }
  const HttpServer ended(events_of(sse({text_chunk("hel")})).until_close());
  CHECK(failure(complete(ended)).code() == errc::truncated);
}

TEST_CASE("an answer that was whole but for its end mark is whole") {
  const std::string body = sse({text_chunk("hello"), finish_chunk("stop")});
  CHECK(ending(complete(HttpServer(events_of(body).until_close()))).reason == StopReason::stop);
  CHECK(ending(complete(HttpServer(events_of(body + sse({kDone})).cut_after(body.size())))).reason == StopReason::stop);
}

TEST_CASE("a connection that ends before the answer is named and retryable") {
  for (Reply reply : {Reply::text("").cut(), Reply::text("").reset()}) {
    const Error error = failure(complete(HttpServer(std::move(reply))));
    CHECK(error.retryable());
    CHECK(error.where().find("127.0.0.1") != std::string::npos);
  }
  TestEnvironment environment;
  ModelSpec spec;
  {
    const HttpServer gone(hello());
    spec = spec_for(gone);
  }
  CHECK(failure(complete(environment, spec)).code() == errc::connect_failed);
}

TEST_CASE("silence before the first token ends in a timeout that names the phase") {
  for (Reply reply : {Reply::text("").stall(), hello().stall_after(0), hello().stall_after(5)}) {
    const HttpServer server(std::move(reply));
    TestEnvironment environment;
    ModelSpec spec = spec_for(server);
    spec.first_token_timeout = 200ms;
    const Error error = failure(complete(environment, spec));
    CHECK(error.code() == errc::timeout);
    CHECK(error.retryable());
    CHECK(error.message().find("first") != std::string::npos);
  }
}

TEST_CASE("silence between tokens ends in a timeout that names the phase, and keeps the text") {
  const HttpServer server(hello().stall_after(sse({text_chunk("hel")}).size()));
  TestEnvironment environment;
  ModelSpec spec = spec_for(server);
  spec.idle_timeout = 200ms;
  const std::vector<Event> events = complete(environment, spec);
  CHECK(text_of(events) == "hel");
  CHECK(failure(events).code() == errc::timeout);
  CHECK(failure(events).message().find("model.timeouts.idle") != std::string::npos);
}

/// What a server may send for ever without saying anything.
const std::vector<std::pair<std::string, std::function<std::string(std::size_t)>>>& fillers() {
  static const std::vector<std::pair<std::string, std::function<std::string(std::size_t)>>> kFillers{
      {"comments", [](std::size_t) { return std::string(": keep-alive\n\n"); }},
      {"empty text", [](std::size_t) { return sse({text_chunk("")}); }},
      {"roles", [](std::size_t) { return sse({chunk(R"({"role":"assistant","content":null})")}); }},
      {"empty arguments",
       [](std::size_t i) {
         const std::string opening = i == 0 ? R"(,"id":"a")" : "";
         return sse({chunk(R"({"tool_calls":[{"index":0)" + opening + R"(,"function":{"arguments":""}}]})")});
       }},
      {"counts", [](std::size_t i) {
         return sse({R"({"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":)" + std::to_string(i) + "}}"});
       }}};
  return kFillers;
}

TEST_CASE("what says nothing is not content: before the first token it does not put off that deadline") {
  for (const auto& [name, filler] : fillers()) {
    if (name == "empty arguments") continue;  // a call that opens is content
    INFO(name);
    const HttpServer server(Reply::forever(filler).every(20ms));
    TestEnvironment environment;
    ModelSpec spec = spec_for(server);
    spec.first_token_timeout = 300ms;
    const std::vector<Event> events = complete(environment, spec);
    const Error error = failure(events);
    CHECK(error.code() == errc::timeout);
    CHECK(error.retryable());
    CHECK(error.message().find("sent no token for 0.3 s (model.timeouts.first_token)") != std::string::npos);
    CHECK(text_of(events).empty());
  }
}

TEST_CASE("what says nothing is not content: between tokens it does not put off that deadline") {
  for (const auto& [name, filler] : fillers()) {
    INFO(name);
    const HttpServer server(Reply::forever([filler = filler](std::size_t i) {
                              return i == 0 ? sse({text_chunk("hel")}) : filler(i - 1);
                            }).every(20ms));
    TestEnvironment environment;
    ModelSpec spec = spec_for(server);
    spec.idle_timeout = 300ms;
    const std::vector<Event> events = complete(environment, spec);
    CHECK(text_of(events) == "hel");
    CHECK(failure(events).code() == errc::timeout);
    CHECK(failure(events).message().find("sent no token for 0.3 s (model.timeouts.idle)") != std::string::npos);
  }
}

TEST_CASE("the time of a whole answer is bounded, however steadily it comes") {
  const std::vector<std::pair<std::string, std::function<std::string(std::size_t)>>> streams{
      {"tokens", [](std::size_t) { return sse({text_chunk("la")}); }},
      {"keep-alives", [](std::size_t) { return std::string(": keep-alive\n\n"); }},
      {"a drip of bytes", [](std::size_t i) {
         const std::string body = sse({text_chunk("la")});
         return body.substr(i * 2 % body.size(), 2);
       }}};
  for (const auto& [name, piece] : streams) {
    INFO(name);
    const HttpServer server(Reply::forever(piece).every(5ms));
    TestEnvironment environment;
    ModelSpec spec = spec_for(server);
    spec.total_timeout = 500ms;
    const SteadyTime begun = environment.now();
    const std::vector<Event> events = complete(environment, spec);
    CHECK(environment.now() - begun >= 500ms);
    const Error error = failure(events);
    CHECK(error.code() == errc::timeout);
    CHECK(error.message().find("did not end its answer within 0.5 s (model.timeouts.total)") != std::string::npos);
    CHECK(error.where() == server.url("/v1/chat/completions"));
    CHECK_FALSE(error.retryable());
    if (name != "keep-alives") CHECK_FALSE(text_of(events).empty());
  }
}

TEST_CASE("the time of a whole answer counts from the request on, and silence is named by its own deadline") {
  const HttpServer server(Reply::text("").stall());
  TestEnvironment environment;
  ModelSpec spec = spec_for(server);
  spec.total_timeout = 200ms;
  CHECK(failure(complete(environment, spec)).message().find("model.timeouts.total") != std::string::npos);
  spec.total_timeout = 0ms;
  spec.first_token_timeout = 200ms;
  CHECK(failure(complete(environment, spec)).message().find("first") != std::string::npos);
}

TEST_CASE("an answer that was whole in time is whole, whenever its end mark comes") {
  const std::string body = sse({text_chunk("hello"), finish_chunk("stop")});
  const HttpServer server(
      Reply::forever([body](std::size_t i) { return i == 0 ? body : ": keep-alive\n\n"; }).every(5ms));
  TestEnvironment environment;
  ModelSpec spec = spec_for(server);
  spec.total_timeout = 300ms;
  CHECK(ending(complete(environment, spec)).reason == StopReason::stop);
}

TEST_CASE("a burst is given out in batches, and a stream tells how many pieces it came in") {
  std::string burst;
  for (int i = 0; i < 1000; ++i) burst += sse({text_chunk("x")});
  const HttpServer server(events_of(burst + sse({finish_chunk("stop"), kDone})));
  TestEnvironment environment;
  const std::vector<Message> messages{user_message("hello")};
  CompletionRequest request;
  request.messages = messages;
  const auto stream = backend_of(spec_for(server))->stream(environment, request);
  CHECK(stream->pieces() == 0);
  std::size_t written = 0;
  while (true) {
    const std::span<Event> batch = run(environment, stream->next());
    if (batch.empty()) break;
    std::size_t size = 0;
    for (const Event& event : batch) {
      if (const auto* text = std::get_if<TextDelta>(&event.data)) size += text->text.size();
    }
    CHECK(size <= 50);
    written += size;
    CHECK(stream->pieces() == written);
  }
  CHECK(written == 1000);
}

TEST_CASE("keep-alive comments do not disturb an answer") {
  const HttpServer server(Reply::text("")
                              .chunked()
                              .pieces({": wait\n\n", ": wait\n\n", sse({text_chunk("hello")}), ": wait\n\n",
                                       sse({finish_chunk("stop"), kDone})})
                              .every(5ms));
  CHECK(text_of(complete(server)) == "hello");
}

TEST_CASE("HTTP errors become precise failures") {
  TestEnvironment environment;
  const HttpServer limited(
      Reply::json(R"({"error":{"message":"slow down","type":"requests"}})").status(429).header("Retry-After", "7"));
  const Error error = failure(complete(environment, spec_for(limited)));
  CHECK(error.code() == errc::rate_limited);
  CHECK(error.retry_after() == 7000ms);
  CHECK(error.status() == 429);
  CHECK(error.provider_message() == "slow down");
  CHECK(error.where() == limited.url("/v1/chat/completions"));
  CHECK(failure(complete(HttpServer(Reply::text("<h1>Oops</h1>").status(500)))).code() == errc::server);
  CHECK(failure(complete(HttpServer(Reply::text("").status(302).header("Location", "http://elsewhere/")))).code() ==
        errc::bad_request);
}

TEST_CASE("a refusal whose words never come is still that refusal") {
  const std::string body(1000, 'x');
  CHECK(failure(complete(HttpServer(Reply::text(body).status(429).cut_after(10)))).code() == errc::rate_limited);
  CHECK(failure(complete(HttpServer(Reply::text(body).status(503).reset_after(10)))).code() == errc::overloaded);
}

TEST_CASE("an error in mid-stream ends the stream at once, even if the server goes on") {
  const std::string body = sse({text_chunk("hel"), R"({"error":{"message":"lost","code":502}})"});
  const HttpServer server(events_of(body + sse({text_chunk("more")})).stall_after(body.size()));
  const std::vector<Event> events = complete(server);
  CHECK(text_of(events) == "hel");
  CHECK(failure(events).status() == 502);
}

TEST_CASE("something that is no model server is named as such") {
  const Error error = failure(complete(HttpServer(Reply::text("<html><title>It works!</title></html>"))));
  CHECK(error.code() == errc::protocol);
  CHECK(error.message().find("It works!") != std::string::npos);
  CHECK(failure(complete(HttpServer(Reply::raw("SSH-2.0-OpenSSH\r\n")))).code() == errc::protocol);
}

TEST_CASE("a key that a server quotes does not reach the error") {
  const HttpServer server(Reply::json(R"({"error":{"message":"Incorrect API key: key-of-the-test"}})").status(401));
  const Error error = failure(complete(server));
  CHECK(error.code() == errc::authentication);
  CHECK(error.message().find("key-of-the-test") == std::string::npos);
  CHECK(error.provider_message() == "Incorrect API key: ***");
}

TEST_CASE("a missing key fails before anything is sent, and names the variable to set") {
  const HttpServer server(hello());
  TestEnvironment environment;
  ModelSpec spec = spec_for(server);
  spec.api_key = Secret("${env:SENNIT_TEST_NO_SUCH_KEY}");
  const Error error = failure(complete(environment, spec));
  CHECK(error.code() == errc::authentication);
  CHECK(error.message().find("SENNIT_TEST_NO_SUCH_KEY") != std::string::npos);
  CHECK_FALSE(error.retryable());
  spec.api_key = Secret("two words");
  CHECK(failure(complete(environment, spec)).code() == errc::authentication);
  CHECK(server.requests().empty());
  if (std::getenv("DEEPSEEK_API_KEY") == nullptr) {
    spec = ModelSpec{};
    spec.name = "deepseek/deepseek-flash";
    CHECK(failure(complete(environment, spec)).message().find("DEEPSEEK_API_KEY") != std::string::npos);
  }
}

TEST_CASE("headers of the agent file are sent") {
  const HttpServer server(hello());
  TestEnvironment environment;
  ModelSpec spec = spec_for(server);
  spec.headers = {{"X-Team", "blue"}};
  CHECK(ending(complete(environment, spec)).reason == StopReason::stop);
  CHECK(server.requests().at(0).header("x-team") == "blue");
}

TEST_CASE("after a cancellation nothing more is emitted") {
  const HttpServer server(hello().stall_after(sse({text_chunk("hel")}).size()));
  TestEnvironment environment;
  const std::vector<Message> messages{user_message("hello")};
  CompletionRequest request;
  request.messages = messages;
  const auto stream = backend_of(spec_for(server))->stream(environment, request);
  CHECK(run(environment, stream->next()).size() == 1);
  auto waiting = start(environment, stream->next());
  environment.turn();
  waiting.cancel();
  CHECK(waiting.error().code() == errc::cancelled);
  CHECK(run(environment, stream->next()).empty());
}

TEST_CASE("a stream that is destroyed closes its connection") {
  const HttpServer server(hello().stall_after(sse({text_chunk("hel")}).size()));
  TestEnvironment environment;
  const std::vector<Message> messages{user_message("hello")};
  CompletionRequest request;
  request.messages = messages;
  auto stream = backend_of(spec_for(server))->stream(environment, request);
  CHECK(run(environment, stream->next()).size() == 1);
  stream.reset();
  until(environment, [&] { return server.open_connections() == 0; });
  CHECK(server.open_connections() == 0);
}

TEST_CASE("nothing is sent before the first next") {
  const HttpServer server(hello());
  TestEnvironment environment;
  const auto stream = backend_of(spec_for(server))->stream(environment, CompletionRequest{});
  for (int i = 0; i < 5; ++i) environment.turn();
  CHECK(server.connections() == 0);
}

}  // namespace
}  // namespace sennit::testing
