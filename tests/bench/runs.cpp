// The same runs as limit_client's, done by an embedder of Sennit: one thread (or several, which share the load), each
// with its io_context, a runtime that borrows it, and an agent with the tool `add`. What is measured is everything
// between Session::start and RunFinished.
//   runs PORT RUNS CONCURRENCY [--pace-ms D] [--spread-ms D] [--journal FOLDER] [--threads N]    prints one JSON object
#include "epoll.hpp"
#include "measure.hpp"
#include <sennit/agent/agent.hpp>
#include <sennit/agent/typed_tool.hpp>
#include <sennit/plugins/builtin.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sennit::bench {

struct AddArguments {
  double a = 0;
  double b = 0;
};
SENNIT_DESCRIBE(AddArguments, (a), (b))

namespace {

struct Options {
  std::string port;
  std::size_t runs = 0;
  std::size_t concurrency = 0;
  double pace_ms = 0;
  double spread_ms = 0;
  std::filesystem::path journal{};
  std::size_t threads = 1;
};

/// A coroutine, so that it stays on the loop: a plain function would measure the pool's threads.
asio::awaitable<double> add(AddArguments arguments, ToolContext& /*context*/) {
  co_return arguments.a + arguments.b;
}

Registry registry() {
  Registry parts = builtin();
  parts.add_tool("add", "Adds two numbers", &add, {.repeat = Repeat::idempotent});
  return parts;
}

Definition definition(const std::string& port) {
  Definition agent;
  agent.name = "bench";
  agent.model.name = "openai/mock";
  agent.model.base_url = "http://127.0.0.1:" + port + "/v1";
  agent.model.api_key = Secret("x");
  agent.tools.push_back({.name = "add", .options = {}});
  return agent;
}

class Bench {
 public:
  Bench(const Options& options, Agent agent) : options_(options), agent_(std::move(agent)) {}

  /// One run after the other, until all have been started. Lanes that begin apart stay apart: their tokens come one by
  /// one, as those of strangers do, and not in step.
  asio::awaitable<void> lane(std::size_t number) {
    asio::steady_timer begin(co_await asio::this_coro::executor);
    const double share = static_cast<double>(number) / static_cast<double>(options_.concurrency);
    begin.expires_after(std::chrono::microseconds(static_cast<std::int64_t>(options_.spread_ms * share * 1e3)));
    if (options_.spread_ms > 0) co_await begin.async_wait(asio::use_awaitable);
    while (started_ < options_.runs) {
      ++started_;
      co_await one_run();
    }
  }

  asio::awaitable<void> one_run() {
    Session session = agent_.session();
    double began = wall_seconds();
    Run run = session.start("What is 2+3?");
    std::size_t seen = 0;
    while (auto events = co_await run.next()) {
      for (const Event& event : *events) {
        if (const auto* delta = std::get_if<TextDelta>(&event.data)) seen += count(*delta);
      }
      if (options_.pace_ms > 0 && seen > 0) {
        lags_.add((wall_seconds() - began) * 1e3 - options_.pace_ms * static_cast<double>(seen));
      }
      memory_.pass();
    }
    const Outcome& outcome = run.outcome();
    if (outcome.ending != Ending::completed || outcome.tool_calls != 1) {
      throw std::runtime_error("a run ended as " + std::string(to_string(outcome.ending)) + ": " +
                               (outcome.error ? outcome.error->describe() : outcome.detail));
    }
  }

  /// Forgets the warm-up: what is measured is the running service, not its first request.
  void begin() {
    lags_ = Samples(options_.pace_ms > 0 ? options_.runs * kSamplesOfRun : 0);
    memory_ = {};
    tokens_ = 0;
    first_token_ = 0;
    cpu_ = cpu_seconds();
    began_ = wall_seconds();
  }

  /// Adds what another thread saw in the same time.
  void add(const Bench& other) {
    tokens_ += other.tokens_;
    lags_.add(other.lags_);
    memory_.add(other.memory_);
    began_ = std::min(began_, other.began_);
    cpu_ = std::min(cpu_, other.cpu_);
    if (other.first_token_ > 0) first_token_ = std::min(first_token_, other.first_token_);
  }

  void report(std::size_t runs) {
    fmt::print(R"({{"runs":{},"wall_s":{:.6f},"cpu_s":{:.6f},"tokens":{},"memory":{},"first_token_ms":{:.3f},)"
               R"("lag_p50_ms":{:.3f},"lag_p99_ms":{:.3f}}})"
               "\n",
               runs, wall_seconds() - began_, cpu_seconds() - cpu_, tokens_, memory_.growth(),
               (first_token_ - began_) * 1e3, lags_.quantile(0.5), lags_.quantile(0.99));
  }

 private:
  /// A delta may hold several tokens of the mock server ("tok ").
  std::size_t count(const TextDelta& delta) {
    std::size_t tokens = delta.text.size() / 4;
    if (tokens_ == 0) first_token_ = wall_seconds();
    tokens_ += tokens;
    return tokens;
  }

  const Options& options_;
  Agent agent_;
  std::size_t started_ = 0;
  std::size_t tokens_ = 0;
  PeakMemory memory_;
  Samples lags_;
  double began_ = 0;
  double cpu_ = 0;
  double first_token_ = 0;
};

void rethrow(std::exception_ptr failure) {
  if (failure) std::rethrow_exception(failure);
}

/// One thread's share: a warm-up, a common start, and its part of the load.
class Worker {
 public:
  explicit Worker(const Options& options)
      : options_(options),
        runtime_(registry(), runtime_options()),
        bench(options, Agent(runtime_, definition(options.port))) {}

  void warm_up() {
    asio::co_spawn(io_, bench.one_run(), rethrow);
    run();
    bench.begin();
  }
  void work() {
    for (std::size_t i = 0; i < options_.concurrency; ++i) asio::co_spawn(io_, bench.lane(i), rethrow);
    run();
  }
  void shut_down() {
    asio::co_spawn(io_, runtime_.shutdown(), rethrow);
    run();
  }

 private:
  RuntimeOptions runtime_options() {
    RuntimeOptions options;
    options.executor = io_.get_executor();
    options.state = options_.journal;
    return options;
  }
  void run() {
    io_.restart();
    io_.run();
  }

  const Options options_;
  asio::io_context io_{1};
  Runtime runtime_;

 public:
  Bench bench;
};

void measure(const Options& options) {
  Options share = options;
  share.runs /= options.threads;
  share.concurrency /= options.threads;
  std::vector<std::unique_ptr<Worker>> workers;
  for (std::size_t i = 0; i < options.threads; ++i) workers.push_back(std::make_unique<Worker>(share));
  std::barrier warm(static_cast<std::ptrdiff_t>(workers.size()));
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < workers.size(); ++i) {
      threads.emplace_back([&warm, &worker = *workers[i]] {
        worker.warm_up();
        warm.arrive_and_wait();
        worker.work();
      });
    }
    workers[0]->warm_up();
    warm.arrive_and_wait();
    workers[0]->work();
  }
  for (std::size_t i = 1; i < workers.size(); ++i) workers[0]->bench.add(workers[i]->bench);
  workers[0]->bench.report(share.runs * workers.size());
  for (const auto& worker : workers) worker->shut_down();
}

Options parse(int count, char** arguments) {
  if (count < 4)
    throw std::invalid_argument("usage: runs PORT RUNS CONCURRENCY [--pace-ms D] [--journal FOLDER] [--threads N]");
  Options options;
  options.port = arguments[1];
  options.runs = std::strtoul(arguments[2], nullptr, 10);
  options.concurrency = std::strtoul(arguments[3], nullptr, 10);
  for (int i = 4; i + 1 < count; i += 2) {
    std::string_view name = arguments[i];
    if (name == "--pace-ms") {
      options.pace_ms = std::strtod(arguments[i + 1], nullptr);
    } else if (name == "--spread-ms") {
      options.spread_ms = std::strtod(arguments[i + 1], nullptr);
    } else if (name == "--journal") {
      options.journal = arguments[i + 1];
    } else if (name == "--threads") {
      options.threads = std::max(1UL, std::strtoul(arguments[i + 1], nullptr, 10));
    } else {
      throw std::invalid_argument("unknown option " + std::string(name));
    }
  }
  return options;
}

}  // namespace
}  // namespace sennit::bench

int main(int count, char** arguments) {
  try {
    sennit::bench::allow_many_descriptors();
    sennit::bench::measure(sennit::bench::parse(count, arguments));
  } catch (const std::exception& error) {
    fmt::print(stderr, "runs: {}\n", error.what());
    return 1;
  }
}
