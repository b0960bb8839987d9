#include <sennit/agent/io/egress.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>

namespace sennit {
namespace {

struct Ipv4Range {
  std::uint32_t first;
  unsigned bits;
};

// IANA's special-purpose registry, as far as it is not globally reachable, and a public address that means the host's
// own services to those who run in it.
constexpr std::array<Ipv4Range, 16> kDeniedIpv4{{
    {0x00000000, 8},   // "this network"; Linux connects 0.0.0.0 to itself
    {0x0A000000, 8},   // private
    {0x64400000, 10},  // shared by carriers
    {0x7F000000, 8},   // loopback
    {0xA83F8110, 32},  // Azure's host: keys and settings of the machine
    {0xA9FE0000, 16},  // link-local; cloud metadata lives at 169.254.169.254
    {0xAC100000, 12},  // private
    {0xC0000000, 24},  // protocol assignments
    {0xC0000200, 24},  // documentation
    {0xC0586300, 24},  // 6to4 relays
    {0xC0A80000, 16},  // private
    {0xC6120000, 15},  // benchmarking
    {0xC6336400, 24},  // documentation
    {0xCB007100, 24},  // documentation
    {0xE0000000, 4},   // multicast
    {0xF0000000, 4},   // reserved, broadcast
}};

bool is_public_ipv4(std::uint32_t address) noexcept {
  return std::none_of(kDeniedIpv4.begin(), kDeniedIpv4.end(), [address](const Ipv4Range& range) {
    const auto mask = static_cast<std::uint32_t>(~(std::uint64_t{~0U} >> range.bits));
    return (address & mask) == range.first;
  });
}

using Ipv6 = std::array<std::uint8_t, 16>;

bool starts_with(const Ipv6& address, std::initializer_list<std::uint8_t> prefix) noexcept {
  return std::equal(prefix.begin(), prefix.end(), address.begin());
}

std::uint32_t ipv4_at(const Ipv6& address, std::size_t at) noexcept {
  return (std::uint32_t{address[at]} << 24U) | (std::uint32_t{address[at + 1]} << 16U) |
         (std::uint32_t{address[at + 2]} << 8U) | address[at + 3];
}

// Everything outside 2000::/3 is denied but for what carries a public IPv4 address; inside it, the exceptions are.
bool is_public_ipv6(const Ipv6& address) noexcept {
  if (starts_with(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})) return is_public_ipv4(ipv4_at(address, 12));
  // IPv4-compatible; :: and ::1 fall out as 0.0.0.0 and 0.0.0.1.
  if (starts_with(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})) return is_public_ipv4(ipv4_at(address, 12));
  if (starts_with(address, {0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) {  // NAT64
    return is_public_ipv4(ipv4_at(address, 12));
  }
  if ((address[0] & 0xe0U) != 0x20U) return false;  // unique-local, link-local, multicast, local NAT64, unassigned
  if (starts_with(address, {0x20, 0x02})) return is_public_ipv4(ipv4_at(address, 2));  // 6to4
  if (address[0] == 0x20 && address[1] == 0x01 && address[2] < 0x02) return false;     // 2001::/23: Teredo and others
  if (starts_with(address, {0x20, 0x01, 0x0d, 0xb8})) return false;                    // documentation
  return !(starts_with(address, {0x3f, 0xff}) && address[2] < 0x10);                   // documentation
}

bool is_label_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

bool is_valid_label(std::string_view label) noexcept {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), is_label_character);
}

bool is_bracketed_ipv6(std::string_view host) noexcept {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (host.size() < 4 || host.front() != '[' || host.back() != ']' || host.size() - 2 >= text.size()) return false;
  std::copy(host.begin() + 1, host.end() - 1, text.begin());
  if (std::memchr(text.data(), '\0', host.size() - 2) != nullptr) return false;
  in6_addr parsed{};
  return ::inet_pton(AF_INET6, text.data(), &parsed) == 1;
}

}  // namespace

bool is_public_address(const sockaddr& address) noexcept {
  if (address.sa_family == AF_INET) {
    return is_public_ipv4(ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr));
  }
  if (address.sa_family != AF_INET6) return false;
  Ipv6 bytes;
  std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, bytes.size());
  return is_public_ipv6(bytes);
}

bool is_valid_host(std::string_view host) noexcept {
  if (!host.empty() && host.front() == '[') return is_bracketed_ipv6(host);
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  if (host.empty() || host.size() > 253) return false;
  for (std::size_t at = 0; at <= host.size();) {
    const std::size_t dot = std::min(host.find('.', at), host.size());
    if (!is_valid_label(host.substr(at, dot - at))) return false;
    at = dot + 1;
  }
  return true;
}

}  // namespace sennit
