#include <sennit/agent/io/digest.hpp>
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
  now = std::max(now, at_);
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

/// In the line, until the place is taken. Whoever leaves earlier, and however, hands on what was granted to him.
class ModelGate::InLine {
 public:
  InLine(std::shared_ptr<ModelGate> gate, std::shared_ptr<Waiter> waiter)
      : gate_(std::move(gate)), waiter_(std::move(waiter)) {}
  ~InLine() {
    if (!gate_) return;
    bool granted = false;
    {
      const std::lock_guard lock(gate_->mutex_);
      granted = waiter_->granted;
      std::erase(gate_->line_, waiter_);
    }
    if (granted) take();
  }
  InLine(const InLine&) = delete;
  InLine& operator=(const InLine&) = delete;

  Place take() { return Place(std::exchange(gate_, nullptr)); }

 private:
  std::shared_ptr<ModelGate> gate_;
  std::shared_ptr<Waiter> waiter_;
};

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
  InLine in_line(gate, waiter);
  co_await waiter->freed.wait();
  co_return in_line.take();
}

/// The share of one completion, taken at once, so that who comes later waits behind it; given back by whoever does not
/// come to use it.
class ModelGate::Reserved {
 public:
  Reserved(ModelGate& gate, std::int64_t tokens, SteadyTime now) : gate_(gate), tokens_(tokens), at_(now) {
    const std::lock_guard lock(gate_.mutex_);
    wait_ = std::max(gate_.requests_.wait(1, now), gate_.tokens_.wait(tokens, now));
    gate_.requests_.take(1, now);
    gate_.tokens_.take(tokens, now);
  }
  ~Reserved() {
    if (used_) return;
    const std::lock_guard lock(gate_.mutex_);
    gate_.requests_.take(-1, at_);
    gate_.tokens_.take(-tokens_, at_);
  }
  Reserved(const Reserved&) = delete;
  Reserved& operator=(const Reserved&) = delete;

  [[nodiscard]] milliseconds wait() const { return wait_; }
  void use() { used_ = true; }

 private:
  ModelGate& gate_;
  std::int64_t tokens_;
  SteadyTime at_;
  milliseconds wait_{};
  bool used_ = false;
};

asio::awaitable<ModelGate::Place> ModelGate::enter(std::shared_ptr<ModelGate> gate, Environment& environment,
                                                   std::int64_t tokens) {
  const Waiting waiting(gate->mutex_, gate->waiting_);
  Reserved reserved(*gate, tokens, environment.now());
  // Who waits for the minute to pass keeps nobody else from a place.
  if (reserved.wait() > milliseconds::zero()) co_await environment.sleep(reserved.wait());
  Place place = co_await wait_for_place(gate, environment);
  reserved.use();
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
  std::string key = fmt::format("{}\n{}\n{}\n{} {} {}\n{} {}", spec.name, spec.base_url, spec.api_key.fingerprint(),
                                spec.rate.requests, spec.rate.tokens, spec.rate.concurrent, spec.retry.failures,
                                spec.retry.pause.count());
  for (const auto& [name, value] : spec.headers) key += fmt::format("\n{}: {}", name, value);
  key = sha256(key);
  const std::lock_guard lock(mutex_);
  std::erase_if(gates_, [](const auto& known) { return known.second.expired(); });
  std::weak_ptr<ModelGate>& known = gates_[key];
  std::shared_ptr<ModelGate> gate = known.lock();
  if (!gate) known = gate = std::make_shared<ModelGate>(spec.rate, spec.retry);
  return gate;
}

}  // namespace sennit
