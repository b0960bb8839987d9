#include "backends/chat/chat_bodies.hpp"
#include "support/fixtures.hpp"
#include <sennit/backends/replay.hpp>

#include <catch2/catch_test_macros.hpp>

namespace sennit::testing {
namespace {

std::string hello(std::string_view text) {
  return sse({text_chunk(text), finish_chunk("stop"), kDone});
}

std::shared_ptr<const Backend> replay(const TempDir& folder, std::string name, json::object extra = {}) {
  ModelSpec spec;
  spec.name = "replay/" + std::move(name);
  spec.options.extra = std::move(extra);
  return make_replay_backend(spec, folder.path());
}

struct Played {
  std::vector<Event> events;
  std::size_t batches = 0;
};

asio::awaitable<Played> play(TokenStream& stream) {
  Played played;
  for (;;) {
    const std::span<Event> batch = co_await stream.next();
    if (batch.empty()) co_return played;
    ++played.batches;
    played.events.insert(played.events.end(), batch.begin(), batch.end());
  }
}

Played play(TestEnvironment& environment, const Backend& backend) {
  const auto stream = backend.stream(environment, CompletionRequest{});
  return run(environment, play(*stream));
}

TEST_CASE("a recorded file answers every completion") {
  TempDir folder;
  folder.write("hello.sse", hello("hello"));
  TestEnvironment environment;
  const auto backend = replay(folder, "hello.sse");
  for (int i = 0; i < 2; ++i) {
    const Played played = play(environment, *backend);
    CHECK(text_of(played.events) == "hello");
    CHECK(std::holds_alternative<Finished>(played.events.back().data));
  }
  CHECK(backend->info().id == "replay/hello.sse");
  CHECK(backend->info().provider == "replay");
}

TEST_CASE("a recording of another protocol is read as `api` says, what its provider wrote to its cache included") {
  TempDir folder;
  folder.write("r.sse",
               "data: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"output\":"
               "[{\"type\":\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"hi\"}]}],\"usage\":"
               "{\"input_tokens\":1000,\"output_tokens\":10,\"input_tokens_details\":"
               "{\"cached_tokens\":50,\"cache_write_tokens\":900}}}}\n\n");
  ModelSpec spec;
  spec.name = "replay/r.sse";
  spec.api = "responses";
  TestEnvironment environment;
  const Played played = play(environment, *make_replay_backend(spec, folder.path()));
  CHECK(text_of(played.events) == "hi");
  std::optional<Usage> usage;
  for (const Event& event : played.events) {
    if (const auto* update = std::get_if<UsageUpdate>(&event.data)) usage = update->usage;
  }
  REQUIRE(usage);
  CHECK(usage->input == 1000);
  CHECK(usage->cached_input == 50);
  CHECK(usage->cache_write == 900);
  spec.api = "telepathy";
  CHECK(error_of([&] { (void)make_replay_backend(spec, folder.path()); }).code() == errc::config);
}

TEST_CASE("a folder of recorded bodies is served in turn, by number, and then is used up") {
  TempDir folder;
  folder.write("talk/10.json", R"({"choices":[{"message":{"content":"three"},"finish_reason":"stop"}]})");
  folder.write("talk/2-later.503.json", R"({"error":{"message":"busy"}})");
  folder.write("talk/1.sse", hello("one"));
  folder.write("talk/notes.txt", "not a body");
  TestEnvironment environment;
  const auto backend = replay(folder, "talk");
  CHECK(text_of(play(environment, *backend).events) == "one");
  const Played busy = play(environment, *backend);
  REQUIRE(busy.events.size() == 1);
  CHECK(std::get<Failed>(busy.events[0].data).error.code() == errc::overloaded);
  CHECK(text_of(play(environment, *backend).events) == "three");
  const Played over = play(environment, *backend);
  REQUIRE(over.events.size() == 1);
  CHECK(std::get<Failed>(over.events[0].data).error.code() == errc::not_found);
}

TEST_CASE("a recording can be served in pieces, as a slow network would") {
  TempDir folder;
  folder.write("hello.sse", sse({text_chunk("a"), text_chunk("b"), finish_chunk("stop"), kDone}));
  TestEnvironment environment;
  CHECK(play(environment, *replay(folder, "hello.sse")).batches == 2);
  const Played slow = play(environment, *replay(folder, "hello.sse", {{"piece", 5}}));
  CHECK(slow.batches == 3);
  CHECK(text_of(slow.events) == "ab");
}

TEST_CASE("what is wrong with a recording is named") {
  TempDir folder;
  folder.write("empty/readme.md", "nothing");
  folder.write("x.sse", "");
  CHECK(error_of([&] { (void)replay(folder, "missing.sse"); }).code() == errc::not_found);
  CHECK(error_of([&] { (void)replay(folder, "missing.sse"); }).where().find("missing.sse") != std::string::npos);
  CHECK(error_of([&] { (void)replay(folder, "empty"); }).message().find("numbered") != std::string::npos);
  CHECK(error_of([&] { (void)replay(folder, ""); }).code() == errc::config);
  CHECK(error_of([&] { (void)replay(folder, "x.sse", {{"piece", 0}}); }).code() == errc::config);
  TestEnvironment environment;
  const auto backend = replay(folder, "x.sse");
  std::filesystem::remove(folder / "x.sse");
  const Played played = play(environment, *backend);
  REQUIRE(played.events.size() == 1);
  CHECK(std::get<Failed>(played.events[0].data).error.code() == errc::not_found);
}

}  // namespace
}  // namespace sennit::testing
