// Streams under way: back-pressure, cancellation, ends of life, and thousands at once.
#include "http_fetch.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <sys/resource.h>

using namespace sennit;
using namespace sennit::testing;
using namespace std::chrono_literals;

namespace {

using Held = std::unique_ptr<http::Response>;

asio::awaitable<Held> open(Environment& environment, http::Request request) {
  return environment.http().send(std::move(request));
}

asio::awaitable<std::string> read_once(http::Response& response) {
  const std::string_view piece = co_await response.read();
  co_return std::string(piece);
}

asio::awaitable<void> tick(Environment& environment, int& ticks) {
  for (;;) {
    co_await environment.sleep(5ms);
    ++ticks;
  }
}

struct Tally {
  int done = 0;
  int wrong = 0;
  int open = 0;
  int most_open = 0;
};

asio::awaitable<void> stream_one(Environment& environment, http::Request request, Tally& tally, std::string expected) {
  const auto response = co_await environment.http().send(std::move(request));
  tally.most_open = std::max(tally.most_open, ++tally.open);
  const std::string body = co_await http::read_all(*response);
  --tally.open;
  if (body != expected) ++tally.wrong;
  ++tally.done;
}

}  // namespace

TEST_CASE("a slow reader holds the sender back, and still gets every byte in order", "[http]") {
  TestEnvironment env;
  constexpr std::size_t kSize = 50U << 20U;
  std::string text(kSize, '\0');
  for (std::size_t i = 0; i < kSize; ++i) text[i] = static_cast<char>((i * 2'654'435'761U) >> 24U);
  const bool chunked = GENERATE(false, true);
  HttpServer server(chunked ? Reply::text(text).cut_into(100'000).chunked() : Reply::text(text));
  http::Request request = get(server.url());
  request.limits.buffered = 64U << 10U;
  request.deadlines.idle = 50ms;  // must not run while it is us who pause
  const Held response = run(env, open(env, request));

  int ticks = 0;
  auto ticking = start(env, tick(env, ticks));
  until(env, [&] { return server.bytes_sent() > 500'000; });
  std::size_t before = 0;
  do {  // until the pipe is full: nothing more is taken for a while
    before = server.bytes_sent();
    const int then = ticks;
    until(env, [&] { return ticks > then + 40; });
  } while (server.bytes_sent() != before);
  CHECK(before < 20U << 20U);  // what the kernel's socket buffers hold, and 64 KiB of ours
  ticking.cancel();
  CHECK(ticking.error().code() == errc::cancelled);

  std::size_t at = 0;
  std::size_t largest = 0;
  bool same = true;
  for (;;) {
    const std::string piece = run(env, read_once(*response));
    if (piece.empty()) break;
    same = same && text.compare(at, piece.size(), piece) == 0;
    at += piece.size();
    largest = std::max(largest, piece.size());
  }
  CHECK(same);
  CHECK(at == kSize);
  CHECK(largest <= 64U << 10U);
}

TEST_CASE("cancelling stops the transfer at once, in every phase", "[http]") {
  TestEnvironment env;
  SECTION("before anything was answered") {
    HttpServer server(Reply::text("").stall());
    auto task = start(env, fetch(env, get(server.url())));
    until(env, [&] { return server.requests().size() == 1; });
    task.cancel();
    CHECK(task.error().code() == errc::cancelled);
    until(env, [&] { return server.open_connections() == 0; });
  }
  SECTION("in the middle of the body") {
    HttpServer server(Reply::sse({"one", "two"}).stall_after(11));
    std::string seen;
    auto task = start(env, fetch(env, get(server.url()), &seen));
    until(env, [&] { return seen == "data: one\n\n"; });
    task.cancel();
    CHECK(task.error().code() == errc::cancelled);
    until(env, [&] { return server.open_connections() == 0; });
  }
  SECTION("before it has begun") {
    HttpServer server(Reply::text("hello"));
    auto task = start(env, fetch(env, get(server.url())));
    task.cancel();
    CHECK(task.error().code() == errc::cancelled);
    CHECK(server.connections() == 0);
  }
}

TEST_CASE("destroying a response drops its connection", "[http]") {
  TestEnvironment env;
  HttpServer server(Reply::sse({"one", "two"}).stall_after(11));
  Held response = run(env, open(env, get(server.url())));
  CHECK(server.open_connections() == 1);
  response.reset();
  until(env, [&] { return server.open_connections() == 0; });
}

TEST_CASE("destroying the client ends its transfers and leaves their answers readable", "[http]") {
  TestEnvironment env;
  HttpServer server(Reply::sse({"one", "two"}).stall_after(11));
  auto client = http::make_client(env.executor());
  Held response = run(env, client->send(get(server.url())));
  CHECK(run(env, read_once(*response)) == "data: one\n\n");
  auto reading = start(env, read_once(*response));
  env.turn();
  CHECK_FALSE(reading.done());
  client.reset();
  CHECK(reading.error().code() == errc::cancelled);
  CHECK(response->status() == 200);
  CHECK(response->header("content-type") == "text/event-stream");
  CHECK(run_error(env, read_once(*response)).code() == errc::cancelled);
  until(env, [&] { return server.open_connections() == 0; });
}

TEST_CASE("one failing stream does not touch its neighbours", "[http]") {
  TestEnvironment env;
  HttpServer server([](const HttpRequest& request) {
    if (request.target == "/reset") return Reply::text("hello").reset_after(2);
    if (request.target == "/stall") return Reply::text("hello").stall_after(2);
    return Reply::text("hello").cut_into(1).every(10ms);
  });
  auto good = start(env, fetch(env, get(server.url("/good"))));
  auto reset = start(env, fetch(env, get(server.url("/reset"))));
  auto stalled = start(env, fetch(env, get(server.url("/stall"))));
  CHECK(reset.error().code() == errc::truncated);
  CHECK(good.get().body == "hello");
  stalled.cancel();
  CHECK(stalled.error().code() == errc::cancelled);
  CHECK(run(env, fetch(env, get(server.url("/after")))).body == "hello");
}

TEST_CASE("two thousand streams run side by side in one process", "[http][load]") {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, 16'384);
  ::setrlimit(RLIMIT_NOFILE, &files);
  constexpr int kStreams = 2'000;
  REQUIRE(files.rlim_cur > 2 * kStreams + 100);

  TestEnvironment env;
  const std::vector<std::string> tokens(10, "{\"choices\":[{\"delta\":{\"content\":\"token\"}}]}");
  std::string expected;
  for (const std::string& token : tokens) expected += "data: " + token + "\n\n";
  HttpServer server(Reply::sse(tokens).every(200ms));
  Tally tally;
  std::vector<Started<void>> streams;
  for (int i = 0; i < kStreams; ++i) {
    streams.push_back(start(env, stream_one(env, get(server.url()), tally, expected)));
  }
  for (auto& stream : streams) CHECK_NOTHROW(stream.get());
  CHECK(tally.done == kStreams);
  CHECK(tally.wrong == 0);
  CHECK(tally.most_open > kStreams / 2);
  // What a burst leaves behind is bounded.
  until(env, [&] { return server.open_connections() <= 512; });
  CHECK(run(env, fetch(env, get(server.url()))).body == expected);
}
