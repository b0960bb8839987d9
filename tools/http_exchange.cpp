#include <sennit/agent/io/egress.hpp>
#include <sennit/agent/io/egress_hosts.hpp>
#include <sennit/agent/io/secrets.hpp>
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

/// As much as is read; the rest of the transfer is dropped with its Response. Secrets are blotted out before it is cut:
/// of one at the edge the beginning would be left.
asio::awaitable<Body> read_body(Response& response, std::size_t most) {
  Body body;
  secrets::Stream clean;
  while (true) {
    asio::awaitable<std::string_view> reading = response.read();
    const std::string_view piece = co_await std::move(reading);
    const std::string shown = piece.empty() ? clean.finish() : clean.push(piece);
    body.cut = shown.size() > most - body.bytes.size();
    body.bytes += std::string_view(shown).substr(0, most - body.bytes.size());
    if (piece.empty() || body.cut) co_return body;
  }
}

/// The path of a URL as check_url() gives it.
std::string_view path_in(std::string_view url) {
  url = url.substr(0, url.find('?'));
  const std::size_t begin = url.find('/', url.find("://") + std::string_view("://").size());
  return begin == std::string_view::npos ? std::string_view{} : url.substr(begin);
}

class Exchange {
 public:
  Exchange(std::shared_ptr<const HttpSettings> settings, const Credentials& credentials, Call call,
           ToolContext& context, std::size_t most)
      : settings_(std::move(settings)),
        credentials_(credentials),
        context_(context),
        call_(std::move(call)),
        target_(check_url(call_.url, settings_->allow_hosts)),
        deadline_(context.environment().now() + settings_->timeout),
        most_(most) {
    if (call_.headers.size() > kMaxToolHeaders) {
      throw Error(errc::invalid_argument, fmt::format("more than {} headers", kMaxToolHeaders));
    }
    for (const Header& header : call_.headers) check_header(header.name, header.value, credentials.headers());
    // A model that writes http:// for https:// must not lay a key open on the way.
    if (!credentials.headers().empty() && !settings_->allow_private && target_.url.starts_with("http:")) {
      throw Error(errc::denied, "the headers of this agent are sent over https only: use an https:// URL");
    }
  }

  asio::awaitable<Answer> run() {
    for (;;) {
      asio::awaitable<std::unique_ptr<Response>> sending = context_.environment().http().send(request());
      const std::unique_ptr<Response> response = co_await std::move(sending);
      answered_ = true;
      refuse_encodings(*response);
      std::optional<Redirect> redirect =
          redirect_of(response->status(), response->header("location"), call_.method, target_, settings_->allow_hosts);
      if (redirect && redirect->obstacle.empty() && !allows(redirect->target)) {
        redirect->obstacle = fmt::format(
            "the policy does not let it go on to {} by itself; call again with that if it is what is wanted",
            redirect->target.url);
      }
      if (redirect && redirect->obstacle.empty()) {
        follow(std::move(redirect->target));
        continue;
      }
      asio::awaitable<Body> reading = read_body(*response, most_);
      Body body = co_await std::move(reading);
      co_return Answer{response->status(),
                       target_,
                       response->headers(),
                       std::move(body.bytes),
                       body.cut,
                       redirects_,
                       redirect ? std::move(redirect->obstacle) : std::string()};
    }
  }

  /// Who was asked last.
  [[nodiscard]] const Target& target() const { return target_; }

  /// Whether words of a peer may be in the message of this failure: it chose where a redirect leads, or was refused for
  /// what it said.
  [[nodiscard]] bool quotes_peer(const Error& error) const {
    constexpr std::array kRefusals{errc::protocol, errc::denied, errc::invalid_argument, errc::limit};
    if (!answered_ || error.code() == errc::cancelled) return false;
    return redirects_ > 0 || std::find(kRefusals.begin(), kRefusals.end(), error.code()) != kRefusals.end();
  }

  /// The same failure in the terms of the tool.
  [[nodiscard]] Error explained(const Error& error) const {
    if (error.code() == errc::denied && error.where().empty()) {
      return Error(errc::denied, fmt::format("'{}' is at an address that is not on the public internet, and this tool "
                                             "connects to no other (the option allow_private permits it)",
                                             target_.host))
          .at(target_.origin);
    }
    if (error.code() == errc::timeout && context_.environment().now() >= deadline_) {
      return Error(errc::timeout, fmt::format("no complete answer within {} seconds (the option timeout of http)",
                                              std::chrono::duration<double>(settings_->timeout).count()))
          .at(target_.origin);
    }
    return error;
  }

 private:
  Request request() {
    const auto left = std::chrono::ceil<milliseconds>(deadline_ - context_.environment().now());
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

  [[nodiscard]] bool allows(const Target& target) const {
    std::vector<Facet> facets{{"url", target.url}, {"host", target.host}};
    if (!call_.base.empty()) {
      std::string_view base = path_in(call_.base);
      if (base.ends_with('/')) base.remove_suffix(1);
      std::string_view path = path_in(target.url);
      if (path.starts_with(base) && path.substr(base.size()).starts_with('/')) path.remove_prefix(base.size());
      facets.push_back({"path", std::string(path)});
    }
    return context_.allows(facets);
  }

  void follow(Target target) {
    if (++redirects_ > kMaxRedirects) {
      throw Error(errc::limit,
                  fmt::format("more than {} redirects; the last one leads to {}", kMaxRedirects, target.url))
          .at(target_.origin);
    }
    // Once another origin was visited, headers stay behind for good: it could send the request anywhere.
    at_home_ = at_home_ && target.origin == target_.origin;
    call_.body.clear();  // of a GET that has one
    call_.content_type.clear();
    call_.key.clear();
    target_ = std::move(target);
  }

  const std::shared_ptr<const HttpSettings> settings_;
  const Credentials& credentials_;
  ToolContext& context_;
  Call call_;
  Target target_;
  const SteadyTime deadline_;
  const std::size_t most_;
  bool at_home_ = true;
  bool answered_ = false;
  std::size_t redirects_ = 0;
};

Error masked(const Error& error, const Credentials& credentials) {
  Error result = Error(error.code(), credentials.mask(error.message())).at(credentials.mask(error.where()));
  return error.retryable() ? std::move(result).retry(error.retry_after()) : result;
}

bool trusts(const HttpSettings& settings, const Target& target) {
  return std::any_of(settings.trusted.begin(), settings.trusted.end(),
                     [&](const std::string& pattern) { return permits_host(pattern, target.host, target.port); });
}

void label(ToolOutput& output, const HttpSettings& settings, const Target& target) {
  if (!trusts(settings, target)) output.labels.add_untrusted("web:" + target.host);
}

/// Nothing that is thrown or shown from here on may hold a secret either: a peer puts what it likes into a redirect.
asio::awaitable<ToolOutput> perform_with(std::shared_ptr<const HttpSettings> settings, const Credentials& credentials,
                                         Call call, ToolContext& context, std::size_t most, Show show) {
  Exchange exchange(settings, credentials, std::move(call), context, most);
  std::optional<Error> failure;
  bool quotes_peer = false;
  bool shows = false;
  try {
    asio::awaitable<Answer> running = exchange.run();
    Answer answer = co_await std::move(running);
    const Target from = answer.target;
    shows = true;
    asio::awaitable<ToolOutput> showing = show(std::move(answer));
    ToolOutput output = co_await std::move(showing);
    output.content = credentials.mask(std::move(output.content));
    label(output, *settings, from);
    co_return output;
  } catch (const Error& error) {
    // What is wrong with an answer may be told in its own words.
    quotes_peer = shows ? error.code() != errc::cancelled && error.code() != errc::config : exchange.quotes_peer(error);
    failure = masked(shows ? error : exchange.explained(error), credentials);
  }
  if (!quotes_peer) throw *failure;
  ToolOutput output{failure->describe(), true};
  label(output, *settings, exchange.target());
  co_return output;
}

asio::awaitable<ToolOutput> show_all(Answer answer) {
  std::string text = fmt::format("HTTP {} from {}", answer.status, answer.target.url);
  if (answer.redirects > 0) {
    text += fmt::format(" (after {} redirect{})", answer.redirects, answer.redirects == 1 ? "" : "s");
  }
  text += '\n';
  for (const std::string_view name : kShownHeaders) {
    constexpr std::size_t kShown = 1000;
    const std::string_view value = answer.header(name).substr(0, kShown);
    if (!value.empty()) text += fmt::format("{}: {}\n", name, sanitize_utf8(value));
  }
  if (!answer.obstacle.empty()) text += fmt::format("[the redirect was not followed: {}]\n", answer.obstacle);
  if (!answer.body.empty()) text += '\n' + body_text(answer.body, answer.header("content-type"));
  if (answer.cut) text += fmt::format("\n[the answer is longer; this is its beginning, {} bytes]", kMaxHttpBody);
  constexpr int kFirstError = 400;
  co_return ToolOutput{std::move(text), answer.status >= kFirstError};
}

}  // namespace

std::string_view Answer::header(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(),
                                  [name](const Header& header) { return same_name(header.name, name); });
  return found == headers.end() ? std::string_view{} : std::string_view(found->value);
}

asio::awaitable<ToolOutput> perform(std::shared_ptr<const HttpSettings> settings, Call call, ToolContext& context,
                                    std::size_t most, Show show) {
  const Credentials credentials(settings->headers);
  auto performing = perform_with(std::move(settings), credentials, std::move(call), context, most, std::move(show));
  ToolOutput output = co_await std::move(performing);
  co_return output;
}

asio::awaitable<ToolOutput> perform(std::shared_ptr<const HttpSettings> settings, Call call, ToolContext& context) {
  return perform(std::move(settings), std::move(call), context, kMaxHttpBody, &show_all);
}

}  // namespace sennit::http
