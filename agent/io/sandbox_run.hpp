// One sandboxed command from its start to its end: what goes in, what comes out of it, and why it ended.
#pragma once

#include <sennit/agent/io/sandbox.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace sennit::sandbox {

/// The beginning and the end of what came; what is between them is dropped when it is too much. Sans-I/O.
class Captured {
 public:
  /// `limit`: bytes kept, half of them at each end
  explicit Captured(std::size_t limit) : half_(limit / 2) {}
  void add(std::string_view bytes);
  [[nodiscard]] std::size_t total() const noexcept { return total_; }  ///< bytes that came
  [[nodiscard]] std::size_t dropped() const noexcept { return total_ - head_.size() - tail_.size(); }
  /// In one piece; says where and how many bytes are missing.
  [[nodiscard]] std::string text() const;

 private:
  std::size_t half_;
  std::size_t total_ = 0;
  std::string head_;
  std::string tail_;
};

struct Work {
  Process::Command command;
  std::string input;                       ///< given to its standard input, which is then closed
  std::chrono::milliseconds time{60'000};  ///< then the tree is killed
  std::size_t output = 64U << 10U;         ///< bytes kept of each of the two outputs
  /// Bytes of each output after which the tree is killed: who writes for ever does not end by itself.
  std::size_t flood = 64U << 20U;
};

struct Result {
  Ending ending;
  bool timed_out = false;
  bool flooded = false;
  Captured output;
  Captured errors;
};

/// Does it. Throws Error as Child::start. Cancellation: terminal; kills the tree and waits for its end.
[[nodiscard]] asio::awaitable<Result> run(Environment& environment, std::shared_ptr<const Box> box, Work work);

}  // namespace sennit::sandbox
