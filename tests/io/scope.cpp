#include "support/fixtures.hpp"
#include <sennit/agent/io/scope.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace sennit;
using namespace sennit::testing;
using namespace std::chrono_literals;

namespace {

asio::awaitable<void> sleep_then_count(Environment& environment, milliseconds duration, int& counter) {
  co_await environment.sleep(duration);
  ++counter;
}

asio::awaitable<void> fail(Environment& environment, milliseconds duration, std::string words) {
  co_await environment.sleep(duration);
  throw Error(errc::tool, words);
}

asio::awaitable<void> cancel_own_scope(TaskScope& scope) {
  scope.cancel();
  co_return;
}

}  // namespace

TEST_CASE("a task that is cancelled and ends before it was ever suspended ends like any other", "[scope]") {
  VirtualEnvironment env;
  TaskScope scope(env.executor(), {});
  scope.spawn(cancel_own_scope(scope));
  run(env, scope.join());
  CHECK(scope.size() == 0);
}

TEST_CASE("a scope is joined when its last task has ended", "[scope]") {
  VirtualEnvironment env;
  TaskScope scope(env.executor(), {});
  int counter = 0;
  run(env, scope.join());  // of an empty scope: at once
  for (int i = 1; i <= 3; ++i) scope.spawn(sleep_then_count(env, i * 100ms, counter));
  CHECK(scope.size() == 3);
  run(env, scope.join());
  CHECK(counter == 3);
  CHECK(env.elapsed() == 300ms);
}

TEST_CASE("cancelling a scope ends all its tasks, and it takes no more", "[scope]") {
  VirtualEnvironment env;
  std::vector<std::string> failures;
  TaskScope scope(env.executor(), [&](const Error& error) { failures.push_back(error.message()); });
  int counter = 0;
  for (int i = 0; i < 3; ++i) scope.spawn(sleep_then_count(env, 100ms, counter));
  env.loop().poll();
  scope.cancel();
  scope.spawn(sleep_then_count(env, 0ms, counter));
  run(env, scope.join());
  CHECK(scope.size() == 0);
  CHECK(counter == 0);
  CHECK(failures.empty());
  CHECK(env.elapsed() == 0ms);
}

TEST_CASE("a task's failure is reported and leaves the others running", "[scope]") {
  VirtualEnvironment env;
  std::vector<std::string> failures;
  TaskScope scope(env.executor(), [&](const Error& error) { failures.push_back(error.message()); });
  int counter = 0;
  scope.spawn(fail(env, 10ms, "one"));
  scope.spawn(sleep_then_count(env, 20ms, counter));
  run(env, scope.join());
  CHECK(failures == std::vector<std::string>{"one"});
  CHECK(counter == 1);
}

TEST_CASE("a cancelled join cancels the tasks and waits for them", "[scope]") {
  VirtualEnvironment env;
  TaskScope scope(env.executor(), {});
  int counter = 0;
  scope.spawn(sleep_then_count(env, 100ms, counter));
  auto join = start(env, scope.join());
  env.loop().poll();
  join.cancel();
  CHECK(join.error().code() == errc::cancelled);
  CHECK(scope.size() == 0);
  CHECK(counter == 0);
}

TEST_CASE("tasks of a destroyed scope are cancelled", "[scope]") {
  VirtualEnvironment env;
  int counter = 0;
  {
    TaskScope scope(env.executor(), {});
    scope.spawn(sleep_then_count(env, 100ms, counter));
    env.loop().poll();
  }
  while (env.loop().poll() > 0) {
  }
  CHECK(counter == 0);
  CHECK(env.elapsed() == 0ms);
}
