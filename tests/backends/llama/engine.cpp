// With a real model, through libllama: $SENNIT_LLAMA_MODEL names it ($SENNIT_LLAMA_MODULE the component, where it does
// not stand beside this program). tests/llama/check sets both. What a model says is its own affair: the shape counts.
#include "support/fixtures.hpp"
#include <sennit/agent/schema/validate.hpp>
#include <sennit/backends/llama/llama_backend.hpp>
#include <sennit/backends/llama/llama_engine.hpp>
#include <sennit/backends/llama/llama_library.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>

namespace sennit::testing {
namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

/// The model's path; skips the test where there is nothing to run it with.
std::string model_or_skip(const char* name = "SENNIT_LLAMA_MODEL") {
  const std::string path = variable(name);
  if (path.empty()) SKIP(std::string(name) + " is not set: tests/llama/check sets it");
  try {
    static_cast<void>(llama_library());
  } catch (const Error& error) {
    SKIP(error.describe());
  }
  return path;
}

struct Asked {
  std::string text = "tell me about the weather";
  std::string instructions{};
  std::vector<ToolDescription> tools{};
  std::optional<json::object> output{};
  ToolChoice choice = ToolChoice::automatic;
  CompletionOptions options{};
  std::vector<Message> messages{};
};

/// Without thoughts: random weights would go on with them for ever.
ModelSpec spec_of(const std::string& path, json::object extra = {}) {
  ModelSpec spec;
  spec.split_think = false;
  spec.name = "llama/" + path;
  spec.options.extra = std::move(extra);
  return spec;
}

std::unique_ptr<TokenStream> ask(TestEnvironment& environment, const Backend& backend, const Asked& asked) {
  std::vector<Message> messages = asked.messages;
  if (messages.empty()) messages.push_back(user_message(asked.text));
  CompletionRequest request;
  request.instructions = asked.instructions;
  request.messages = messages;
  request.tools = asked.tools;
  request.output_schema = asked.output ? &*asked.output : nullptr;
  request.tool_choice = asked.choice;
  request.options = asked.options;
  if (!request.options.seed) request.options.seed = 7;
  return backend.stream(environment, request);
}

struct Answer {
  std::vector<Event> events;  // merged
  std::size_t batches = 0;
  Usage usage;

  [[nodiscard]] std::string text() const {
    std::string all;
    for (const Event& event : events) {
      if (const auto* delta = std::get_if<TextDelta>(&event.data)) all += delta->text;
    }
    return all;
  }
  [[nodiscard]] const Finished* finished() const { return std::get_if<Finished>(&events.back().data); }
  [[nodiscard]] const Failed* failed() const { return std::get_if<Failed>(&events.back().data); }
  [[nodiscard]] std::vector<ToolCall> calls() const {
    std::vector<ToolCall> all;
    for (const Event& event : events) {
      const auto* delta = std::get_if<ToolCallDelta>(&event.data);
      if (delta == nullptr) continue;
      all.resize(std::max<std::size_t>(all.size(), delta->call + 1));
      all[delta->call].name += delta->name;
      all[delta->call].arguments += delta->arguments.value_or("");
    }
    return all;
  }
};

asio::awaitable<Answer> read(TokenStream& stream) {
  Answer answer;
  for (;;) {
    const std::span<Event> batch = co_await stream.next();
    if (batch.empty()) co_return answer;
    ++answer.batches;
    for (Event& event : batch) {
      if (const auto* update = std::get_if<UsageUpdate>(&event.data)) answer.usage = update->usage;
      append_merged(answer.events, std::move(event));
    }
  }
}

Answer answer(TestEnvironment& environment, const Backend& backend, const Asked& asked) {
  const auto stream = ask(environment, backend, asked);
  return run(environment, read(*stream));
}

CompletionOptions at_most(std::int64_t tokens) {
  CompletionOptions options;
  options.max_tokens = tokens;
  return options;
}

std::vector<ToolDescription> weather() {
  return {{"weather", "Tells the weather of a city.",
           parse_json(R"({"type":"object","properties":{"city":{"enum":["Oslo","Rome"]},"days":{"type":"integer",
                          "minimum":0},"units":{"type":["string","null"],"maxLength":5}},
                          "required":["city","days"],"additionalProperties":false})")
               ->get_object()}};
}

void check_valid(const json::object& schema, std::string_view text) {
  CAPTURE(text);
  const std::optional<json::value> value = parse_json(text);
  REQUIRE(value);
  std::string problems;
  for (const auto& violation : Validator(schema).check(*value)) problems += violation.message + "\n";
  CHECK(problems.empty());
}

TEST_CASE("a model in this process streams its answer, and ends with its counts") {
  const std::string model = model_or_skip();
  TestEnvironment environment;
  const auto backend = make_llama_backend(spec_of(model), {});
  const Answer one = answer(environment, *backend, {.options = at_most(40)});
  REQUIRE(one.finished() != nullptr);
  CHECK_FALSE(one.text().empty());
  CHECK(one.usage.input.value() > 0);
  CHECK(one.usage.output.value() > 0);
  CHECK(one.usage.output.value() <= 40);
  CHECK(backend->info().provider == "llama");
  // The same seed, the same words.
  CHECK(answer(environment, *backend, {.options = at_most(40)}).text() == one.text());
}

TEST_CASE("a limit of tokens is kept, and named") {
  const std::string model = model_or_skip();
  TestEnvironment environment;
  const auto backend = make_llama_backend(spec_of(model), {});
  const Answer cut = answer(environment, *backend, {.options = at_most(2)});
  REQUIRE(cut.finished() != nullptr);
  CHECK(cut.finished()->reason == StopReason::length);
  CHECK(cut.usage.output == 2);
}

TEST_CASE("a required call is made, with arguments that its schema allows") {
  const std::string model = model_or_skip();
  TestEnvironment environment;
  const auto backend = make_llama_backend(spec_of(model), {});
  for (int seed = 1; seed <= 5; ++seed) {
    Asked asked{.tools = weather(), .choice = ToolChoice::required, .options = at_most(1500)};
    asked.options.seed = seed;
    asked.options.parallel_tool_calls = false;
    const Answer called = answer(environment, *backend, asked);
    REQUIRE(called.finished() != nullptr);
    CHECK(called.finished()->reason == StopReason::tool_calls);
    REQUIRE(called.calls().size() == 1);
    CHECK(called.calls()[0].name == "weather");
    check_valid(weather()[0].parameters, called.calls()[0].arguments);
  }
}

TEST_CASE("a call that the model begins by itself is held to its schema from there on") {
  const std::string model = model_or_skip("SENNIT_LLAMA_TOOLS_MODEL");
  TestEnvironment environment;
  const auto backend = make_llama_backend(spec_of(model), {});
  Asked asked{.tools = weather(), .options = at_most(1500)};
  asked.options.parallel_tool_calls = false;
  const Answer called = answer(environment, *backend, asked);
  REQUIRE(called.finished() != nullptr);
  CHECK(called.finished()->reason == StopReason::tool_calls);
  REQUIRE(called.calls().size() == 1);
  check_valid(weather()[0].parameters, called.calls()[0].arguments);
}

TEST_CASE("a declared answer is JSON of its schema") {
  const std::string model = model_or_skip();
  TestEnvironment environment;
  const auto backend = make_llama_backend(spec_of(model), {});
  const json::object schema =
      parse_json(R"({"type":"object","properties":{"mood":{"enum":["good","bad"]},"scores":{"type":"array",
          "items":{"type":"integer"},"minItems":2,"maxItems":3},"note":{"anyOf":[{"type":"null"},{"type":"string",
          "maxLength":10}]}},"required":["mood","scores","note"],"additionalProperties":false})")
          ->get_object();
  for (int seed = 1; seed <= 5; ++seed) {
    Asked asked{.output = schema, .options = at_most(1500)};
    asked.options.seed = seed;
    const Answer said = answer(environment, *backend, asked);
    REQUIRE(said.finished() != nullptr);
    CHECK(said.finished()->reason == StopReason::stop);
    check_valid(schema, said.text());
  }
}

TEST_CASE("what is not a call stays text, and stop texts end it") {
  const std::string model = model_or_skip();
  TestEnvironment environment;
  const auto backend = make_llama_backend(spec_of(model), {});
  Asked asked{.options = at_most(200)};
  const std::string whole = answer(environment, *backend, asked).text();
  REQUIRE(whole.size() > 4);
  asked.options.stop = {whole.substr(whole.size() / 2, 2)};
  const Answer stopped = answer(environment, *backend, asked);
  REQUIRE(stopped.finished() != nullptr);
  CHECK(stopped.finished()->reason == StopReason::stop);
  CHECK(stopped.text() == whole.substr(0, whole.find(asked.options.stop[0])));
}

/// A completion that the grammar keeps from ending before the context is full.
Asked endless() {
  const json::object item{{"const", std::string(60, 'x')}};
  return {.output = json::object{{"type", "array"}, {"minItems", 250}, {"items", item}}};
}

TEST_CASE("a cancelled stream throws, and its sequence is free again between two tokens") {
  const std::string model = model_or_skip();
  TestEnvironment environment;
  const auto backend = make_llama_backend(spec_of(model, {{"sequences", 1}}), {});
  auto stream = ask(environment, *backend, endless());
  static_cast<void>(run(environment, stream->next()));  // it writes
  auto reading = start(environment, read(*stream));
  environment.turn();
  reading.cancel();
  CHECK(reading.error().code() == errc::cancelled);
  stream.reset();
  // There is one sequence: the next answer could not begin if it were still at work.
  CHECK(answer(environment, *backend, {.options = at_most(3)}).finished() != nullptr);
}

TEST_CASE("a stream that is destroyed stops its sequence, and one that waits leaves the queue") {
  const std::string model = model_or_skip();
  TestEnvironment environment;
  const auto backend = make_llama_backend(spec_of(model, {{"sequences", 1}, {"queue", 1}}), {});
  auto writing = ask(environment, *backend, endless());
  static_cast<void>(run(environment, writing->next()));
  auto waits = ask(environment, *backend, {});
  auto reading = start(environment, read(*waits));
  environment.turn();
  reading.cancel();
  CHECK(reading.error().code() == errc::cancelled);
  waits.reset();
  writing.reset();
  CHECK(answer(environment, *backend, {.options = at_most(3)}).finished() != nullptr);
}

TEST_CASE("who does not pull holds up nobody else") {
  const std::string model = model_or_skip();
  TestEnvironment environment;
  const auto backend = make_llama_backend(spec_of(model, {{"sequences", 2}}), {});
  Asked asked = endless();
  asked.options.max_tokens = 1200;  // of a byte each: more than may wait to be read
  auto unread = ask(environment, *backend, asked);
  static_cast<void>(run(environment, unread->next()));
  const Answer other = answer(environment, *backend, {.options = at_most(20)});
  CHECK(other.finished() != nullptr);
  const Answer rest = run(environment, read(*unread));  // it goes on where it was held
  CHECK(rest.usage.output == 1200);
  CHECK(rest.batches > 1);
}

TEST_CASE("a queue that is full refuses more, to be tried later") {
  const std::string model = model_or_skip();
  TestEnvironment environment;
  const auto backend = make_llama_backend(spec_of(model, {{"sequences", 1}, {"queue", 0}}), {});
  auto writing = ask(environment, *backend, endless());
  static_cast<void>(run(environment, writing->next()));
  auto second = ask(environment, *backend, {.options = at_most(3)});
  auto reading = start(environment, read(*second));
  environment.turn();
  const Answer refused = answer(environment, *backend, {});
  REQUIRE(refused.failed() != nullptr);
  CHECK(refused.failed()->error.code() == errc::overloaded);
  CHECK(refused.failed()->error.retryable());
  writing.reset();
  CHECK(reading.get().finished() != nullptr);
}

TEST_CASE("several conversations are computed together, and none changes another's words") {
  const std::string model = model_or_skip();
  TestEnvironment environment;
  const auto backend = make_llama_backend(spec_of(model, {{"sequences", 4}}), {});
  std::vector<Asked> all;
  std::vector<std::unique_ptr<TokenStream>> streams;
  std::vector<Started<Answer>> readings;
  for (int i = 0; i < 6; ++i) {  // two of them wait for a place
    Asked asked{.text = "question " + std::to_string(i),
                .tools = weather(),
                .choice = ToolChoice::required,
                .options = at_most(1500)};
    asked.options.seed = i;
    asked.options.parallel_tool_calls = false;
    all.push_back(asked);
    streams.push_back(ask(environment, *backend, asked));
  }
  for (const auto& stream : streams) readings.push_back(start(environment, read(*stream)));
  for (auto& reading : readings) {
    const Answer called = reading.get();
    REQUIRE(called.finished() != nullptr);
    REQUIRE(called.calls().size() == 1);
    check_valid(weather()[0].parameters, called.calls()[0].arguments);
  }
}

TEST_CASE("the next turn of a conversation reads what is new alone") {
  const std::string model = model_or_skip();
  TestEnvironment environment;
  const auto backend = make_llama_backend(spec_of(model), {});
  Asked asked{.instructions = std::string(2000, 'i'), .options = at_most(20)};
  asked.messages = {user_message("first")};
  const Answer first = answer(environment, *backend, asked);
  asked.messages.push_back(assistant_message(first.text()));
  asked.messages.push_back(user_message("second"));
  const Answer second = answer(environment, *backend, asked);
  CHECK(second.usage.input.value() > first.usage.input.value());
  CHECK(second.usage.cached_input.value() >= first.usage.input.value() - 8);
  // Another conversation with the same instructions begins with what it shares, and costs the first one nothing.
  Asked other{.text = "other", .instructions = asked.instructions, .options = at_most(20)};
  CHECK(answer(environment, *backend, other).usage.cached_input.value() > 1000);
  asked.messages.push_back(assistant_message(second.text()));
  asked.messages.push_back(user_message("third"));
  CHECK(answer(environment, *backend, asked).usage.cached_input.value() >= second.usage.input.value() - 8);
}

TEST_CASE("a conversation that is too long is refused with its length and the context's") {
  const std::string model = model_or_skip();
  TestEnvironment environment;
  const auto backend = make_llama_backend(spec_of(model, {{"context", 256}}), {});
  const Answer refused = answer(environment, *backend, {.text = std::string(5000, 'x')});
  REQUIRE(refused.failed() != nullptr);
  CHECK(refused.failed()->error.code() == errc::context_length);
  CHECK(refused.failed()->error.message().find("256") != std::string::npos);
}

TEST_CASE("an answer ends where the context is full") {
  const std::string model = model_or_skip();
  TestEnvironment environment;
  const auto backend = make_llama_backend(spec_of(model, {{"context", 512}}), {});
  Asked asked = endless();
  const Answer cut = answer(environment, *backend, asked);
  REQUIRE(cut.finished() != nullptr);
  CHECK(cut.finished()->reason == StopReason::length);
  CHECK(cut.finished()->provider_reason == "context");
}

TEST_CASE("what people write names no control tokens") {
  const std::string model = model_or_skip();
  TestEnvironment environment;
  const auto backend = make_llama_backend(spec_of(model), {});
  const auto tokens = [&](std::string text) {
    return answer(environment, *backend, {.text = std::move(text), .options = at_most(1)}).usage.input.value();
  };
  // As text it is several tokens, as a mark of the template it would be one.
  CHECK(tokens("<|im_end|><|im_end|>") > tokens("a") + 3);
}

TEST_CASE("a model that is silent for too long ends in timeout") {
  const std::string model = model_or_skip();
  TestEnvironment environment;
  ModelSpec spec = spec_of(model, {{"sequences", 1}});
  const auto busy = make_llama_backend(spec, {});
  auto writing = ask(environment, *busy, endless());
  static_cast<void>(run(environment, writing->next()));
  spec.first_token_timeout = milliseconds{30};
  const auto hasty = make_llama_backend(spec, {});  // shares the model, whose one sequence is at work
  const Answer late = answer(environment, *hasty, {});
  REQUIRE(late.failed() != nullptr);
  CHECK(late.failed()->error.code() == errc::timeout);
}

/// Not a test: what docs/local-models.md tells. `test_backends "[measure]"`.
TEST_CASE("measure: what a kept prompt saves, and what answering together does", "[.measure]") {
  const std::string model = model_or_skip();
  TestEnvironment environment;
  const auto backend = make_llama_backend(spec_of(model, {{"context", 16384}}), {});
  const auto milliseconds_of = [&environment](auto work) {
    const SteadyTime begin = environment.now();
    work();
    return std::chrono::duration<double, std::milli>(environment.now() - begin).count();
  };
  static_cast<void>(answer(environment, *backend, {.options = at_most(1)}));  // the model is loaded
  Asked asked{.instructions = std::string(3000, 'i'), .options = at_most(1)};
  asked.messages = {user_message("first")};
  for (int turn = 1; turn <= 3; ++turn) {
    Answer said;
    const double time = milliseconds_of([&] { said = answer(environment, *backend, asked); });
    std::cout << "turn " << turn << ": " << said.usage.input.value() << " tokens of prompt, "
              << said.usage.cached_input.value() << " kept, first token after " << time << " ms\n";
    asked.messages.push_back(assistant_message(said.text() + "."));
    asked.messages.push_back(user_message("and then?"));
  }
  Asked writing = endless();
  writing.options.max_tokens = 200;
  for (const int together : {1, 4}) {
    std::vector<std::unique_ptr<TokenStream>> streams;
    std::vector<Started<Answer>> readings;
    const double time = milliseconds_of([&] {
      for (int i = 0; i < together; ++i) streams.push_back(ask(environment, *backend, writing));
      for (const auto& stream : streams) readings.push_back(start(environment, read(*stream)));
      for (auto& reading : readings) static_cast<void>(reading.get());
    });
    std::cout << together << " at once: " << together * 200 << " tokens in " << time << " ms, "
              << together * 200 / time * 1000 << " a second\n";
  }
}

TEST_CASE("texts become vectors of length 1") {
  const std::string model = model_or_skip();
  ModelSpec spec = spec_of(model);
  LlamaSettings settings = llama_settings(spec);
  settings.file = model;
  const auto engine = LlamaEngine::find(settings);
  const auto vectors = engine->embed({"sun", "sun", "a rainy day in the city", ""});
  REQUIRE(vectors.size() == 4);
  CHECK(vectors[0] == vectors[1]);
  CHECK(vectors[0] != vectors[2]);
  double square = 0;
  for (const float x : vectors[2]) square += static_cast<double>(x) * x;
  CHECK(std::abs(square - 1) < 1e-3);
  TestEnvironment environment;
  const Embeddings made =
      run(environment, make_llama_embedder(spec, ".")->embed(environment, {"sun"}, EmbedFor::query));
  CHECK(made.vectors == std::vector<std::vector<float>>{vectors[0]});
}

}  // namespace
}  // namespace sennit::testing
