#include <sennit/agent/model_gate.hpp>

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace sennit {

double RateWindow::level(SteadyTime now) const {
  const double elapsed = std::chrono::duration<double>(now - at_).count();
  return std::max(0.0, level_ - elapsed * static_cast<double>(a_minute_) / 60);
}

milliseconds RateWindow::wait(std::int64_t amount, SteadyTime now) const {
  if (a_minute_ == 0) return milliseconds::zero();
  const auto whole = static_cast<double>(a_minute_);
  const double over = level(now) + std::min(static_cast<double>(amount), whole) - whole;
  if (over <= 0) return milliseconds::zero();
  return milliseconds(static_cast<std::int64_t>(std::ceil(over / whole * 60'000)));
}

void RateWindow::take(std::int64_t amount, SteadyTime now) {
  if (a_minute_ == 0) return;
  level_ = std::max(0.0, level(now) + static_cast<double>(amount));
  at_ = now;
}

ModelGate::Place& ModelGate::Place::operator=(Place&& other) noexcept {
  if (this != &other) {
    leave();
    gate_ = std::move(other.gate_);
  }
  return *this;
}

/// The place goes to who waits longest, without becoming free in between.
void ModelGate::Place::leave() {
  const std::shared_ptr<ModelGate> gate = std::exchange(gate_, nullptr);
  if (!gate) return;
  std::shared_ptr<Waiter> next;
  {
    const std::lock_guard lock(gate->mutex_);
    if (gate->line_.empty()) {
      --gate->inside_;
      return;
    }
    next = std::move(gate->line_.front());
    gate->line_.pop_front();
    next->granted = true;
  }
  const asio::any_io_executor shard = next->executor;
  asio::post(shard, [next = std::move(next)] { next->freed.notify(); });
}

namespace {

/// Counts what waits, while it waits.
class Waiting {
 public:
  Waiting(std::mutex& mutex, std::size_t& count) : mutex_(mutex), count_(count) {
    const std::lock_guard lock(mutex_);
    if (count_ >= ModelGate::kMaxWaiting) {
      throw Error(errc::rate_limited, fmt::format("model.rate: {} completions wait for this model already", count_));
    }
    ++count_;
  }
  ~Waiting() {
    const std::lock_guard lock(mutex_);
    --count_;
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  std::mutex& mutex_;
  std::size_t& count_;
};

}  // namespace

asio::awaitable<ModelGate::Place> ModelGate::wait_for_place(std::shared_ptr<ModelGate> gate, Environment& environment) {
  if (gate->rate_.concurrent == 0) co_return Place();
  auto waiter = std::make_shared<Waiter>(environment.executor());
  {
    const std::lock_guard lock(gate->mutex_);
    if (gate->inside_ < gate->rate_.concurrent) {
      ++gate->inside_;
      co_return Place(gate);
    }
    gate->line_.push_back(waiter);
  }
  std::optional<Error> failure;
  try {
    co_await waiter->freed.wait();
  } catch (...) {
    failure = current_error();
  }
  if (!failure) co_return Place(gate);
  bool granted = false;
  {
    const std::lock_guard lock(gate->mutex_);
    granted = waiter->granted;
    std::erase(gate->line_, waiter);
  }
  if (granted) Place(std::move(gate));  // came too late: the next one gets it
  throw Error(*failure);
}

/// Takes the share of one completion at once, so that who comes later waits behind it. How long it must wait.
milliseconds ModelGate::reserve_rate(std::int64_t tokens, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  const milliseconds wait = std::max(requests_.wait(1, now), tokens_.wait(tokens, now));
  requests_.take(1, now);
  tokens_.take(tokens, now);
  return wait;
}

asio::awaitable<ModelGate::Place> ModelGate::enter(std::shared_ptr<ModelGate> gate, Environment& environment,
                                                   std::int64_t tokens) {
  const Waiting waiting(gate->mutex_, gate->waiting_);
  Place place = co_await wait_for_place(gate, environment);
  const milliseconds wait = gate->reserve_rate(tokens, environment.now());
  if (wait > milliseconds::zero()) co_await environment.sleep(wait);
  co_return place;
}

void ModelGate::settle(std::int64_t more_tokens, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  tokens_.take(more_tokens, now);
}

std::optional<milliseconds> ModelGate::pause_left(SteadyTime now) {
  const std::lock_guard lock(mutex_);
  if (!closed_until_) return std::nullopt;
  if (now < *closed_until_) return std::chrono::ceil<milliseconds>(*closed_until_ - now);
  // Half open: who comes first tries it, for the others it stays closed until that one knows.
  closed_until_ = now + retry_.pause;
  return std::nullopt;
}

void ModelGate::succeeded() {
  const std::lock_guard lock(mutex_);
  failures_ = 0;
  closed_until_.reset();
}

void ModelGate::failed(SteadyTime now, bool given_up) {
  const std::lock_guard lock(mutex_);
  ++failures_;
  const bool enough = retry_.failures > 0 && failures_ >= retry_.failures;
  if (enough || given_up || closed_until_) closed_until_ = now + retry_.pause;
}

std::shared_ptr<ModelGate> ModelGates::gate(const ModelSpec& spec) {
  const std::string key = fmt::format("{}\n{}\n{}", spec.name, spec.base_url, spec.api_key.describe());
  const std::lock_guard lock(mutex_);
  std::weak_ptr<ModelGate>& known = gates_[key];
  std::shared_ptr<ModelGate> gate = known.lock();
  if (!gate) known = gate = std::make_shared<ModelGate>(spec.rate, spec.retry);
  return gate;
}

}  // namespace sennit
