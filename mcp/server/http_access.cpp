#include <sennit/mcp/server/http_access.hpp>
#include <sennit/mcp/server/seal.hpp>

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <cctype>

namespace sennit::mcp {
namespace {

bool holds(const std::vector<std::string>& list, const std::string& word) {
  return std::ranges::any_of(list, [&](const std::string& one) { return one == "*" || lower(one) == word; });
}

bool is_everywhere(const std::string& address) {
  boost::system::error_code error;
  const auto known = asio::ip::make_address(address, error);
  return !error && known.is_unspecified();
}

bool is_numeric(const std::string& name) {
  boost::system::error_code error;
  asio::ip::make_address(name, error);
  return !error;
}

/// A name can be rebound, an address cannot.
bool allows_host(const HttpAccess& access, const std::string& name) {
  return is_local(name) || name == lower(access.address) || holds(access.hosts, name) ||
         (is_everywhere(access.address) && is_numeric(name));
}

bool allows_origin(const HttpAccess& access, std::string_view origin) {
  if (holds(access.origins, lower(origin))) return true;
  const std::size_t mark = origin.find("://");
  if (mark == std::string_view::npos) return false;  // "null", for one
  const std::string scheme = lower(origin.substr(0, mark));
  return (scheme == "http" || scheme == "https") && is_local(host_name(origin.substr(mark + 3)));
}

bool has_token(const HttpAccess& access, const http::ServerRequest& request) {
  constexpr std::string_view kScheme = "bearer ";
  const std::string_view given = request.header("authorization");
  if (request.count("authorization") != 1 || lower(given.substr(0, kScheme.size())) != kScheme) return false;
  return same_secret(given.substr(kScheme.size()), access.token);
}

}  // namespace

std::string lower(std::string_view text) {
  std::string small(text);
  std::ranges::transform(small, small.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return small;
}

std::string host_name(std::string_view host) {
  const bool is_ipv6 = host.starts_with('[');
  const std::size_t end = std::min(is_ipv6 ? host.find(']') : host.find(':'), host.size());
  const std::string_view name = is_ipv6 ? host.substr(1, end - 1) : host.substr(0, end);
  std::string_view rest = host.substr(end);
  if (is_ipv6 && !rest.starts_with(']')) return {};
  if (is_ipv6) rest.remove_prefix(1);
  // What another reader takes for the name of a user ("localhost:1@evil.example") is no name of ours.
  const bool is_port = rest.empty() || (rest.front() == ':' && rest.find_first_not_of("0123456789", 1) == rest.npos);
  return is_port && name.find('@') == name.npos ? lower(name) : std::string();
}

bool is_local(std::string_view name) {
  if (name == "localhost") return true;
  boost::system::error_code error;
  const auto address = asio::ip::make_address(std::string(name), error);
  return !error && address.is_loopback();
}

HttpRefusal judge(const HttpAccess& access, const http::ServerRequest& request) {
  // Of two, who stands before us may have judged the other one.
  if (request.count("host") > 1 || request.count("origin") > 1) {
    return {400, "the header fields Host and Origin can be there once"};
  }
  const std::string name = host_name(request.header("host"));
  if (!allows_host(access, name)) {
    return {421, "this server is not known as '" + name + "'; --allow-host lets it be called so"};
  }
  const std::string_view origin = request.header("origin");
  if (request.count("origin") > 0 && !allows_origin(access, origin)) {
    return {403, "pages of " + std::string(origin) + " may not use this server; --allow-origin lets them"};
  }
  if (request.path != access.path) return {404, "there is nothing here; the server is at " + access.path};
  if (access.token.empty() || request.method == "OPTIONS" || has_token(access, request)) return {};
  return {401, "a token is wanted: Authorization: Bearer …", {{"WWW-Authenticate", "Bearer"}}};
}

std::vector<http::Header> sharing_headers(const http::ServerRequest& request) {
  if (request.count("origin") != 1) return {};
  return {{"Access-Control-Allow-Origin", std::string(request.header("origin"))},
          {"Access-Control-Expose-Headers", "Mcp-Session-Id"},
          {"Vary", "Origin"}};
}

}  // namespace sennit::mcp
