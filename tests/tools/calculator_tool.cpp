#include "tools/tool_call.hpp"
#include <sennit/agent/definition.hpp>
#include <sennit/agent/registry.hpp>
#include <sennit/tools/calculator.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

Tools calculator(const json::object& options = {}) {
  const Definition definition;
  const Registry registry;
  return make_calculator(options, PartContext{definition, registry, {}});
}

}  // namespace

TEST_CASE("the calculator answers with the number alone") {
  TestEnvironment environment;
  const Tools tools = calculator();
  CHECK(call(environment, tools, "calculator", {{"expression", "15% of 240"}}) == "36");
  CHECK(call(environment, tools, "calculator", {{"expression", "1/3"}, {"digits", 4}}) == "0.3333");
  CHECK(call(environment, tools, "calculator", {{"expression", "1/3"}, {"digits", "4"}}) == "0.3333");
  CHECK(call(environment, tools, "calculator", {{"expression", 42}}) == "42");
  CHECK(call(environment, tools, "calculator", {{"expression", "2+2"}, {"digits", nullptr}}) == "4");
}

TEST_CASE("the calculator hands mistakes back to the model") {
  TestEnvironment environment;
  const Tools tools = calculator();
  const auto error = [&](json::object arguments) {
    const Error thrown = call_error(environment, tools, "calculator", std::move(arguments));
    CHECK(thrown.code() == errc::invalid_argument);
    return thrown.message();
  };
  CHECK(error({{"expression", "1 +"}}) == "column 4: expected a number after '+'\n  1 +\n     ^");
  CHECK(error({}) == "arguments.expression: required, but missing (a string)");
  CHECK(error({{"expression", ""}}) == "arguments.expression: expected at least 1 character, got 0");
  CHECK(error({{"expression", "1"}, {"digits", 51}}) == "arguments.digits: expected at most 50, got 51");
  CHECK(error({{"expresion", "1"}}) ==
        "arguments.expression: required, but missing (a string); arguments.expresion: unknown; did you mean "
        "\"expression\"?");
}

TEST_CASE("the calculator tells the model which logarithm log is") {
  const std::string text = calculator().front()->spec().description.description;
  CHECK_THAT(text, ContainsSubstring("log (base 10;"));
}

TEST_CASE("the calculator is harmless to repeat, touches nothing and takes no options") {
  const Tools tools = calculator();
  CHECK(tools.front()->spec().touches == Touches{});
  CHECK(tools.front()->spec().repeat == Repeat::idempotent);
  const Error error = error_of([] { return calculator({{"precision", 3}}); });
  CHECK(error.code() == errc::config);
  CHECK(error.message() == "the tool 'calculator' has no option 'precision'; it takes none");
}
