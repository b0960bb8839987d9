#include <sennit/agent/io/http_server.hpp>
#include <sennit/agent/io/signal.hpp>
#include <sennit/mcp/client/oauth_redirect.hpp>
#include <sennit/mcp/client/oauth_rules.hpp>

#include <optional>
#include <utility>

namespace sennit::mcp::oauth {
namespace {

constexpr std::string_view kPath = "/callback";
constexpr std::size_t kConnections = 16;
constexpr std::size_t kHead = 16ULL << 10U;
constexpr std::string_view kDone =
    "<!doctype html><title>Signed in</title><p>Thank you. You can close this window and go back to the terminal.";
constexpr std::string_view kStranger = "<!doctype html><title>Not this one</title><p>This answer was not asked for.";

}  // namespace

struct RedirectListener::State {
  std::string expected;
  std::optional<std::map<std::string, std::string>> parameters;
  Signal changed;
  std::unique_ptr<http::Server> server;
};

namespace {

std::vector<http::Header> page_headers() {
  return {{"Content-Type", "text/html; charset=utf-8"},
          {"Cache-Control", "no-store"},
          {"Connection", "close"},
          {"Referrer-Policy", "no-referrer"}};
}

}  // namespace

static asio::awaitable<void> receive(std::shared_ptr<std::function<bool(std::map<std::string, std::string>)>> take,
                                     http::ServerRequest request, http::ServerAnswer& answer) {
  const bool fits = request.method == "GET" && request.path == kPath && (*take)(decode_form(request.query));
  auto sending = answer.send(fits ? 200 : 400, page_headers(), std::string(fits ? kDone : kStranger));
  co_await std::move(sending);
}

RedirectListener::RedirectListener(Environment& environment, std::uint16_t port, std::string state)
    : state_(std::make_shared<State>()) {
  state_->expected = std::move(state);
  auto take = std::make_shared<std::function<bool(std::map<std::string, std::string>)>>(
      [weak = std::weak_ptr<State>(state_)](std::map<std::string, std::string> parameters) {
        const auto known = weak.lock();
        const auto given = parameters.find("state");
        // Anybody on this machine can connect: only who knows the state was sent by us.
        if (!known || given == parameters.end() || given->second != known->expected) return false;
        known->parameters = std::move(parameters);
        known->changed.notify();
        return true;
      });
  const auto handler = [take](http::ServerRequest request, http::ServerAnswer& answer) {
    return receive(take, std::move(request), answer);
  };
  const http::ServerOptions options{.port = port, .connections = kConnections, .head_bytes = kHead, .body_bytes = 0};
  try {
    state_->server = std::make_unique<http::Server>(environment, options, handler);
  } catch (const Error&) {
    if (port == 0) throw;
    http::ServerOptions any = options;
    any.port = 0;
    state_->server = std::make_unique<http::Server>(environment, any, handler);
  }
}

RedirectListener::~RedirectListener() = default;

std::uint16_t RedirectListener::port() const {
  return state_->server->port();
}

std::string RedirectListener::url() const {
  return "http://127.0.0.1:" + std::to_string(port()) + std::string(kPath);
}

asio::awaitable<std::map<std::string, std::string>> RedirectListener::wait() {
  const std::shared_ptr<State> state = state_;
  while (!state->parameters) co_await state->changed.wait();
  // The browser is to get its page before the listener goes.
  auto stopping = state->server->stop(milliseconds{500});
  co_await std::move(stopping);
  co_return std::move(*state->parameters);
}

}  // namespace sennit::mcp::oauth
