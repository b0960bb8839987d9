// The same runs as limit_client's, done by an embedder of Sennit: one thread, one borrowed io_context, one agent with
// the tool `add`. What is measured is everything between Session::start and RunFinished.
//   runs PORT RUNS CONCURRENCY [--pace-ms D] [--journal FOLDER]    prints one JSON object
#include "epoll.hpp"
#include "measure.hpp"
#include <sennit/agent/agent.hpp>
#include <sennit/agent/typed_tool.hpp>
#include <sennit/plugins/builtin.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

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
  std::filesystem::path journal{};
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

  /// One run after the other, until all have been started.
  asio::awaitable<void> lane() {
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
    lags_ = {};
    memory_ = {};
    tokens_ = 0;
    first_token_ = 0;
    cpu_ = cpu_seconds();
    began_ = wall_seconds();
  }

  void report() {
    fmt::print(R"({{"runs":{},"wall_s":{:.6f},"cpu_s":{:.6f},"tokens":{},"memory":{},"first_token_ms":{:.3f},)"
               R"("lag_p50_ms":{:.3f},"lag_p99_ms":{:.3f}}})"
               "\n",
               options_.runs, wall_seconds() - began_, cpu_seconds() - cpu_, tokens_, memory_.growth(),
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

void measure(const Options& options) {
  asio::io_context io(1);
  RuntimeOptions runtime_options;
  runtime_options.executor = io.get_executor();
  runtime_options.state = options.journal;
  Runtime runtime(registry(), runtime_options);
  Bench bench(options, Agent(runtime, definition(options.port)));

  asio::co_spawn(io, bench.one_run(), rethrow);
  io.run();
  io.restart();
  bench.begin();
  for (std::size_t i = 0; i < options.concurrency; ++i) asio::co_spawn(io, bench.lane(), rethrow);
  io.run();
  bench.report();

  io.restart();
  asio::co_spawn(io, runtime.shutdown(), rethrow);
  io.run();
}

Options parse(int count, char** arguments) {
  if (count < 4) throw std::invalid_argument("usage: runs PORT RUNS CONCURRENCY [--pace-ms D] [--journal FOLDER]");
  Options options;
  options.port = arguments[1];
  options.runs = std::strtoul(arguments[2], nullptr, 10);
  options.concurrency = std::strtoul(arguments[3], nullptr, 10);
  for (int i = 4; i + 1 < count; i += 2) {
    std::string_view name = arguments[i];
    if (name == "--pace-ms") {
      options.pace_ms = std::strtod(arguments[i + 1], nullptr);
    } else if (name == "--journal") {
      options.journal = arguments[i + 1];
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
