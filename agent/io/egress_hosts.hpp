// Lists of hosts that may be reached: one pattern syntax for all that sends something out. They keep names honest; what
// keeps a model away from local services is the numeric address, checked where a socket connects (egress.hpp).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

/// True for one entry of such a list: `example.com`, `*.example.com` (what is below it, not itself), `192.0.2.1`,
/// `[2001:db8::1]`, each also with a port (`example.com:8080`).
[[nodiscard]] bool is_host_pattern(std::string_view pattern) noexcept;

/// Whether the pattern says which port.
[[nodiscard]] bool names_port(std::string_view pattern) noexcept;

/// The one way to write a host, so that names of one address are one name: lower case, without a final dot; `127.1`,
/// `0x7f000001`, `[::ffff:127.0.0.1]` and `0.0.0.0` (where a connection to it arrives) are `127.0.0.1`; other IPv6 in
/// brackets, as short as it can be. What is no address is only lowered: nothing is looked up.
[[nodiscard]] std::string one_spelling(std::string_view host);

/// Whether `pattern` permits it, however the two are spelt. A pattern without a port permits every port.
[[nodiscard]] bool permits_host(std::string_view pattern, std::string_view host, std::uint16_t port);

}  // namespace sennit
