// What tests share: an Environment on the test's own thread, real or with a virtual clock, and ways to run coroutines
// to their end on it. Assertions belong on the test's thread: that is where everything here runs.
//
//   TestEnvironment env;                                     // real clock, real sockets, its own io_context
//   std::string text = run(env, fetch(env, url));            // rethrows what the coroutine throws
//   Error error = run_error(env, fetch(env, bad_url));       // expects it to throw
//   auto task = start(env, fetch(env, url));                 // begins it …
//   until(env, [&] { return server.requests().size() == 1; });  // … lets the loop turn until this holds …
//   task.cancel();                                           // … and cancels it (terminal)
//   CHECK(task.error().code() == errc::cancelled);
//
//   VirtualEnvironment env;                                  // sleeping takes no time
//   run(env, something_that_times_out_after_ten_minutes(env));
//   CHECK(env.elapsed() == std::chrono::minutes(10));
//
// A coroutine that does not end within kPatience fails the test instead of blocking it.
#pragma once

#include <sennit/agent/io/loop_environment.hpp>
#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/io/signal.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace sennit::testing {

/// Generous, because sanitizers and loaded machines are slow; it is only ever waited for where something hangs.
inline constexpr std::chrono::seconds kPatience{60};

/// A fresh folder, removed with the object.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  /// Writes a file (folders in `name` are made) and gives its path.
  std::filesystem::path write(std::string_view name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

/// The whole content of a file. Throws if it cannot be read.
[[nodiscard]] std::string read_file(const std::filesystem::path& file);

/// A LoopEnvironment with its own io_context, which runs only while the test runs it.
class TestEnvironment : public Environment {
 public:
  explicit TestEnvironment(std::size_t pool_threads = 2);
  ~TestEnvironment() override;

  [[nodiscard]] asio::any_io_executor executor() const override { return loop_.get_executor(); }
  [[nodiscard]] SteadyTime now() const override { return real_.now(); }
  [[nodiscard]] WallTime wall_now() const override { return real_.wall_now(); }
  [[nodiscard]] std::uint64_t random() override { return real_.random(); }
  [[nodiscard]] std::unique_ptr<Alarm> call_at(SteadyTime when, std::function<void()> then) override {
    return real_.call_at(when, std::move(then));
  }
  [[nodiscard]] http::Client& http() override { return http_ ? *http_ : real_.http(); }
  [[nodiscard]] Pool& pool() override { return pool_; }
  void log(LogRecord record) override { records_.push_back(std::move(record)); }

  /// Puts a client of the test's own in the place of the real one.
  void set_http(std::unique_ptr<http::Client> client);
  /// What was logged so far (on the test's thread).
  [[nodiscard]] const std::vector<LogRecord>& records() const noexcept { return records_; }
  [[nodiscard]] asio::io_context& loop() noexcept { return loop_; }
  /// Lets the loop work a little: runs what is ready, or waits a moment for something.
  virtual void turn();

 protected:
  mutable asio::io_context loop_{1};
  asio::executor_work_guard<asio::io_context::executor_type> keep_{loop_.get_executor()};
  Pool pool_;
  std::unique_ptr<http::Client> http_;
  std::vector<LogRecord> records_;
  LoopEnvironment real_;
};

/// Time stands still while anything can be done and jumps to the next timer when nothing can. Jobs in the pool are
/// waited for in real time; real sockets and children are not known to it: http() throws unless set_http() was called.
/// Randomness is the same in every run.
class VirtualEnvironment final : public TestEnvironment {
 public:
  using Calls = std::multimap<SteadyTime, std::function<void()>>;
  VirtualEnvironment() = default;
  [[nodiscard]] SteadyTime now() const override { return SteadyTime(std::chrono::hours(1)) + elapsed_; }
  [[nodiscard]] WallTime wall_now() const override;
  [[nodiscard]] std::uint64_t random() override;
  [[nodiscard]] std::unique_ptr<Alarm> call_at(SteadyTime when, std::function<void()> then) override;
  [[nodiscard]] http::Client& http() override;
  void turn() override;

  /// Virtual time since the start.
  [[nodiscard]] SteadyTime::duration elapsed() const noexcept { return elapsed_; }

 private:
  SteadyTime::duration elapsed_{};
  Calls calls_;
  std::uint64_t random_ = 0;
};

/// Turns the loop until `condition` holds. Throws std::runtime_error after kPatience.
void until(TestEnvironment& environment, const std::function<bool()>& condition);

/// A coroutine that was started on a TestEnvironment, which must outlive it.
template <class T>
class Started {
 public:
  Started(TestEnvironment& environment, asio::awaitable<T> work)
      : environment_(environment), state_(std::make_shared<State>()) {
    asio::co_spawn(
        environment.executor(), spawnable(keep(std::move(work), state_)),
        asio::bind_cancellation_slot(state_->cancellation.slot(), [state = state_](std::exception_ptr failure) {
          state->failure = std::move(failure);
          state->done = true;
        }));
  }
  Started(Started&&) noexcept = default;

  [[nodiscard]] bool done() const noexcept { return state_->done; }
  /// Cancels it (terminal). It ends soon; get() or error() wait for that.
  void cancel() {
    state_->cancelled = true;
    // On the loop: from elsewhere, co_spawn would keep a pointer that may be gone when its turn comes.
    asio::post(environment_.executor(), [state = state_] {
      if (state->begun && !state->done) state->cancellation.emit(asio::cancellation_type::terminal);
    });
  }

  /// Turns the loop until it has ended; gives its result or rethrows.
  T get() {
    wait();
    if (state_->failure) std::rethrow_exception(state_->failure);
    if constexpr (!std::is_void_v<T>) return std::move(*state_->result);
  }

  /// Turns the loop until it has ended; gives what it threw. Throws std::runtime_error if it did not throw.
  [[nodiscard]] Error error() {
    wait();
    if (!state_->failure) throw std::runtime_error("the coroutine was expected to throw, and did not");
    try {
      std::rethrow_exception(state_->failure);
    } catch (...) {
      return current_error();
    }
  }

 private:
  struct State {
    using Result = std::conditional_t<std::is_void_v<T>, char, T>;
    asio::cancellation_signal cancellation;
    std::optional<Result> result;
    std::exception_ptr failure;
    bool begun = false;
    bool cancelled = false;
    bool done = false;
  };

  static asio::awaitable<void> keep(asio::awaitable<T> work, std::shared_ptr<State> state) {
    state->begun = true;
    if (state->cancelled) throw Error(errc::cancelled, "cancelled");
    if constexpr (std::is_void_v<T>) {
      co_await std::move(work);
    } else {
      state->result.emplace(co_await std::move(work));
    }
  }

  void wait() {
    try {
      until(environment_, [this] { return done(); });
    } catch (...) {
      cancel();  // a second chance to end cleanly, so that the failure is reported without leaks on top
      for (int i = 0; i < 100 && !done(); ++i) environment_.turn();
      throw;
    }
  }

  TestEnvironment& environment_;
  std::shared_ptr<State> state_;
};

/// Begins a coroutine; it works whenever the loop turns.
template <class T>
[[nodiscard]] Started<T> start(TestEnvironment& environment, asio::awaitable<T> work) {
  return Started<T>(environment, std::move(work));
}

/// Runs a coroutine to its end on this thread.
template <class T>
T run(TestEnvironment& environment, asio::awaitable<T> work) {
  return start(environment, std::move(work)).get();
}

/// Runs a coroutine that must throw; gives what it threw.
template <class T>
[[nodiscard]] Error run_error(TestEnvironment& environment, asio::awaitable<T> work) {
  return start(environment, std::move(work)).error();
}

/// Calls a function that must throw; gives what it threw.
template <class Function>
[[nodiscard]] Error error_of(Function&& function) {
  try {
    std::forward<Function>(function)();
  } catch (...) {
    return current_error();
  }
  throw std::runtime_error("the function was expected to throw, and did not");
}

}  // namespace sennit::testing
