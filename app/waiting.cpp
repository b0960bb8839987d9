#include <sennit/app/style.hpp>
#include <sennit/app/unicode.hpp>
#include <sennit/app/waiting.hpp>

#include <fmt/format.h>

#include <string_view>

namespace sennit::app {
namespace {

using Clock = std::chrono::steady_clock;

/// Shorter silences need no sign.
constexpr std::chrono::seconds kSilence{3};

// The cursor stays where the page believes it to be.
constexpr std::string_view kSaveCursor =
    "\x1b"
    "7";
constexpr std::string_view kRestoreCursor =
    "\x1b"
    "8";
constexpr std::string_view kEraseLine = "\x1b[K";

}  // namespace

void Waiting::begin() {
  pause();
  counting_ = true;
  begun_ = Clock::now();
  timer_.expires_at(begun_ + kSilence);
  tick();
}

void Waiting::pause() {
  if (visible_) screen_.say(kEraseLine);
  visible_ = false;
  counting_ = false;
  timer_.cancel();
}

void Waiting::tick() {
  timer_.async_wait([this](boost::system::error_code error) {
    if (error || !counting_ || Clock::now() < timer_.expiry()) return;
    show(std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - begun_));
    timer_.expires_at(timer_.expiry() + std::chrono::seconds(1));
    tick();
  });
}

void Waiting::show(std::chrono::seconds since) {
  const std::string sign = fmt::format("{}… {} s", page_.column() == 0 ? "" : " ", since.count());
  // A sign that wraps could not be taken away again.
  if (!screen_.buffer().empty() || page_.column() + columns(std::string_view(sign)) >= page_.options().width) return;
  screen_.say(fmt::format("{}{}{}{}{}{}", kSaveCursor, sgr(kDim), sign, sgr(kPlain), kEraseLine, kRestoreCursor));
  visible_ = true;
}

}  // namespace sennit::app
