// Three gestures (the reader leaves, this answer stops, the run stops), and a storm of cancellations at random moments:
// all end in time, and nothing is left behind.
#include "support/http_server.hpp"
#include "support/world.hpp"
#include <sennit/agent/io/process.hpp>
#include <sennit/agent/io/signal.hpp>
#include <sennit/agent/typed_tool.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <catch2/catch_test_macros.hpp>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <thread>

using namespace sennit;
using namespace sennit::testing;

namespace {

using Clock = std::chrono::steady_clock;

/// Seconds, and what its processes are known by: not those of another run of these tests.
std::string mark() {
  return std::to_string(31'536'000 + ::getpid());
}

Definition with_tools(std::vector<std::string> tools) {
  Definition definition;
  for (std::string& tool : tools) definition.tools.push_back({std::move(tool), {}});
  definition.policy.allow = {"*"};
  return definition;
}

Turn calling(std::string tool) {
  return {{calls(0, "a", std::move(tool), "{}")}, false};
}

/// Ends when the test wants it to, whatever it is told. Nobody can take a coroutine down that does not end, so the test
/// waits for them before their loop goes.
class Deaf {
 public:
  [[nodiscard]] std::function<asio::awaitable<std::string>(ToolContext&)> tool() {
    return [this](ToolContext& context) { return work(context); };
  }
  void let_go() {
    go_ = true;
    const auto due = Clock::now() + kPatience;
    while (at_work_ > 0 && Clock::now() < due) std::this_thread::sleep_for(milliseconds(1));
    CHECK(at_work_ == 0);
  }

 private:
  asio::awaitable<std::string> work(ToolContext& context) {
    ++at_work_;
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    while (!go_) co_await context.environment().sleep(milliseconds(5));
    context.progress("nobody hears this");
    --at_work_;
    co_return "at last";
  }

  std::atomic<bool> go_{false};
  std::atomic<int> at_work_{0};
};

/// Starts a child whose grandchild leaves its session: no signal to a group reaches it.
asio::awaitable<std::string> parent(ToolContext& /*context*/) {
  const std::string script = "setsid sleep " + mark() + " & exec sleep " + mark();
  Process::Command command{.arguments = {"/bin/sh", "-c", script}, .environment = {}, .directory = {}};
  Process child = co_await Process::start(std::move(command));  // named: g++ 14 fails on a braced list in co_await
  co_await child.wait();
  co_return "ended";
}

/// How many processes of parent() live.
std::size_t children() {
  std::size_t count = 0;
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", gone)) {
    std::ifstream file(entry.path() / "cmdline", std::ios::binary);
    const std::string line((std::istreambuf_iterator<char>(file)), {});
    if (line.find(mark()) != std::string::npos && line.find("sleep") != std::string::npos) ++count;
  }
  return count;
}

/// Lets the deaf go before the world does.
struct LetGo {
  Deaf& deaf;
  ~LetGo() { deaf.let_go(); }
};

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator files("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

}  // namespace

TEST_CASE("a reader leaves, and the run works on") {
  const TempDir folder;
  std::atomic<bool> go{false};
  World world(
      [&](const CompletionRequest& request) {
        if (request.messages.size() == 1) return calling("echo_late");
        return Turn{{TextDelta{"done"}}, false};
      },
      {.state = folder.path()},
      [&](Registry& registry) {
        registry.add_tool("echo_late", "", [&go](ToolContext& context) -> asio::awaitable<std::string> {
          while (!go) co_await context.environment().sleep(milliseconds(1));
          co_return "late";
        });
      });
  Run run = world.agent(with_tools({"echo_late"})).session("s").start("go");
  const std::string id = run.id();
  elsewhere(read_until<ToolStarted>(run));
  run.detach();
  go = true;
  const auto ended = [&] { return elsewhere(world.runtime.store()->runs({})).at(0).phase == RunPhase::ended; };
  const auto due = Clock::now() + kPatience;
  while (!ended() && Clock::now() < due) std::this_thread::sleep_for(milliseconds(1));
  CHECK(find_string(elsewhere(world.runtime.store()->runs({})).at(0).outcome, "text") == "done");
}

TEST_CASE("to stop an answer lets the tool at work finish, and begins nothing more") {
  std::atomic<bool> go{false};
  int asked = 0;
  World world(
      [&](const CompletionRequest&) {
        ++asked;
        return calling("careful");
      },
      {},
      [&](Registry& registry) {
        registry.add_tool("careful", "", [&go](ToolContext& context) -> asio::awaitable<std::string> {
          while (!go) co_await context.environment().sleep(milliseconds(1));
          co_return "whole";
        });
      });
  Session session = world.agent(with_tools({"careful"})).session();
  Run run = session.start("go");
  elsewhere(read_until<ToolStarted>(run));
  run.stop_answer("that is enough");
  std::this_thread::sleep_for(milliseconds(5));
  go = true;
  const Outcome outcome = elsewhere(run.wait());
  CHECK(outcome.ending == Ending::cancelled);
  CHECK(outcome.detail == "that is enough");
  CHECK(asked == 1);
  const auto messages = elsewhere(session.messages());
  REQUIRE(messages.size() == 3);
  CHECK(std::get<ToolResult>(messages[2].parts[0]).content == "whole");
}

TEST_CASE("to stop an answer ends what the model is saying at once") {
  World world([](const CompletionRequest&) { return Turn{{TextDelta{"so far"}}, true}; });
  Session session = world.agent({}).session();
  Run run = session.start("go");
  world.wait_for_stall();
  run.stop_answer();
  const Outcome outcome = elsewhere(run.wait());
  CHECK(outcome.ending == Ending::cancelled);
  CHECK(outcome.text == "so far");
  CHECK(elsewhere(session.messages()).size() == 2);
}

TEST_CASE("a tool that ignores its cancellation is left behind") {
  Deaf deaf;
  World world(
      [](const CompletionRequest&) { return calling("deaf"); }, {},
      [&](Registry& registry) { registry.add_tool("deaf", "", deaf.tool(), ToolTraits{.timeout = milliseconds(0)}); });
  const LetGo at_the_end{deaf};
  Session session = world.agent(with_tools({"deaf"})).session();
  Run run = session.start("go");
  elsewhere(read_until<ToolStarted>(run));
  const auto begun = Clock::now();
  run.cancel("stop");
  const auto events = elsewhere(read_all(run));
  CHECK(Clock::now() - begun < std::chrono::seconds(1) + kPatience / 10);  // promptly, on a machine that is busy too
  CHECK(std::get<RunFinished>(events.back().data).outcome.ending == Ending::cancelled);
  CHECK(ill_formed(elsewhere(session.messages())).empty());
}

TEST_CASE("a tool that ignores its deadline is left behind, and the run goes on") {
  Deaf deaf;
  World world(
      [](const CompletionRequest& request) {
        return request.messages.size() == 1 ? calling("deaf") : Turn{{TextDelta{"on"}}, false};
      },
      {},
      [&](Registry& registry) { registry.add_tool("deaf", "", deaf.tool(), ToolTraits{.timeout = milliseconds(20)}); });
  const LetGo at_the_end{deaf};
  Session session = world.agent(with_tools({"deaf"})).session();
  Run run = session.start("go");
  const auto events = elsewhere(read_all(run));
  CHECK(text_of(events) == "on");
  const auto result = elsewhere(session.messages()).at(2);
  CHECK(std::get<ToolResult>(result.parts[0]).content.find("took longer than 20 ms") != std::string::npos);
}

TEST_CASE("a tool that ignores its deadline is left behind though the run is cancelled meanwhile") {
  std::atomic<bool> go{false};
  std::string heard;
  std::atomic<bool> ended{false};
  const auto tool = [&](ToolContext& context) -> asio::awaitable<std::string> {
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    while (!go) co_await context.environment().sleep(milliseconds(5));
    try {
      heard = co_await context.ask("is anybody there?");
    } catch (const Error& error) {
      heard = error.message();
    }
    ended = true;
    co_return "at last";
  };
  World world(
      [](const CompletionRequest&) { return calling("late"); }, {},
      [&](Registry& registry) { registry.add_tool("late", "", tool, ToolTraits{.timeout = milliseconds(20)}); });
  Run run = world.agent(with_tools({"late"})).session().start("go");
  elsewhere(read_until<ToolStarted>(run));
  std::this_thread::sleep_for(milliseconds(100));  // its deadline is over, its grace is not
  run.cancel("stop");
  CHECK(elsewhere(run.wait()).ending == Ending::cancelled);
  go = true;
  const auto due = Clock::now() + kPatience;
  while (!ended && Clock::now() < due) std::this_thread::sleep_for(milliseconds(1));
  CHECK(heard == "the run does not wait for this call any more");
}

TEST_CASE("a tool that ignores its cancellation cannot hold the run with what it asks or delegates") {
  const TempDir folder;
  std::optional<Agent> below;
  const auto asking = [](ToolContext& context) -> asio::awaitable<std::string> {
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_return co_await context.ask("why?");
  };
  const auto delegating = [&below](ToolContext& context) -> asio::awaitable<std::string> {
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    const Outcome outcome = co_await context.delegate(*below, "work");
    co_return outcome.text;
  };
  World world(
      [](const CompletionRequest& request) {
        if (request.instructions.find("helper") != std::string_view::npos) return Turn{{TextDelta{"so far"}}, true};
        return calling(request.messages.back().text());
      },
      {.state = folder.path()},
      [&](Registry& registry) {
        registry.add_tool("asking", "", asking, ToolTraits{.timeout = milliseconds(0)});
        registry.add_tool("delegating", "", delegating, ToolTraits{.timeout = milliseconds(0)});
      });
  constexpr milliseconds kTooLong{20'000};  // what ends the run all the same
  Definition helper;
  helper.name = "helper";
  helper.limits.time = kTooLong;
  helper.instructions = "You are the helper.";
  below = world.agent(helper);
  Session session = world.agent(with_tools({"asking", "delegating"})).session("s");
  std::optional<Run> run;
  SECTION("a question") {
    run = session.start("asking", {.answer_timeout = kTooLong});
    elsewhere(read_until<QuestionAsked>(*run));
  }
  SECTION("a sub-agent whose model stalls") {
    run = session.start("delegating");
    world.wait_for_stall();
  }
  const auto begun = Clock::now();
  run->cancel("enough");
  const auto events = elsewhere(read_all(*run));
  CHECK(Clock::now() - begun < std::chrono::seconds(1) + kPatience / 10);  // promptly, on a machine that is busy too
  CHECK(std::get<RunFinished>(events.back().data).outcome.ending == Ending::cancelled);
  CHECK(ill_formed(elsewhere(session.messages())).empty());
}

TEST_CASE("a run that queues for its session hears that it is cancelled") {
  World world([](const CompletionRequest&) { return Turn{{TextDelta{"a"}}, true}; });
  Session session = world.agent({}).session();
  Run first = session.start("1");
  world.wait_for_stall();
  Run second = session.start("2", {.wait_for_session = std::chrono::hours(1)});
  std::this_thread::sleep_for(milliseconds(30));
  second.cancel("never mind");
  const Outcome outcome = elsewhere(second.wait());
  CHECK(outcome.ending == Ending::cancelled);
  CHECK(outcome.detail == "never mind");
}

// `test_agent "[storm]"` with SENNIT_STORM=1000 is what docs/reliability.md tells of.
TEST_CASE("a storm of cancellations leaves nothing behind", "[storm]") {
  const char* wanted = std::getenv("SENNIT_STORM");
  const int count = wanted == nullptr ? 60 : std::atoi(wanted);
  const auto pieces = [](std::string piece) {
    return Reply::forever([piece = std::move(piece)](std::size_t) { return piece; }).every(milliseconds(1));
  };
  constexpr const char* kText = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"}}]}\n\n";
  const auto calling_of = [](const std::string& tool) {
    return "data: "
           "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"" +
           tool +
           "\","
           "\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n";
  };
  std::atomic<int> kind{0};
  HttpServer server([&](const HttpRequest&) {
    switch (kind++ % 5) {
      case 0:
        return Reply::text("").stall();
      case 1:
        return pieces(": keep-alive\n\n");
      case 2:
        return pieces(kText);
      case 3:
        return Reply::text(calling_of("parent")).header("content-type", "text/event-stream");
      default:
        return Reply::text(calling_of("deaf")).header("content-type", "text/event-stream");
    }
  });
  const TempDir folder;
  std::mt19937 random(17);
  const std::size_t descriptors = open_descriptors();
  Clock::duration longest{};
  {
    Deaf deaf;
    World world(says("unused"), {.state = folder.path()}, [&](Registry& registry) {
      registry.add_tool("deaf", "", deaf.tool(), ToolTraits{.timeout = milliseconds(0)});
      registry.add_tool("parent", "", parent, ToolTraits{.timeout = milliseconds(0)});
    });
    const LetGo at_the_end{deaf};
    Definition definition = with_tools({"deaf", "parent"});
    definition.model.name = "openai-compatible/test";
    definition.model.base_url = server.url("/v1");
    const Agent agent(world.runtime, definition);
    for (int i = 0; i < count; ++i) {
      Run run = agent.session("s" + std::to_string(i % 7)).start("go");
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
      const auto begun = Clock::now();
      run.cancel("storm");
      const auto events = elsewhere(read_all(run));
      longest = std::max(longest, Clock::now() - begun);
      REQUIRE(count_of<RunFinished>(events) == 1);
      const Outcome& outcome = std::get<RunFinished>(events.back().data).outcome;
      REQUIRE(outcome.ending == Ending::cancelled);
    }
    for (int i = 0; i < 7; ++i) CHECK(ill_formed(elsewhere(agent.session("s" + std::to_string(i)).messages())).empty());
  }
  const auto due = Clock::now() + kPatience;
  while (server.open_connections() > 0 && Clock::now() < due) std::this_thread::sleep_for(milliseconds(1));
  CHECK(server.open_connections() == 0);
  while (children() > 0 && Clock::now() < due) std::this_thread::sleep_for(milliseconds(1));
  CHECK(children() == 0);
  WARN("the longest of " << count << " cancellations took " << std::chrono::duration_cast<milliseconds>(longest).count()
                         << " ms");
  CHECK(open_descriptors() <= descriptors + 1);  // the test's own loop
}
