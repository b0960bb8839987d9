// Which addresses and host names a model may be let loose on. Filters numeric addresses, never spellings: 2130706433,
// 0x7f000001, 127.1 and [::ffff:7f00:1] are all loopback, and only the resolver knows that.
#pragma once

#include <string_view>

struct sockaddr;

namespace sennit {

/// True for a globally reachable unicast address. False for loopback, private, link-local, shared (100.64/10),
/// benchmarking, multicast, reserved and unspecified addresses, for IPv6 addresses that carry such an IPv4 address
/// (mapped, compatible, 6to4, NAT64), for Teredo, documentation ranges, and for families other than IPv4 and IPv6.
/// Meant for http::Request::allow_address, which is asked with the address that is really connected to.
[[nodiscard]] bool is_public_address(const sockaddr& address) noexcept;

/// True for letters, digits, hyphens and dots in labels of 1 to 63 bytes, at most 253 in all (one final dot is
/// allowed), or an IPv6 literal in brackets. Everything else (NUL, percent, underscore, non-ASCII) is refused:
/// resolvers and URL parsers disagree about it.
[[nodiscard]] bool is_valid_host(std::string_view host) noexcept;

}  // namespace sennit
