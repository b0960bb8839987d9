// Signals as events of the loop: whoever is in charge says what they mean at the moment.
#pragma once

#include <sennit/agent/io/asio.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <functional>
#include <utility>

namespace sennit::app {

/// Watches SIGINT, SIGTERM, SIGHUP and SIGWINCH, from the first handler on, while it lives. Until somebody is in charge
/// they mean what they always do: Ctrl-C ends a program that still reads its agent. Used on the loop's thread.
class Signals {
 public:
  using Handler = std::function<void(int signal)>;

  explicit Signals(asio::io_context& loop) : set_(loop) {}
  /// Replaces the handler and gives the one before.
  Handler handle(Handler handler) {
    if (!std::exchange(watching_, true)) watch();
    return std::exchange(handler_, std::move(handler));
  }

 private:
  void watch() {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGWINCH}) set_.add(signal);
    wait();
  }
  void wait() {
    set_.async_wait([this](boost::system::error_code error, int signal) {
      if (error) return;  // this object is gone
      const Handler handler = handler_;
      if (handler) handler(signal);
      wait();
    });
  }

  asio::signal_set set_;
  Handler handler_;
  bool watching_ = false;
};

}  // namespace sennit::app
