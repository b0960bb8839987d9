// Private: HTTP requests to one server: its headers, who may be connected to, and signing in.
#pragma once

#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/io/http.hpp>
#include <sennit/agent/mcp_settings.hpp>
#include <sennit/mcp/client/authorizer.hpp>
#include <sennit/mcp/protocol/json_rpc.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::mcp {

/// Bytes of all that one request may bring, keep-alives included.
inline constexpr std::size_t kMaxStream = 256ULL << 20U;

/// Whether a server may be connected to at this address: public ones and our own machine always, others as configured.
[[nodiscard]] bool may_connect(const sockaddr& address, bool allow_private) noexcept;
[[nodiscard]] bool is_loopback(const sockaddr& address) noexcept;
/// Whether the URL's host is this machine, by its spelling ("localhost", 127.0.0.1, [::1]).
[[nodiscard]] bool names_loopback(std::string_view url);
/// `type/subtype` in lower case, without parameters.
[[nodiscard]] std::string media_type(std::string_view header);

class HttpChannel {
 public:
  struct How {
    bool once = false;    ///< at most one time, whatever happens
    bool sign_in = true;  ///< where the server wants it; otherwise that is a refusal
  };

  /// Resolves the secrets in URL and headers. Throws Error(errc::config). `authorizer` may be null. `pause` hears
  /// when a person is waited for.
  HttpChannel(Environment& environment, const McpServer& server, std::shared_ptr<Authorizer> authorizer,
              std::function<void(bool waits)> pause);

  /// Sends; signs in and sends again where the server wants that. Deadlines are the
  /// caller's. Throws Error, HttpRefused (401 and 403 that could not be helped, redirects).
  [[nodiscard]] asio::awaitable<std::unique_ptr<http::Response>> send(std::string method, std::string url,
                                                                      std::vector<http::Header> headers,
                                                                      std::string body, How how);
  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] Environment& environment() const { return environment_; }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  Environment& environment_;
  const std::string name_;
  const bool allow_private_;
  std::string url_;
  std::vector<http::Header> headers_;
  std::shared_ptr<Authorizer> authorizer_;
  std::function<void(bool waits)> pause_;
};

/// Reads a body of at most kMaxMessage bytes. Throws Error(errc::too_large) and what Response::read throws.
[[nodiscard]] asio::awaitable<std::string> read_body(http::Response& response);

/// The error for a status that is no success, with the beginning of its body.
[[nodiscard]] Error refused_error(const std::string& name, int status, std::string_view body);

}  // namespace sennit::mcp
