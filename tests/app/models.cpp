// `sennit models`: what the catalogue knows, as a person looks it up.
#include "app/program.hpp"
#include <sennit/agent/io/json.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <fstream>
#include <iterator>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

namespace {

constexpr std::string_view kMine = R"(
version: 2026-11-20
providers:
  mine:
    title: Mine
    apis: {chat-completions: http://127.0.0.1:9/v1, messages: ""}
    key: MINE_API_KEY
    key_required: true
    default_model: big
models:
  - id: mine/big
    title: Big
    context: 200000
    output: 8192
    abilities: [tools, parallel_tools, images, reasoning]
    efforts: [low, high]
    replay: within_turn
    prices:
      - {currency: CNY, input: 2, cached_input: 0.2, output: 8, from: 2026-06-01, hours: "mon-fri 01:00-04:00"}
      - {currency: CNY, input: 1, cached_input: 0.1, output: 4, from: 2026-06-01}
      - {currency: CNY, input: 3, output: 12, until: 2026-06-01}
    source: https://example.org/big
    checked: true
  - id: mine/small*
    title: Small
    context: 1050000
    abilities: [tools]
    prices: [{input: 0.003625, output: 0.5}]
  - id: mine/*tuned*
    title: Tuned
  - id: mine/plain
  - id: mine/dated-2024*
    title: Dated
)";

struct Shelf {
  explicit Shelf(std::string_view catalogue = kMine) { folder.write("mine.yaml", catalogue); }
  [[nodiscard]] Ended models(std::vector<std::string> arguments, std::map<std::string, std::string> more = {}) const {
    arguments.insert(arguments.begin(), "models");
    more.emplace("SENNIT_CATALOGUE", (folder.path() / "mine.yaml").string());
    return run_program(arguments, {.folder = folder.path(), .input = {}, .environment = std::move(more)});
  }
  [[nodiscard]] std::string mine(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--provider", "mine", "--at", "2026-11-20"});
    const Ended ended = models(std::move(arguments));
    CHECK(ended.status == 0);
    return ended.out.substr(0, ended.out.find("\n\n") + 1);
  }
  TempDir folder;
};

/// The first block of YAML below a heading of docs/models.md.
std::string example_of_the_documentation() {
  std::ifstream file(SENNIT_SOURCE_DIR "/docs/models.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t heading = text.find("## Rows of your own");
  REQUIRE(heading != std::string::npos);
  const std::size_t begin = text.find("```yaml\n", heading) + 8;
  return text.substr(begin, text.find("```", begin) - begin);
}

}  // namespace

TEST_CASE("models are listed by name, with what they can and what they cost on a day") {
  const Shelf shelf;
  CHECK(shelf.mine({}) ==
        "MODEL       CONTEXT  OUTPUT         IN    CACHED       OUT  ABILITIES\n"
        "mine/big       200k      8k   1.00 CNY  0.10 CNY  4.00 CNY  tools images reasoning\n"
        "mine/small    1.05M          $0.003625               $0.50  tools\n"
        "mine/plain\n");
  const Ended ended = shelf.models({"mine/*", "--at", "2026-05-31"});
  CHECK_THAT(ended.out,
             ContainsSubstring("12.00 CNY") &&
                 ContainsSubstring("\n3 models, prices of 2026-05-31; catalogue of 2026-11-20; your own rows: "));
  // In the peak hours of a Monday.
  CHECK_THAT(shelf.models({"mine/big", "--at", "2026-11-23T02:30"}).out, ContainsSubstring("8.00 CNY"));
}

TEST_CASE("models are chosen by pattern, ability and price") {
  const Shelf shelf;
  CHECK_THAT(shelf.mine({"sma"}), ContainsSubstring("mine/small") && !ContainsSubstring("mine/big"));
  CHECK_THAT(shelf.mine({"*IG", "plain"}),
             ContainsSubstring("mine/plain") && ContainsSubstring("mine/big") && !ContainsSubstring("small"));
  CHECK_THAT(shelf.mine({"--with", "tools,images"}), ContainsSubstring("mine/big") && !ContainsSubstring("mine/small"));
  CHECK_THAT(shelf.mine({"--max-price", "1"}), ContainsSubstring("mine/small") && !ContainsSubstring("mine/plain"));
  CHECK_THAT(shelf.mine({"--rows"}), ContainsSubstring("mine/*tuned*") && ContainsSubstring("mine/small*"));
  const Ended none = shelf.models({"nosuchmodelatall"});
  CHECK(none.status == 0);
  CHECK_THAT(none.out, StartsWith("No model of the catalogue is like that."));
}

TEST_CASE("models are printed as JSON with all their prices, a line each") {
  const Ended ended = Shelf().models({"mine/big", "--json", "--at", "2026-01-01"});
  REQUIRE(ended.status == 0);
  const json::value model = json::parse(ended.out);
  CHECK(model.at("id").as_string() == "mine/big");
  CHECK(model.at("price").at("output").to_number<double>() == 12);
  CHECK(model.at("prices").as_array().size() == 3);
  CHECK(model.at("prices").at(0).at("hours").as_string() == "mon-fri 01:00-04:00 UTC");
  CHECK(model.at("abilities") == json::array{"tools", "parallel_tools", "images", "reasoning"});
}

TEST_CASE("the catalogue that is shipped lists the models that people know") {
  const Ended ended = Shelf("version: 2026-11-20\n").models({});
  CHECK(ended.status == 0);
  for (const char* model : {"deepseek/deepseek-flash ", "openai/o1 ", "anthropic/claude-sonnet-5-5 "})
    CHECK_THAT(ended.out, ContainsSubstring(model));
  CHECK_THAT(ended.out, !ContainsSubstring("*") && !ContainsSubstring("gpt-4o-2024 ") && !ContainsSubstring("open/"));
}

TEST_CASE("one model is shown with its key's name, its prices' dates, and where that stands") {
  const Shelf shelf;
  const Ended ended = shelf.models({"show", "mine/big", "--at", "2026-11-20"}, {{"MINE_API_KEY", "very-secret"}});
  CHECK(ended.status == 0);
  CHECK(ended.out ==
        "mine/big · Big\n"
        "  provider    Mine\n"
        "  protocols   chat-completions at http://127.0.0.1:9/v1, taken unless `api` says otherwise\n"
        "              messages at the agent file's base_url\n"
        "  key         MINE_API_KEY: set\n"
        "  context     200,000 tokens\n"
        "  answer      8,192 tokens\n"
        "  abilities   tools, parallel_tools, images, reasoning\n"
        "  efforts     low, high\n"
        "  replay      reasoning is sent back: within the running turn\n"
        "  prices        2.00 CNY in · 0.20 CNY cached · 8.00 CNY out  from 2026-06-01, mon-fri 01:00-04:00 UTC\n"
        "              ● 1.00 CNY in · 0.10 CNY cached · 4.00 CNY out  from 2026-06-01\n"
        "                3.00 CNY in · 12.00 CNY out  until 2026-06-01\n"
        "              of a million tokens; ● holds on 2026-11-20\n"
        "  source      https://example.org/big (read for this)\n"
        "  rows        mine/big\n"
        "  catalogue   2026-11-20\n");
  CHECK_THAT(shelf.models({"show", "mine/big"}).out, ContainsSubstring("MINE_API_KEY: not set\n"));
  CHECK_THAT(shelf.models({"show", "big"}).out, StartsWith("mine/big · Big\n"));
  CHECK_THAT(shelf.models({"show", "mine/"}).out, StartsWith("mine/big · Big\n"));  // the default
}

TEST_CASE("of a model that is not there its family is shown, and what was meant") {
  const Shelf shelf;
  const Ended near = shelf.models({"show", "mine/bigg"});
  CHECK(near.status == 0);
  CHECK_THAT(near.out, StartsWith("mine/bigg is not in the catalogue; did you mean mine/big? What holds for all of "
                                  "Mine:\n") &&
                           ContainsSubstring("key         MINE_API_KEY: not set\n") &&
                           ContainsSubstring("context     not known\n"));
  const Ended provider = shelf.models({"show", "mien/big"});
  CHECK(provider.status == 2);
  CHECK_THAT(provider.err, ContainsSubstring("did you mean mine?"));
  const Ended name = shelf.models({"show", "smal"});
  CHECK(name.status == 2);
  CHECK_THAT(name.err, ContainsSubstring("did you mean mine/small?"));
  CHECK(shelf.models({"--at", "yesterday"}).status == 2);
  CHECK(shelf.models({"--with", "magic"}).status == 2);
  CHECK(shelf.models({"--provider", "mien"}).status == 2);
}

TEST_CASE("providers are listed, and whether their keys are set") {
  const Shelf shelf;
  const Ended ended = shelf.models({"--providers"}, {{"MINE_API_KEY", "very-secret"}});
  CHECK(ended.status == 0);
  CHECK_THAT(ended.out, ContainsSubstring("MINE_API_KEY: set ") && ContainsSubstring("OPENAI_API_KEY: not set ") &&
                            ContainsSubstring("OLLAMA_API_KEY: not set, not needed") &&
                            !ContainsSubstring("very-secret"));
}

TEST_CASE("the documentation's example of rows of one's own is a catalogue") {
  const Shelf shelf(example_of_the_documentation());
  const Ended ended = shelf.models({"--provider", "office"});
  CHECK(ended.status == 0);
  CHECK_THAT(ended.out, ContainsSubstring("office/qwen3-32b"));
  CHECK_THAT(shelf.models({"show", "office/qwen3-32b"}).out, ContainsSubstring("OFFICE_API_KEY"));
}

TEST_CASE("a catalogue of one's own that is wrong is said to be, with the place") {
  const Shelf shelf("version: 2026-11-20\nmodels:\n  - {id: mine/big, contexts: 5}\n");
  const Ended ended = shelf.models({});
  CHECK(ended.status == 2);
  CHECK_THAT(ended.err, ContainsSubstring("mine.yaml:3:"));
}
