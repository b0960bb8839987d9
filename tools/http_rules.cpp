#include <sennit/agent/io/egress_hosts.hpp>
#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/http_path.hpp>
#include <sennit/tools/http_rules.hpp>

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace sennit::http {
namespace {

namespace urls = boost::urls;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string lowered(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

/// Letters, digits, hyphens and dots; `_` too, which real hosts have.
bool is_host_name(std::string_view host) {
  constexpr std::size_t kLongest = 253;
  return !host.empty() && host.size() <= kLongest && host.front() != '.' && host.find("..") == std::string_view::npos &&
         std::all_of(host.begin(), host.end(),
                     [](char c) { return is_letter_or_digit(c) || c == '-' || c == '.' || c == '_'; });
}

/// For messages: short, on one line.
std::string shown(std::string_view url) {
  constexpr std::size_t kShown = 200;
  std::string result;
  for (const char c : url.substr(0, kShown)) result += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  return result;
}

void refuse_control_characters(std::string_view url) {
  if (url.size() > kMaxUrl)
    throw Error(errc::invalid_argument, fmt::format("the URL is longer than {} bytes", kMaxUrl));
  const bool broken = std::any_of(url.begin(), url.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
  if (broken) throw Error(errc::invalid_argument, fmt::format("'{}' holds control characters", shown(url)));
}

/// 0 if it is none. The parser's own number wraps round: 65616 would be 80.
unsigned port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), port);
  return failed == std::errc{} && end == text.data() + text.size() ? port : 0;
}

Target target_of(const urls::url_view& url, std::string_view given) {
  const auto refuse = [given](std::string_view why) {
    throw Error(errc::invalid_argument, fmt::format("'{}': {}", shown(given), why));
  };
  const std::string scheme = lowered(std::string_view(url.scheme().data(), url.scheme().size()));
  if (scheme != "http" && scheme != "https") refuse("only http:// and https:// URLs can be used");
  if (!url.has_authority() || url.encoded_host().empty()) refuse("the URL has no host");
  if (url.has_userinfo()) refuse("a user name or password in the URL is not allowed: use a header");
  Target target;
  target.host = lowered(std::string_view(url.encoded_host().data(), url.encoded_host().size()));
  const bool ipv6 = url.host_type() == urls::host_type::ipv6;
  if (ipv6 ? target.host.find('%') != std::string::npos : !is_host_name(target.host)) {
    refuse("the host is no plain name or address (write international names in their xn-- form)");
  }
  target.host = one_spelling(target.host);
  const std::string_view written(url.port().data(), url.port().size());
  const unsigned usual = scheme == "https" ? 443 : 80;
  const unsigned port = written.empty() ? usual : port_of(written);
  if (port == 0) refuse("the port is not one from 1 to 65535");
  target.port = static_cast<std::uint16_t>(port);
  target.authority = fmt::format("{}:{}", target.host, port);
  target.origin = fmt::format("{}://{}", scheme, target.authority);
  const std::string_view path(url.encoded_path().data(), url.encoded_path().size());
  // The parser takes what follows a port for a path.
  if (!path.empty() && path.front() != '/') refuse("the URL has more behind its host than a port");
  const std::optional<std::string> clean = without_dots(path);
  if (!clean) refuse("the path hides `.` or `..` where servers disagree about it");
  const std::string_view query(url.encoded_query().data(), url.encoded_query().size());
  target.url = fmt::format("{}://{}{}{}{}{}", scheme, target.host, port == usual ? "" : fmt::format(":{}", port),
                           *clean, url.has_query() ? "?" : "", plain_encoding(query));
  return target;
}

void refuse_unlisted(const Target& target, const std::vector<std::string>& allow_hosts) {
  if (allow_hosts.empty()) return;
  if (std::any_of(allow_hosts.begin(), allow_hosts.end(),
                  [&](const std::string& pattern) { return permits_host(pattern, target.host, target.port); })) {
    return;
  }
  throw Error(errc::denied, fmt::format("the host '{}' is not among those this agent may use: {}", target.authority,
                                        fmt::join(allow_hosts, ", ")));
}

/// The usual step from a host's http to its https.
bool secures(const Target& from, const Target& to) {
  return from.url.starts_with("http:") && to.url.starts_with("https:") && from.port == 80 && to.port == 443 &&
         from.host == to.host;
}

/// A policy judged one call, by its host, method and URL: what leads to another is for who makes calls.
std::string obstacle_to(const Target& to, const Target& from, int status, std::string_view method) {
  const bool looks = method == "GET" || method == "HEAD";
  if (from.url.starts_with("https:") && to.url.starts_with("http:")) {
    return "it leads from https to http, where anybody on the way can read and change it";
  }
  if (!looks) {
    const bool to_get = status == 303 || (status <= 302 && method == "POST");
    return fmt::format("it leads to another call, {} {}; make that one if it is what is wanted",
                       to_get ? "GET" : method, to.url);
  }
  if (to.origin == from.origin || secures(from, to)) return {};
  return fmt::format("it leads to another {}; call again with {} if that is what is wanted",
                     to.host == from.host ? "port" : "host", to.url);
}

}  // namespace

void check_host_pattern(std::string_view pattern) {
  if (is_host_pattern(pattern)) return;
  throw Error(errc::config, fmt::format("http: '{}' in allow_hosts is no host: write example.com, *.example.com or "
                                        "example.com:8080, without http://",
                                        shown(pattern)));
}

Target check_url(std::string_view url, const std::vector<std::string>& allow_hosts) {
  refuse_control_characters(url);
  const std::string encoded = encode_rest(url);
  const auto parsed = urls::parse_uri(encoded);
  if (!parsed) {
    throw Error(errc::invalid_argument,
                fmt::format("'{}' is no URL this tool can use (expected http://HOST/… or https://HOST/…)", shown(url)));
  }
  Target target = target_of(*parsed, url);
  refuse_unlisted(target, allow_hosts);
  return target;
}

std::optional<Redirect> redirect_of(int status, std::string_view location, std::string_view method, const Target& from,
                                    const std::vector<std::string>& allow_hosts) {
  constexpr std::array kFollowed{301, 302, 303, 307, 308};
  if (location.empty() || std::find(kFollowed.begin(), kFollowed.end(), status) == kFollowed.end()) return std::nullopt;
  refuse_control_characters(location);
  const std::string encoded = encode_rest(location);
  const auto reference = urls::parse_uri_reference(encoded);
  const auto base = urls::parse_uri(from.url);
  urls::url resolved;
  if (!reference || !base || !urls::resolve(*base, *reference, resolved)) {
    throw Error(errc::protocol, fmt::format("{} redirects to '{}', which is no URL", from.origin, shown(location)));
  }
  Redirect redirect;
  try {
    redirect.target = target_of(resolved, location);
    refuse_unlisted(redirect.target, allow_hosts);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("it redirects to '{}': {}", shown(location), error.message()))
        .at(from.origin);
  }
  redirect.obstacle = obstacle_to(redirect.target, from, status, method);
  return redirect;
}

bool same_name(std::string_view a, std::string_view b) {
  return lowered(a) == lowered(b);
}

void check_header(std::string_view name, std::string_view value, const std::vector<Header>& configured) {
  const auto is_token = [](char c) {
    return is_letter_or_digit(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  };
  if (name.empty() || !std::all_of(name.begin(), name.end(), is_token)) {
    throw Error(errc::invalid_argument, fmt::format("'{}' is no name for a header", shown(name)));
  }
  const bool broken =
      std::any_of(value.begin(), value.end(), [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7F; });
  if (broken || value.size() > kMaxHeaderValue) {
    throw Error(errc::invalid_argument,
                fmt::format("the value of the header '{}' is not on one line, or too long", shown(name)));
  }
  constexpr std::array<std::string_view, 11> kOfConnection{
      "host",    "content-length", "transfer-encoding", "connection",    "keep-alive", "te", "trailer",
      "upgrade", "expect",         "accept-encoding",   "http2-settings"};
  const std::string lower = lowered(name);
  if (std::find(kOfConnection.begin(), kOfConnection.end(), lower) != kOfConnection.end() ||
      lower.starts_with("proxy-")) {
    throw Error(errc::invalid_argument,
                fmt::format("the header '{}' is set by the connection itself: leave it out", name));
  }
  for (const Header& header : configured) {
    if (same_name(header.name, name)) {
      throw Error(errc::denied, fmt::format("the header '{}' is set by the agent's configuration: leave it out", name));
    }
  }
}

}  // namespace sennit::http
