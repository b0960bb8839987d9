// The terminal that a person sits at: its modes, its keys, and the promise to leave it as it was.
//
// Keys are read through the event loop, so that everything else goes on while a person thinks. What is typed while a
// run streams is kept for the next prompt. The original modes come back on every way out, crashes included.
#pragma once

#include <sennit/agent/io/asio.hpp>

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>

namespace sennit::app {

class Terminal {
 public:
  /// True if a person can be asked: standard input and the given descriptor are terminals.
  [[nodiscard]] static bool interactive(int shown_on);
  /// Columns of the terminal behind `descriptor`; 80 if it does not say.
  [[nodiscard]] static std::size_t width(int descriptor);

  /// Restores the modes without a Terminal at hand: before the program leaves at once. Async-signal-safe.
  static void restore_now();

  /// One at a time. Throws Error(errc::io) if there is no controlling terminal.
  explicit Terminal(asio::io_context& loop);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  /// How it was when we came.
  void original();
  /// Nothing is echoed, keys wait unread, Ctrl-C is a signal: while a run writes.
  void quiet();
  /// As quiet(), but Ctrl-C and Ctrl-Z are keys: while a question waits for one key. What was typed until now is set
  /// aside for read(): call it before the question is shown.
  void keys();
  /// Whether the terminal marks pasted text.
  void bracketed_paste(bool on);

  /// The next byte typed, type-ahead first. Runs the loop meanwhile. Nothing: `stop` said so, or the terminal is gone.
  [[nodiscard]] std::optional<char> read(const std::function<bool()>& stop);
  /// As read(), but only what was typed since keys(): a key pressed before a question was asked is no answer to it.
  [[nodiscard]] std::optional<char> read_fresh(const std::function<bool()>& stop);
  /// True if a byte can be read at once, or comes within some milliseconds (the rest of an escape sequence).
  [[nodiscard]] bool more_within(int milliseconds);
  [[nodiscard]] bool gone() const { return gone_; }

 private:
  bool fetch(std::deque<char>& into);
  bool wait(const std::function<bool()>& stop);

  struct State;
  asio::io_context& loop_;
  std::unique_ptr<State> state_;
  std::deque<char> typed_;
  bool gone_ = false;
};

}  // namespace sennit::app
