#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/io/sse.hpp>
#include <sennit/mcp/client/http_refused.hpp>
#include <sennit/mcp/client/pending.hpp>
#include <sennit/mcp/client/sse_link.hpp>

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <fmt/format.h>

#include <optional>
#include <utility>

namespace sennit::mcp {
namespace {

/// The address that the stream names, which must be the same server's: requests carry our credentials.
std::string resolve_endpoint(const std::string& base, std::string_view named, const std::string& name) {
  const auto from = boost::urls::parse_uri(base);
  const auto to = boost::urls::parse_uri_reference(named);
  boost::urls::url target;
  if (!from || !to || !boost::urls::resolve(*from, *to, target)) {
    throw Error(errc::protocol, name + " named an endpoint that is no URL");
  }
  if (target.scheme() != from->scheme() || target.encoded_host_and_port() != from->encoded_host_and_port()) {
    throw Error(errc::denied,
                fmt::format("{} named an endpoint on another server: {}", name, std::string_view(target.buffer())));
  }
  return std::string(target.buffer());
}

class SseLink final : public Link, public std::enable_shared_from_this<SseLink> {
 public:
  SseLink(std::shared_ptr<HttpChannel> channel, Inbox& inbox) : channel_(std::move(channel)), inbox_(&inbox) {}

  asio::awaitable<void> open() override {
    const std::shared_ptr<SseLink> self = shared_from_this();
    std::vector<http::Header> headers{{"Accept", "text/event-stream"}};
    auto sending = channel_->send("GET", channel_->url(), std::move(headers), {}, {});
    std::unique_ptr<http::Response> response = co_await std::move(sending);
    if (response->status() != 200 || media_type(response->header("content-type")) != "text/event-stream") {
      throw HttpRefused(Error(errc::protocol, fmt::format("{} speaks neither Streamable HTTP nor HTTP with events "
                                                          "(HTTP status {})",
                                                          channel_->name(), response->status()))
                            .provider(response->status(), "", ""));
    }
    reading_ =
        std::make_unique<TaskScope>(channel_->environment().executor(), [weak = weak_from_this()](const Error& error) {
          if (const auto link = weak.lock()) link->lose(error);
        });
    reading_->spawn(read(self, std::move(response)));
    while (endpoint_.empty() && !dead_) co_await greeted_.wait();
    if (dead_) throw Error(*dead_);
  }

  asio::awaitable<Answer> request(Outgoing request) override {
    const std::shared_ptr<SseLink> self = shared_from_this();
    if (dead_) throw NotTaken(dead_->code(), dead_->message());
    Pending::Waiter waiter(pending_, request.id);
    const bool once = request.method == "tools/call";
    auto posting = post(write_message(Request{request.id, std::move(request.method), std::move(request.params)}), once);
    co_await std::move(posting);
    auto waiting = waiter.wait();
    co_return co_await std::move(waiting);
  }

  asio::awaitable<void> notify(Notification notification) override { return post(write_message(notification), false); }
  asio::awaitable<void> answer(Answer answer) override { return post(write_message(answer), false); }
  void agreed(const ServerFacts& /*facts*/) override {}
  bool usable() const override { return inbox_ != nullptr && !dead_ && !endpoint_.empty(); }

  void close() override {
    inbox_ = nullptr;
    lose(Error(errc::cancelled, "the connection to " + channel_->name() + " was closed"));
    reading_.reset();
  }

 private:
  /// A stream that nobody has a use for any more must not keep its link.
  static asio::awaitable<void> read(std::weak_ptr<SseLink> link, std::unique_ptr<http::Response> response) {
    SseReader reader({.line = kMaxMessage, .event = kMaxMessage, .lines = 65'536});
    for (;;) {
      const std::string_view piece = co_await response->read();
      const std::shared_ptr<SseLink> self = link.lock();
      if (!self) co_return;
      if (piece.empty()) co_return self->lose(Error(errc::truncated, self->channel_->name() + " ended its stream"));
      reader.push(piece);
      while (const auto event = reader.next()) self->take(event->name, event->data);
    }
  }

  void take(std::string_view name, std::string_view data) {
    if (dead_ || inbox_ == nullptr) return;
    if (pending_.size() > 0 && ++messages_ > kMaxMessagesPerCall) {
      throw Error(errc::too_large,
                  fmt::format("{} sent more than {} messages and no answer", channel_->name(), kMaxMessagesPerCall));
    }
    if (name == "endpoint") {
      if (!endpoint_.empty()) return;
      endpoint_ = resolve_endpoint(channel_->url(), data, channel_->name());
      greeted_.notify();
      return;
    }
    for (Message& message : read_messages(data)) dispatch(std::move(message));
  }

  void dispatch(Message message) {
    if (auto* answer = std::get_if<Answer>(&message)) {
      if (!pending_.settle(std::move(*answer))) return inbox_->warned(channel_->name() + " answered what nobody asked");
      messages_ = 0;
      return;
    }
    if (auto* notification = std::get_if<Notification>(&message)) {
      return inbox_->notified(std::move(*notification), pending_.only());
    }
    if (auto* request = std::get_if<Request>(&message)) inbox_->asked(std::move(*request), pending_.only());
  }

  void lose(const Error& error) {
    if (dead_) return;
    dead_ = error;
    pending_.fail(error);
    greeted_.notify();
  }

  asio::awaitable<void> post(std::string message, bool once) {
    const std::shared_ptr<SseLink> self = shared_from_this();
    if (dead_) throw Error(*dead_);
    std::vector<http::Header> headers{{"Content-Type", "application/json"}};
    auto sending = channel_->send("POST", endpoint_, std::move(headers), std::move(message), {.once = once});
    const std::unique_ptr<http::Response> response = co_await std::move(sending);
    const int status = response->status();
    const std::string said = co_await read_body(*response);
    if (status == 404) {
      lose(Error(errc::connect_failed, channel_->name() + " ended the session"));
      throw NotTaken(errc::connect_failed, channel_->name() + " ended the session");
    }
    if (status >= 300) throw HttpRefused(refused_error(channel_->name(), status, said));
  }

  const std::shared_ptr<HttpChannel> channel_;
  Inbox* inbox_;  // null once closed
  std::unique_ptr<TaskScope> reading_;
  std::string endpoint_;
  Signal greeted_;
  std::size_t messages_ = 0;  // since the last answer
  Pending pending_;
  std::optional<Error> dead_;
};

}  // namespace

std::shared_ptr<Link> make_sse_link(std::shared_ptr<HttpChannel> channel, Inbox& inbox) {
  return std::make_shared<SseLink>(std::move(channel), inbox);
}

}  // namespace sennit::mcp
