// The tool that asks the person.
#include "tools/tool_call.hpp"
#include <sennit/agent/definition.hpp>
#include <sennit/agent/registry.hpp>
#include <sennit/tools/ask.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <string>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

Tools ask_tool(const json::object& options = {}) {
  const Definition definition;
  const Registry registry;
  return make_ask_tools(options, PartContext{definition, registry, {}});
}

struct Asked {
  std::string question;  ///< as the person reads it
  std::string answer;    ///< as the model reads it
};

Asked ask(json::object arguments, std::string answer) {
  TestEnvironment env;
  const Tools tools = ask_tool();
  CallContext context(env);
  context.answers = {std::move(answer)};
  const ToolOutput output = run(env, call_checked(tool_named(tools, "ask"), std::move(arguments), context));
  CHECK_FALSE(output.is_error);
  return {context.questions.at(0), output.content};
}

Error ask_error(json::object arguments) {
  TestEnvironment env;
  return call_error(env, ask_tool(), "ask", std::move(arguments));
}

}  // namespace

TEST_CASE("a question reaches the person, and the answer the model, word for word") {
  const Asked asked = ask({{"question", "Which Mei do you mean?"}}, " the tall one \n");
  CHECK(asked.question == "Which Mei do you mean?");
  CHECK(asked.answer == " the tall one \n");
  CHECK(ask({{"question", "?"}}, "").answer.empty());
  CHECK(ask({{"question", "How many?"}}, "2").answer == "2");  // no choices: a number is a number
}

TEST_CASE("choices are numbered, and a number means its choice") {
  const json::object arguments{{"question", "Tea?"}, {"choices", json::array{"green", "black"}}};
  CHECK(ask(arguments, "1").question == "Tea?\n  1. green\n  2. black");
  for (const char* two : {"2", " 2 ", "2.", "2)", "2\n"}) {
    INFO(two);
    CHECK(ask(arguments, two).answer == "black");
  }
  for (const char* own :
       {"0", "3", "-1", "1.5", "2 cups", "black", "neither", "99999999999999999999", "...", " . ", ""}) {
    INFO(own);
    CHECK(ask(arguments, own).answer == own);
  }
}

TEST_CASE("questions that cannot be asked are told to the model") {
  CHECK(ask_error({}).code() == errc::invalid_argument);
  CHECK(ask_error({{"question", ""}}).code() == errc::invalid_argument);
  CHECK(ask_error({{"question", std::string(5000, 'x')}}).code() == errc::invalid_argument);
  json::array many;
  for (int i = 0; i < 21; ++i) many.emplace_back("choice " + std::to_string(i));
  CHECK(ask_error({{"question", "?"}, {"choices", many}}).code() == errc::invalid_argument);
  CHECK(ask_error({{"question", "?"}, {"choices", json::array{"yes", std::string(500, 'x')}}}).code() ==
        errc::invalid_argument);
  CHECK(ask_error({{"question", "?"}, {"choices", json::array{"yes", ""}}}).code() == errc::invalid_argument);
}

TEST_CASE("where nobody can be asked, the model hears it") {
  CHECK(ask_error({{"question", "Anybody there?"}}).code() == errc::denied);
}

TEST_CASE("a question has all the time in the world, one at a time, and touches nothing") {
  const Tools tools = ask_tool();
  const ToolSpec& spec = tool_named(tools, "ask").spec();
  CHECK(spec.timeout == milliseconds{0});
  CHECK(spec.concurrency == 1);
  CHECK(spec.touches == Touches{});
}

TEST_CASE("ask takes no options") {
  const Error error = error_of([] { (void)ask_tool({{"timeout", 5}}); });
  CHECK(error.code() == errc::config);
  CHECK_THAT(error.message(), ContainsSubstring("it takes none"));
}
