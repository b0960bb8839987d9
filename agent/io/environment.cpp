#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/io/signal.hpp>

namespace sennit {

asio::awaitable<void> Environment::sleep_until(SteadyTime when) {
  Signal due;
  const std::unique_ptr<Alarm> alarm = call_at(when, [&due] { due.notify_now(); });
  co_await due.wait();
}

}  // namespace sennit
