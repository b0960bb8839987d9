#include "support/fixtures.hpp"
#include <sennit/backends/catalogue/catalogue.hpp>
#include <sennit/backends/catalogue/week_hours.hpp>
#include <sennit/backends/wire/wire_model.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>
#include <set>
#include <string>

namespace sennit::testing {
namespace {

using Catch::Matchers::ContainsSubstring;

WallTime at(std::string_view day, int hour = 0, int minute = 0) {
  return *parse_date(day) + std::chrono::hours(hour) + std::chrono::minutes(minute);
}

Catalogue with(std::string_view yaml) {
  Catalogue known = *shipped_catalogue();
  known.add(yaml, "mine.yaml");
  return known;
}

std::string wrong(std::string_view yaml) {
  Catalogue known;
  return error_of([&] { known.add(yaml, "mine.yaml"); }).message();
}

}  // namespace

TEST_CASE("what is shipped is in order") {
  const auto known = shipped_catalogue();
  CHECK(known->version() == "2026-11-26");
  CHECK(known->providers().size() > 20);
  CHECK(known->rows().size() > 100);
  std::set<std::string> ids;
  std::set<std::string> owners;
  for (const Provider& provider : known->providers()) {
    owners.insert(provider.name);
    owners.insert(provider.families.begin(), provider.families.end());
    INFO(provider.name);
    CHECK_FALSE(provider.title.empty());
    CHECK_FALSE(provider.key_variable.empty());
    for (const Endpoint& endpoint : provider.apis) {
      CHECK((endpoint.base_url.empty() || endpoint.base_url.starts_with("http")));
      CHECK_FALSE(endpoint.base_url.ends_with('/'));
    }
  }
  for (const ModelEntry& row : known->rows()) {
    INFO(row.id);
    CHECK(ids.insert(row.id).second);
    CHECK(owners.contains(row.id.substr(0, row.id.find('/'))));
    if (!row.prices) continue;
    for (const DatedPrices& dated : *row.prices) {
      CHECK(dated.prices.input >= 0);
      CHECK(dated.prices.cached_input.value_or(0) <= dated.prices.input);
      CHECK((!dated.from || !dated.until || *dated.from < *dated.until));
    }
  }
}

TEST_CASE("the files that people read are those that are built in") {
  Catalogue read;
  const std::filesystem::path folder = std::filesystem::path(SENNIT_SOURCE_DIR) / "backends" / "catalogue";
  read.add(read_file(folder / "models.yaml"), "models.yaml");
  read.add(read_file(folder / "providers.yaml"), "providers.yaml");
  const auto built_in = shipped_catalogue();
  CHECK(std::ranges::equal(read.providers(), built_in->providers()));
  CHECK(std::ranges::equal(read.rows(), built_in->rows()));
}

TEST_CASE("every provider's models can be asked") {
  for (const Provider& provider : shipped_catalogue()->providers()) {
    for (const Endpoint& endpoint : provider.apis) {
      INFO(provider.name << " " << to_string(endpoint.api));
      ModelSpec spec;
      spec.name = provider.name + "/m";
      spec.api = to_string(endpoint.api);
      if (endpoint.base_url.empty()) spec.base_url = "http://127.0.0.1:1/v1";
      const WireModel model = resolve_model(shipped_catalogue(), provider, spec);
      const std::vector<Message> messages{user_message("hi")};
      CompletionRequest request;
      request.messages = messages;
      CHECK(parse_json(request_body(model, request)));
    }
  }
}

TEST_CASE("each field of a model comes from the first row that has it") {
  const Catalogue known = with(R"(
models:
  - {id: deepseek/deepseek-flash, context: 5}
  - {id: "deepseek/deepseek-fl*", context: 6, output: 7, abilities: [tools]}
)");
  const ModelEntry model = *known.find("deepseek/DeepSeek-Flash");
  CHECK(model.context_tokens == 5);
  CHECK(model.output_tokens == 7);
  CHECK(model.can(Ability::tools));
  CHECK_FALSE(model.can(Ability::images));
  CHECK(model.prices);  // of the row that is shipped
  CHECK_FALSE(known.find("nobody/x"));
  CHECK(known.find("deepseek")->id == "deepseek/deepseek-flash");
}

TEST_CASE("people add providers, and change those that are there") {
  const Catalogue known = with(R"(
version: 2027-01-01
providers:
  mine: {title: My server, apis: {chat-completions: "http://gpu:8000/v1"}, families: [open]}
  openai: {apis: {chat-completions: "https://proxy.example/v1"}}
models:
  - {id: mine/house-model, context: 32768, prices: [{input: 0.1, output: 0.2, currency: EUR}]}
)");
  CHECK(known.version() == "2027-01-01");
  const Provider* mine = known.provider("mine");
  REQUIRE(mine != nullptr);
  CHECK(mine->apis == std::vector<Endpoint>{{Api::chat_completions, "http://gpu:8000/v1"}});
  CHECK(known.find("mine/house-model")->prices_at(at("2027-01-01"))->currency == "EUR");
  CHECK(known.find("mine/deepseek-r1-distill-qwen-7b")->think == ThinkStart::inside);
  const Provider* openai = known.provider("openai");
  CHECK(openai->apis.front().base_url == "https://proxy.example/v1");
  CHECK(openai->title == "OpenAI");
}

TEST_CASE("what is wrong with a catalogue is told all at once, each at its place") {
  const std::string words = wrong(R"(providers:
  x: {apis: {telepathy: "http://a"}, reasoning: deep}
models:
  - {id: NoSlash, contxt: 5}
  - {id: a/b, prices: [{input: -1, output: 1, hours: "noon"}]}
)");
  CHECK_THAT(words, ContainsSubstring("mine.yaml:2:"));
  CHECK_THAT(words, ContainsSubstring("telepathy"));
  CHECK_THAT(words, ContainsSubstring("reasoning"));
  CHECK_THAT(words, ContainsSubstring("mine.yaml:4:"));
  CHECK_THAT(words, ContainsSubstring("did you mean `context`"));
  CHECK_THAT(words, ContainsSubstring("hours"));
  CHECK_THAT(wrong("providers: {x: {title: X}}"), ContainsSubstring("apis"));
  CHECK_THAT(wrong("models: ["), ContainsSubstring("mine.yaml:1:"));
}

TEST_CASE("prices hold at their dates and hours") {
  const Catalogue known = with(R"(
models:
  - id: deepseek/test
    prices:
      - {input: 2, output: 4, from: 2026-08-16, hours: "mon-fri 01:00-04:00 06:00-10:00"}
      - {input: 1, output: 2, from: 2026-08-16}
      - {input: 9, output: 9, until: 2026-08-16}
)");
  const ModelEntry model = *known.find("deepseek/test");
  CHECK(model.prices_at(at("2026-08-15"))->input == 9);
  CHECK(model.prices_at(at("2026-08-17", 0, 59))->input == 1);  // a Monday
  CHECK(model.prices_at(at("2026-08-17", 1))->input == 2);
  CHECK(model.prices_at(at("2026-08-17", 4))->input == 1);
  CHECK(model.prices_at(at("2026-08-17", 9, 59))->input == 2);
  CHECK(model.prices_at(at("2026-08-22", 9))->input == 1);  // a Saturday
}

TEST_CASE("the hours of a week are read strictly") {
  CHECK(parse_week_hours("sat-sun")->spans.empty());
  CHECK(parse_week_hours("sat-mon 00:00-24:00"));
  CHECK(parse_week_hours("01:00-04:00")->days == 0x7F);
  for (const char* text :
       {"", " ", "noon", "mon-", "1:00-2:00", "04:00-01:00", "25:00-26:00", "01:00", "mon 01:60-02:00"}) {
    INFO(text);
    CHECK_FALSE(parse_week_hours(text));
  }
  for (const char* text : {"2026-02-30", "2026-1-1", "20260101", "", "2026-01-01x"}) CHECK_FALSE(parse_date(text));
}

TEST_CASE("R1 at its launch cost a fraction of o1") {
  const auto known = shipped_catalogue();
  const Usage usage{1'000'000, 1'000'000, {}, {}};
  const Cost r1 = cost_of(usage, *known->find("deepseek/deepseek-reasoner")->prices_at(at("2025-01-25")));
  const Cost o1 = cost_of(usage, *known->find("openai/o1")->prices_at(at("2025-01-25")));
  CHECK(r1 == Cost{0.55 + 2.19, "USD"});
  CHECK(o1 == Cost{75.0, "USD"});
}

TEST_CASE("a star in a pattern stands for any text") {
  CHECK(matches_model("*r1*", "DeepSeek-R1-Distill"));
  CHECK(matches_model("gpt-5", "gpt-5"));
  CHECK_FALSE(matches_model("gpt-5", "gpt-5-mini"));
  CHECK(matches_model("gpt-5*mini", "GPT-5-Mini"));
  CHECK(matches_model("*", ""));
  CHECK_FALSE(matches_model("", "x"));
}

}  // namespace sennit::testing
