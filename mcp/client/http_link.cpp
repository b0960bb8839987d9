#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/io/sse.hpp>
#include <sennit/agent/io/timeout.hpp>
#include <sennit/mcp/client/hop.hpp>
#include <sennit/mcp/client/http_link.hpp>
#include <sennit/mcp/client/http_refused.hpp>
#include <sennit/mcp/client/lock.hpp>
#include <sennit/mcp/client/loop_end.hpp>
#include <sennit/mcp/protocol/envelope.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sennit::mcp {
namespace {

constexpr int kMaxResumptions = 20;  // of one stream
constexpr milliseconds kPauseToResume{1'000};
constexpr milliseconds kShortestPauseToResume{10};
constexpr milliseconds kLongestPauseToResume{60'000};
constexpr milliseconds kToBeHeard{1'000};  // a server that does not answer at once is spoken to all the same
constexpr milliseconds kToSayGoodbye{1'000};
constexpr std::size_t kMaxSession = 1'024;

/// How far a stream got before it ended.
struct Place {
  std::optional<Answer> answer;
  bool heard = false;  ///< whether any message came
  std::string last_id;
  milliseconds pause = kPauseToResume;
  std::string how = "ended its stream";
};

asio::awaitable<void> say_goodbye(std::shared_ptr<HttpChannel> channel, std::vector<http::Header> headers) {
  try {
    auto sending = channel->send("DELETE", channel->url(), std::move(headers), {}, {.sign_in = false});
    (void)co_await with_timeout(channel->environment(), kToSayGoodbye, std::move(sending), "a goodbye");
  } catch (const Error&) {  // a session that nobody ends ends by itself
  }
}

class HttpLink final : public Link, public std::enable_shared_from_this<HttpLink> {
 public:
  HttpLink(std::shared_ptr<HttpChannel> channel, Inbox& inbox) : channel_(std::move(channel)), inbox_(&inbox) {}

  asio::awaitable<void> open() override {
    // Once the loop ends nobody is left to say goodbye.
    at_end_ = at_loop_end(channel_->environment().executor(), [link = weak_from_this()] {
      if (const auto alive = link.lock()) alive->session_.clear();
    });
    co_return;
  }

  asio::awaitable<Answer> request(Outgoing request) override {
    const std::shared_ptr<HttpLink> self = shared_from_this();
    const std::int64_t id = request.id;
    const bool greets = request.method == "initialize";
    if (era_ == Era::legacy && !greets) {
      auto listening = begin_listening();
      co_await std::move(listening);
    }
    std::vector<http::Header> headers = headers_for(request.method, request.params);
    headers.insert(headers.end(), request.headers.begin(), request.headers.end());
    const bool once = request.method == "tools/call";
    auto posting =
        post(write_message(Request{id, std::move(request.method), std::move(request.params)}), headers, once);
    std::unique_ptr<http::Response> response = co_await std::move(posting);
    if (greets) session_ = response->header(header::kSession).substr(0, kMaxSession);
    if (response->status() < 300 && media_type(response->header("content-type")) == "text/event-stream") {
      auto reading = read_stream(std::move(response), id);
      co_return co_await std::move(reading);
    }
    auto reading = read_one(*response, id);
    co_return co_await std::move(reading);
  }

  asio::awaitable<void> notify(Notification notification) override {
    std::vector<http::Header> headers = headers_for(notification.method, notification.params);
    return tell(write_message(notification), std::move(headers));
  }
  asio::awaitable<void> answer(Answer answer) override { return tell(write_message(answer), headers_for({}, {})); }

  void agreed(const ServerFacts& facts) override {
    era_ = facts.era;
    version_ = facts.version;
  }
  bool usable() const override { return inbox_ != nullptr && !lost_; }
  bool cancels_by_closing() const override { return era_ == Era::modern; }

  void close() override {
    inbox_ = nullptr;
    listening_.reset();
    if (session_.empty()) return;
    std::vector<http::Header> headers = headers_for({}, {});
    session_.clear();
    auto leaving = say_goodbye(channel_, std::move(headers));
    let_run(channel_->environment().executor(), std::move(leaving));
  }

 private:
  [[nodiscard]] std::vector<http::Header> headers_for(std::string_view method, const json::object& params) const {
    std::vector<http::Header> headers;
    if (!version_.empty()) headers.push_back({std::string(header::kVersion), version_});
    if (!session_.empty()) headers.push_back({std::string(header::kSession), session_});
    if (era_ != Era::modern || version_.empty() || method.empty()) return headers;
    headers.push_back({std::string(header::kMethod), std::string(method)});
    if (const auto name = name_for_header(method, params)) {
      headers.push_back({std::string(header::kName), encode_header(*name)});
    }
    return headers;
  }

  // ---- what the server says of its own accord (legacy) ----

  /// A server may ask on a stream that belongs to no request, and only while somebody listens.
  asio::awaitable<void> begin_listening() {
    auto acquiring = beginning_.acquire();
    const Lock::Held held = co_await std::move(acquiring);
    if (listening_ || inbox_ == nullptr) co_return;
    listening_ = std::make_unique<TaskScope>(channel_->environment().executor(), [](const Error&) {});
    listening_->spawn(listen(shared_from_this()));
    try {
      auto waiting = heard_.wait();
      co_await with_timeout(channel_->environment(), kToBeHeard, std::move(waiting), "the server's own stream");
    } catch (const Error& error) {
      if (error.code() != errc::timeout) throw;
    }
  }

  static asio::awaitable<void> listen(std::shared_ptr<HttpLink> self) {
    Environment& environment = self->channel_->environment();
    Place place;
    for (unsigned in_vain = 0;; ++in_vain) {
      const SteadyTime began = environment.now();
      place.heard = false;
      auto hearing = self->hear(place);
      const bool more = co_await std::move(hearing);
      self->heard_.notify();
      if (!more) co_return;
      if (place.heard || environment.now() - began >= kLongestPauseToResume) in_vain = 0;
      const milliseconds pause = std::max(place.pause, kShortestPauseToResume) * (1U << std::min(in_vain, 16U));
      co_await environment.sleep(std::min(pause, kLongestPauseToResume));
    }
  }

  /// One stream, to its end. False: there is none to be had, now or later.
  asio::awaitable<bool> hear(Place& place) {
    std::vector<http::Header> headers = headers_for({}, {});
    headers.push_back({"Accept", "text/event-stream"});
    if (!place.last_id.empty()) headers.push_back({std::string(header::kLastEvent), place.last_id});
    try {
      auto sending = channel_->send("GET", channel_->url(), std::move(headers), {}, {});
      const std::unique_ptr<http::Response> response = co_await std::move(sending);
      heard_.notify();
      const int status = response->status();
      if (status >= 500 || status == 408 || status == 429) co_return true;
      const bool stream = media_type(response->header("content-type")) == "text/event-stream";
      if (status != 200 || !stream) co_return false;  // most servers have nothing to say
      auto following = follow(*response, std::nullopt, place);
      co_await std::move(following);
    } catch (const HttpRefused&) {
      co_return false;
    } catch (const Error& error) {
      if (error.code() == errc::cancelled) throw;
    }
    co_return true;
  }

  asio::awaitable<std::unique_ptr<http::Response>> post(std::string body, std::vector<http::Header> headers,
                                                        bool once) {
    headers.push_back({"Content-Type", "application/json"});
    headers.push_back({"Accept", "application/json, text/event-stream"});
    const bool in_session = !session_.empty();
    auto sending = channel_->send("POST", channel_->url(), std::move(headers), std::move(body), {.once = once});
    std::unique_ptr<http::Response> response = co_await std::move(sending);
    if (response->status() == 404 && in_session) {  // it has forgotten us, perhaps because it was started anew
      lost_ = true;
      session_.clear();
      throw NotTaken(errc::connect_failed, channel_->name() + " ended the session");
    }
    co_return response;
  }

  asio::awaitable<void> tell(std::string message, std::vector<http::Header> headers) {
    const std::shared_ptr<HttpLink> self = shared_from_this();
    auto posting = post(std::move(message), std::move(headers), false);
    const std::unique_ptr<http::Response> response = co_await std::move(posting);
    const int status = response->status();
    const std::string said = co_await read_body(*response);
    if (status >= 300) throw HttpRefused(refused_error(channel_->name(), status, said));
  }

  /// A JSON body: the answer, or an error status that says more.
  asio::awaitable<Answer> read_one(http::Response& response, std::int64_t id) {
    const std::string body = co_await read_body(response);
    const int status = response.status();
    for (Message& message : read_messages(body)) {
      auto* answer = std::get_if<Answer>(&message);
      if (answer == nullptr) continue;
      // A refusal may come without the id, because the server did not read as far.
      const bool ours = answer->id == std::optional<Id>(id) || (!answer->id && answer->fault() != nullptr);
      if (ours) co_return std::move(*answer);
    }
    if (status >= 300) throw HttpRefused(refused_error(channel_->name(), status, body));
    throw Error(errc::protocol, fmt::format("{} answered with what is no answer (HTTP status {}, {})", channel_->name(),
                                            status, response.header("content-type")));
  }

  asio::awaitable<Answer> read_stream(std::unique_ptr<http::Response> response, std::int64_t id) {
    Place place;
    for (int resumed = 0;; ++resumed) {
      auto following = follow(*response, id, place);
      co_await std::move(following);
      if (place.answer) co_return std::move(*place.answer);
      response.reset();
      // Modern servers keep nothing: what broke is lost. Older ones may keep it for us.
      if (era_ == Era::modern || place.last_id.empty() || resumed == kMaxResumptions) {
        throw Error(errc::truncated, channel_->name() + " " + place.how + " without an answer");
      }
      auto resuming = resume(place);
      response = co_await std::move(resuming);
    }
  }

  asio::awaitable<std::unique_ptr<http::Response>> resume(const Place& place) {
    co_await channel_->environment().sleep(place.pause);
    std::vector<http::Header> headers = headers_for({}, {});
    headers.push_back({"Accept", "text/event-stream"});
    headers.push_back({std::string(header::kLastEvent), place.last_id});
    auto sending = channel_->send("GET", channel_->url(), std::move(headers), {}, {});
    std::unique_ptr<http::Response> response = co_await std::move(sending);
    const bool stream = media_type(response->header("content-type")) == "text/event-stream";
    if (response->status() == 200 && stream) co_return response;
    throw Error(errc::truncated, fmt::format("{} {} without an answer, and does not go on with it (HTTP status {})",
                                             channel_->name(), place.how, response->status()));
  }

  /// Reads until the answer, or the stream's end.
  asio::awaitable<void> follow(http::Response& response, std::optional<std::int64_t> id, Place& place) {
    SseReader reader({.line = kMaxMessage, .event = kMaxMessage, .lines = 65'536, .events = kMaxMessagesPerCall});
    try {
      for (;;) {
        const std::string_view piece = co_await response.read();
        if (piece.empty()) break;
        reader.push(piece);
        while (const auto event = reader.next()) take(event->data, id, place);
        note(reader, place);
        if (place.answer) co_return;
      }
      if (const auto event = reader.finish()) take(event->data, id, place);
      note(reader, place);
    } catch (const Error& error) {
      const bool broken = error.code() == errc::truncated || error.code() == errc::connect_failed;
      if (!broken) throw;
      note(reader, place);
      place.how = "broke its stream off";
    }
  }

  static void note(const SseReader& reader, Place& place) {
    if (!reader.last_id().empty()) place.last_id = reader.last_id();
    if (reader.retry()) {
      const auto most = static_cast<std::uint64_t>(kLongestPauseToResume.count());
      place.pause = milliseconds(static_cast<std::int64_t>(std::min(*reader.retry(), most)));
    }
  }

  void take(std::string_view data, std::optional<std::int64_t> id, Place& place) {
    if (data.empty()) return;  // an event that only says where one can go on
    for (Message& message : read_messages(data)) {
      place.heard = true;
      if (auto* answer = std::get_if<Answer>(&message)) {
        if (id && answer->id == std::optional<Id>(*id)) place.answer = std::move(*answer);
      } else if (inbox_ == nullptr) {
        continue;
      } else if (auto* notification = std::get_if<Notification>(&message)) {
        inbox_->notified(std::move(*notification), id);
      } else if (auto* request = std::get_if<Request>(&message)) {
        inbox_->asked(std::move(*request), id);
      } else {
        inbox_->warned(channel_->name() + " sent what is no message: " + std::get<Unreadable>(message).fault.message);
      }
    }
  }

  const std::shared_ptr<HttpChannel> channel_;
  Inbox* inbox_;  // null once closed
  std::unique_ptr<TaskScope> listening_;
  Lock beginning_;
  Signal heard_;
  Era era_ = Era::legacy;
  std::string version_;
  std::string session_;
  std::unique_ptr<LoopEndEntry> at_end_;
  bool lost_ = false;
};

}  // namespace

std::shared_ptr<Link> make_http_link(std::shared_ptr<HttpChannel> channel, Inbox& inbox) {
  return std::make_shared<HttpLink>(std::move(channel), inbox);
}

}  // namespace sennit::mcp
