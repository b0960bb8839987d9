#include <sennit/agent/io/egress.hpp>
#include <sennit/mcp/client/http_channel.hpp>
#include <sennit/mcp/client/http_refused.hpp>

#include <boost/url/parse.hpp>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <utility>

namespace sennit::mcp {
namespace {

constexpr int kMaxSignIns = 4;  // of one request: the first time, once more, and two steps up
constexpr std::size_t kExcerpt = 300;
constexpr milliseconds kConnect{10'000};

struct Paused {
  explicit Paused(const std::function<void(bool)>& of_pause) : pause(of_pause) { pause(true); }
  ~Paused() { pause(false); }
  Paused(const Paused&) = delete;
  Paused& operator=(const Paused&) = delete;
  const std::function<void(bool)>& pause;
};

}  // namespace

bool is_loopback(const sockaddr& address) noexcept {
  if (address.sa_family == AF_INET) {
    return (ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr) >> 24U) == 127;
  }
  if (address.sa_family != AF_INET6) return false;
  const in6_addr& bytes = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&bytes) || (IN6_IS_ADDR_V4MAPPED(&bytes) && bytes.s6_addr[12] == 127);
}

bool may_connect(const sockaddr& address, bool allow_private) noexcept {
  return allow_private || is_loopback(address) || is_public_address(address);
}

bool names_loopback(std::string_view url) {
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed) return false;
  const std::string host(parsed->host());
  return host == "localhost" || host == "127.0.0.1" || host == "[::1]";
}

std::string media_type(std::string_view header) {
  std::string type(header.substr(0, header.find(';')));
  std::erase_if(type, [](unsigned char c) { return std::isspace(c) != 0; });
  std::transform(type.begin(), type.end(), type.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return type;
}

HttpChannel::HttpChannel(Environment& environment, const McpServer& server, std::shared_ptr<Authorizer> authorizer,
                         std::function<void(bool waits)> pause)
    : environment_(environment),
      name_("the MCP server '" + server.name + "'"),
      allow_private_(server.allow_private),
      url_(Secret(server.url).resolve_address()),
      headers_{{"User-Agent", "sennit"}},
      authorizer_(std::move(authorizer)),
      pause_(std::move(pause)) {
  for (const auto& [name, value] : server.headers) headers_.push_back({name, Secret(value).resolve()});
}

asio::awaitable<std::unique_ptr<http::Response>> HttpChannel::send(std::string method, std::string url,
                                                                   std::vector<http::Header> headers, std::string body,
                                                                   How how) {
  for (int attempt = 1;; ++attempt) {
    http::Request request;
    request.method = method;
    request.url = url;
    request.headers = headers_;
    request.headers.insert(request.headers.end(), headers.begin(), headers.end());
    if (authorizer_) {
      auto asking = authorizer_->authorization(method, url);
      std::string authorization = co_await std::move(asking);
      if (!authorization.empty()) request.headers.push_back({"Authorization", std::move(authorization)});
    }
    request.body = body;
    request.once = how.once;
    request.deadlines = {.connect = kConnect, .first_byte = milliseconds{0}, .idle = milliseconds{0}};
    request.limits.body = kMaxStream;
    request.allow_address = [allow = allow_private_](const sockaddr& address) { return may_connect(address, allow); };
    std::unique_ptr<http::Response> response = co_await environment_.http().send(std::move(request));
    const int status = response->status();
    if (status >= 300 && status < 400) {
      throw HttpRefused(Error(errc::protocol, fmt::format("{} redirects to {}; write that into the agent file if it is "
                                                          "right: redirects are not followed",
                                                          name_, response->header("location")))
                            .provider(status, "", ""));
    }
    if (status != 401 && status != 403) {
      if (authorizer_) authorizer_->accepted();
      co_return response;
    }
    const std::string challenge(response->header("www-authenticate"));
    const std::string said = co_await read_body(*response);
    response.reset();
    if (authorizer_ && how.sign_in && attempt < kMaxSignIns) {
      const Paused paused(pause_);
      auto signing = authorizer_->refused(status, challenge);
      if (co_await std::move(signing)) continue;
    }
    throw HttpRefused(refused_error(name_, status, said));
  }
}

asio::awaitable<std::string> read_body(http::Response& response) {
  std::string body;
  for (;;) {
    const std::string_view piece = co_await response.read();
    if (piece.empty()) co_return body;
    if (body.size() + piece.size() > kMaxMessage) {
      throw Error(errc::too_large, fmt::format("an answer of more than {} bytes", kMaxMessage));
    }
    body.append(piece);
  }
}

Error refused_error(const std::string& name, int status, std::string_view body) {
  const errc code = status == 401   ? errc::authentication
                    : status == 403 ? errc::permission
                    : status == 429 ? errc::rate_limited
                    : status >= 500 ? errc::server
                                    : errc::bad_request;
  std::string words = fmt::format("{} answered with HTTP status {}", name, status);
  if (status == 401) words += "; set its `headers`, or `auth: oauth` to sign in";
  const std::string said = sanitize_utf8(body.substr(0, kExcerpt));
  if (!said.empty()) words += ": " + said;
  return Error(code, std::move(words)).provider(status, "", said);
}

}  // namespace sennit::mcp
