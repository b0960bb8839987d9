// Outgoing HTTP: a streaming client with back-pressure, per-phase deadlines and cancellation.
//
// libcurl's multi socket interface does the protocol work (TLS, HTTP/2, proxies, connection reuse), Asio does the
// waiting. One Client belongs to one shard. Nothing of libcurl shows here.
#pragma once

#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/environment.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct sockaddr;

namespace sennit::http {

struct Header {
  std::string name;
  std::string value;
  friend bool operator==(const Header&, const Header&) = default;
};

/// How long each phase may take; zero switches a deadline off.
struct Deadlines {
  milliseconds connect{10'000};      ///< name look-up, TCP, TLS
  milliseconds first_byte{300'000};  ///< from the request sent to the first byte of the answer's head
  milliseconds idle{300'000};        ///< between two reads of the body
  milliseconds total{0};             ///< everything
};

/// Bytes a request may cost; exceeding one fails it with errc::too_large.
struct Limits {
  std::size_t body = 64ULL << 20U;   ///< whole body, after decoding
  std::size_t head = 256ULL << 10U;  ///< status line and headers
  /// Unread body bytes after which the transfer is paused. Not over HTTP/2, where the streams of one connection would
  /// wait for each other: there `body` is the bound.
  std::size_t buffered = 64ULL << 10U;
};

struct Request {
  std::string method = "GET";
  std::string url;  ///< http:// or https://
  std::vector<Header> headers;
  std::string body;
  Deadlines deadlines;
  Limits limits;
  /// Proxy URL; empty: none. Environment variables are not read here (a host program passes what it wants used).
  std::string proxy;
  /// PEM file with the certificate authorities to trust instead of the system's.
  std::string ca_file;
  /// Offer gzip and decode it; Limits::body counts decoded bytes. Leave it off for streams.
  bool gzip = false;
  /// Send it at most once, whatever happens: on a connection of its own. Over one that was used before, and breaks
  /// without a byte of an answer, curl sends again, and nobody can tell whether the first had been taken.
  bool once = false;
  /// Asked for every address right before a socket connects to it, and again for the peer of a connection that is
  /// used anew; false refuses it (errc::denied). Must not call the client. Redirects are never followed by the
  /// client: a 3xx is an answer like any other.
  std::function<bool(const sockaddr&)> allow_address;
};

/// A streaming answer. Destroying it cancels the transfer. Used on the shard of its Client only.
class Response {
 public:
  virtual ~Response() = default;
  [[nodiscard]] virtual int status() const = 0;
  /// Value of a header by case-insensitive name; empty if absent.
  [[nodiscard]] virtual std::string_view header(std::string_view name) const = 0;
  [[nodiscard]] virtual const std::vector<Header>& headers() const = 0;
  /// The body bytes that arrived since the last call (all of them, one batch); empty at the end of the body.
  /// The view is valid until the next call. Throws Error: timeout, truncated, too_large, connect_failed, protocol,
  /// cancelled. Cancellation: terminal, stops the transfer.
  [[nodiscard]] virtual asio::awaitable<std::string_view> read() = 0;
  /// From now on the peer may be silent this long (in the place of Deadlines::idle); zero: for ever.
  virtual void allow_silence(milliseconds limit) = 0;
};

class Client {
 public:
  virtual ~Client() = default;
  /// Sends and waits for the head of the answer. Throws Error: invalid_argument, connect_failed, timeout, truncated,
  /// too_large, protocol, denied, cancelled. An HTTP error status is an answer, not a failure.
  /// Cancellation: terminal, stops the transfer.
  [[nodiscard]] virtual asio::awaitable<std::unique_ptr<Response>> send(Request request) = 0;
};

/// A client on this shard (one thread's io_context, or a strand). Destroying it ends its transfers: their readers
/// get errc::cancelled, the Response objects stay valid. It keeps the loop busy only while there are transfers: a
/// connection that a server closes after them is noticed, and closed, when the next request looks for one.
/// Failed transfers are logged at level debug.
[[nodiscard]] std::unique_ptr<Client> make_client(asio::any_io_executor executor, LogSink log = {});

/// Reads a body to its end (bounded by the request's limits).
[[nodiscard]] asio::awaitable<std::string> read_all(Response& response);

}  // namespace sennit::http
