#include "support/fixtures.hpp"
#include <sennit/agent/routing.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <vector>

using namespace sennit;

namespace {

std::string routed(const RouteRule& rule, const StepFacts& step) {
  RouteSettings settings;
  settings.rules = {rule};
  const Route route = route_of(settings, step);
  return route.model.empty() ? "" : route.model + ": " + route.reason;
}

}  // namespace

TEST_CASE("a rule holds where all its conditions do, and says so") {
  const std::vector<std::string> tags{"hard"};
  StepFacts step;
  step.prompt_tokens = 1000;
  step.tags = tags;
  CHECK(routed({.model = "m", .longer_than = 999}, step) == "m: longer than 999 tokens");
  CHECK(routed({.model = "m", .longer_than = 1000}, step).empty());
  CHECK(routed({.model = "m", .shorter_than = 1001}, step) == "m: shorter than 1001 tokens");
  CHECK(routed({.model = "m", .images = true}, step).empty());
  CHECK(routed({.model = "m", .images = false}, step) == "m: there are no images");
  CHECK(routed({.model = "m", .tools = true}, step).empty());
  CHECK(routed({.model = "m", .tag = "hard"}, step) == "m: the run is tagged hard");
  CHECK(routed({.model = "m", .tag = "soft"}, step).empty());
  CHECK(routed({.model = "m", .longer_than = 5, .tag = "hard"}, step) ==
        "m: longer than 5 tokens, the run is tagged hard");
  CHECK(routed({.model = "m", .longer_than = 5000, .tag = "hard"}, step).empty());
  CHECK(routed({.model = "m", .budget_left_below = 0.5}, step).empty());  // there is no limit
  step.budget_left = 0.2;
  CHECK(routed({.model = "m", .budget_left_below = 0.5}, step) == "m: less than 50 % of the budget is left");
  CHECK(routed({.model = "m", .budget_left_below = 0.2}, step).empty());
  CHECK(routed({.model = "m"}, step).empty());  // a rule without conditions never holds
}

TEST_CASE("the first rule that holds counts") {
  RouteSettings settings;
  settings.rules = {{.model = "a", .longer_than = 100}, {.model = "b", .longer_than = 10}};
  StepFacts step;
  step.prompt_tokens = 50;
  CHECK(route_of(settings, step).model == "b");
  step.prompt_tokens = 500;
  CHECK(route_of(settings, step).model == "a");
  step.prompt_tokens = 5;
  CHECK(route_of(settings, step).model.empty());
}

TEST_CASE("every model that a spec names is there once, the first with all, the others with its options") {
  ModelSpec spec;
  spec.name = "p/first";
  spec.options.max_tokens = 7;
  spec.base_url = "http://localhost:1";
  ModelSpec second;
  second.name = "p/second";
  ModelSpec third;
  third.name = "p/third";
  third.options.max_tokens = 9;
  spec.fallback = {second, third};
  spec.route.rules = {{.model = "p/fourth", .longer_than = 1}, {.model = "p/second", .images = true}};
  spec.route.escalate.to = "p/fifth";
  const std::vector<ModelSpec> models = models_of(spec);
  REQUIRE(models.size() == 5);
  CHECK(models[0].name == "p/first");
  CHECK(models[1].name == "p/second");
  CHECK(models[1].options.max_tokens == 7);
  CHECK(models[1].base_url.empty());
  CHECK(models[2].options.max_tokens == 9);
  CHECK(models[3].name == "p/fourth");
  CHECK(models[4].name == "p/fifth");
  CHECK(models[4].options.max_tokens == 7);
  CHECK(models[4].base_url == "http://localhost:1");  // the same provider is reached in the same way
}

TEST_CASE("another provider gets neither the address nor the fields that were meant for the first") {
  ModelSpec spec;
  spec.name = "p/first";
  spec.api_key = Secret("${env:P}");
  spec.base_url = "http://localhost:1";
  spec.proxy = "http://proxy:1";
  spec.options.temperature = 0.5;
  spec.options.extra = {{"keep_alive", 5}};
  ModelSpec other;
  other.name = "q/second";
  spec.fallback = {other};
  spec.route.escalate.to = "q/third";
  for (const std::size_t i : {1UL, 2UL}) {
    const ModelSpec model = models_of(spec).at(i);
    CHECK(model.api_key.empty());
    CHECK(model.base_url.empty());
    CHECK(model.options.extra.empty());
    CHECK(model.options.temperature == 0.5);
    CHECK(model.proxy == "http://proxy:1");
  }
}

TEST_CASE("a doubt is the first word of an answer, whatever is around it") {
  CHECK(is_doubt("ESCALATE"));
  CHECK(is_doubt("  **ESCALATE**\n"));
  CHECK(is_doubt("`ESCALATE`: I am not sure"));
  CHECK_FALSE(is_doubt("I would not ESCALATE this"));
  CHECK(is_doubt("Escalate."));
  CHECK_FALSE(is_doubt("escalate this to the second level"));
  CHECK_FALSE(is_doubt("ESCALATED tickets: 5"));
  CHECK_FALSE(is_doubt(""));
}

TEST_CASE("a failed call is one that the model has not answered to") {
  const Message failed = tool_message({"a", "t", "no", true});
  const Message fine = tool_message({"b", "t", "yes", false});
  CHECK(calls_failed(std::vector<Message>{user_message("x"), failed, fine}));
  CHECK_FALSE(calls_failed(std::vector<Message>{user_message("x"), fine}));
  CHECK_FALSE(calls_failed(std::vector<Message>{failed, assistant_message("well")}));
  CHECK_FALSE(calls_failed(std::vector<Message>{}));
}
