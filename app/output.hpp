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
  /// Writes the buffer; while it is held, waits only if it grew large. Throws Error(errc::io) once nothing can be
  /// written any more. Cancellation: terminal.
  [[nodiscard]] asio::awaitable<void> flush();
  /// Writes the buffer from outside the loop; gives up on a reader that takes nothing for a second.
  void flush_now();
  /// While held, text stays in the buffer: a question stands on the screen.
  void hold(bool on);
  /// Writes at once, past the buffer.
  void say(std::string_view text);
  [[nodiscard]] bool is_terminal() const { return terminal_; }
  /// The reader is gone: a pipe nobody reads, a terminal that was closed. No failure, but nothing to write to.
  [[nodiscard]] bool closed() const;

 private:
  [[nodiscard]] bool write_some(std::string& text);
  void write_all(std::string& text);

  struct State;
  std::unique_ptr<State> state_;
  std::string buffer_;
  int descriptor_;
  bool terminal_ = false;
  bool held_ = false;
  int failure_ = 0;  // errno of the write that failed: nothing is written any more
};

/// Makes sure that the descriptors 0 to 2 are there, so that no file, socket or database becomes one of them. What is
/// written to a closed standard output fails; what is written to a closed standard error is lost. Call it first.
void open_standard_streams();

/// Writes `text` to standard output as a whole. The exit status: an error is reported, a reader that is gone is not.
[[nodiscard]] int print(std::string_view text);

}  // namespace sennit::app
