#include <sennit/agent/io/egress.hpp>
#include <sennit/agent/io/egress_hosts.hpp>

#include <algorithm>
#include <charconv>

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

}  // namespace

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
  const std::string wanted = lowered(pattern);
  Parts parts = split(wanted);
  if (!parts.port.empty() && parts.port != std::to_string(port)) return false;
  if (!parts.host.starts_with("*.")) {
    if (parts.host.size() > 1 && parts.host.ends_with('.')) parts.host.remove_suffix(1);
    return parts.host == host;
  }
  const std::string_view below = parts.host.substr(1);
  return host.size() > below.size() && host.ends_with(below);
}

}  // namespace sennit
