// A run against a model server that would stream for ever: what stops it, how far beyond the limit, and what is said.
// The server counts its own tokens; ours must agree within one per cent or fifty of them.
#include "support/http_server.hpp"
#include "support/world.hpp"
#include <sennit/plugins/builtin.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>

namespace sennit::testing {
namespace {

using namespace std::chrono_literals;

/// A chunk with one choice: `delta` and `rest` are JSON text.
std::string chunk(const std::string& delta, const std::string& rest = "") {
  return "data: {\"choices\":[{\"index\":0,\"delta\":" + delta + "}]" + rest + "}\n\n";
}

/// What a server sends: token after token, of these many bytes in turn.
struct Speech {
  std::vector<std::size_t> sizes{3};
  std::size_t per_write = 1;  ///< tokens that leave the server at once, each in a chunk of its own
  std::size_t per_chunk = 1;  ///< tokens in one chunk of the protocol
  bool counts = false;        ///< usage in each chunk
  std::string words = "content";

  [[nodiscard]] std::string token(std::size_t number) const {
    return std::string(sizes[number % sizes.size()], static_cast<char>('a' + number % 26));
  }
  /// How many tokens these are: the server's own count. A piece of a token counts.
  [[nodiscard]] std::int64_t count(std::size_t bytes) const {
    std::int64_t tokens = 0;
    for (; bytes > 0; ++tokens) bytes -= std::min(bytes, sizes[static_cast<std::size_t>(tokens) % sizes.size()]);
    return tokens;
  }
  [[nodiscard]] std::string event(std::size_t number) const {
    std::string text;
    for (std::size_t i = 0; i < per_chunk; ++i) text += token(number * per_chunk + i);
    std::string usage;
    if (counts) {
      usage = R"(,"usage":{"prompt_tokens":7,"completion_tokens":)" + std::to_string((number + 1) * per_chunk) + "}";
    }
    return chunk("{\"" + words + "\":\"" + text + "\"}", usage);
  }
  [[nodiscard]] Reply reply() const {
    return Reply::forever([speech = *this](std::size_t write) {
      std::string events;
      for (std::size_t i = 0; i < speech.per_write; ++i) events += speech.event(write * speech.per_write + i);
      return events;
    });
  }
};

constexpr std::size_t kBurst = 1000;  // more than a socket's buffer holds: the server is never the slow one

/// All ways in which the tokens may come.
std::vector<Speech> speeches(bool counts) {
  std::vector<Speech> all;
  for (const auto& sizes : std::vector<std::vector<std::size_t>>{{1}, {3}, {6}, {1, 2, 3, 4, 5, 6}}) {
    for (const std::size_t per_write : {std::size_t{1}, kBurst}) all.push_back({sizes, per_write, 1, counts});
  }
  return all;
}

Definition asking(const HttpServer& server) {
  Definition definition;
  definition.model.name = "openai-compatible/endless";
  definition.model.base_url = server.url("/v1");
  definition.model.api_key = Secret("key-of-the-test");
  definition.policy.allow = {"*"};
  return definition;
}

Outcome run_with(Runtime& runtime, Definition definition) {
  Run run = Agent(runtime, std::move(definition)).session().start("Talk.");
  return elsewhere(run.wait());
}

Outcome run_with(Definition definition) {
  Runtime runtime(builtin());
  return run_with(runtime, std::move(definition));
}

/// The number behind `before` in `text`; -1 where there is none.
double number_after(const std::string& text, std::string_view before) {
  const std::size_t at = text.find(before);
  return at == std::string::npos ? -1 : std::strtod(text.c_str() + at + before.size(), nullptr);
}

std::int64_t tolerance(std::int64_t limit) {
  return std::max<std::int64_t>(50, limit / 100);
}

/// What every run that met limits.tokens must have in its outcome; `tokens` is the server's count.
void check_stopped(const Outcome& outcome, std::int64_t tokens, std::int64_t limit) {
  INFO(outcome.detail << "; the server counts " << tokens << ", the outcome " << outcome.usage.total());
  CHECK(outcome.ending == Ending::limit);
  CHECK_FALSE(outcome.error);
  CHECK(std::abs(tokens - limit) <= tolerance(limit));
  CHECK(std::abs(outcome.usage.total() - limit) <= tolerance(limit));
  CHECK(outcome.detail.starts_with("limits.tokens: "));
  CHECK(std::abs(number_after(outcome.detail, "limits.tokens: ") - static_cast<double>(limit)) <=
        static_cast<double>(tolerance(limit)));
  CHECK(number_after(outcome.detail, " of ") == static_cast<double>(limit));
}

std::string describe(const Speech& speech) {
  std::string text = "tokens of";
  for (const std::size_t size : speech.sizes) text += " " + std::to_string(size);
  return text + " bytes, " + std::to_string(speech.per_write) + " a write, " + std::to_string(speech.per_chunk) +
         " a chunk, as " + speech.words;
}

}  // namespace

TEST_CASE("limits.tokens stops a stream that never ends, where the server counts in each chunk") {
  for (const Speech& speech : speeches(true)) {
    for (const std::int64_t limit : {300, 20'000}) {
      INFO(describe(speech) << ", limit " << limit);
      const HttpServer server(speech.reply());
      Definition definition = asking(server);
      definition.limits.tokens = limit;
      const Outcome outcome = run_with(std::move(definition));
      check_stopped(outcome, speech.count(outcome.text.size()) + 7, limit);
      CHECK(outcome.usage.input == 7);
      CHECK(outcome.steps == 1);
    }
  }
}

TEST_CASE("limits.tokens stops a stream that never ends, where the server does not count") {
  for (const Speech& speech : speeches(false)) {
    for (const std::int64_t limit : {300, 20'000}) {
      INFO(describe(speech) << ", limit " << limit);
      const HttpServer server(speech.reply());
      Definition definition = asking(server);
      definition.limits.tokens = limit;
      const Outcome outcome = run_with(std::move(definition));
      check_stopped(outcome, speech.count(outcome.text.size()), limit);
    }
  }
}

TEST_CASE("limits.tokens holds for several tokens a chunk, exactly where they are counted") {
  for (const std::size_t per_chunk : {2UL, 10UL}) {
    Speech speech{{1, 2, 3, 4, 5, 6}, 100, per_chunk, true};
    INFO(describe(speech));
    const HttpServer server(speech.reply());
    Definition definition = asking(server);
    definition.limits.tokens = 10'000;
    const Outcome outcome = run_with(std::move(definition));
    check_stopped(outcome, speech.count(outcome.text.size()) + 7, 10'000);
  }
  // Not counted: by the usual four bytes a token.
  Speech speech{{4}, 100, 10, false};
  const HttpServer server(speech.reply());
  Definition definition = asking(server);
  definition.limits.tokens = 10'000;
  const Outcome outcome = run_with(std::move(definition));
  check_stopped(outcome, speech.count(outcome.text.size()), 10'000);
}

TEST_CASE("reasoning that never ends is stopped like an answer") {
  for (const bool counts : {true, false}) {
    Speech speech{{1, 2, 3, 4, 5, 6}, kBurst, 1, counts, "reasoning_content"};
    INFO(describe(speech));
    const HttpServer server(speech.reply());
    Definition definition = asking(server);
    definition.limits.tokens = 5'000;
    Runtime runtime(builtin());
    Run run = Agent(runtime, std::move(definition)).session().start("Talk.");
    const std::vector<Event> events = elsewhere(read_all(run));
    std::size_t bytes = 0;
    for (const Event& event : events) {
      if (const auto* thought = std::get_if<ReasoningDelta>(&event.data)) bytes += thought->text.size();
    }
    check_stopped(run.outcome(), speech.count(bytes) + (counts ? 7 : 0), 5'000);
    CHECK(run.outcome().text.empty());
  }
}

TEST_CASE("arguments of a tool call that never end are stopped like an answer") {
  const std::string opening =
      R"({"tool_calls":[{"index":0,"id":"c","function":{"name":"echo","arguments":"{\"text\":\""}}]})";
  const HttpServer server(Reply::forever([opening](std::size_t i) {
    return chunk(i == 0 ? opening : R"({"tool_calls":[{"index":0,"function":{"arguments":"abc"}}]})");
  }));
  Definition definition = asking(server);
  definition.limits.tokens = 2'000;
  Runtime runtime(builtin());
  Run run = Agent(runtime, std::move(definition)).session().start("Call.");
  std::size_t bytes = 0;
  for (const Event& event : elsewhere(read_all(run))) {
    const auto* call = std::get_if<ToolCallDelta>(&event.data);
    if (call != nullptr && call->arguments) bytes += call->arguments->size();
  }
  check_stopped(run.outcome(), static_cast<std::int64_t>(bytes / 3), 2'000);
  CHECK(run.outcome().tool_calls == 0);
}

TEST_CASE("limits.cost stops a stream that never ends") {
  constexpr std::int64_t kTokens = 5'000;
  for (const bool counts : {true, false}) {
    for (const Speech& speech : speeches(counts)) {
      INFO(describe(speech));
      const HttpServer server(speech.reply());
      Definition definition = asking(server);
      definition.model.prices = Prices{0, 100, std::nullopt, "EUR"};
      definition.limits.cost = 0.5;  // 5,000 tokens
      const Outcome outcome = run_with(std::move(definition));
      const std::int64_t tokens = speech.count(outcome.text.size());
      INFO(outcome.detail << "; the server counts " << tokens);
      CHECK(outcome.ending == Ending::limit);
      CHECK(std::abs(tokens - kTokens) <= tolerance(kTokens));
      REQUIRE(outcome.cost);
      CHECK(std::abs(outcome.cost->amount - 0.5) <= 0.005);
      CHECK(outcome.detail.find(" EUR spent of 0.500000") != std::string::npos);
      CHECK(std::abs(number_after(outcome.detail, "limits.cost: ") - 0.5) <= 0.005);
    }
  }
}

TEST_CASE("limits.time stops a stream that never ends, whether it is fast or slow") {
  for (const milliseconds between : {0ms, 10ms}) {
    INFO(between.count());
    const HttpServer server(Speech{{3}, 1, 1, true}.reply().every(between));
    Definition definition = asking(server);
    definition.limits.time = 400ms;
    const Outcome outcome = run_with(std::move(definition));
    CHECK(outcome.ending == Ending::limit);
    CHECK(outcome.detail == "limits.time: the run took longer than 400 ms");
    CHECK(outcome.duration >= 400ms);
    CHECK(outcome.duration < 400ms + kPatience);
    CHECK_FALSE(outcome.text.empty());
    CHECK(outcome.usage.output.value_or(0) > 0);
  }
}

TEST_CASE("model.timeouts.total stops a stream that never ends; what was shown is kept, and it is not asked again") {
  const HttpServer server(Speech{{3}, 1, 1, true}.reply().every(5ms));
  Definition definition = asking(server);
  definition.model.total_timeout = 300ms;
  const Outcome outcome = run_with(std::move(definition));
  CHECK(outcome.ending == Ending::failed);
  REQUIRE(outcome.error);
  CHECK(outcome.error->code() == errc::timeout);
  CHECK(outcome.detail.find("did not end its answer within 0.3 s (model.timeouts.total)") != std::string::npos);
  CHECK_FALSE(outcome.text.empty());
  CHECK(outcome.usage.output.value_or(0) > 0);
  CHECK(server.requests().size() == 1);
}

namespace {

/// A model that answers every turn with these calls, for ever.
Reply calling(std::size_t calls, const std::string& name, const std::string& arguments) {
  json::array list;
  for (std::size_t i = 0; i < calls; ++i) {
    list.push_back(
        {{"index", i},
         {"id", "call_" + std::to_string(i)},
         {"function",
          {{"name", calls > 1 && name == "worker" ? name + std::to_string(i) : name}, {"arguments", arguments}}}});
  }
  const std::string body = chunk(json::serialize(json::object{{"tool_calls", list}})) +
                           "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n"
                           "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":10}}\n\n"
                           "data: [DONE]\n\n";
  return Reply::text(body).header("Content-Type", "text/event-stream");
}

}  // namespace

TEST_CASE("a model that calls a tool for ever is stopped by limits.steps and by limits.tool_calls") {
  const HttpServer server(calling(3, "clock", "{}"));
  Definition definition = asking(server);
  definition.tools = {{"clock", {}}};
  definition.limits.repeats = 0;
  SECTION("steps") {
    definition.limits.steps = 5;
    const Outcome outcome = run_with(definition);
    CHECK(outcome.ending == Ending::limit);
    CHECK(outcome.detail == "limits.steps: 5 steps taken of 5");
    CHECK(outcome.steps == 5);
    CHECK(outcome.usage.total() == 100);
    CHECK(server.requests().size() == 5);
  }
  SECTION("tool calls") {
    definition.limits.tool_calls = 7;
    const Outcome outcome = run_with(definition);
    CHECK(outcome.ending == Ending::limit);
    CHECK(outcome.detail == "limits.tool_calls: 6 made and 3 more wanted of 7");
    CHECK(outcome.tool_calls == 6);
  }
  SECTION("tokens: the step that would go beyond is not begun") {
    definition.limits.tokens = 100;
    const Outcome outcome = run_with(definition);
    CHECK(outcome.ending == Ending::limit);
    CHECK(outcome.detail == "limits.tokens: 100 tokens used of 100");
    CHECK(server.requests().size() == 5);
  }
}

TEST_CASE("sub-agents side by side draw on one budget: together they do not go beyond it") {
  constexpr std::size_t kWorkers = 4;
  for (const bool counts : {true, false}) {
    for (const std::size_t per_write : {std::size_t{1}, kBurst}) {
      const Speech speech{{1, 2, 3, 4, 5, 6}, per_write, 1, counts};
      INFO(describe(speech));
      const HttpServer server([&](const HttpRequest& request) {
        const bool worker = request.body.find("You work.") != std::string::npos;
        return worker ? speech.reply() : calling(kWorkers, "worker", R"({"task":"Talk."})");
      });
      const TempDir folder;
      Definition definition = asking(server);
      definition.file = folder / "main.yaml";
      definition.limits.tokens = 20'000;
      for (std::size_t i = 0; i < kWorkers; ++i) {
        const std::string name = "worker" + std::to_string(i);
        folder.write(name + ".yaml",
                     "sennit: 1\ninstructions: You work.\nmodel: {name: openai-compatible/endless, base_url: '" +
                         server.url("/v1") + "', api_key: key-of-the-test}\n");
        definition.agents.push_back({name, name + ".yaml", "Works."});
      }
      Runtime runtime(builtin());
      Run run = Agent(runtime, std::move(definition)).session().start("Talk.");
      const std::vector<Event> events = elsewhere(read_all(run));
      std::map<std::string, std::size_t> written;
      for (const Event& event : events) {
        if (const auto* text = std::get_if<TextDelta>(&event.data)) written[event.path] += text->text.size();
      }
      std::int64_t tokens = 20 + (counts ? 7 * static_cast<std::int64_t>(kWorkers) : 0);
      for (const auto& [path, bytes] : written) tokens += speech.count(bytes);
      CHECK(written.size() > 1);
      CHECK(count_of<ToolFinished>(events) == kWorkers);
      for (const Event& event : events) {
        const auto* finished = std::get_if<ToolFinished>(&event.data);
        if (finished == nullptr) continue;
        CHECK(finished->result.is_error);
        CHECK(finished->result.content.find("ended as limit (limits.tokens: ") != std::string::npos);
      }
      check_stopped(run.outcome(), tokens, 20'000);
    }
  }
}

TEST_CASE("a long prompt counts before the server has counted it") {
  const Speech speech{{3}, 1, 1, false};
  const HttpServer server(speech.reply());
  Definition definition = asking(server);
  definition.instructions = std::string(std::size_t{4} * 5'000, 'x');  // 5,000 tokens by our estimate
  definition.limits.tokens = 6'000;
  const Outcome outcome = run_with(std::move(definition));
  check_stopped(outcome, speech.count(outcome.text.size()) + 5'000, 6'000);
}

}  // namespace sennit::testing
