// Private: What the `http` tool may ask for: URLs, redirects and headers, decided without a socket.
//
// These rules keep URLs honest; they are not what keeps a model away from local services. That is decided where a
// socket connects, by the numeric address (agent/io/egress.hpp), because a host can be spelt and resolved in countless
// ways.
#pragma once

#include <sennit/agent/io/http.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::http {

inline constexpr std::size_t kMaxUrl = 8U << 10U;          ///< bytes of a URL
inline constexpr std::size_t kMaxToolHeaders = 32;         ///< headers that a model may send
inline constexpr std::size_t kMaxHeaderValue = 8U << 10U;  ///< bytes of one

/// A URL that may be asked for, in one spelling that every parser reads the same way.
struct Target {
  std::string url;        ///< without fragment, without `.` and `..`, with no character encoded needlessly
  std::string host;       ///< as one_spelling() writes it (egress_hosts.hpp)
  std::string origin;     ///< scheme://host:port
  std::string authority;  ///< host:port
  std::uint16_t port = 0;
};

/// One entry of `allow_hosts`: `example.com`, `*.example.com` (what is below it), `host:8080`. Throws
/// Error(errc::config).
void check_host_pattern(std::string_view pattern);

/// Throws Error(errc::invalid_argument) if the URL is none that this tool takes, Error(errc::denied) if its host is not
/// among `allow_hosts` (empty: every host).
[[nodiscard]] Target check_url(std::string_view url, const std::vector<std::string>& allow_hosts);

/// Where an answer leads, if it is a redirect. Throws like check_url, naming who redirects. Followed are those of GET
/// and HEAD that stay with scheme, host and port, or go from http to https.
struct Redirect {
  Target target;
  std::string obstacle;  ///< why a program should not follow it by itself; empty: nothing
};
[[nodiscard]] std::optional<Redirect> redirect_of(int status, std::string_view location, std::string_view method,
                                                  const Target& from, const std::vector<std::string>& allow_hosts);

/// Throws Error(errc::invalid_argument) for a header that a model cannot send: a broken name or value, or one that
/// belongs to the connection (Host, Content-Length …) or to the agent's own configuration.
void check_header(std::string_view name, std::string_view value, const std::vector<Header>& configured);

[[nodiscard]] bool same_name(std::string_view a, std::string_view b);

}  // namespace sennit::http
