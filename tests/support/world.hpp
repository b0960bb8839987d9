// A runtime whose model is a function of the test's own, and ways to read its runs. Runs work on the runtime's threads
// or on the test's loop; assertions stay on the test's thread.
//
//   World world(says("hello"));
//   Run run = world.agent().session().start("hi");
//   CHECK(elsewhere(run.wait()).text == "hello");
#pragma once

#include "support/fixtures.hpp"
#include <sennit/agent/agent.hpp>
#include <sennit/agent/store.hpp>

#include <boost/asio/use_future.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sennit::testing {

/// What the model gives in one completion: each event is an arrival of its own, and Finished is added.
struct Turn {
  std::vector<EventData> events;
  bool stalls = false;  ///< nothing more comes until the run is cancelled
};

/// Asked for each completion, one at a time, on whatever thread the run is. Throws what the stream shall fail with.
using Play = std::function<Turn(const CompletionRequest&)>;

/// The same words each time.
[[nodiscard]] Play says(std::string text);
/// These turns, in order, then an error.
[[nodiscard]] Play plays(std::vector<Turn> turns);

/// One call that opens with all of its arguments.
[[nodiscard]] EventData calls(std::uint32_t call, std::string id, std::string name, std::string arguments);

class World {
 public:
  /// `more` adds to or changes the registry, which holds the built-in parts and the test tools (test_tools.hpp).
  explicit World(Play play, RuntimeOptions options = {}, const std::function<void(Registry&)>& more = {});

  /// An agent whose model is `play`, unless it names one; other fields as given.
  [[nodiscard]] Agent agent(Definition definition = {});
  /// What other models do, by name ("world/other"). To be set before a run.
  std::map<std::string, Play, std::less<>> plays;
  /// Blocks until `count` completions have stalled.
  void wait_for_stall(int count = 1) const;

 private:
  Play play_;
  std::mutex mutex_;  // of play_
  std::atomic<int> stalled_{0};

 public:
  Runtime runtime;

 private:
  class Model;
  class Stream;
  Registry registry(const std::function<void(Registry&)>& more);
};

/// Runs a coroutine to its end on `loop`, on this thread.
template <class T>
T on_loop(asio::io_context& loop, asio::awaitable<T> work) {
  auto future = asio::co_spawn(loop, std::move(work), asio::use_future);
  loop.restart();
  while (future.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    if (loop.run_one_for(kPatience) == 0) throw std::runtime_error("nothing happened for a long time");
  }
  return future.get();
}

/// The same on a loop apart: for runs on the runtime's threads. Only on the test's thread.
template <class T>
T elsewhere(asio::awaitable<T> work) {
  static asio::io_context loop(1);  // outlives the runtimes, whose threads post to it
  auto keep = asio::make_work_guard(loop);
  return on_loop(loop, std::move(work));
}

/// All events of a run. `react` sees each as it comes.
[[nodiscard]] asio::awaitable<std::vector<Event>> read_all(Run& run,
                                                           std::function<void(const Event& event)> react = {});
/// The next event of type T; what comes before is dropped. Throws std::runtime_error if the run ends before.
template <class T>
[[nodiscard]] asio::awaitable<T> read_until(Run& run) {
  while (auto events = co_await run.next()) {
    for (const Event& event : *events) {
      if (const auto* data = std::get_if<T>(&event.data)) co_return *data;
    }
  }
  throw std::runtime_error("the run ended before the event came");
}
/// Runtime::shutdown() with something to return.
[[nodiscard]] asio::awaitable<bool> shut_down(Runtime& runtime, milliseconds grace);

template <class T>
[[nodiscard]] std::size_t count_of(const std::vector<Event>& events) {
  std::size_t count = 0;
  for (const Event& event : events) count += std::holds_alternative<T>(event.data) ? 1 : 0;
  return count;
}
[[nodiscard]] std::string text_of(const std::vector<Event>& events);

/// Why no provider would take this conversation; empty: it is well-formed.
[[nodiscard]] std::string ill_formed(std::span<const Message> messages);

}  // namespace sennit::testing
