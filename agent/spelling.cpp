#include <sennit/agent/io/egress_hosts.hpp>
#include <sennit/agent/io/http_path.hpp>
#include <sennit/agent/spelling.hpp>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>

namespace sennit {
namespace {

std::string_view view(const boost::core::string_view text) {
  return {text.data(), text.size()};
}

std::string_view usual_port(std::string_view scheme) {
  if (scheme == "https") return ":443";
  return scheme == "http" ? ":80" : "";
}

/// ":8080", nothing for the usual one; none where it is no port.
std::optional<std::string> spelt_port(std::string_view scheme, std::string_view port) {
  if (port.empty()) return std::string();
  std::uint16_t number = 0;
  const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (failed != std::errc{} || end != port.data() + port.size() || number == 0) return std::nullopt;
  std::string text = ":" + std::to_string(number);
  return text == usual_port(scheme) ? std::string() : text;
}

/// Groups of an IPv6 address; a single colon would be before a port.
bool is_ipv6_pattern(std::string_view pattern) {
  return std::count(pattern.begin(), pattern.end(), ':') > 1 &&
         pattern.find_first_not_of("0123456789abcdefABCDEF:.*") == std::string_view::npos;
}

}  // namespace

std::string lowered(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

std::string spelt_path(std::string_view path) {
  std::string text = std::filesystem::path(path).lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

std::string spelt_host(std::string_view host) {
  if (is_host_pattern(host)) return one_spelling(names_port(host) ? host.substr(0, host.rfind(':')) : host);
  std::string spelt = one_spelling(host);  // IPv6 without its brackets
  return is_host_pattern(spelt) ? spelt : std::string(kUnknownHost);
}

std::string host_of_url(std::string_view url) {
  const std::size_t slashes = url.find("//");
  const std::size_t end = slashes == std::string_view::npos ? url.size() : url.find_first_of("/?#", slashes + 2);
  const auto parsed = boost::urls::parse_uri(url.substr(0, end));
  return parsed ? spelt_host(parsed->host()) : std::string(kUnknownHost);
}

std::optional<std::string> spelt_url(std::string_view url) {
  const std::string encoded = http::encode_rest(url);
  const auto parsed = boost::urls::parse_uri(encoded);
  if (!parsed || !parsed->has_authority() || parsed->has_userinfo()) return std::nullopt;
  const std::string scheme = lowered(view(parsed->scheme()));
  std::string host;
  // A file has none.
  if (!parsed->encoded_host().empty() || !usual_port(scheme).empty()) host = spelt_host(parsed->host());
  const std::optional<std::string> port = spelt_port(scheme, view(parsed->port()));
  const std::string_view path = view(parsed->encoded_path());
  // The parser takes what follows a port for a path.
  if (host == kUnknownHost || !port || (!path.empty() && path.front() != '/')) return std::nullopt;
  const std::optional<std::string> plain = http::without_dots(path);
  if (!plain) return std::nullopt;
  std::string spelt = scheme + "://" + host + *port + *plain;
  if (parsed->has_query()) spelt += "?" + http::plain_encoding(view(parsed->encoded_query()));
  return spelt;
}

std::string spelt_host_pattern(std::string_view pattern) {
  std::string spelt = one_spelling(pattern);
  return is_ipv6_pattern(spelt) ? "[" + spelt + "]" : spelt;
}

std::string spelt_url_pattern(std::string_view pattern) {
  const std::size_t colon = pattern.find("://");
  if (colon == std::string_view::npos) return std::string(pattern);
  const std::size_t end = std::min(pattern.find_first_of("/?#", colon + 3), pattern.size());
  std::string spelt = lowered(pattern.substr(0, end));
  const std::string_view port = usual_port(std::string_view(spelt).substr(0, colon));
  if (!port.empty() && spelt.ends_with(port)) spelt.resize(spelt.size() - port.size());
  if (end == pattern.size() && !spelt.ends_with('*')) spelt += '/';
  return spelt.append(pattern.substr(end));
}

bool can_fit_a_host(std::string_view pattern) {
  const auto is_of_none = [](char c) { return c == '/' || static_cast<unsigned char>(c) >= 0x80; };
  if (std::any_of(pattern.begin(), pattern.end(), is_of_none)) return false;
  if (pattern.starts_with('[') && pattern.ends_with(']')) return true;
  return pattern.find(':') == std::string_view::npos || is_ipv6_pattern(pattern);
}

}  // namespace sennit
