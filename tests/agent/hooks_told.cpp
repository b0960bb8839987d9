// Runs with hooks that are told again: replayed without the hook, resumed after a crash, forked.
#include "support/recorded_runs.hpp"
#include "support/test_hooks.hpp"
#include "support/world.hpp"
#include <sennit/agent/typed_tool.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <atomic>
#include <filesystem>
#include <memory>

using namespace sennit;
using namespace sennit::testing;

namespace {

Play two_echoes() {
  return plays({calling({calls(0, "a", "echo", R"({"text":"one"})"), calls(1, "b", "echo", R"({"text":"two"})")}),
                text({"en", "d"})});
}

const char* const kBusy = R"(
case $(cat) in
  *before_model*) echo '{"text":"be brief","note":"before the model"}' ;;
  *after_model*) echo '{"note":"after the model"}' ;;
  *before_tool*) echo '{"arguments":{"text":"changed"},"note":"before the tool"}' ;;
  *) echo '{"result":"replaced","note":"after the tool"}' ;;
esac
echo x >> asked
)";

std::uintmax_t times_asked(const TempDir& folder) {
  return std::filesystem::exists(folder / "asked") ? std::filesystem::file_size(folder / "asked") / 2 : 0;
}

}  // namespace

TEST_CASE("a run with hooks at every point is replayed byte for byte, without them") {
  const TempDir folder;
  const TempDir state;
  Definition definition = with_tools({"echo"});
  add_script(definition, folder, {"before_model", "after_model", "before_tool", "after_tool"}, kBusy);
  std::string id;
  std::vector<Event> events;
  {
    World world(two_echoes(), {.state = state.path()});
    Run run = world.agent(definition).session("s").start("go");
    id = run.id();
    events = elsewhere(read_all(run));
    CHECK(outcome_in(events).text == "end");
    CHECK(count_of<Notice>(events) == 12);  // a note a question, and what was changed of two calls and their results
    CHECK(times_asked(folder) == 8);
  }
  const bool same_agent = GENERATE(true, false);
  std::filesystem::remove(folder / "hook0.sh");
  if (!same_agent) definition.hooks.clear();
  World world(two_echoes(), {.state = state.path()});
  Run again = world.agent(definition).replay(recorded(world, id));
  CHECK(difference(events, elsewhere(read_all(again))) == "");
  CHECK(times_asked(folder) == 8);
}

TEST_CASE("a run that hooks ended is replayed as it ended") {
  const std::string point = GENERATE(as<std::string>{}, "before_model", "after_model", "before_tool", "after_tool");
  INFO(point);
  const TempDir folder;
  const TempDir state;
  Definition definition = with_tools({"echo"});
  add_script(definition, folder, {point}, "echo '{\"action\":\"block\",\"reason\":\"no\",\"note\":\"said no\"}'");
  World world(two_echoes(), {.state = state.path()});
  const Agent agent = world.agent(definition);
  Run run = agent.session("s").start("go");
  const auto events = elsewhere(read_all(run));
  std::filesystem::remove(folder / "hook0.sh");
  Run again = agent.replay(recorded(world, run.id()));
  CHECK(difference(events, elsewhere(read_all(again))) == "");
  CHECK(ill_formed(elsewhere(world.runtime.store()->messages("s"))).empty());
}

TEST_CASE("a run that goes on after a crash does not ask its hooks again") {
  const TempDir folder;
  const TempDir state;
  Definition definition = with_tools({"echo"});
  add_script(definition, folder, {"before_model", "before_tool", "after_tool"}, kBusy);
  const std::string id =
      interrupted(state, definition, {calling({calls(0, "a", "echo", R"({"text":"one"})")}), stalling()}, "s");
  CHECK(times_asked(folder) == 4);  // the second completion was about to be asked for
  World world(says("end"), {.state = state.path()});
  const Agent agent = world.agent(definition);
  Run run = agent.resume(id);
  const auto events = elsewhere(read_all(run));
  CHECK(outcome_in(events).text == "end");
  CHECK(times_asked(folder) == 4);
  const auto messages = elsewhere(world.runtime.store()->messages("s"));
  REQUIRE(messages.size() == 6);  // go, be brief, the call, its result, be brief, end
  CHECK(messages[1].text() == "be brief");
  CHECK(messages[4].text() == "be brief");
  CHECK(ill_formed(messages).empty());
  Run again = agent.replay(recorded(world, id));
  CHECK(difference(events, elsewhere(read_all(again))) == "");
}

TEST_CASE("a call that a hook changed is the one that is approved, days later as well") {
  const TempDir state;
  HookAnswer answer = changes({{"text", "changed"}});
  answer.verdict = Verdict::ask;
  answer.reason = "look at it";
  const auto hook =
      std::make_shared<TestHook>("guard", HookPoint::before_tool, [answer](const HookQuestion&) { return answer; });
  const auto add = [&](Registry& registry) { registry.add_hook(hook); };
  std::string id;
  ApprovalRequested request;
  {
    World world(plays({calling({calls(0, "a", "echo", R"({"text":"hi"})")})}), {.state = state.path()}, add);
    Run run = world.agent(with_tools({"echo"})).session("s").start("go", {.approvals = Approvals::suspend});
    id = run.id();
    const auto events = elsewhere(read_all(run));
    CHECK(outcome_in(events).ending == Ending::suspended);
    for (const Event& event : events) {
      if (const auto* asked = std::get_if<ApprovalRequested>(&event.data)) request = *asked;
    }
  }
  CHECK(request.call.arguments == R"({"text":"changed"})");
  World world(says("end"), {.state = state.path()}, add);
  const Agent agent = world.agent(with_tools({"echo"}));
  Run run = agent.resume(id);
  std::string result;
  const auto events = elsewhere(read_all(run, [&](const Event& event) {
    if (const auto* asked = std::get_if<ApprovalRequested>(&event.data)) run.approve(asked->id, Approval::once);
    if (const auto* finished = std::get_if<ToolFinished>(&event.data)) result = finished->result.content;
  }));
  CHECK(result == "changed");
  CHECK(outcome_in(events).text == "end");
  CHECK(hook->asked == 1);
  Run again = agent.replay(recorded(world, id));
  CHECK(difference(events, elsewhere(read_all(again))) == "");
  CHECK(hook->asked == 1);
}

TEST_CASE("a task that a hook changed is the one that a sub-agent goes on with after a crash") {
  const TempDir folder;
  const TempDir state;
  folder.write("helper.yaml", "sennit: 1\nname: helper\nmodel: world/model\nplanner: fickle\npolicy: {allow: ['*']}\n");
  Definition definition = with_tools({});
  definition.agents = {{"helper", folder.path() / "helper.yaml", ""}};
  const auto hook = std::make_shared<TestHook>(
      "guard", HookPoint::before_tool, [](const HookQuestion&) { return changes({{"task", "the changed task"}}); });
  const std::string words = "well";
  const auto more = [&](Registry& registry) {
    registry.add_hook(hook);
    add_fickle_planner(registry, words);
  };
  const std::string id = interrupted(
      state, definition, {calling({calls(0, "a", "helper", R"({"task":"the task"})")}), stalling()}, "s", more);
  std::vector<std::string> tasks;
  World world(says("end"), {.state = state.path()}, more);
  const Agent agent = world.agent(definition);
  Run run = agent.resume(id);
  const auto events = elsewhere(read_all(run, [&](const Event& event) {
    if (const auto* delegated = std::get_if<Delegated>(&event.data)) tasks.push_back(delegated->task);
  }));
  CHECK(outcome_in(events).text == "end");
  CHECK(tasks == std::vector<std::string>{"the changed task"});
  CHECK(hook->asked == 1);
  Run again = agent.replay(recorded(world, id));
  CHECK(difference(events, elsewhere(read_all(again))) == "");
}

TEST_CASE("a fork asks hooks of what it does anew, and of nothing else") {
  const TempDir folder;
  const TempDir state;
  Definition definition = with_tools({"echo"});
  add_script(definition, folder, {"before_tool"}, kBusy);
  World world(plays({calling({calls(0, "a", "echo", R"({"text":"one"})")}), text({"end"}), text({"another end"})}),
              {.state = state.path()});
  const Agent agent = world.agent(definition);
  Run run = agent.session().start("go");
  CHECK(elsewhere(run.wait()).text == "end");
  CHECK(times_asked(folder) == 1);
  Run fork = agent.fork(recorded(world, run.id()), {.at = 5}, {});
  CHECK(elsewhere(fork.wait()).text == "another end");
  CHECK(times_asked(folder) == 1);
}
