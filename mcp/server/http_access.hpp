// Who may speak to an MCP server over HTTP. A page in a browser can reach a server on this very machine, under a name
// of its own (DNS rebinding): so the names that we are called by are checked, and a token is wanted all the same.
#pragma once

#include <sennit/agent/io/http_server.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace sennit::mcp {

struct HttpAccess {
  std::string path = "/mcp";
  std::string address = "127.0.0.1";   ///< that is listened on; a request may name it
  std::vector<std::string> hosts{};    ///< names, without port, beside those of this machine ("localhost" …)
  std::vector<std::string> origins{};  ///< of pages, such as "https://app.example.com", beside those of this machine
  std::string token{};                 ///< that a client has to bring; empty: none
};

/// How a request is refused: with an HTTP status and words. Status 0: it is not.
struct HttpRefusal {
  int status = 0;
  std::string why{};
  std::vector<http::Header> headers{};
};

/// Judges Host, Origin, path and token.
[[nodiscard]] HttpRefusal judge(const HttpAccess& access, const http::ServerRequest& request);

/// The headers that let a page of an allowed origin read the answer; none where no page asks.
[[nodiscard]] std::vector<http::Header> sharing_headers(const http::ServerRequest& request);

/// The name in `Host: NAME:PORT`, lower case, an IPv6 address without its brackets. Empty: it is none.
[[nodiscard]] std::string host_name(std::string_view host);

[[nodiscard]] std::string lower(std::string_view text);

/// Whether a name or an address means this machine alone.
[[nodiscard]] bool is_local(std::string_view name);

}  // namespace sennit::mcp
