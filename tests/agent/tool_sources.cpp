// Tools that are found out when a run begins: called, told again without their source, shown only when looked for.
#include "support/recorded_runs.hpp"
#include "support/world.hpp"
#include <sennit/agent/sourced_tools.hpp>
#include <sennit/agent/typed_tool.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <atomic>
#include <memory>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

/// What a test's server has, and what became of it.
struct Shelf {
  std::vector<std::shared_ptr<Tool>> tools;
  std::optional<Error> failure;
  bool required = false;
  std::atomic<int> asked{0};
};

class ShelfSource final : public ToolSource {
 public:
  ShelfSource(std::string name, std::shared_ptr<Shelf> shelf) : name_(std::move(name)), shelf_(std::move(shelf)) {}
  const std::string& name() const override { return name_; }
  json::value describe() const override { return json::string(name_); }
  bool required() const override { return shelf_->required; }
  asio::awaitable<std::vector<std::shared_ptr<Tool>>> tools(Environment& /*environment*/) override {
    ++shelf_->asked;
    if (shelf_->failure) throw Error(*shelf_->failure);
    co_return shelf_->tools;
  }
  std::vector<std::string> take_notices() override { return {}; }

 private:
  const std::string name_;
  const std::shared_ptr<Shelf> shelf_;
};

std::shared_ptr<Tool> says_tool(const std::string& name, const std::string& description, const std::string& answer) {
  ToolTraits traits{.touches = {.read = true}, .repeat = Repeat::idempotent};
  traits.gives.add_untrusted("mcp:shelf");
  return make_tool(name, description, [answer]() { return answer; }, traits);
}

std::function<void(Registry&)> with(const std::shared_ptr<Shelf>& shelf) {
  return [shelf](Registry& registry) {
    registry.add_mcp([shelf](const McpServer& server, const PartContext& /*context*/) {
      return std::make_shared<ShelfSource>(server.name, shelf);
    });
  };
}

Definition with_shelf() {
  Definition definition;
  McpServer server;
  server.name = "shelf";
  server.command = {"shelf"};
  definition.mcp.push_back(server);
  return definition;
}

std::vector<std::string> names(const CompletionRequest& request) {
  std::vector<std::string> all;
  for (const ToolDescription& tool : request.tools) all.push_back(tool.name);
  return all;
}

}  // namespace

TEST_CASE("a source's tools are found when a run begins, called, and their results are labelled") {
  auto shelf = std::make_shared<Shelf>();
  shelf->tools = {says_tool("shelf_read", "Reads.", "a book")};
  std::vector<std::string> seen;
  World world(
      [&](const CompletionRequest& request) -> Turn {
        seen = names(request);
        if (request.messages.back().role == Role::tool) return {{TextDelta{"done"}}};
        return {{calls(0, "c1", "shelf_read", "{}")}};
      },
      {}, with(shelf));
  Run run = world.agent(with_shelf()).session().start("read");
  const std::vector<Event> events = elsewhere(read_all(run));
  CHECK(seen == std::vector<std::string>{"shelf_read"});
  CHECK(run.outcome().ending == Ending::completed);
  CHECK(run.outcome().labels.untrusted == std::vector<std::string>{"mcp:shelf"});
  CHECK(count_of<PolicyDecided>(events) == 1);
}

TEST_CASE("a run is told again with the tools that it had, and no source is asked") {
  const TempDir folder;
  auto shelf = std::make_shared<Shelf>();
  shelf->tools = {says_tool("shelf_read", "Reads.", "a book")};
  World world(plays({{{calls(0, "c1", "shelf_read", "{}")}}, {{TextDelta{"done"}}}}), {.state = folder.path()},
              with(shelf));
  const Agent agent = world.agent(with_shelf());
  Run run = agent.session("s").start("read");
  const std::vector<Event> events = elsewhere(read_all(run));
  REQUIRE(run.outcome().ending == Ending::completed);
  const int asked = shelf->asked;
  shelf->tools.clear();
  Run again = agent.replay(recorded(world, run.id()));
  CHECK(elsewhere(read_all(again)) == events);
  CHECK(shelf->asked == asked);
}

TEST_CASE("a source that cannot be had is told of, or ends the run where it is required") {
  auto shelf = std::make_shared<Shelf>();
  shelf->failure = Error(errc::connect_failed, "nobody is at home");
  World world(says("hello"), {}, with(shelf));
  Run run = world.agent(with_shelf()).session().start("hi");
  const std::vector<Event> events = elsewhere(read_all(run));
  CHECK(run.outcome().ending == Ending::completed);
  std::string told;
  for (const Event& event : events) {
    if (const auto* notice = std::get_if<Notice>(&event.data)) told += notice->message;
  }
  CHECK_THAT(told, ContainsSubstring("the tools of shelf are not there") && ContainsSubstring("nobody is at home"));

  shelf->required = true;
  const Outcome outcome = elsewhere(world.agent(with_shelf()).session().start("hi").wait());
  CHECK(outcome.ending == Ending::failed);
  CHECK_THAT(outcome.detail, ContainsSubstring("nobody is at home"));
}

TEST_CASE("where the descriptions are too long, the model looks for tools, and what it found stays in its order") {
  const TempDir folder;
  auto shelf = std::make_shared<Shelf>();
  for (int i = 0; i < 40; ++i) {
    shelf->tools.push_back(says_tool("shelf_tool" + std::to_string(i), "Opens drawer " + std::to_string(i) + ".", "x"));
  }
  shelf->tools.push_back(says_tool("shelf_weather", "Tells the weather of a town.", "sunny"));
  Definition definition = with_shelf();
  definition.limits.tool_schemas = 500;
  std::vector<std::vector<std::string>> seen;
  int step = 0;
  World world(
      [&](const CompletionRequest& request) -> Turn {
        seen.push_back(names(request));
        ++step;
        if (step == 1) return {{calls(0, "c1", "tool_search", R"({"query":"weather in a town"})")}};
        if (step == 2) return {{calls(0, "c2", "shelf_weather", "{}")}};
        return {{TextDelta{"sunny"}}};
      },
      {.state = folder.path()}, with(shelf));
  const Agent agent = world.agent(definition);
  Run run = agent.session("s").start("weather?");
  const std::vector<Event> events = elsewhere(read_all(run));
  REQUIRE(run.outcome().text == "sunny");
  REQUIRE(seen.size() == 3);
  CHECK(seen[0] == std::vector<std::string>{"tool_search"});
  REQUIRE(seen[1].size() >= 2);
  CHECK(seen[1][0] == "tool_search");
  CHECK(seen[1][1] == "shelf_weather");
  CHECK(seen[2] == seen[1]);
  Run again = agent.replay(recorded(world, run.id()));
  CHECK(elsewhere(read_all(again)) == events);
}

TEST_CASE("what a tool is concerned about is asked, whatever the policy allows") {
  class Changed final : public Tool {
   public:
    Changed() {
      spec_.description = {"shelf_read", "Reads.", {{"type", "object"}}};
      spec_.touches.read = true;
    }
    const ToolSpec& spec() const override { return spec_; }
    asio::awaitable<ToolOutput> call(json::object /*arguments*/, ToolContext& /*context*/) override {
      co_return ToolOutput{"a book", false};
    }
    std::string concern(const json::object& /*arguments*/) const override {
      return approved ? std::string() : "it changed since it was approved";
    }
    void accepted() override { approved = true; }
    std::atomic<bool> approved{false};

   private:
    ToolSpec spec_;
  };
  auto shelf = std::make_shared<Shelf>();
  auto tool = std::make_shared<Changed>();
  shelf->tools = {tool};
  Definition definition = with_shelf();
  definition.policy.allow = {"*"};
  World world(plays({{{calls(0, "c1", "shelf_read", "{}")}}, {{TextDelta{"done"}}}}), {}, with(shelf));
  Run run = world.agent(definition).session().start("read");
  std::string reason;
  (void)elsewhere(read_all(run, [&](const Event& event) {
    const auto* asked = std::get_if<ApprovalRequested>(&event.data);
    if (asked == nullptr) return;
    reason = asked->reason;
    run.approve(asked->id, Approval::once);
  }));
  CHECK(reason == "it changed since it was approved");
  CHECK(tool->approved);
}
