#include <sennit/agent/io/http.hpp>
#include <sennit/agent/io/loop_environment.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/random.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace sennit {

LoopEnvironment::LoopEnvironment(asio::any_io_executor executor, Pool& pool, LogSink sink)
    : executor_(std::move(executor)), pool_(pool), sink_(std::move(sink)) {}

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

asio::awaitable<void> LoopEnvironment::sleep_until(SteadyTime when) {
  asio::steady_timer timer(executor_, when);
  // As a value: most timers are deadlines that end by cancellation, and an exception each would cost a run's start.
  const auto [failure] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  if (failure) throw Error(errc::cancelled, "cancelled");
}

http::Client& LoopEnvironment::http() {
  if (!http_) http_ = http::make_client(executor_);
  return *http_;
}

void LoopEnvironment::log(LogRecord record) {
  if (sink_) sink_(record);
}

}  // namespace sennit
