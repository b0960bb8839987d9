#include <sennit/agent/io/egress_hosts.hpp>
#include <sennit/agent/io/egress_proxy_request.hpp>
#include <sennit/agent/io/error.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace sennit {
namespace {

namespace beast_http = boost::beast::http;
namespace urls = boost::urls;

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

std::string lowered(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

// Those between a client and its proxy alone.
bool is_of_connection(std::string_view name, const std::vector<std::string>& listed) {
  constexpr std::array<std::string_view, 6> kAlways{"connection", "proxy-connection", "keep-alive",
                                                    "te",         "upgrade",          "host"};
  return std::find(kAlways.begin(), kAlways.end(), name) != kAlways.end() || name.starts_with("proxy-") ||
         std::find(listed.begin(), listed.end(), name) != listed.end();
}

void set_target(ProxyRequest& request, const urls::authority_view& authority, std::uint16_t standard) {
  request.host = lowered(std::string_view(authority.encoded_host().data(), authority.encoded_host().size()));
  if (request.host.size() > 1 && request.host.ends_with('.')) request.host.pop_back();
  const std::string_view port(authority.port().data(), authority.port().size());
  request.port = standard;
  if (!port.empty()) {
    const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), request.port);
    if (failed != std::errc{} || end != port.data() + port.size()) request.port = 0;
  }
  // A list's pattern is a host without a wildcard and without what only a resolver understands (%, NUL …).
  if (authority.has_userinfo() || request.port == 0 || !is_host_pattern(request.host) || names_port(request.host) ||
      request.host.starts_with("*.")) {
    throw Error(errc::protocol, "the host is no plain name or address, or its port is none");
  }
}

// One request on one connection: what came after it would reach the same host, whatever it says.
std::string rewritten(const beast_http::request<beast_http::empty_body>& message, const ProxyRequest& request,
                      std::string_view path) {
  std::vector<std::string> listed;
  for (const auto& field : message) {
    if (field.name() != beast_http::field::connection) continue;
    for (const auto& token : beast_http::token_list(field.value())) listed.push_back(lowered(view(token)));
  }
  // Its framing is the body's: without them another one would be read.
  std::erase_if(listed,
                [](const std::string& name) { return name == "content-length" || name == "transfer-encoding"; });
  std::string head = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", view(message.method_string()),
                                 path, request.port == 80 ? request.host : request.authority());
  for (const auto& field : message) {
    if (is_of_connection(lowered(view(field.name_string())), listed)) continue;
    head += fmt::format("{}: {}\r\n", view(field.name_string()), view(field.value()));
  }
  return head + "\r\n";
}

}  // namespace

ProxyRequest read_proxy_request(std::string_view head) {
  beast_http::request_parser<beast_http::empty_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(head.size()) + 1);
  parser.body_limit(std::numeric_limits<std::uint64_t>::max());
  boost::system::error_code failed;
  parser.put(boost::asio::buffer(head.data(), head.size()), failed);
  if ((failed && failed != beast_http::error::need_more) || !parser.is_header_done()) {
    throw Error(errc::protocol, "this is no HTTP request");
  }
  const beast_http::request<beast_http::empty_body>& message = parser.get();
  const std::string target(view(message.target()));
  ProxyRequest request;
  if (message.method() == beast_http::verb::connect) {
    const auto authority = urls::parse_authority(target);
    if (!authority || authority->port().empty()) throw Error(errc::protocol, "CONNECT wants HOST:PORT");
    request.tunnel = true;
    set_target(request, *authority, 0);
    return request;
  }
  const auto url = urls::parse_uri(target);
  if (!url || !url->has_authority() ||
      lowered(std::string_view(url->scheme().data(), url->scheme().size())) != "http") {
    throw Error(errc::protocol, "this is a proxy: it takes CONNECT, and requests for http://HOST/…");
  }
  set_target(request, url->authority(), 80);
  std::string path(url->encoded_path().data(), url->encoded_path().size());
  if (path.empty()) path = "/";
  if (path.front() != '/') throw Error(errc::protocol, "the URL has more behind its host than a port");
  if (url->has_query()) path += "?" + std::string(url->encoded_query().data(), url->encoded_query().size());
  request.head = rewritten(message, request, path);
  return request;
}

void check_permitted(const ProxyRequest& request, const std::vector<std::string>& hosts) {
  const bool web = request.port == 80 || request.port == 443;
  for (const std::string& pattern : hosts) {
    if (permits_host(pattern, request.host, request.port) && (web || names_port(pattern))) return;
  }
  throw Error(errc::denied, fmt::format("'{}' is not among the hosts that this sandbox may reach: {}",
                                        request.authority(), fmt::join(hosts, ", ")));
}

std::string proxy_answer(int status, std::string_view reason, std::string_view text) {
  return fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: "
      "close\r\n\r\n{}\n",
      status, reason, text.size() + 1, text);
}

}  // namespace sennit
