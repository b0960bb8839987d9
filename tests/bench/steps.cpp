// One run of many steps, each a tool call, with a model in the program itself: what is left is Sennit's own work for a
// step. A step at the end must cost what one at the beginning does.
//   steps STEPS [--journal FOLDER]    prints one JSON object: CPU and journal of the first and of the last tenth
#include "measure.hpp"
#include <sennit/agent/agent.hpp>
#include <sennit/agent/store.hpp>
#include <sennit/agent/typed_tool.hpp>
#include <sennit/plugins/builtin.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/core.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sennit::bench {
namespace {

/// Calls `add` in each step, with other numbers.
class Stream final : public TokenStream {
 public:
  Stream(std::size_t step, bool last) {
    if (last) {
      events_[0].data = TextDelta{"Done."};
    } else {
      const std::string arguments = fmt::format(R"({{"a":{:06},"b":1}})", step);
      events_[0].data = ToolCallDelta{0, fmt::format("call_{:06}", step), "add", arguments, false};
    }
    Usage usage;
    usage.input = 1'000;
    usage.output = 20;
    events_[1].data = UsageUpdate{usage};
    events_[2].data = Finished{last ? StopReason::stop : StopReason::tool_calls, {}};
  }
  asio::awaitable<std::span<Event>> next() override {
    const bool ended = std::exchange(ended_, true);
    co_return ended ? std::span<Event>{} : std::span<Event>(events_);
  }

 private:
  std::array<Event, 3> events_;
  bool ended_ = false;
};

class Model final : public Backend {
 public:
  Model(std::size_t steps, std::string name) : steps_(steps), info_{std::move(name), "bench", std::nullopt, {}} {}
  const ModelInfo& info() const override { return info_; }
  std::unique_ptr<TokenStream> stream(Environment& /*environment*/, const CompletionRequest& request) const override {
    const std::size_t step = request.messages.size() / 2 + 1;
    return std::make_unique<Stream>(step, step >= steps_);
  }

 private:
  std::size_t steps_;
  ModelInfo info_;
};

struct AddArguments {
  std::int64_t a = 0;
  std::int64_t b = 0;
};
SENNIT_DESCRIBE(AddArguments, (a), (b))

asio::awaitable<std::int64_t> add(AddArguments arguments, ToolContext& /*context*/) {
  co_return arguments.a + arguments.b;
}

Registry registry(std::size_t steps) {
  Registry parts = builtin();
  parts.add_tool("add", "Adds two numbers", &add, {.repeat = Repeat::idempotent});
  parts.add_backend("bench", [steps](const ModelSpec& spec, const PartContext& /*context*/) {
    return std::make_shared<Model>(steps, spec.name);
  });
  return parts;
}

Definition definition(std::size_t steps) {
  Definition agent;
  agent.name = "bench";
  agent.model.name = "bench/model";
  agent.tools.push_back({.name = "add", .options = {}});
  agent.limits.steps = static_cast<std::uint32_t>(steps);
  agent.limits.tool_calls = static_cast<std::uint32_t>(steps);
  return agent;
}

/// CPU at the end of each step.
asio::awaitable<void> follow(Run run, std::vector<double>& cpu, std::string& id) {
  while (auto events = co_await run.next()) {
    for (const Event& event : *events) {
      if (const auto* started = std::get_if<RunStarted>(&event.data)) id = started->run;
      if (std::holds_alternative<StepFinished>(event.data)) cpu.push_back(cpu_seconds());
    }
  }
  const Outcome& outcome = run.outcome();
  if (outcome.ending != Ending::completed) throw std::runtime_error("the run ended as " + outcome.detail);
}

asio::awaitable<void> read(Store& store, std::string id, RecordedRun& into) {
  into = co_await store.recorded(std::move(id));
}

/// Bytes of the entries of steps `from` to `to`, a step.
double entry_bytes(const RecordedRun& run, std::size_t from, std::size_t to) {
  std::size_t bytes = 0;
  std::size_t step = 0;
  for (const JournalEntry& entry : run.journal) {
    if (entry.kind == "complete" && entry.boundary == Boundary::start) ++step;
    if (step > from && step <= to) bytes += entry.data.size();
  }
  return static_cast<double>(bytes) / static_cast<double>(to - from);
}

void measure(std::size_t steps, const std::filesystem::path& journal) {
  asio::io_context loop(1);
  RuntimeOptions options;
  options.executor = loop.get_executor();
  options.state = journal;
  Runtime runtime(registry(steps), options);
  const Agent agent(runtime, definition(steps));
  std::vector<double> cpu;
  std::string id;
  Session session = agent.session();
  std::exception_ptr failure;
  const auto run = [&](asio::awaitable<void> work) {
    asio::co_spawn(loop, std::move(work), [&](std::exception_ptr thrown) { failure = std::move(thrown); });
    loop.restart();
    loop.run();
    if (failure) std::rethrow_exception(failure);
  };
  run(follow(session.start("Count."), cpu, id));
  const std::size_t tenth = steps / 10;
  const auto of = [&](std::size_t from, std::size_t to) {
    return (cpu.at(to) - cpu.at(from)) / static_cast<double>(to - from) * 1e6;
  };
  double first_bytes = 0;
  double last_bytes = 0;
  if (!journal.empty()) {
    RecordedRun recorded;
    run(read(*runtime.store(), id, recorded));
    first_bytes = entry_bytes(recorded, 0, tenth);
    last_bytes = entry_bytes(recorded, steps - tenth - 1, steps - 1);
  }
  fmt::print(R"({{"steps":{},"first_us":{:.1f},"last_us":{:.1f},"first_bytes":{:.1f},"last_bytes":{:.1f}}})"
             "\n",
             steps, of(0, tenth), of(steps - tenth - 1, steps - 1), first_bytes, last_bytes);
}

}  // namespace
}  // namespace sennit::bench

int main(int argc, char** argv) {
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  const std::size_t steps = words.empty() ? 0 : std::strtoul(words[0].data(), nullptr, 10);
  const bool journal = words.size() == 3 && words[1] == "--journal";
  if (steps < 10 || (words.size() != 1 && !journal)) {
    fmt::print(stderr, "usage: steps STEPS (10 or more) [--journal FOLDER]\n");
    return 2;
  }
  try {
    sennit::bench::measure(steps, journal ? words[2] : std::string_view{});
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
