// `sennit runs cost`: the same tokens on other models, and the totals of what was kept.
#include "app/kept.hpp"
#include "app/model_server.hpp"
#include <sennit/app/figures.hpp>
#include <sennit/app/run_costs.hpp>

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace sennit;
using namespace sennit::testing;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::Matches;

namespace {

constexpr std::int64_t kMillion = 1'000'000;

/// A server of one's own with prices, in a catalogue of one's own: a run costs 100 × 10 + 7 × 100 of 1e6.
struct Books : Kept {
  Books() {
    folder.write("mine.yaml",
                 "version: 2026-11-20\nproviders:\n  mine:\n    apis: {chat-completions: " + server.url("/v1") + R"(}
models:
  - {id: mine/big, prices: [{input: 10, output: 100}]}
  - {id: mine/half, prices: [{input: 5, output: 50}]}
  - {id: mine/dear, prices: [{input: 20, output: 200}]}
  - {id: mine/yuan, prices: [{currency: CNY, input: 1, output: 1}]}
  - {id: mine/unknown, title: Unknown}
)");
    folder.write("big.yaml", "sennit: 1\nname: clerk\nmodel: mine/big\n");
    folder.write("unknown.yaml", "sennit: 1\nname: poet\nmodel: mine/unknown\n");
  }
  [[nodiscard]] Ended sennit(const std::vector<std::string>& arguments) const {
    return run_program(arguments, {.folder = folder.path(),
                                   .input = {},
                                   .environment = {{"SENNIT_CATALOGUE", (folder.path() / "mine.yaml").string()}}});
  }
  HttpServer server{[](const HttpRequest&) { return testing::Answer().text("Done.").reply(); }};
};

}  // namespace

TEST_CASE("a run's tokens are told in the money of other models, the cheapest first") {
  const Books books;
  REQUIRE(books.sennit({"run", "big.yaml", "hello"}).status == 0);
  const Ended ended = books.sennit({"runs", "cost", "last", "--on", "mine/*"});
  CHECK(ended.status == 0);
  CHECK_THAT(ended.out, Matches("run [0-9a-z-]+ · 100 in · 7 out\n\n"
                                "MODEL +INPUT +OUTPUT +COST\n"
                                "mine/big +[$]0.0010 +[$]0.00070 +[$]0.0017 +this run\n"
                                "mine/half +[$]0.00050 +[$]0.00035 +[$]0.00085 +×0.50\n"
                                "mine/dear +[$]0.0020 +[$]0.0014 +[$]0.0034 +×2.00\n"
                                "mine/yuan +0.00010 CNY +0.0000070 CNY +0.00011 CNY\n"
                                "mine/unknown +not known\n"
                                "\nPrices of 20[0-9-]+; catalogue of 2026-11-20.\n"));
  const json::value document = json::parse(books.sennit({"runs", "cost", "last", "--on", "mine/half", "--json"}).out);
  CHECK(document.at("models").at(0).at("own").as_bool());
  CHECK(document.at("models").at(1).at("factor").as_double() == Approx(0.5));
  const Ended usual = books.sennit({"runs", "cost", "last"});
  CHECK_THAT(usual.out, ContainsSubstring("deepseek/deepseek-flash") && ContainsSubstring("anthropic/claude"));
  CHECK_THAT(books.sennit({"runs", "cost", "last", "--all"}).out, ContainsSubstring("openai/o1-pro"));
}

TEST_CASE("R1 at its launch is told beside o1") {
  const std::shared_ptr<const Catalogue> known = shipped_catalogue();
  const app::KnownModel reasoner = app::known_model(*known, "deepseek/deepseek-reasoner");
  const app::KnownModel o1 = app::known_model(*known, "openai/o1");
  const Usage usage{.input = kMillion, .output = kMillion, .cached_input = kMillion / 2, .reasoning = {}};
  const auto rows = app::compare_costs(usage, reasoner, {}, {o1}, app::read_moment("--at", "2025-01-25"));
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].own);
  CHECK(rows[0].cost->amount == Approx(0.275 + 0.07 + 2.19));
  CHECK(rows[1].cost->amount == Approx(7.5 + 3.75 + 60));
  CHECK(*rows[1].factor == Approx(71.25 / 2.535));
}

TEST_CASE("what a run reckoned itself goes before the catalogue's prices, which then explain nothing") {
  const std::shared_ptr<const Catalogue> known = shipped_catalogue();
  const app::KnownModel o1 = app::known_model(*known, "openai/o1");
  const Usage usage{.input = kMillion, .output = {}, .cached_input = {}, .reasoning = {}};
  const WallTime at = app::read_moment("--at", "2025-01-25");
  CHECK(app::compare_costs(usage, o1, Cost{15, "USD"}, {}, at).front().prices.has_value());
  const app::ModelCost dear = app::compare_costs(usage, o1, Cost{20, "USD"}, {}, at).front();
  CHECK(dear.cost->amount == 20);
  CHECK(!dear.prices);
}

TEST_CASE("each kind of tokens has its own price") {
  const Usage usage{.input = 1000, .output = 10, .cached_input = 600, .reasoning = {}, .cache_write = 300};
  const Prices prices{.input = 10, .output = 50, .cached_input = 1, .currency = "USD", .cache_write = 12.5};
  const app::CostParts parts = app::parts_of(usage, prices);
  CHECK(parts.input == Approx(100 * 10e-6));
  CHECK(parts.cached == Approx(600 * 1e-6));
  CHECK(parts.written == Approx(300 * 12.5e-6));
  CHECK(parts.output == Approx(10 * 50e-6));
  CHECK(parts.input + parts.cached + parts.written + parts.output == Approx(cost_of(usage, prices).amount));
}

TEST_CASE("what a run had from the cache is told as a share") {
  CHECK(app::tokens({.input = 1200, .output = 5, .cached_input = 1000, .reasoning = {}}) ==
        "1,200 in (83 % cached) · 5 out");
  CHECK(app::tokens({.input = 1200, .output = {}, .cached_input = 1, .reasoning = {}}) == "1,200 in (< 1 % cached)");
  CHECK(app::tokens({.input = 1200, .output = {}, .cached_input = 600, .reasoning = {}, .cache_write = 300}) ==
        "1,200 in (50 % cached, 300 to the cache)");
  CHECK(app::cached_share({.input = 1000, .output = {}, .cached_input = 829, .reasoning = {}}) == "83 %");
  CHECK(app::cached_share({.input = 1000, .output = {}, .cached_input = 999, .reasoning = {}}) == "99 %");
  CHECK(app::tokens({.input = 10, .output = {}, .cached_input = 20, .reasoning = {}}) == "10 in (100 % cached)");
  CHECK(app::tokens({.input = 0, .output = 0, .cached_input = 5, .reasoning = {}}) == "0 in · 0 out");
}

TEST_CASE("all runs are added up by agent, model and day, and what is not known is counted") {
  const Books books;
  CHECK(books.sennit({"runs", "cost"}).out == "There are no runs that have ended.\n");
  for (const char* agent : {"big.yaml", "big.yaml", "unknown.yaml"})
    REQUIRE(books.sennit({"run", agent, "hello"}).status == 0);
  const Ended ended = books.sennit({"runs", "cost"});
  CHECK(ended.status == 0);
  CHECK_THAT(ended.out, Matches("AGENT +RUNS +INPUT +OUTPUT +COST\n"
                                "clerk +2 +200 +14 +[$]0.0034\n"
                                "poet +1 +100 +7 +1 not known\n\n"
                                "MODEL [^\n]+\nmine/big [^\n]+\nmine/unknown [^\n]+\n\n"
                                "DAY [^\n]+\n20[0-9-]+ +3 +300 +21 +[$]0.0034, 1 not known\n\n"
                                "What 1 run cost is not known: their models' prices were not.\n"));
  CHECK_THAT(books.sennit({"runs", "cost", "--by", "day"}).out, !ContainsSubstring("AGENT"));
  const json::value document = json::parse(books.sennit({"runs", "cost", "--json"}).out);
  CHECK(document.at("agent").at("clerk").at("cost").at("USD").as_double() == Approx(0.0034));
  CHECK(document.at("model").at("mine/unknown").at("cost_unknown").as_int64() == 1);
}

TEST_CASE("a run that cost nothing is compared without a factor") {
  const Books books;
  books.folder.write("script.yaml", "sennit: 1\nmodel: scripted\nintents: [{match: hi, say: Hello!}]\n");
  REQUIRE(books.sennit({"run", "script.yaml", "hi"}).status == 0);
  const Ended ended = books.sennit({"runs", "cost", "last", "--on", "mine/half"});
  CHECK(ended.status == 0);
  CHECK_THAT(ended.out,
             ContainsSubstring(" $0.00  this run\n") && ContainsSubstring("mine/half") && !ContainsSubstring("×"));
}

TEST_CASE("a comparison that cannot be meant is a usage error") {
  const Books books;
  REQUIRE(books.sennit({"run", "big.yaml", "hello"}).status == 0);
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"--on", "openai/o1"},
                                             {"last", "--by", "day"},
                                             {"nosuchrun"},
                                             {"last", "--on", "nosuchmodel"},
                                             {"last", "--at", "soon"}}) {
    INFO(arguments.front());
    std::vector<std::string> command{"runs", "cost"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    CHECK(books.sennit(command).status == 2);
  }
}
