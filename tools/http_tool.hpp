// The tool `http`: http_get reads from the web, http_send changes something there.
//
//   tools:
//     - http                                   # any public host
//     - http: { allow_hosts: [api.example.com], headers: { Authorization: "Bearer ${env:EXAMPLE_KEY}" } }
//
// The model chooses the URL, so every connection is checked by its numeric address, redirects are followed by hand, and
// configured headers go only to the hosts that are listed.
#pragma once

#include <sennit/agent/registry.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct sockaddr;

namespace sennit {

inline constexpr std::size_t kMaxRedirects = 5;           ///< more is a loop
inline constexpr std::size_t kMaxHttpBody = 256U << 10U;  ///< bytes of an answer that are read; the rest is not

struct HttpSettings {
  std::vector<std::string> allow_hosts;        ///< empty: every public host
  bool allow_private = false;                  ///< also addresses that are not public (loopback, 10/8 …)
  std::map<std::string, std::string> headers;  ///< values may refer to secrets; sent to allow_hosts only
  std::string ca_file;                         ///< certificate authorities instead of the system's
  milliseconds timeout{30'000};                ///< of a whole call
  std::vector<std::string> trusted{};          ///< hosts whose answers are no untrusted text
  /// Which addresses may be connected to; empty: the public ones, or all with allow_private.
  std::function<bool(const sockaddr&)> allow_address;
};

/// Throws Error(errc::config) for settings that would not be safe or cannot be used.
void check(const HttpSettings& settings);

/// What a call reaches: `url` and `host` in their one spelling, whatever the model wrote, and `method`.
[[nodiscard]] std::vector<Facet> http_facets(const json::object& arguments, std::string_view method);

/// Throws like check().
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_http(HttpSettings settings);

/// The factory. Options: allow_hosts, allow_private, headers, ca_file, timeout (a duration), trusted.
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_http_tools(const json::object& options,
                                                                 const PartContext& context);

}  // namespace sennit
