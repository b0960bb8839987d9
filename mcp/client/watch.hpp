// Private: a deadline that moves while a call shows progress, and stands still while a person thinks.
#pragma once

#include <sennit/agent/io/environment.hpp>

#include <boost/asio/cancellation_signal.hpp>

#include <memory>
#include <string>

namespace sennit::mcp {

/// Used on one shard.
class Watch {
 public:
  /// `limit` is counted from the start or from the last extend(), `most` from the start. Zero: none.
  Watch(Environment& environment, milliseconds limit, milliseconds most)
      : environment_(environment), limit_(limit), most_(most) {}
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// Runs `operation`; once the time is over it is cancelled (terminal), and when it has ended Error(errc::timeout)
  /// "WHAT took longer than N ms" is thrown. Once only. Cancellation of the caller is passed on.
  [[nodiscard]] asio::awaitable<void> run(asio::awaitable<void> operation, std::string what);

  /// Something happened: the limit counts from now.
  void extend();
  /// Time that passes until resume() does not count. May be nested.
  void pause();
  void resume();

 private:
  void arm();

  Environment& environment_;
  const milliseconds limit_;
  const milliseconds most_;
  SteadyTime began_{};
  SteadyTime moved_{};
  SteadyTime paused_at_{};
  int pauses_ = 0;
  bool running_ = false;
  bool expired_ = false;
  asio::cancellation_signal stop_;
  std::unique_ptr<Alarm> alarm_;
};

}  // namespace sennit::mcp
