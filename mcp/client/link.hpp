// Private: a way to talk to one server: a child's pipes, or HTTP. Requests go out and their answers come back; what the
// server says besides goes to an Inbox.
#pragma once

#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/http.hpp>
#include <sennit/mcp/protocol/detection.hpp>
#include <sennit/mcp/protocol/json_rpc.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sennit::mcp {

/// Messages that one request may bring before its answer: a server that never stops is stopped.
inline constexpr std::size_t kMaxMessagesPerCall = 100'000;
/// Lines that are no messages: some servers greet on the wrong stream.
inline constexpr std::size_t kMaxGarbage = 100;

/// Gets what is not an answer. `during`: the request that it came with, where that is known. Must not throw.
class Inbox {
 public:
  virtual ~Inbox() = default;
  virtual void notified(Notification notification, std::optional<std::int64_t> during) = 0;
  virtual void asked(Request request, std::optional<std::int64_t> during) = 0;
  /// For the operator.
  virtual void warned(std::string what) = 0;
};

/// A request of ours.
struct Outgoing {
  std::int64_t id = 0;
  std::string method;
  json::object params;
  std::vector<http::Header> headers{};  ///< beside those of the protocol; HTTP only
};

/// The session is over, or the server ended before it had read the request: nothing was done, and it may be said again
/// on another link.
class NotTaken : public Error {
 public:
  using Error::Error;
};

/// Used on one shard. Any number of requests at a time.
class Link {
 public:
  virtual ~Link() = default;
  /// Begins: starts the child, connects the stream. Once. Throws Error. Cancellation: terminal.
  [[nodiscard]] virtual asio::awaitable<void> open() = 0;
  /// Throws NotTaken, or Error; errc::truncated: the server was lost after it was asked. Cancellation: terminal; the
  /// server is not told of it (see cancels_by_closing).
  [[nodiscard]] virtual asio::awaitable<Answer> request(Outgoing request) = 0;
  [[nodiscard]] virtual asio::awaitable<void> notify(Notification notification) = 0;
  /// Answers what came through Inbox::asked. `during`: as it was given there.
  [[nodiscard]] virtual asio::awaitable<void> answer(Answer answer) = 0;
  /// From now on this is what is spoken.
  virtual void agreed(const ServerFacts& facts) = 0;
  /// Hears what the server has said by now, where nobody listens while nothing is asked.
  virtual void catch_up() {}
  [[nodiscard]] virtual bool usable() const = 0;
  /// Whether a request that is cancelled here is cancelled there, without a word.
  [[nodiscard]] virtual bool cancels_by_closing() const { return false; }
  /// Ends it in good order, in the background; at once where the loop ends.
  virtual void close() = 0;
};

}  // namespace sennit::mcp
