// Signals as events of the loop: whoever is in charge says what they mean at the moment.
#pragma once

#include <sennit/agent/io/asio.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <functional>
#include <utility>

namespace sennit::app {

/// Watches SIGINT, SIGTERM, SIGHUP and SIGWINCH while it lives. Used on the loop's thread.
class Signals {
 public:
  using Handler = std::function<void(int signal)>;

  explicit Signals(asio::io_context& loop) : set_(loop) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGWINCH}) set_.add(signal);
    wait();
  }
  /// Replaces the handler and gives the one before.
  Handler handle(Handler handler) { return std::exchange(handler_, std::move(handler)); }

 private:
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
};

}  // namespace sennit::app
