// Private: what a Runtime owns.
#pragma once

#include <sennit/agent/io/loop_environment.hpp>
#include <sennit/agent/io/pool.hpp>
#include <sennit/agent/model_gate.hpp>
#include <sennit/agent/queue.hpp>
#include <sennit/agent/run_state.hpp>
#include <sennit/agent/runtime.hpp>
#include <sennit/agent/store.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace sennit {

/// One event loop with the thread that runs it.
struct OwnedLoop {
  OwnedLoop() : context(1), work(context.get_executor()) {}
  ~OwnedLoop();  ///< stops it where it is
  OwnedLoop(const OwnedLoop&) = delete;
  OwnedLoop& operator=(const OwnedLoop&) = delete;
  void start();
  /// Lets it do what is queued, and ends it.
  void drain();

  asio::io_context context;
  asio::executor_work_guard<asio::io_context::executor_type> work;
  std::promise<void> ended;
  std::thread thread;
};

/// Shared by the Runtime, its agents and its runs.
struct Runtime::State {
  State(Registry parts, RuntimeOptions runtime_options);
  ~State() { close(); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  /// Takes a run in; false if the runtime is shutting down.
  [[nodiscard]] bool add(std::shared_ptr<Run::State> run);
  void remove(const std::shared_ptr<Run::State>& run);
  void cancel_all(const std::string& reason);
  [[nodiscard]] bool is_idle();
  /// Ends all that is not a run. Idempotent. REQUIRES: no run is at work.
  void close();
  /// A borrowed loop is being destroyed: what is suspended on it never continues.
  void loop_is_gone();
  [[nodiscard]] std::string new_id();

  Registry registry;
  RuntimeOptions options;
  std::shared_ptr<Store> store;  // null: nothing is kept
  ModelGates gates;
  Queue queue;                                    // of runs that wait for a session
  std::vector<std::unique_ptr<OwnedLoop>> loops;  // empty with a borrowed executor
  std::unique_ptr<Pool> pool;                     // stopped before the loops that its callers wait on
  std::vector<std::shared_ptr<LoopEnvironment>> shards;
  std::atomic<std::size_t> next_shard{0};

  std::mutex mutex;
  std::condition_variable idle;
  std::set<std::shared_ptr<Run::State>> active;  // guarded
  bool closing = false;                          // guarded
  std::mt19937_64 ids;                           // guarded
};

}  // namespace sennit
