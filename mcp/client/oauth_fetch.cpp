#include <sennit/agent/io/egress.hpp>
#include <sennit/agent/io/json.hpp>
#include <sennit/mcp/client/http_channel.hpp>
#include <sennit/mcp/client/oauth_fetch.hpp>
#include <sennit/mcp/client/oauth_rules.hpp>

#include <fmt/format.h>

#include <utility>

namespace sennit::mcp::oauth {
namespace {

constexpr milliseconds kConnect{10'000};
constexpr milliseconds kTotal{20'000};
constexpr std::size_t kMaxBody = 1ULL << 20U;

}  // namespace

asio::awaitable<Fetched> fetch(Environment& environment, Reach reach, std::string method, std::string url,
                               std::vector<http::Header> headers, std::string body) {
  check_endpoint(url, "an address of the sign-in");
  http::Request request;
  request.method = std::move(method);
  request.url = std::move(url);
  request.headers = std::move(headers);
  request.headers.push_back({"User-Agent", "sennit"});
  request.headers.push_back({"Accept", "application/json"});
  request.body = std::move(body);
  request.deadlines = {.connect = kConnect, .total = kTotal};
  request.limits.body = kMaxBody;
  request.allow_address = [reach](const sockaddr& address) {
    return is_public_address(address) || reach.allow_private || (reach.loopback && is_loopback(address));
  };
  auto sending = environment.http().send(std::move(request));
  const std::unique_ptr<http::Response> response = co_await std::move(sending);
  Fetched fetched;
  fetched.status = response->status();
  auto reading = http::read_all(*response);
  fetched.body = co_await std::move(reading);
  co_return fetched;
}

asio::awaitable<std::optional<std::string>> fetch_first(Environment& environment, Reach reach,
                                                        std::vector<std::string> urls) {
  for (const std::string& url : urls) {
    std::vector<http::Header> headers{{"MCP-Protocol-Version", "2025-11-25"}};
    auto fetching = fetch(environment, reach, "GET", url, std::move(headers), {});
    Fetched fetched = co_await std::move(fetching);
    if (fetched.status == 200) {
      const std::optional<json::value> value = parse_json(fetched.body);
      if (value && value->is_object()) co_return std::move(fetched.body);
    }
    if (fetched.status >= 500) {
      throw Error(errc::server, fmt::format("{} answered with HTTP status {}", url, fetched.status));
    }
  }
  co_return std::nullopt;
}

}  // namespace sennit::mcp::oauth
