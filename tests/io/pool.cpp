#include "support/fixtures.hpp"
#include <sennit/agent/io/pool.hpp>

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

using namespace sennit;
using namespace sennit::testing;
using namespace std::chrono_literals;

namespace {

/// Jobs stop here until it is opened.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  [[nodiscard]] int arrived() {
    const std::lock_guard lock(mutex_);
    return arrived_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int arrived_ = 0;
  bool open_ = false;
};

asio::awaitable<bool> resumes_on(Pool& pool, std::thread::id home) {
  const auto worker = co_await pool.run([] { return std::this_thread::get_id(); });
  co_return worker != home&& std::this_thread::get_id() == home;
}

asio::awaitable<void> pass(Pool& pool, Gate& gate) {
  co_await pool.run([&gate] { gate.pass(); });
}

asio::awaitable<int> count(Pool& pool, std::atomic<int>& counter) {
  co_return co_await pool.run([&counter] { return ++counter; });
}

asio::awaitable<std::unique_ptr<int>> move_only(Pool& pool) {
  auto given = std::make_unique<int>(7);
  auto work = [given = std::move(given)]() mutable { return std::move(given); };
  co_return co_await pool.run(std::move(work));
}

asio::awaitable<void> fail(Pool& pool) {
  co_await pool.run([] { throw Error(errc::storage, "disk full"); });
}

}  // namespace

TEST_CASE("work happens on another thread and its caller continues on its own", "[pool]") {
  TestEnvironment env;
  CHECK(run(env, resumes_on(env.pool(), std::this_thread::get_id())));
  CHECK(*run(env, move_only(env.pool())) == 7);
}

TEST_CASE("an exception of the work reaches its caller", "[pool]") {
  TestEnvironment env;
  const Error error = run_error(env, fail(env.pool()));
  CHECK(error.code() == errc::storage);
  CHECK(error.message() == "disk full");
}

TEST_CASE("as many jobs run side by side as there are threads", "[pool]") {
  TestEnvironment env(3);
  Gate gate;
  std::vector<Started<void>> jobs;
  for (int i = 0; i < 5; ++i) jobs.push_back(start(env, pass(env.pool(), gate)));
  until(env, [&] { return gate.arrived() == 3 && env.pool().waiting() == 5; });
  gate.open();
  for (auto& job : jobs) job.get();
  CHECK(gate.arrived() == 5);
  CHECK(env.pool().waiting() == 0);
}

TEST_CASE("a full queue refuses work at once", "[pool]") {
  TestEnvironment env;
  std::vector<LogRecord> told;
  Pool pool(1, 2, [&told](const LogRecord& record) { told.push_back(record); });
  Gate gate;
  auto running = start(env, pass(pool, gate));
  until(env, [&] { return gate.arrived() == 1; });
  auto second = start(env, pass(pool, gate));
  auto third = start(env, pass(pool, gate));
  const Error error = run_error(env, pass(pool, gate));
  CHECK(error.code() == errc::busy);
  CHECK(error.retryable());
  CHECK(run_error(env, pass(pool, gate)).code() == errc::busy);
  REQUIRE(told.size() == 1);  // of many refusals in a row
  CHECK(told[0].level == LogLevel::warning);
  CHECK(told[0].message == error.message());
  gate.open();
  running.get();
  second.get();
  third.get();
}

TEST_CASE("a cancelled caller continues at once; work that had not begun never does", "[pool]") {
  TestEnvironment env;
  Gate gate;
  std::atomic<int> counter{0};
  {
    Pool pool(1);
    auto running = start(env, pass(pool, gate));
    until(env, [&] { return gate.arrived() == 1; });
    auto queued = start(env, count(pool, counter));
    until(env, [&] { return pool.waiting() == 2; });
    queued.cancel();
    CHECK(queued.error().code() == errc::cancelled);
    running.cancel();
    CHECK(running.error().code() == errc::cancelled);  // although its work still runs
    CHECK(pool.waiting() == 0);
    gate.open();
  }
  CHECK(counter == 0);
}

TEST_CASE("a pool that ends drops what it has not begun, and says so", "[pool]") {
  TestEnvironment env;
  Gate gate;
  std::atomic<int> counter{0};
  auto pool = std::make_unique<Pool>(1);
  auto running = start(env, pass(*pool, gate));
  until(env, [&] { return gate.arrived() == 1; });
  auto queued = start(env, count(*pool, counter));
  until(env, [&] { return pool->waiting() == 2; });
  std::thread opener([&] { gate.open(); });
  pool.reset();
  opener.join();
  running.get();
  CHECK(counter <= 1);  // the gate may have opened before the pool began to end
  if (counter == 0) CHECK(queued.error().code() == errc::cancelled);
}

TEST_CASE("a pool that ends says so if it has to wait for long", "[pool]") {
  TestEnvironment env;
  Gate gate;
  std::atomic<int> told{0};
  Pool pool(1, Pool::kDefaultQueue, [&](const LogRecord& record) {
    told += record.message.find("waiting for 1 job ") == 0 ? 1 : 100;
    gate.open();  // without the warning this test would not end
  });
  auto running = start(env, pass(pool, gate));
  until(env, [&] { return gate.arrived() == 1; });
  pool.stop();
  running.get();
  CHECK(told == 1);
  CHECK(run_error(env, count(pool, told)).code() == errc::cancelled);
}

TEST_CASE("a loop does not run out of work while a job is pending", "[pool]") {
  asio::io_context loop(1);
  Pool pool(1);
  std::atomic<int> counter{0};
  bool ended = false;
  asio::co_spawn(loop, count(pool, counter), [&ended](const std::exception_ptr&, int) { ended = true; });
  loop.run();
  CHECK(ended);
}

TEST_CASE("many callers on many loops share a pool", "[pool]") {
  Pool pool(4, 100'000);
  std::atomic<int> counter{0};
  std::vector<std::thread> loops;
  for (int i = 0; i < 4; ++i) {
    loops.emplace_back([&pool, &counter] {
      asio::io_context loop(1);
      for (int j = 0; j < 500; ++j) {
        asio::co_spawn(loop, count(pool, counter), [](const std::exception_ptr&, int) {});
      }
      loop.run();
    });
  }
  for (auto& loop : loops) loop.join();
  CHECK(counter == 2'000);
}
