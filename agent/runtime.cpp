#include <sennit/agent/io/secrets.hpp>
#include <sennit/agent/runtime.hpp>
#include <sennit/agent/runtime_state.hpp>

#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <system_error>
#include <utility>

namespace sennit {
namespace {

/// Tells the runtimes that borrowed a loop of its end. It comes to that before Asio destroys what is queued there.
class LoopEnd final : public asio::execution_context::service {
 public:
  static inline asio::execution_context::id id;
  explicit LoopEnd(asio::execution_context& context) : service(context) {}

  void add(const std::shared_ptr<Runtime::State>& runtime) {
    const std::lock_guard lock(mutex_);
    std::erase_if(runtimes_, [](const auto& known) { return known.expired(); });
    runtimes_.push_back(runtime);
  }

 private:
  void shutdown() override {
    for (const auto& known : std::exchange(runtimes_, {})) {
      if (const auto runtime = known.lock()) runtime->loop_is_gone();
    }
  }

  std::mutex mutex_;
  std::vector<std::weak_ptr<Runtime::State>> runtimes_;
};

}  // namespace

OwnedLoop::~OwnedLoop() {
  work.reset();
  context.stop();
  if (thread.joinable()) thread.join();
}

void OwnedLoop::start() {
  thread = std::thread([this] {
    context.run();
    ended.set_value();
  });
}

void OwnedLoop::drain() {
  // Events on their way to their readers take no time. What an embedder left here, a sleep say, is not waited for.
  constexpr std::chrono::seconds kLongest{1};
  work.reset();
  ended.get_future().wait_for(kLongest);
  context.stop();
  thread.join();
}

Runtime::State::State(Registry parts, RuntimeOptions runtime_options)
    : registry(std::move(parts)), options(std::move(runtime_options)) {
  options.log = secrets::redacting(std::move(options.log));
  if (!options.state.empty()) {
    store = std::make_shared<Store>(
        options.state, StoreOptions{.lease = options.lease, .log = options.log, .on_commit = options.on_commit});
  }
  pool = std::make_unique<Pool>(options.pool_threads, Pool::kDefaultQueue, options.log);
  std::random_device seed;
  ids.seed((static_cast<std::uint64_t>(seed()) << 32U) | seed());
  if (options.executor) {
    shards.push_back(std::make_shared<LoopEnvironment>(*options.executor, *pool, options.log));
    return;
  }
  for (std::size_t i = 0; i < std::max<std::size_t>(1, options.threads); ++i) {
    try {
      OwnedLoop& loop = *loops.emplace_back(std::make_unique<OwnedLoop>());
      shards.push_back(std::make_shared<LoopEnvironment>(loop.context.get_executor(), *pool, options.log));
      loop.start();
    } catch (const std::system_error& error) {
      throw Error(errc::io, "cannot start event loop " + std::to_string(i + 1) + " of " +
                                std::to_string(options.threads) + ": " + error.what());
    }
  }
}

bool Runtime::State::add(std::shared_ptr<Run::State> run) {
  const std::lock_guard lock(mutex);
  if (closing) return false;
  active.insert(std::move(run));
  return true;
}

void Runtime::State::remove(const std::shared_ptr<Run::State>& run) {
  run->leave_shard();
  const std::lock_guard lock(mutex);
  active.erase(run);
  if (active.empty()) idle.notify_all();
}

void Runtime::State::cancel_all(const std::string& reason) {
  const std::lock_guard lock(mutex);
  closing = true;
  for (const auto& run : active) {
    asio::post(run->environment->executor(), [run, reason] { run->request_suspend(reason); });
  }
}

std::string Runtime::State::new_id() {
  // Sortable by time, as database keys like it: 48 bits of milliseconds, 80 random bits, in Crockford's base 32.
  constexpr std::string_view kDigits = "0123456789abcdefghjkmnpqrstvwxyz";
  constexpr int kTimeDigits = 10;
  constexpr int kRandomDigits = 16;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  auto time = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  std::string id(kTimeDigits + kRandomDigits, '0');
  for (int i = kTimeDigits - 1; i >= 0; --i, time >>= 5U) id[static_cast<std::size_t>(i)] = kDigits[time & 31U];
  const std::lock_guard lock(mutex);
  for (std::size_t i = kTimeDigits; i < id.size(); ++i) id[i] = kDigits[ids() & 31U];
  return id;
}

bool Runtime::State::is_idle() {
  const std::lock_guard lock(mutex);
  return active.empty();
}

void Runtime::State::close() {
  store.reset();
  if (pool) pool->stop();
  for (std::size_t i = 0; i < loops.size(); ++i) asio::post(loops[i]->context, [shard = shards[i]] { shard->close(); });
  for (const auto& loop : loops) loop->drain();
  // Sockets close while the loops still exist; a handle may keep its run's environment for longer.
  for (const auto& shard : shards) shard->close();
  loops.clear();
}

void Runtime::State::loop_is_gone() {
  std::set<std::shared_ptr<Run::State>> left;
  {
    const std::lock_guard lock(mutex);
    closing = true;
    left.swap(active);
  }
  for (const auto& run : left) {
    // Nothing of this runs any more. Asio destroys what is queued, and the coroutines that wait for it; one that is
    // suspended deep in a planner cannot be reached without the loop, and stays as it is.
    run->request_cancel("the event loop was destroyed");
    Outcome outcome;
    outcome.ending = Ending::cancelled;
    outcome.detail = run->cancel_reason;
    run->emit(Event{{}, RunFinished{std::move(outcome)}});
    run->leave_shard();
  }
  close();
}

Runtime::Runtime(Registry registry, RuntimeOptions options)
    : state_(std::make_shared<State>(std::move(registry), std::move(options))) {
  if (!state_->options.executor) return;
  asio::execution_context& context = asio::query(*state_->options.executor, asio::execution::context);
  asio::use_service<LoopEnd>(context).add(state_);
}

Runtime::~Runtime() {
  State& state = *state_;
  state.cancel_all("shutdown");
  if (!state.loops.empty()) {
    std::unique_lock lock(state.mutex);
    state.idle.wait(lock, [&] { return state.active.empty(); });
  }
  if (state.is_idle()) state.close();  // otherwise the last run's end does
}

asio::awaitable<void> Runtime::shutdown(milliseconds grace) {
  State& state = *state_;
  {
    const std::lock_guard lock(state.mutex);
    state.closing = true;
  }
  // Polled: shutting down is rare, and a run ends on any of several threads.
  constexpr milliseconds kPoll{5};
  asio::steady_timer timer(co_await asio::this_coro::executor);
  const auto cancel_at = std::chrono::steady_clock::now() + grace;
  bool cancelled = false;
  while (!state.is_idle()) {
    if (!cancelled && std::chrono::steady_clock::now() >= cancel_at) {
      state.cancel_all("shutdown");
      cancelled = true;
    }
    timer.expires_after(kPoll);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

Registry& Runtime::registry() {
  return state_->registry;
}
Environment& Runtime::shard() {
  return *state_->shards[state_->next_shard.fetch_add(1, std::memory_order_relaxed) % state_->shards.size()];
}
const std::shared_ptr<Store>& Runtime::store() const {
  return state_->store;
}
const std::filesystem::path& Runtime::state() const {
  return state_->options.state;
}
const std::shared_ptr<Runtime::State>& Runtime::internals() {
  return state_;
}

}  // namespace sennit
