// The runtime's life: many threads, runs that outlive their reader, and every order of going away.
#include "support/world.hpp"

#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>

#include <array>
#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

using namespace sennit;
using namespace sennit::testing;

namespace {

Play echoes_once() {
  return [](const CompletionRequest& request) {
    if (request.messages.back().role == Role::tool) return Turn{{TextDelta{"done"}}};
    return Turn{{TextDelta{"calling "}, calls(0, "c1", "echo", R"({"text":"x"})")}};
  };
}

Definition with_echo() {
  Definition definition;
  definition.tools = {{"echo", {}}};
  return definition;
}

Turn stall() {
  return {{TextDelta{"half"}}, true};
}

}  // namespace

TEST_CASE("four threads with a hundred runs each, all journalled, lose nothing") {
  constexpr int kRuns = 100;
  const TempDir folder;
  std::array<asio::io_context, 4> loops;  // they outlive the runtime, whose threads post to them
  World world(echoes_once(), {.threads = 4, .state = folder.path()});
  const Agent agent = world.agent(with_echo());
  std::atomic<int> completed{0};
  std::vector<std::jthread> callers;
  for (std::size_t caller = 0; caller < loops.size(); ++caller) {
    callers.emplace_back([&, caller] {
      const auto keep = asio::make_work_guard(loops.at(caller));
      for (int i = 0; i < kRuns; ++i) {
        Session session = agent.session(std::to_string(caller) + "-" + std::to_string(i));
        Run run = session.start("go");
        const Outcome outcome = on_loop(loops.at(caller), run.wait());
        if (outcome.ending == Ending::completed && outcome.tool_calls == 1 && outcome.text == "done") ++completed;
      }
    });
  }
  callers.clear();
  CHECK(completed == 4 * kRuns);
  CHECK(on_loop(loops[0], world.runtime.store()->sessions(1000)).size() == 4U * kRuns);
}

TEST_CASE("a borrowed loop goes before its runtime, or after it, with a run at work") {
  auto loop = std::make_unique<asio::io_context>(1);
  auto world = std::make_unique<World>([](const CompletionRequest&) { return stall(); },
                                       RuntimeOptions{.executor = loop->get_executor()});
  std::optional<Run> run(world->agent().session().start("go"));
  on_loop(*loop, read_until<TextDelta>(*run));
  SECTION("shut down first, as it should be") {
    CHECK(on_loop(*loop, shut_down(world->runtime, milliseconds{0})));
    CHECK(on_loop(*loop, run->wait()).detail == "shutdown");
    run.reset();
    world.reset();
    loop.reset();
  }
  SECTION("the run's handle first, then the runtime") {
    run.reset();
    on_loop(*loop, shut_down(world->runtime, milliseconds{0}));
    world.reset();
    loop.reset();
  }
}

TEST_CASE("a run goes on without a reader, up to its buffer") {
  World world(echoes_once(), {.threads = 1});
  Run run = world.agent(with_echo()).session().start("go");
  while (run.id().empty()) std::this_thread::yield();
  CHECK(elsewhere(shut_down(world.runtime, std::chrono::seconds(30))));
  CHECK(elsewhere(run.wait()).ending == Ending::completed);
}

TEST_CASE("a state folder that cannot be used is named") {
  const TempDir folder;
  const auto file = folder.write("taken", "a file");
  const Error error = error_of([&] { World world(says("x"), {.state = file / "state"}); });
  CHECK(error.code() == errc::storage);
  CHECK(error.describe().find(file.string()) != std::string::npos);
}

TEST_CASE("a conversation goes on in another program as soon as the first is done with it") {
  const TempDir folder;
  World first([](const CompletionRequest&) { return stall(); }, {.state = folder.path()});
  World second(says("mine now"), {.state = folder.path()});
  Run held = first.agent().session("s").start("one");
  first.wait_for_stall();
  Run refused = second.agent().session("s").start("two");
  const Outcome busy = elsewhere(refused.wait());
  REQUIRE(busy.error);
  CHECK(busy.error->code() == errc::busy);
  held.cancel("enough");
  elsewhere(held.wait());
  Run taken = second.agent().session("s").start("three");
  CHECK(elsewhere(taken.wait()).text == "mine now");
  CHECK(ill_formed(elsewhere(second.agent().session("s").messages())).empty());
}
