// A job is claimed twice: by a thread that takes it off the queue, and by its caller, who may abandon it. Both sides
// meet under the job's own lock, so that a finished job never posts to a loop whose coroutine has already gone.
#include <sennit/agent/io/pool.hpp>
#include <sennit/agent/io/signal.hpp>

#include <boost/asio/this_coro.hpp>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace sennit {
namespace {

struct Job {
  Job(std::function<void()> function, asio::any_io_executor shard)
      : work(std::move(function)), executor(std::move(shard)) {}

  std::function<void()> work;
  asio::any_io_executor executor;
  std::exception_ptr error;                   // written before the post that wakes the caller, read after it
  std::optional<Signal> done{std::in_place};  // touched on the caller's shard only
  std::mutex mutex;
  bool abandoned = false;  // guarded by mutex
};

// Wakes the caller. A loop that is destroyed destroys this uncalled, and the caller waits in the job that it holds:
// nothing else would end the two.
struct Wake {
  explicit Wake(std::shared_ptr<Job> finished) : job(std::move(finished)) {}
  Wake(Wake&&) noexcept = default;
  Wake& operator=(Wake&&) = delete;
  ~Wake() {
    if (job) job->done.reset();
  }
  void operator()() { std::exchange(job, nullptr)->done->notify_now(); }
  std::shared_ptr<Job> job;
};

// Wakes the caller, unless it has gone.
void settle(const std::shared_ptr<Job>& job) {
  const std::lock_guard lock(job->mutex);
  if (job->abandoned) return;
  asio::post(job->executor, Wake(job));
}

void abandon(const std::shared_ptr<Job>& job) {
  const std::lock_guard lock(job->mutex);
  job->abandoned = true;
}

// Signals belong to the host program's own threads.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

struct Pool::State {
  State(std::size_t threads, std::size_t limit, LogSink sink)
      : thread_limit(std::max<std::size_t>(threads, 1)), queue_limit(limit), log(std::move(sink)) {}

  void enqueue(std::shared_ptr<Job> job) {
    const std::lock_guard lock(mutex);
    if (stopping) throw Error(errc::cancelled, "the pool is shutting down");
    if (queue.size() >= queue_limit) {
      Error error(errc::busy, "the queue of the worker pool is full (" + std::to_string(queue_limit) + " jobs)");
      if (!std::exchange(told_full, true) && log) log({LogLevel::warning, "pool", error.message()});
      throw std::move(error).retry();
    }
    queue.push_back(std::move(job));
    if (idle < queue.size() && threads.size() < thread_limit) start_thread();
    wake.notify_one();
  }

  void start_thread() {
    const SignalsBlocked blocked;
    try {
      threads.emplace_back([this] { work(); });
    } catch (const std::system_error& error) {
      if (!threads.empty()) return;  // fewer threads than wished: slower, not wrong
      queue.pop_back();
      throw Error(errc::io, std::string("cannot start a worker thread: ") + error.what()).retry();
    }
  }

  void work() {
    std::unique_lock lock(mutex);
    for (;;) {
      ++idle;
      wake.wait(lock, [this] { return stopping || !queue.empty(); });
      --idle;
      if (queue.empty()) return;
      std::shared_ptr<Job> job = std::move(queue.front());
      queue.pop_front();
      if (queue.empty()) told_full = false;
      ++busy;
      lock.unlock();
      perform(job);
      job.reset();
      lock.lock();
      if (--busy == 0) quiet.notify_all();
    }
  }

  static void perform(const std::shared_ptr<Job>& job) {
    try {
      job->work();
    } catch (...) {
      job->error = std::current_exception();
    }
    job->work = nullptr;
    settle(job);
  }

  void drop(const std::shared_ptr<Job>& job) {
    const std::lock_guard lock(mutex);
    std::erase(queue, job);
  }

  void stop() {
    std::deque<std::shared_ptr<Job>> dropped;
    std::vector<std::thread> ending;
    {
      const std::lock_guard lock(mutex);
      stopping = true;
      dropped.swap(queue);
      ending.swap(threads);
    }
    wake.notify_all();
    for (const auto& job : dropped) {
      job->error = std::make_exception_ptr(Error(errc::cancelled, "the pool is shutting down"));
      settle(job);
    }
    tell_if_long();
    for (auto& thread : ending) thread.join();
  }

  void tell_if_long() {
    constexpr std::chrono::seconds kLong{1};
    std::unique_lock lock(mutex);
    if (quiet.wait_for(lock, kLong, [this] { return busy == 0; })) return;
    const std::string jobs = std::to_string(busy) + (busy == 1 ? " job" : " jobs");
    lock.unlock();
    if (log) log({LogLevel::warning, "pool", "waiting for " + jobs + " that cannot be stopped"});
  }

  const std::size_t thread_limit;
  const std::size_t queue_limit;
  const LogSink log;
  std::atomic<std::size_t> waiting{0};
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::shared_ptr<Job>> queue;
  std::vector<std::thread> threads;
  std::condition_variable quiet;
  std::size_t idle = 0;
  std::size_t busy = 0;
  bool told_full = false;  // once, until the queue has been empty
  bool stopping = false;
};

Pool::Pool(std::size_t threads, std::size_t queue_limit, LogSink log)
    : state_(std::make_shared<State>(threads, queue_limit, std::move(log))) {}

Pool::~Pool() {
  state_->stop();
}

void Pool::stop() {
  state_->stop();
}

std::size_t Pool::waiting() const noexcept {
  return state_->waiting.load(std::memory_order_acquire);
}

asio::awaitable<void> Pool::submit(std::function<void()> job_function) {
  struct Waiting {
    explicit Waiting(std::shared_ptr<State> owner) : state(std::move(owner)) { ++state->waiting; }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() { --state->waiting; }
    std::shared_ptr<State> state;
  };
  const Waiting waiting(state_);
  asio::any_io_executor executor = co_await asio::this_coro::executor;
  const auto job = std::make_shared<Job>(std::move(job_function), std::move(executor));
  waiting.state->enqueue(job);
  // Also where the loop is destroyed, and this coroutine with it: the job must not post to it.
  struct Leaving {
    ~Leaving() {
      if (answered) return;
      abandon(job);
      state.drop(job);
    }
    const std::shared_ptr<Job>& job;
    State& state;
    bool answered = false;
  } leaving{job, *waiting.state};
  try {
    co_await job->done->wait();
  } catch (...) {
    throw current_error();
  }
  leaving.answered = true;
  // The thread may still be inside its post(), and the caller may end the loop next: wait until it has left.
  {
    const std::lock_guard posted(job->mutex);
  }
  // Taken away from the thread, which may drop its hold on the job later.
  if (std::exception_ptr error = std::exchange(job->error, nullptr)) std::rethrow_exception(std::move(error));
}

}  // namespace sennit
