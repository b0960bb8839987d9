#include "app/drawing.hpp"
#include <sennit/app/figures.hpp>
#include <sennit/app/unicode.hpp>
#include <sennit/app/view.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>

using namespace sennit;
using Catch::Matchers::ContainsSubstring;
using namespace sennit::app;
using namespace std::chrono_literals;

namespace {

struct Shown {
  std::string page;
  std::string answer;
};

Shown show(const std::vector<Event>& events, bool apart = false, bool quiet = false, std::size_t width = 60) {
  Shown shown;
  Page page(shown.page, {.width = width});
  View view(page, {.answer = apart ? &shown.answer : nullptr, .quiet = quiet});
  for (const Event& event : events) view.show(event);
  return shown;
}

Event event(EventData data, std::string path = {}) {
  return {std::move(path), std::move(data)};
}

Outcome done(std::string text) {
  Outcome outcome;
  outcome.text = std::move(text);
  outcome.usage = {.input = 1204, .output = 56, .cached_input = 1024, .reasoning = 12};
  outcome.cost = Cost{0.00123, "USD"};
  outcome.duration = 1234ms;
  outcome.tool_calls = 1;
  return outcome;
}

std::vector<Event> a_run() {
  const ToolCall call{"c1", "calculator", R"({"expression":"19% of 4,200"})"};
  return {event(RunStarted{"r", "", "helper", "test/model"}),
          event(Notice{"model: auto took test/model"}),
          event(ReasoningDelta{"Let me think.", nullptr}),
          event(TextDelta{"I will **calculate**."}),
          event(ToolStarted{call}),
          event(ToolFinished{{"c1", "calculator", "798", false}, 412us}),
          event(TextDelta{"It is "}),
          event(TextDelta{"**798**."}),
          event(RunFinished{done("It is **798**.")})};
}

}  // namespace

TEST_CASE("a run that is suspended before it has told who it is can be gone on with") {
  std::string shown;
  Page page(shown, {.width = 60});
  View view(page, {});
  Outcome outcome;
  outcome.ending = Ending::suspended;
  outcome.detail = "terminated";
  view.begin("01run");
  view.show(event(RunFinished{outcome}));
  CHECK_THAT(shown, ContainsSubstring("sennit runs resume 01run"));
}

TEST_CASE("where nobody is asked, a call that was made all the same is told with the rule that wanted it") {
  const auto drawn = [](bool say_rules, Verdict verdict, const std::string& result) {
    std::string text;
    Page page(text, {.width = 60});
    View view(page, {.say_rules = say_rules});
    view.show(event(ToolStarted{{"c1", "pay", "{}"}}));
    view.show(event(PolicyDecided{"c1", "pay", verdict, "policy.ask: p\x1b*"}));
    view.show(event(ToolFinished{{"c1", "pay", result, false}, 12ms}));
    return text;
  };
  CHECK(drawn(true, Verdict::ask, "paid") == "● pay()\n  ? policy.ask: p␛*\n  ↳ paid · 12 ms\n");
  CHECK(drawn(true, Verdict::ask, "declined by the person (policy.ask: p)") ==
        "● pay()\n  ↳ declined by the person (policy.ask: p) · 12 ms\n");
  CHECK(drawn(true, Verdict::ask, "declined by settings: no (policy.ask: p)") ==
        "● pay()\n  ↳ declined by settings: no (policy.ask: p) · 12 ms\n");
  CHECK(drawn(true, Verdict::ask, "declined: the person did not answer in time (p)") ==
        "● pay()\n  ↳ declined: the person did not answer in time (p) · 12 ms\n");
  CHECK(drawn(false, Verdict::ask, "paid") == "● pay()\n  ↳ paid · 12 ms\n");
  CHECK(drawn(true, Verdict::allow, "paid") == "● pay()\n  ↳ paid · 12 ms\n");
}

TEST_CASE("a run reads from top to bottom on a terminal") {
  CHECK(show(a_run()).page ==
        "· model: auto took test/model\n"
        "\n"
        "│ Let me think.\n"
        "\n"
        "I will calculate.\n"
        "\n"
        "● calculator(expression: \"19% of 4,200\")\n"
        "  ↳ 798 · 0.4 ms\n"
        "\n"
        "It is 798.\n"
        "\n"
        "test/model · 1,204 in (85 % cached) · 56 out (12 reasoning)\n· $0.0012 · 1.2 s · 1 tool call\n");
}

TEST_CASE("reasoning is marked without colours, line by line") {
  CHECK(show({event(ReasoningDelta{"Let me think about this\n\n", nullptr}), event(ReasoningDelta{"- once\n", nullptr}),
              event(TextDelta{"Yes.\n"})},
             false, false, 16)
            .page == "│ Let me think\n│ about this\n│\n│ • once\n\nYes.\n");
}

TEST_CASE("a retry says what failed, and the end says where") {
  const Error error = Error(errc::connect_failed, "cannot connect").at("http://host:1/v1");
  Outcome outcome;
  outcome.ending = Ending::failed;
  outcome.error = error;
  CHECK(show({event(Retried{2, 500ms, error}), event(RunFinished{outcome})})
            .page.starts_with("↻ cannot connect; attempt 2 in 500 ms\n\nerror: http://host:1/v1: cannot connect\n"));
}

TEST_CASE("which model was taken is said once, and when it changes") {
  const auto took = [](const char* model) { return event(Notice{std::string("model auto: using ") + model}); };
  CHECK(show({took("a"), event(Notice{"x"}), took("a"), event(Notice{"x"}), took("b"), took("a")}).page ==
        "· model auto: using a\n· x\n· x\n· model auto: using b\n· model auto: using a\n");
}

TEST_CASE("the footer is broken between its parts only") {
  for (std::size_t width = 20; width < 100; ++width) {
    const std::string page =
        show({event(RunStarted{"r", "", "helper", "test/model"}), event(RunFinished{done("x")})}, false, false, width)
            .page;
    INFO(page);
    for (const char* part : {"test/model", "1,204 in (85 % cached)", "56 out (12 reasoning)", "1.2 s", "1 tool call"})
      CHECK(page.find(part) != std::string::npos);
    for (std::size_t at = page.find('\n', 3); at + 1 < page.size(); at = page.find('\n', at + 1))
      CHECK(page.substr(at + 1).starts_with("· "));
  }
}

TEST_CASE("a pipe gets the agent's words, and the page tells the rest") {
  const Shown shown = show(a_run(), true);
  CHECK(shown.answer == "I will **calculate**.\nIt is **798**.\n");
  CHECK(shown.page.find("calculator") != std::string::npos);
  CHECK(shown.page.find("It is") == std::string::npos);
  CHECK(shown.page.find("Let me think") == std::string::npos);
}

TEST_CASE("quiet means the final answer alone") {
  const Shown shown = show(a_run(), true, true);
  CHECK(shown.answer == "It is **798**.\n");
  CHECK(shown.page.empty());
}

TEST_CASE("failures are said even when quiet") {
  Outcome outcome;
  outcome.ending = Ending::failed;
  outcome.error = Error(errc::timeout, "no token for 30 s\x1b[2J").at("test/model");
  const Shown shown = show({event(RunFinished{outcome})}, true, true);
  CHECK(shown.page == "error: test/model: no token for 30 s␛[2J\n");
  CHECK(shown.answer.empty());
}

TEST_CASE("long results and arguments are clipped to the terminal") {
  const ToolCall call{"c1", "files_read", R"({"path":")" + std::string(200, 'x') + R"("})"};
  const Shown shown =
      show({event(ToolStarted{call}),
            event(ToolFinished{{"c1", "files_read", "a\nb\n" + std::string(300, 'y') + "\nd\ne\n", false}, 2s})});
  std::size_t longest = 0;
  for (std::size_t at = 0; at < shown.page.size();) {
    const std::size_t end = shown.page.find('\n', at);
    longest = std::max(longest, columns(std::string_view(shown.page).substr(at, end - at)));
    at = end + 1;
  }
  CHECK(longest <= 60);
  CHECK(shown.page.find("  ↳ a · 2.0 s\n    b\n") != std::string::npos);
  CHECK(shown.page.ends_with("    … 2 more lines\n"));
}

TEST_CASE("calls that run side by side name their results") {
  const Shown shown =
      show({event(ToolStarted{{"c1", "one", ""}}), event(ToolStarted{{"c2", "two", ""}}),
            event(ToolFinished{{"c1", "one", "1", false}, 1ms}), event(ToolFinished{{"c2", "two", "no", true}, 1ms})});
  CHECK(shown.page == "● one()\n● two()\n  ↳ one: 1 · 1.0 ms\n  ✗ two: no · 1.0 ms\n");
}

TEST_CASE("sub-agents speak indented under their name") {
  const Shown shown =
      show({event(ToolStarted{{"c1", "researcher", R"({"task":"find"})"}}),
            event(Delegated{"researcher", "find"}, "c1"), event(TextDelta{"Looking"}, "c1"),
            event(TextDelta{" around."}, "c1"), event(ToolStarted{{"x", "http_get", ""}}, "c1"),
            event(ToolFinished{{"x", "http_get", "page", false}, 5ms}, "c1"), event(TextDelta{"Found."}, "c1"),
            event(StepFinished{}, "c1"), event(ToolFinished{{"c1", "researcher", "Found.", false}, 1s})});
  CHECK(shown.page ==
        "● researcher(task: \"find\")\n"
        "  │ researcher\n"
        "  │ Looking around.\n"
        "  │ ● http_get()\n"
        "  │   ↳ page · 5.0 ms\n"
        "  │ Found.\n"
        "  ↳ researcher: Found. · 1.0 s\n");
}

TEST_CASE("text that no delta brought is shown at the end") {
  CHECK(show({event(RunFinished{done("All said.")})}).page.starts_with("All said.\n"));
}

TEST_CASE("figures are written for people") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(-1234567) == "-1,234,567");
  CHECK(grouped(999) == "999");
  CHECK(duration(412us) == "0.4 ms");
  CHECK(duration(62ms) == "62 ms");
  CHECK(duration(125s) == "2 min 5 s");
  CHECK(money({0.0000042, "USD"}) == "$0.0000042");
  CHECK(money({12.5, "EUR"}) == "€12.50");
  CHECK(money({0, "CNY"}) == "0.00 CNY");
  CHECK(tokens({}).empty());
  Usage usage;
  usage.input = 5;
  CHECK(tokens(usage) == "5 in");
}
