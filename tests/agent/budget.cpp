// What a run may spend: its own limits, those of the runs above it, and what a completion costs while it is written.
#include "support/fixtures.hpp"
#include <sennit/agent/budget.hpp>

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

using namespace sennit;
using namespace sennit::testing;

namespace {

constexpr RunLimits kUnlimited{.steps = 0, .tool_calls = 0};

Prices per_million(double input, double output) {
  return {input, output, std::nullopt, "USD"};
}

Usage used(std::int64_t input, std::int64_t output) {
  return {input, output, std::nullopt, std::nullopt};
}

}  // namespace

TEST_CASE("a limit of zero is no limit") {
  Budget budget(kUnlimited, nullptr);
  budget.set_prices(per_million(1, 1));
  for (int i = 0; i < 1000; ++i) {
    budget.begin_step();
    budget.begin_tool_calls(100);
    budget.charge(used(1'000'000, 1'000'000));
  }
  CHECK_NOTHROW(budget.check_in_flight(used(1'000'000, 1'000'000), 1'000'000));
  CHECK(budget.steps() == 1000);
  CHECK(budget.tool_calls() == 100'000);
  CHECK(budget.usage() == used(1'000'000'000, 1'000'000'000));
}

TEST_CASE("the step after the last allowed one is refused, by name and number") {
  const RunLimits limits{.steps = 2};
  Budget budget(limits, nullptr);
  budget.begin_step();
  budget.begin_step();
  const Error error = error_of([&] { budget.begin_step(); });
  CHECK(error.code() == errc::limit);
  CHECK(error.message() == "limits.steps: 2 steps taken of 2");
  CHECK(budget.steps() == 2);
}

TEST_CASE("a batch of tool calls that goes beyond the limit is refused as a whole and costs nothing") {
  const RunLimits limits{.tool_calls = 5};
  Budget budget(limits, nullptr);
  budget.begin_tool_calls(3);
  const Error error = error_of([&] { budget.begin_tool_calls(3); });
  CHECK(error.code() == errc::limit);
  CHECK(error.message() == "limits.tool_calls: 3 made and 3 more wanted of 5");
  CHECK(budget.tool_calls() == 3);
  CHECK_NOTHROW(budget.begin_tool_calls(2));
}

TEST_CASE("tokens spent to the last one buy no further step, yet what is spent exactly is no fault in flight") {
  const RunLimits limits{.tokens = 100};
  Budget budget(limits, nullptr);
  budget.begin_step();
  CHECK_NOTHROW(budget.check_in_flight(used(60, 40), 0));
  budget.charge(used(60, 40));
  const Error error = error_of([&] { budget.begin_step(); });
  CHECK(error.code() == errc::limit);
  CHECK(error.message() == "limits.tokens: 100 tokens used of 100");
}

TEST_CASE("in flight a quarter of the bytes counts where nothing better is known") {
  const RunLimits limits{.tokens = 100};
  Budget budget(limits, nullptr);
  CHECK_NOTHROW(budget.check_in_flight({}, 403));
  CHECK(error_of([&] { budget.check_in_flight({}, 404); }).message() == "limits.tokens: 101 tokens used of 100");
}

TEST_CASE("pieces are tokens as long as they are no longer than tokens are") {
  const RunLimits limits{.tokens = 100};
  for (const std::size_t size : {1UL, 3UL, 6UL}) {
    INFO(size);
    Budget budget(limits, nullptr);
    CHECK_NOTHROW(budget.check_in_flight({}, 100 * size, 100));
    CHECK(error_of([&] { budget.check_in_flight({}, 101 * size, 101); }).message() ==
          "limits.tokens: 101 tokens used of 100");
  }
  Budget several(limits, nullptr);
  CHECK_NOTHROW(several.check_in_flight({}, 400, 20));
  CHECK(error_of([&] { several.check_in_flight({}, 404, 20); }).code() == errc::limit);
}

TEST_CASE("a count in mid-stream is believed, and what is written after it is estimated on top") {
  const RunLimits limits{.tokens = 100};
  SECTION("a server that counts in each chunk, and whose tokens are long") {
    Budget budget(limits, nullptr);
    for (std::int64_t i = 1; i <= 100; ++i) {
      CHECK_NOTHROW(budget.check_in_flight(used(0, i), static_cast<std::size_t>(i) * 12));
    }
    CHECK(error_of([&] { budget.check_in_flight(used(1, 100), 1200); }).code() == errc::limit);
  }
  SECTION("a server that counts at the beginning, and then at the end") {
    Budget budget(limits, nullptr);
    CHECK_NOTHROW(budget.check_in_flight(used(50, 1), 0));
    CHECK_NOTHROW(budget.check_in_flight(used(50, 1), 196));
    CHECK(error_of([&] { budget.check_in_flight(used(50, 1), 200); }).message() ==
          "limits.tokens: 101 tokens used of 100");
    budget.charge(used(50, 40));
    CHECK_NOTHROW(budget.check_in_flight({}, 40));  // of the next one, which begins at nothing
    CHECK(error_of([&] { budget.check_in_flight({}, 44); }).code() == errc::limit);
  }
}

TEST_CASE("a prompt that is not counted yet counts from the first sign of an answer on") {
  const RunLimits limits{.tokens = 1000};
  Budget budget(limits, nullptr);
  budget.expect_prompt(2000);
  CHECK_NOTHROW(budget.check_in_flight({}, 2000));
  CHECK(error_of([&] { budget.check_in_flight({}, 2004); }).message() == "limits.tokens: 1001 tokens used of 1000");
  budget.charge(used(700, 100));  // it was longer than we thought
  budget.expect_prompt(2400);     // the same and 400 bytes more
  CHECK_NOTHROW(budget.check_in_flight({}, 0));
  CHECK(error_of([&] { budget.check_in_flight({}, 4); }).message() == "limits.tokens: 1601 tokens used of 1000");
}

TEST_CASE("a refused request costs nothing, and what a broken one cost comes to the same when it is told again") {
  Budget budget(kUnlimited, nullptr);
  budget.expect_prompt(4000);
  CHECK(budget.charge_in_flight({}, 0).total() == 0);
  budget.expect_prompt(4000);
  const Usage charged = budget.charge_in_flight({}, 30, 10);
  CHECK(charged == used(1000, 10));
  Budget again(kUnlimited, nullptr);
  CHECK(again.charge_in_flight(charged, 0) == charged);
  CHECK(again.usage().total() == budget.usage().total());
}

TEST_CASE("a check in flight counts what was charged before, and charges nothing itself") {
  const RunLimits limits{.tokens = 100};
  Budget budget(limits, nullptr);
  budget.charge(used(80, 0));
  CHECK_NOTHROW(budget.check_in_flight(used(20, 0), 0));
  CHECK(error_of([&] { budget.check_in_flight(used(21, 0), 0); }).code() == errc::limit);
  CHECK(budget.usage().total() == 80);
}

TEST_CASE("what a provider does not count is estimated for the limits, and not claimed to be used") {
  const RunLimits limits{.tokens = 100};
  Budget budget(limits, nullptr);
  budget.charge({}, {.read = 200, .written = 200});
  CHECK(budget.usage() == Usage{});
  CHECK(error_of([&] { budget.begin_step(); }).message() ==
        "limits.tokens: 100 tokens used of 100 (estimated: the model does not count them)");
  Budget counted(limits, nullptr);
  counted.charge(used(10, 10), {.read = 4000, .written = 4000});
  CHECK_NOTHROW(counted.begin_step());
}

TEST_CASE("completions that fly side by side count together, and each until it lands") {
  const RunLimits limits{.tokens = 100};
  Budget top(limits, nullptr);
  Budget one(kUnlimited, &top);
  Budget two(kUnlimited, &top);
  CHECK_NOTHROW(one.check_in_flight({}, 240));
  CHECK_NOTHROW(two.check_in_flight({}, 160));
  CHECK(error_of([&] { two.check_in_flight({}, 164); }).message() == "limits.tokens: 101 tokens used of 100");
  one.charge(used(0, 20));
  CHECK_NOTHROW(two.check_in_flight({}, 320));
  two.charge_in_flight({}, 320);
  CHECK(top.usage().total() == 100);
}

TEST_CASE("money of another currency is not added, and that is said") {
  const RunLimits limits{.cost = 1};
  Budget top(limits, nullptr);
  top.set_prices(per_million(1, 1));
  CHECK(top.uncounted_cost().empty());
  Budget low(kUnlimited, &top);
  CHECK(low.uncounted_cost() == "the prices are not known; set model.prices");
  low.set_prices(Prices{7, 7, std::nullopt, "CNY"});
  CHECK(low.uncounted_cost() == "the prices are in CNY, not in USD");
  top.charge(used(100'000, 0));
  low.charge(used(1'000'000, 0));
  CHECK_FALSE(top.cost());  // it would be a part of the truth
  CHECK_NOTHROW(top.begin_step());
  Budget free(kUnlimited, nullptr);
  CHECK(free.uncounted_cost().empty());
}

TEST_CASE("a broken completion is charged as it was counted in flight") {
  Budget budget(kUnlimited, nullptr);
  budget.set_prices(per_million(1, 2));
  budget.charge_in_flight({}, 4'000'000);
  CHECK(budget.usage().output == 1'000'000);
  CHECK_FALSE(budget.usage().input);
  REQUIRE(budget.cost());
  CHECK(budget.cost()->amount == Catch::Approx(2));
  budget.charge_in_flight(used(1'000'000, 3'000'000), 4'000'000);
  CHECK(budget.usage() == used(1'000'000, 4'000'000));
  CHECK(budget.cost()->amount == Catch::Approx(9));
}

TEST_CASE("cached input has its own price, and never more of it than there was input") {
  Budget budget(kUnlimited, nullptr);
  budget.set_prices(Prices{10, 0, 1, "EUR"});
  budget.charge({1'000'000, 0, 400'000, std::nullopt});
  CHECK(budget.cost()->amount == Catch::Approx(6.4));
  CHECK(budget.cost()->currency == "EUR");
  budget.charge({1'000'000, 0, 5'000'000, std::nullopt});
  CHECK(budget.cost()->amount == Catch::Approx(7.4));
}

TEST_CASE("without prices there is no cost, and a limit on it cannot be reached") {
  const RunLimits limits{.cost = 0.000001};
  Budget budget(limits, nullptr);
  budget.charge(used(1'000'000'000, 1'000'000'000));
  CHECK_FALSE(budget.cost());
  CHECK_NOTHROW(budget.begin_step());
}

TEST_CASE("a limit on cost names what was spent, in the currency of the prices") {
  const RunLimits limits{.cost = 0.5};
  Budget budget(limits, nullptr);
  budget.set_prices(Prices{1, 1, std::nullopt, "EUR"});
  budget.charge(used(500'000, 0));
  const Error error = error_of([&] { budget.begin_step(); });
  CHECK(error.code() == errc::limit);
  CHECK(error.message() == "limits.cost: 0.500000 EUR spent of 0.500000");
  CHECK(error_of([&] { budget.check_in_flight(used(1, 0), 0); }).code() == errc::limit);
}

TEST_CASE("what a sub-agent spends is spent at every level above it, at the sub-agent's own prices") {
  Budget top(kUnlimited, nullptr);
  top.set_prices(per_million(100, 100));
  Budget middle(kUnlimited, &top);
  middle.set_prices(per_million(10, 10));
  Budget low(kUnlimited, &middle);
  low.set_prices(per_million(1, 1));
  low.charge(used(1'000'000, 0));
  middle.charge(used(1'000'000, 0));
  top.charge(used(1'000'000, 0));
  CHECK(low.cost()->amount == Catch::Approx(1));
  CHECK(middle.cost()->amount == Catch::Approx(11));
  CHECK(top.cost()->amount == Catch::Approx(111));
  CHECK(top.usage().input == 3'000'000);
  CHECK(low.usage().input == 1'000'000);
}

TEST_CASE("a sub-agent without prices leaves the cost of all unknown: a part of it would mislead") {
  Budget top(kUnlimited, nullptr);
  top.set_prices(per_million(1, 1));
  Budget low(kUnlimited, &top);
  low.charge(used(1'000'000, 0));
  top.charge(used(1'000'000, 0));
  CHECK_FALSE(low.cost());
  CHECK_FALSE(top.cost());
}

TEST_CASE("a sub-agent is stopped by a limit of any level above it") {
  const RunLimits few_tokens{.tokens = 10};
  const RunLimits few_steps{.steps = 2};
  const RunLimits few_calls{.tool_calls = 1};
  SECTION("tokens") {
    Budget top(few_tokens, nullptr);
    Budget middle(kUnlimited, &top);
    Budget low(kUnlimited, &middle);
    CHECK(error_of([&] { low.check_in_flight(used(11, 0), 0); }).message() == "limits.tokens: 11 tokens used of 10");
    low.charge(used(10, 0));
    CHECK(error_of([&] { low.begin_step(); }).code() == errc::limit);
    CHECK(low.steps() == 0);
  }
  SECTION("steps") {
    Budget top(few_steps, nullptr);
    Budget middle(kUnlimited, &top);
    Budget low(kUnlimited, &middle);
    top.begin_step();
    low.begin_step();
    CHECK(error_of([&] { low.begin_step(); }).message() == "limits.steps: 2 steps taken of 2");
    CHECK(top.steps() == 1);  // of its own
    CHECK(low.steps() == 1);
  }
  SECTION("tool calls: what a level above refuses is not counted below") {
    Budget top(few_calls, nullptr);
    Budget middle(kUnlimited, &top);
    Budget low(kUnlimited, &middle);
    CHECK(error_of([&] { low.begin_tool_calls(2); }).code() == errc::limit);
    CHECK(low.tool_calls() == 0);
    CHECK(middle.tool_calls() == 0);
    CHECK_NOTHROW(low.begin_tool_calls(1));
    CHECK(top.tool_calls() == 1);
  }
  SECTION("cost: in flight at the prices of who answers") {
    const RunLimits cheap{.cost = 1};
    Budget top(cheap, nullptr);
    top.set_prices(per_million(1000, 1000));
    Budget low(kUnlimited, &top);
    low.set_prices(per_million(1, 1));
    CHECK_NOTHROW(low.check_in_flight(used(900'000, 0), 0));
    CHECK(error_of([&] { low.check_in_flight(used(1'100'000, 0), 0); }).code() == errc::limit);
  }
}

TEST_CASE("a sub-agent's own limit leaves its parent's untouched") {
  const RunLimits one{.steps = 1};
  Budget top(kUnlimited, nullptr);
  Budget low(one, &top);
  low.begin_step();
  CHECK(error_of([&] { low.begin_step(); }).code() == errc::limit);
  CHECK_NOTHROW(top.begin_step());
}

TEST_CASE("what is told again counts, whatever the limits say by now") {
  RunLimits limits;
  limits.steps = 1;
  limits.tool_calls = 1;
  Budget above(limits, nullptr);
  const RunLimits none;
  Budget budget(none, &above);
  budget.begin_step();
  budget.begin_tool_calls(1);
  budget.retell_step();
  budget.retell_tool_calls(2);
  CHECK(budget.steps() == 2);
  CHECK(above.tool_calls() == 3);
  CHECK(error_of([&] { budget.begin_step(); }).code() == errc::limit);
  CHECK(error_of([&] { budget.begin_tool_calls(1); }).code() == errc::limit);
}
