// A sign of life while nothing comes: `… 12 s` behind what is on the screen, gone when something comes.
#pragma once

#include <sennit/app/output.hpp>
#include <sennit/app/page.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>

namespace sennit::app {

/// Used on the loop's thread. The loop must run once more after pause() before the object is destroyed.
class Waiting {
 public:
  /// `page` is what was written to `screen`, a terminal with colours.
  Waiting(asio::io_context& loop, Output& screen, const Page& page) : timer_(loop), screen_(screen), page_(page) {}

  /// Begins to count, from nothing.
  void begin();
  /// Takes the sign away: something is about to be written, or asked.
  void pause();

 private:
  void tick();
  void show(std::chrono::seconds since);

  asio::steady_timer timer_;
  Output& screen_;
  const Page& page_;
  std::chrono::steady_clock::time_point begun_;
  bool counting_ = false;
  bool visible_ = false;
};

}  // namespace sennit::app
