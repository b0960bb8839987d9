// What a sandbox costs: the time of `true`, plain and shut in, one after the other, in turn.
//
//   tests/bench/spawn.cpp is built as `spawn`:  cmake/build bench spawn && build/bench/tests/bench/spawn [COUNT]
//
// Prints one line of JSON with medians in milliseconds and their ratio; the ratio is what travels.
#include <sennit/agent/io/loop_environment.hpp>
#include <sennit/agent/io/pool.hpp>
#include <sennit/agent/io/sandbox_run.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace sennit;

namespace {

struct Times {
  std::vector<double> plain, walls, proxied;
};

asio::awaitable<double> once(Environment& environment, std::shared_ptr<const sandbox::Box> box) {
  sandbox::Work work;
  work.command.arguments = {"/bin/true"};
  const auto begin = std::chrono::steady_clock::now();
  asio::awaitable<sandbox::Result> running = sandbox::run(environment, std::move(box), std::move(work));
  const sandbox::Result result = co_await std::move(running);
  if (!result.ending.status.success()) throw Error(errc::io, "true failed: " + result.errors.text());
  co_return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

asio::awaitable<void> measure(Environment& environment, int count, Times& times) {
  sandbox::Settings settings;
  const auto walls = std::make_shared<const sandbox::Box>(settings);
  settings.hosts = {"example.com"};
  const auto proxied = std::make_shared<const sandbox::Box>(settings);
  settings = {};
  settings.walls = false;
  settings.groups = false;
  const auto plain = std::make_shared<const sandbox::Box>(settings);
  for (int i = 0; i < count; ++i) {
    asio::awaitable<double> first = once(environment, plain);
    times.plain.push_back(co_await std::move(first));
    asio::awaitable<double> second = once(environment, walls);
    times.walls.push_back(co_await std::move(second));
    asio::awaitable<double> third = once(environment, proxied);
    times.proxied.push_back(co_await std::move(third));
  }
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int count, char** words) {
  const int spawns = count > 1 ? std::max(1, std::atoi(words[1])) : 200;
  if (!sandbox::support().possible) {
    fmt::print("{{\"skipped\": \"no sandbox is possible here\"}}\n");
    return 0;
  }
  asio::io_context loop(1);
  Pool pool(1);
  LoopEnvironment environment(loop.get_executor(), pool);
  Times times;
  std::exception_ptr failure;
  asio::co_spawn(loop, measure(environment, spawns, times),
                 [&](const std::exception_ptr& thrown) { failure = thrown; });
  loop.run();
  if (failure) std::rethrow_exception(failure);
  const double plain = median(times.plain);
  const double walls = median(times.walls);
  const double proxied = median(times.proxied);
  fmt::print(
      "{{\"spawns\": {}, \"plain_ms\": {:.2f}, \"sandboxed_ms\": {:.2f}, \"with_proxy_ms\": {:.2f}, \"ratio\": {:.2f}, "
      "\"ratio_with_proxy\": {:.2f}}}\n",
      spawns, plain, walls, proxied, walls / plain, proxied / plain);
}
