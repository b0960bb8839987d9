// Standard output and error, written from the event loop without ever blocking it.
//
// Text is collected in a buffer and flushed by awaiting: a reader that is slow (a pager, a stopped terminal) holds the
// run back instead of the loop, so Ctrl-C always works. Terminals and pipes are opened a second time, because making
// the inherited descriptor non-blocking would change it for every process that shares it.
#pragma once

#include <sennit/agent/io/asio.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace sennit::app {

class Output {
 public:
  Output(const asio::any_io_executor& executor, int descriptor);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  /// What is to be written next.
  [[nodiscard]] std::string& buffer() { return buffer_; }
  /// Writes the buffer; while it is held, waits only if it grew large. Throws Error(errc::io) once nobody reads any
  /// more. Cancellation: terminal.
  [[nodiscard]] asio::awaitable<void> flush();
  /// Writes the buffer from outside the loop; gives up on a reader that takes nothing for a second.
  void flush_now();
  /// While held, text stays in the buffer: a question stands on the screen.
  void hold(bool on);
  /// Writes at once, past the buffer.
  void say(std::string_view text);
  [[nodiscard]] bool is_terminal() const { return terminal_; }
  /// The reader is gone.
  [[nodiscard]] bool closed() const { return closed_; }

 private:
  [[nodiscard]] bool write_some(std::string& text);
  void write_all(std::string& text);

  struct State;
  std::unique_ptr<State> state_;
  std::string buffer_;
  int descriptor_;
  bool terminal_ = false;
  bool held_ = false;
  bool closed_ = false;
};

}  // namespace sennit::app
