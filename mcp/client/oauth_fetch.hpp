// Private: the small HTTP exchanges of signing in: metadata, registration, tokens. Guarded, because their addresses
// come from a server.
#pragma once

#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/io/http.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::mcp::oauth {

/// Whom metadata may lead us to: public addresses; our own machine only for a server that is there itself.
struct Reach {
  bool loopback = false;
  bool allow_private = false;
};

struct Fetched {
  int status = 0;
  std::string body;
};

/// Redirects are answers. Throws Error, errc::denied for an address out of reach. Cancellation: terminal.
[[nodiscard]] asio::awaitable<Fetched> fetch(Environment& environment, Reach reach, std::string method, std::string url,
                                             std::vector<http::Header> headers, std::string body);

/// The first of these that gives a JSON object; nothing where all of them have none (4xx). `from` gets its URL.
[[nodiscard]] asio::awaitable<std::optional<std::string>> fetch_first(Environment& environment, Reach reach,
                                                                      std::vector<std::string> urls);

}  // namespace sennit::mcp::oauth
