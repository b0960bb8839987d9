// Private: what is asked of an egress proxy. Sans-I/O.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

struct ProxyRequest {
  bool tunnel = false;  ///< CONNECT
  std::string host;     ///< lower case, without a final dot; IPv6 in brackets
  std::uint16_t port = 0;
  std::string head;  ///< what the host is sent instead; empty for a tunnel

  [[nodiscard]] std::string authority() const { return host + ":" + std::to_string(port); }
};

/// `head`: request line and headers, with the empty line. Throws Error(errc::protocol) for what is no request to a
/// proxy, or has a host that is no plain name or address.
[[nodiscard]] ProxyRequest read_proxy_request(std::string_view head);

/// Throws Error(errc::denied), naming what is permitted.
void check_permitted(const ProxyRequest& request, const std::vector<std::string>& hosts);

/// An answer of the proxy itself.
[[nodiscard]] std::string proxy_answer(int status, std::string_view reason, std::string_view text);

}  // namespace sennit
