#include <sennit/backends/scripted/scripted.hpp>
#include <sennit/backends/scripted/scripted_plan.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/fixtures.hpp>

namespace sennit {
namespace {

using testing::VirtualEnvironment;

Intent intent(std::vector<std::string> match, std::vector<IntentStep> steps, std::string say) {
  return {std::move(match), std::move(steps), std::move(say)};
}

Definition assistant() {
  Definition definition;
  definition.intents = {
      intent({"remember [that] {note}"}, {{"remember", {{"text", "{note}"}}, "", ""}}, "I will remember that {note}."),
      intent({"what time is it for {person}"},
             {{"recall",
               {{"query", "{person} lives in"}},
               "{person} lives in {city}",
               "I do not know where {person} lives."},
              {"clock", {{"zone", "{city}"}}, "", ""}},
             "For {person} in {city} it is {result}."),
      intent({"what time is it in {city}", "time in {city}"}, {{"clock", {{"zone", "{city}"}}, "", ""}},
             "In {city} it is {result}."),
      intent({"[what is] {expression}% of {base}"},
             {{"calculator", {{"expression", "{expression}% of {base}"}}, "", ""}},
             "{expression}% of {base} is {result}."),
      intent({"forget note {id:number}"}, {{"forget", {{"id", "{id}"}}, "", ""}}, "Forgotten."),
      intent({"hello", "hi [there]"}, {}, "Hello!"),
  };
  return definition;
}

/// The scripted model and a conversation with it, in which tools answer as the test says.
class Talk {
 public:
  explicit Talk(Definition definition = assistant()) : definition_(std::move(definition)) {
    rules_ = intents::compile(definition_.intents);
    for (const char* name : {"remember", "recall", "clock", "calculator", "forget"}) {
      tools_.push_back({name, "", {}});
    }
  }

  intents::Turn hear(std::string text) {
    messages_.push_back(user_message(std::move(text)));
    return turn();
  }

  /// The last calls, as they join the conversation, and their results, in the order of the calls.
  intents::Turn answer(const intents::Turn& turn_before, std::vector<std::string> results, bool failed = false) {
    Message assistant{Role::assistant, {}};
    for (const ToolCall& call : turn_before.calls) assistant.parts.emplace_back(call);
    messages_.push_back(std::move(assistant));
    for (std::size_t i = 0; i < results.size(); ++i) {
      messages_.push_back(tool_message({turn_before.calls[i].id, turn_before.calls[i].name, results[i], failed}));
    }
    return turn();
  }

  intents::Turn turn() const { return intents::next_turn(rules_, request()); }
  CompletionRequest request() const {
    CompletionRequest request;
    request.messages = messages_;
    request.tools = tools_;
    return request;
  }

  std::vector<Message> messages_;
  std::vector<ToolDescription> tools_;

 private:
  Definition definition_;
  std::vector<intents::Rule> rules_;
};

std::vector<std::string> calls(const intents::Turn& turn) {
  std::vector<std::string> result;
  for (const ToolCall& call : turn.calls) result.push_back(call.name + call.arguments);
  return result;
}

using Calls = std::vector<std::string>;

TEST_CASE("an intent without steps answers at once") {
  Talk talk;
  CHECK(talk.hear("Hi there!").answer == "Hello!");
}

TEST_CASE("an intent calls its tool with what was captured, and phrases the result") {
  Talk talk;
  const auto call = talk.hear("What time is it in New York?");
  CHECK(calls(call) == Calls{R"(clock{"zone":"New York"})"});
  CHECK(talk.answer(call, {"09:44"}).answer == "In New York it is 09:44.");
}

TEST_CASE("a capture from a result feeds the next step") {
  Talk talk;
  const auto first = talk.hear("what time is it for Mei");
  CHECK(calls(first) == Calls{R"(recall{"query":"Mei lives in"})"});
  const auto second = talk.answer(first, {"2 notes:\n- Tom lives in Paris.\n- Mei lives in Tokyo. (yesterday)"});
  CHECK(calls(second) == Calls{R"(clock{"zone":"Tokyo"})"});
  CHECK(talk.answer(second, {"08:44"}).answer == "For Mei in Tokyo it is 08:44.");
}

TEST_CASE("where a result does not match, the otherwise is said") {
  Talk talk;
  const auto first = talk.hear("what time is it for Mei");
  CHECK(talk.answer(first, {"Nothing."}).answer == "I do not know where Mei lives.");
}

TEST_CASE("a failed tool ends the intent with its words") {
  Talk talk;
  const auto first = talk.hear("time in Atlantis");
  CHECK(talk.answer(first, {"no such zone"}, true).answer == "I could not do that: no such zone");
}

TEST_CASE("several intents in one sentence are carried out side by side") {
  Talk talk;
  const auto first = talk.hear("What time is it for Mei, and what is 18% of 240?");
  CHECK(calls(first) == Calls{R"(recall{"query":"Mei lives in"})", R"(calculator{"expression":"18% of 240"})"});
  const auto second = talk.answer(first, {"Mei lives in Tokyo", "43.2"});
  CHECK(calls(second) == Calls{R"(clock{"zone":"Tokyo"})"});
  CHECK(talk.answer(second, {"08:44"}).answer == "For Mei in Tokyo it is 08:44. 18% of 240 is 43.2.");
}

TEST_CASE("sentences are carried out in order") {
  Talk talk;
  const auto first = talk.hear("Remember that Mei lives in Tokyo. What is 15% of 240 and what time is it in Oslo?");
  CHECK(calls(first) == Calls{R"(remember{"text":"Mei lives in Tokyo"})"});
  const auto second = talk.answer(first, {"noted"});
  CHECK(calls(second) == Calls{R"(calculator{"expression":"15% of 240"})", R"(clock{"zone":"Oslo"})"});
  CHECK(talk.answer(second, {"36", "00:44"}).answer ==
        "I will remember that Mei lives in Tokyo. 15% of 240 is 36. In Oslo it is 00:44.");
}

TEST_CASE("a wish that speaks of what an earlier one speaks of waits for it") {
  Talk talk;
  const auto first = talk.hear("remember that Mei lives in Tokyo and what time is it for Mei");
  CHECK(calls(first) == Calls{R"(remember{"text":"Mei lives in Tokyo"})"});
  CHECK(calls(talk.answer(first, {"noted"})) == Calls{R"(recall{"query":"Mei lives in"})"});
}

TEST_CASE("a sentence may begin with and") {
  Talk talk;
  CHECK(calls(talk.hear("And time in Oslo?")) == Calls{R"(clock{"zone":"Oslo"})"});
}

TEST_CASE("an and inside a wish does not divide it") {
  Talk talk;
  CHECK(calls(talk.hear("Remember that Mei likes cats, dogs and tea.")) ==
        Calls{R"(remember{"text":"Mei likes cats, dogs and tea"})"});
}

TEST_CASE("a joining word that ends a wish belongs to it") {
  Talk talk;
  CHECK(calls(talk.hear("Remember that plan b is y")) == Calls{R"(remember{"text":"plan b is y"})"});
}

TEST_CASE("a number capture becomes a number in the arguments") {
  Talk talk;
  CHECK(calls(talk.hear("forget note 12")) == Calls{R"(forget{"id":12})"});
}

TEST_CASE("what matches nothing gets an honest answer") {
  Talk talk;
  const std::string answer = talk.hear("Write me a poem about the sea").answer;
  CHECK(answer.find("offline") != std::string::npos);
  CHECK(answer.find("“Write me a poem about the sea” is not among them") != std::string::npos);
  CHECK(answer.find("- what time is it in …\n") != std::string::npos);
  CHECK(answer.find("DEEPSEEK_API_KEY") != std::string::npos);
}

TEST_CASE("the part of an input that is not understood is named") {
  Talk talk;
  CHECK(talk.hear("Hello. Sing a song!").answer == "Hello! I did not understand “Sing a song”.");
}

TEST_CASE("a tool that the agent does not have is named") {
  Talk talk;
  talk.tools_.clear();
  CHECK(talk.hear("time in Oslo").answer == "I would need the tool `clock` for that, and do not have it.");
}

TEST_CASE("only what followed the last user message counts") {
  Talk talk;
  const auto first = talk.hear("time in Oslo");
  const auto answered = talk.answer(first, {"00:44"});
  talk.messages_.push_back(assistant_message(answered.answer));
  const auto second = talk.hear("time in Oslo");
  REQUIRE(second.calls.size() == 1);
  CHECK(second.calls[0].id != first.calls[0].id);
}

TEST_CASE("a conversation that does not fit the plan ends in words, not in a crash or a loop") {
  Talk talk;
  const auto first = talk.hear("what time is it for Mei, and what is 18% of 240?");
  SECTION("results are missing") {
    CHECK(talk.answer(first, {}).answer.find("I do not know where Mei lives.") != std::string::npos);
  }
  SECTION("other calls stand there") {
    intents::Turn other;
    other.calls = {{"x", "teleport", "{}"}};
    CHECK(talk.answer(other, {"done"}).calls.empty());
  }
}

TEST_CASE("odd inputs are answered") {
  Talk talk;
  for (const std::string& text :
       {std::string(), std::string("..."), std::string(100'000, 'a'), std::string("\xFF\xFE \x00 x", 6),
        std::string(4'000, ','), std::string("and and and and")}) {
    CHECK_FALSE(talk.hear(text).answer.empty());
  }
}

TEST_CASE("a long list of separators stays quick") {
  Talk talk;
  std::string text;
  for (int i = 0; i < 700; ++i) text += "time in Oslo, ";
  talk.hear(text);
  SUCCEED("it came back");
}

// ---- the backend around it ----

struct Stream {
  std::vector<Event> events;
  std::size_t batches = 0;
};

asio::awaitable<Stream> drain(std::unique_ptr<TokenStream> stream) {
  Stream result;
  while (true) {
    const std::span<Event> batch = co_await stream->next();
    if (batch.empty()) break;
    ++result.batches;
    result.events.insert(result.events.end(), batch.begin(), batch.end());
  }
  co_return result;
}

std::shared_ptr<const Backend> backend(const Definition& definition, const ModelSpec& spec = {}) {
  const Registry registry;
  return make_scripted_backend(spec, {definition, registry, {}});
}

TEST_CASE("the answer streams word by word and ends with usage and one terminal event") {
  VirtualEnvironment env;
  const Talk talk = [] {
    Talk talk;
    talk.hear("hello. hello");
    return talk;
  }();
  const Stream stream = testing::run(env, drain(backend(assistant())->stream(env, talk.request())));
  REQUIRE(stream.events.size() == 4);
  CHECK(stream.batches == 1);
  CHECK(std::get<TextDelta>(stream.events[0].data).text == "Hello! ");
  CHECK(std::get<TextDelta>(stream.events[1].data).text == "Hello!");
  CHECK(std::get<UsageUpdate>(stream.events[2].data).usage.input == 2);
  CHECK(std::get<UsageUpdate>(stream.events[2].data).usage.output == 2);
  CHECK(std::get<Finished>(stream.events[3].data).reason == StopReason::stop);
}

TEST_CASE("calls are numbered and end with the reason tool_calls") {
  VirtualEnvironment env;
  Talk talk;
  talk.hear("time in Oslo and 18% of 240");
  const Stream stream = testing::run(env, drain(backend(assistant())->stream(env, talk.request())));
  REQUIRE(stream.events.size() == 4);
  CHECK(std::get<ToolCallDelta>(stream.events[0].data).call == 0);
  CHECK(std::get<ToolCallDelta>(stream.events[1].data).call == 1);
  CHECK(std::get<ToolCallDelta>(stream.events[1].data).whole);
  CHECK(std::get<Finished>(stream.events[3].data).reason == StopReason::tool_calls);
}

TEST_CASE("at a pace, each word comes for itself") {
  VirtualEnvironment env;
  Talk talk;
  talk.hear("hello. hello. hello");
  ModelSpec spec;
  spec.options.extra["words_per_second"] = 10;
  const Stream stream = testing::run(env, drain(backend(assistant(), spec)->stream(env, talk.request())));
  CHECK(stream.batches == 5);
  CHECK(env.elapsed() == std::chrono::milliseconds(200));
}

TEST_CASE("a wrong pattern or pace is refused when the backend is made") {
  Definition definition = assistant();
  definition.file = "a.yaml";
  definition.intents[1].match = {"{person"};
  try {
    (void)backend(definition);
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.describe() ==
          "a.yaml: `intents[1].match[0]`: the pattern `{person` is wrong: a `{` is not closed by `}`");
  }
  ModelSpec spec;
  spec.options.extra["words_per_second"] = 0;
  CHECK_THROWS_AS(backend(assistant(), spec), Error);
}

TEST_CASE("the scripted backend says what it is and costs nothing") {
  const auto made = backend(assistant());
  CHECK(made->info().id == "scripted");
  CHECK(made->info().prices == Prices{});
}

}  // namespace
}  // namespace sennit
