#include <sennit/agent/io/egress.hpp>
#include <sennit/agent/io/egress_hosts.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>

namespace sennit {
namespace {

struct Parts {
  std::string_view host;
  std::string_view port;  // empty: none
};

Parts split(std::string_view pattern) noexcept {
  const bool bracketed = pattern.starts_with('[');
  const std::size_t colon = bracketed ? pattern.find("]:") : pattern.find(':');
  if (colon == std::string_view::npos) return {pattern, {}};
  const std::size_t end = bracketed ? colon + 1 : colon;
  return {pattern.substr(0, end), pattern.substr(end + 1)};
}

bool is_port(std::string_view text) noexcept {
  std::uint16_t port = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), port);
  return failed == std::errc{} && end == text.data() + text.size() && port != 0;
}

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lowered(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

// `_` too, which real hosts have.
bool is_host(std::string_view host) noexcept {
  if (host.starts_with('[')) return is_valid_host(host);
  constexpr std::size_t kLongest = 253;
  const auto fits = [](char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  };
  return !host.empty() && host.size() <= kLongest && host.front() != '.' && host.find("..") == std::string_view::npos &&
         std::all_of(host.begin(), host.end(), fits);
}

std::string text_of(in_addr address) {
  if (address.s_addr == INADDR_ANY) address.s_addr = htonl(INADDR_LOOPBACK);
  std::array<char, INET_ADDRSTRLEN> text{};
  return ::inet_ntop(AF_INET, &address, text.data(), text.size());
}

std::string text_of(in6_addr address) {
  if (IN6_IS_ADDR_UNSPECIFIED(&address)) address = in6addr_loopback;
  if (IN6_IS_ADDR_V4MAPPED(&address) || IN6_IS_ADDR_V4COMPAT(&address)) {
    in_addr carried{};
    std::memcpy(&carried, &address.s6_addr[12], sizeof carried);
    return text_of(carried);
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  return std::string("[") + ::inet_ntop(AF_INET6, &address, text.data(), text.size()) + "]";
}

std::optional<std::string> address_text(const std::string& host) {
  in_addr address{};
  // inet_aton overlooks what stands behind a space.
  if (!host.empty() && host.find_first_not_of("0123456789abcdefx.") == std::string::npos) {
    if (::inet_aton(host.c_str(), &address) == 0) return std::nullopt;
    return text_of(address);
  }
  if (host.find('\0') != std::string::npos) return std::nullopt;
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  in6_addr wide{};
  const std::string inside = bracketed ? host.substr(1, host.size() - 2) : host;
  if (::inet_pton(AF_INET6, inside.c_str(), &wide) != 1) return std::nullopt;
  return text_of(wide);
}

}  // namespace

std::string one_spelling(std::string_view host) {
  std::string name = lowered(host);
  if (name.size() > 1 && name.back() == '.') name.pop_back();
  if (std::optional<std::string> address = address_text(name)) return std::move(*address);
  return name;
}

bool is_host_pattern(std::string_view pattern) noexcept {
  if (pattern.starts_with("*.")) pattern.remove_prefix(2);
  const Parts parts = split(pattern);
  const bool has_port = parts.host.size() != pattern.size();
  return is_host(parts.host) && (!has_port || is_port(parts.port));
}

bool names_port(std::string_view pattern) noexcept {
  return !split(pattern).port.empty();
}

bool permits_host(std::string_view pattern, std::string_view host, std::uint16_t port) {
  const Parts parts = split(pattern);
  if (!parts.port.empty() && parts.port != std::to_string(port)) return false;
  const std::string wanted = one_spelling(parts.host);
  const std::string given = one_spelling(host);
  if (!wanted.starts_with("*.")) return wanted == given;
  const std::string_view below = std::string_view(wanted).substr(1);
  return given.size() > below.size() && given.ends_with(below);
}

}  // namespace sennit
