#include <sennit/agent/io/http.hpp>
#include <sennit/agent/io/loop_environment.hpp>
#include <sennit/agent/io/secrets.hpp>

#include <boost/asio/steady_timer.hpp>
#include <sys/random.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace sennit {
namespace {

class LoopAlarm final : public Alarm {
 public:
  LoopAlarm(const asio::any_io_executor& executor, SteadyTime when, std::function<void()> then)
      : pending_(std::make_shared<Pending>(executor, when, std::move(then))) {
    pending_->timer.async_wait([pending = pending_](const boost::system::error_code& cancelled) {
      if (const auto call = std::exchange(pending->then, nullptr); call && !cancelled) call();
    });
  }
  ~LoopAlarm() override {
    pending_->then = nullptr;  // the timer may have fired already, its handler be on its way
    pending_->timer.cancel();
  }

 private:
  struct Pending {
    Pending(const asio::any_io_executor& executor, SteadyTime when, std::function<void()> what)
        : timer(executor, when), then(std::move(what)) {}
    asio::steady_timer timer;
    std::function<void()> then;
  };
  std::shared_ptr<Pending> pending_;
};

}  // namespace

LoopEnvironment::LoopEnvironment(asio::any_io_executor executor, Pool& pool, LogSink sink)
    : executor_(std::move(executor)), pool_(pool), sink_(secrets::redacting(std::move(sink))) {}

LoopEnvironment::~LoopEnvironment() = default;

void LoopEnvironment::close() {
  http_.reset();
}

std::uint64_t LoopEnvironment::random() {
  if (random_left_ == 0) {
    // Up to 256 bytes are never cut short once the kernel's generator is seeded; before that a signal may interrupt.
    static_assert(sizeof random_ <= 256);
    while (::getrandom(random_.data(), sizeof random_, 0) != static_cast<ssize_t>(sizeof random_)) {
      if (errno != EINTR) throw Error(errc::io, std::string("no randomness from the kernel: ") + std::strerror(errno));
    }
    random_left_ = random_.size();
  }
  return std::exchange(random_[--random_left_], 0);
}

std::unique_ptr<Alarm> LoopEnvironment::call_at(SteadyTime when, std::function<void()> then) {
  return std::make_unique<LoopAlarm>(executor_, when, std::move(then));
}

http::Client& LoopEnvironment::http() {
  if (!http_) http_ = http::make_client(executor_, sink_);
  return *http_;
}

void LoopEnvironment::log(LogRecord record) {
  if (sink_) sink_(record);
}

}  // namespace sennit
