// Private: our ends of what leads to a child: waited for with Asio and then read or written by hand, so that one piece
// of code decides about every byte.
#pragma once

#include <sennit/agent/io/asio.hpp>

#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace sennit::process {

using Stream = asio::posix::stream_descriptor;

/// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();

  [[nodiscard]] int get() const noexcept { return number_; }
  [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }

 private:
  int number_;
};

struct Pair {
  Descriptor first;   ///< of a pipe: to read
  Descriptor second;  ///< of a pipe: to write
};

/// Above the three standard ones, which the child has yet to fill: ours may be closed. Throws scarce(), as the next
/// two.
[[nodiscard]] Descriptor above_standard(const std::string& program, Descriptor descriptor);
[[nodiscard]] Pair make_pipe(const std::string& program);
[[nodiscard]] Pair make_sockets(const std::string& program);

/// Each end of a pipe has its own flag: the child's stays as programs expect it.
void do_not_block(const Descriptor& descriptor);

/// The stream owns it from now on; if this throws, `descriptor` still does.
void hand_over(Descriptor& descriptor, Stream& stream);

// What these refer to must outlive them.
[[nodiscard]] asio::awaitable<void> ready(Stream& stream, Stream::wait_type what);
/// See Process::read_output().
[[nodiscard]] asio::awaitable<std::size_t> read_some(Stream& stream, std::span<char> buffer,
                                                     const std::string& program);
/// See Process::try_read_output().
[[nodiscard]] std::optional<std::size_t> try_read(Stream& stream, std::span<char> buffer, const std::string& program);
/// See Process::write().
[[nodiscard]] asio::awaitable<void> write_all(Stream& stream, const std::string& bytes, const std::string& program);

}  // namespace sennit::process
