#include <sennit/agent/io/egress.hpp>
#include <sennit/tools/http_credentials.hpp>
#include <sennit/tools/http_exchange.hpp>
#include <sennit/tools/http_text.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>

namespace sennit::http {
namespace {

/// Headers of an answer that tell a model something.
constexpr std::array<std::string_view, 9> kShownHeaders{"content-type",  "content-length", "location",
                                                        "last-modified", "etag",           "retry-after",
                                                        "link",          "allow",          "www-authenticate"};

constexpr milliseconds kConnect{10'000};  ///< at most, of a call's time, for name, connection and TLS

bool allowed_address(const HttpSettings& settings, const sockaddr& address) {
  if (settings.allow_address) return settings.allow_address(address);
  return settings.allow_private || is_public_address(address);
}

/// One compression at most: a bomb is a small body that was compressed twice.
void refuse_encodings(const Response& response) {
  const std::string_view encoding = response.header("content-encoding");
  if (encoding.empty() || same_name(encoding, "gzip") || same_name(encoding, "x-gzip") ||
      same_name(encoding, "identity")) {
    return;
  }
  throw Error(errc::protocol, fmt::format("the answer is compressed in a way that was not asked for ('{}'; only gzip "
                                          "is understood)",
                                          sanitize_utf8(encoding.substr(0, 100))));
}

struct Body {
  std::string bytes;
  bool cut = false;
};

/// As much as is read; the rest of the transfer is dropped with its Response.
asio::awaitable<Body> read_body(Response& response) {
  Body body;
  while (true) {
    asio::awaitable<std::string_view> reading = response.read();
    const std::string_view piece = co_await std::move(reading);
    if (piece.empty()) co_return body;
    body.cut = piece.size() > kMaxHttpBody - body.bytes.size();
    body.bytes += piece.substr(0, kMaxHttpBody - body.bytes.size());
    if (body.cut) co_return body;
  }
}

class Exchange {
 public:
  Exchange(std::shared_ptr<const HttpSettings> settings, const Credentials& credentials, Call call,
           Environment& environment)
      : settings_(std::move(settings)),
        credentials_(credentials),
        environment_(environment),
        call_(std::move(call)),
        target_(check_url(call_.url, settings_->allow_hosts)),
        deadline_(environment.now() + settings_->timeout) {
    if (call_.headers.size() > kMaxToolHeaders) {
      throw Error(errc::invalid_argument, fmt::format("more than {} headers", kMaxToolHeaders));
    }
    for (const Header& header : call_.headers) check_header(header.name, header.value, credentials.headers());
    // A model that writes http:// for https:// must not lay a key open on the way.
    if (!credentials.headers().empty() && !settings_->allow_private && target_.url.starts_with("http:")) {
      throw Error(errc::denied, "the headers of this agent are sent over https only: use an https:// URL");
    }
  }

  asio::awaitable<ToolOutput> run() {
    for (;;) {
      asio::awaitable<std::unique_ptr<Response>> sending = environment_.http().send(request());
      const std::unique_ptr<Response> response = co_await std::move(sending);
      refuse_encodings(*response);
      std::optional<Redirect> redirect =
          redirect_of(response->status(), response->header("location"), call_.method, target_, settings_->allow_hosts);
      if (!redirect || !redirect->obstacle.empty()) {
        asio::awaitable<Body> reading = read_body(*response);
        const Body body = co_await std::move(reading);
        co_return show(*response, body, redirect ? redirect->obstacle : std::string_view{});
      }
      follow(std::move(*redirect));
    }
  }

  /// The same failure in the terms of the tool.
  [[nodiscard]] Error explained(const Error& error) const {
    if (error.code() == errc::denied && error.where().empty()) {
      return Error(errc::denied, fmt::format("'{}' is at an address that is not on the public internet, and this tool "
                                             "connects to no other (the option allow_private permits it)",
                                             target_.host))
          .at(target_.origin);
    }
    if (error.code() == errc::timeout && environment_.now() >= deadline_) {
      return Error(errc::timeout, fmt::format("no complete answer within {} seconds (the option timeout of http)",
                                              std::chrono::duration<double>(settings_->timeout).count()))
          .at(target_.origin);
    }
    return error;
  }

 private:
  Request request() {
    const auto left = std::chrono::ceil<milliseconds>(deadline_ - environment_.now());
    if (left <= milliseconds{0}) throw Error(errc::timeout, "the redirects took all the time");
    Request request;
    request.method = call_.method;
    request.url = target_.url;
    request.body = call_.body;
    if (at_home_) request.headers = headers();
    request.deadlines = {.connect = std::min(left, kConnect), .first_byte = {}, .idle = {}, .total = left};
    request.gzip = true;
    request.ca_file = settings_->ca_file;
    request.allow_address = [settings = settings_](const sockaddr& address) {
      return allowed_address(*settings, address);
    };
    return request;
  }

  /// What is meant for the host that was asked, and for no other.
  [[nodiscard]] std::vector<Header> headers() const {
    std::vector<Header> headers = credentials_.headers();
    headers.insert(headers.end(), call_.headers.begin(), call_.headers.end());
    const auto add = [&](const char* name, const std::string& value) {
      if (!value.empty() && !credentials_.has(name)) headers.push_back({name, value});
    };
    add("Content-Type", call_.content_type);
    add("Idempotency-Key", call_.key);
    return headers;
  }

  void follow(Redirect redirect) {
    if (++redirects_ > kMaxRedirects) {
      throw Error(errc::limit,
                  fmt::format("more than {} redirects; the last one leads to {}", kMaxRedirects, redirect.target.url))
          .at(target_.origin);
    }
    // Once another origin was visited, headers stay behind for good: it could send the request anywhere.
    at_home_ = at_home_ && redirect.target.origin == target_.origin;
    call_.method = std::move(redirect.method);
    if (!redirect.keeps_body) {
      call_.body.clear();
      call_.content_type.clear();
      call_.key.clear();
    }
    target_ = std::move(redirect.target);
  }

  [[nodiscard]] ToolOutput show(const Response& response, const Body& body, std::string_view obstacle) const {
    std::string text = fmt::format("HTTP {} from {}", response.status(), target_.url);
    if (redirects_ > 0) text += fmt::format(" (after {} redirect{})", redirects_, redirects_ == 1 ? "" : "s");
    text += '\n';
    for (const std::string_view name : kShownHeaders) {
      constexpr std::size_t kShown = 1000;
      const std::string_view value = response.header(name).substr(0, kShown);
      if (!value.empty()) text += fmt::format("{}: {}\n", name, sanitize_utf8(value));
    }
    if (!obstacle.empty()) text += fmt::format("[the redirect was not followed: {}]\n", obstacle);
    if (!body.bytes.empty()) text += '\n' + body_text(body.bytes, response.header("content-type"));
    if (body.cut) text += fmt::format("\n[the answer is longer; this is its beginning, {} bytes]", kMaxHttpBody);
    constexpr int kFirstError = 400;
    return {std::move(text), response.status() >= kFirstError};
  }

  const std::shared_ptr<const HttpSettings> settings_;
  const Credentials& credentials_;
  Environment& environment_;
  Call call_;
  Target target_;
  const SteadyTime deadline_;
  bool at_home_ = true;
  std::size_t redirects_ = 0;
};

Error masked(const Error& error, const Credentials& credentials) {
  Error result = Error(error.code(), credentials.mask(error.message())).at(credentials.mask(error.where()));
  return error.retryable() ? std::move(result).retry(error.retry_after()) : result;
}

/// Nothing that is thrown from here on may hold a secret either: a peer puts what it likes into a redirect.
asio::awaitable<ToolOutput> perform_with(std::shared_ptr<const HttpSettings> settings, const Credentials& credentials,
                                         Call call, Environment& environment) {
  Exchange exchange(std::move(settings), credentials, std::move(call), environment);
  std::optional<Error> failure;
  try {
    asio::awaitable<ToolOutput> running = exchange.run();
    ToolOutput output = co_await std::move(running);
    output.content = credentials.mask(std::move(output.content));
    co_return output;
  } catch (const Error& error) {
    failure = exchange.explained(error);
  }
  throw masked(*failure, credentials);
}

}  // namespace

asio::awaitable<ToolOutput> perform(std::shared_ptr<const HttpSettings> settings, Call call, Environment& environment) {
  const Credentials credentials(settings->headers);
  auto performing = perform_with(std::move(settings), credentials, std::move(call), environment);
  ToolOutput output = co_await std::move(performing);
  co_return output;
}

}  // namespace sennit::http
