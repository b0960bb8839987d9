#include <sennit/agent/io/http.hpp>
#include <sennit/backends/wire/answer_decoder.hpp>
#include <sennit/backends/wire/provider_key.hpp>
#include <sennit/backends/wire/provider_verdict.hpp>
#include <sennit/backends/wire/remote_stream.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace sennit {

namespace {

/// After `[DONE]` the end of the body is awaited this long, so that the connection can be used again.
constexpr milliseconds kDrainTime{250};
/// After a finish_reason only the usage is awaited, and the end: not every server sends one.
constexpr milliseconds kTrailerTime{10'000};
/// An error body may take this long: its status is known already.
constexpr milliseconds kErrorBodyTime{10'000};
/// Batches up to this many events keep their memory; an idle stream shall be small.
constexpr std::size_t kKeptEvents = 4;
/// Bytes of a content type that are looked at.
constexpr std::size_t kLongestType = 200;
/// Bytes that make one batch at most. A burst may bring thousands of tokens at once, and what has been given out is
/// spent: the run looks at its limits between two batches. Usually fifty bytes of a stream and more are one token; a
/// server that sends several in a chunk gets smaller batches, of about so many bytes of words.
constexpr std::size_t kBatchBytes = 1024;
constexpr std::size_t kBatchWords = 128;

double seconds(milliseconds time) {
  return static_cast<double>(time.count()) / 1000;
}

/// The bytes of tokens in an event. Counts alone are none.
std::size_t words_of(const Event& event) {
  if (const auto* text = std::get_if<TextDelta>(&event.data)) return text->text.size();
  if (const auto* reasoning = std::get_if<ReasoningDelta>(&event.data)) return reasoning->text.size();
  if (const auto* refusal = std::get_if<RefusalDelta>(&event.data)) return refusal->text.size();
  const auto* call = std::get_if<ToolCallDelta>(&event.data);
  if (call == nullptr) return 0;
  return call->id.size() + call->name.size() + (call->arguments ? call->arguments->size() : 0);
}

class RemoteStream final : public TokenStream {
 public:
  RemoteStream(Environment& environment, std::shared_ptr<const RemoteSettings> settings, std::string body)
      : environment_(environment), settings_(std::move(settings)), body_(std::move(body)) {}

  [[nodiscard]] asio::awaitable<std::span<Event>> next() override;
  [[nodiscard]] std::size_t pieces() const noexcept override { return decoder_ ? decoder_->pieces() : 0; }

 private:
  [[nodiscard]] std::string accepted() const;
  [[nodiscard]] http::Request make_request();
  [[nodiscard]] asio::awaitable<void> start();
  [[nodiscard]] asio::awaitable<void> advance();
  [[nodiscard]] asio::awaitable<void> drain();
  [[nodiscard]] std::size_t take_unread();
  void watch_silence(bool words);
  void allow_silence(milliseconds limit);
  void end_of_body();
  SENNIT_OUT_OF_FRAME void break_off(const Error& error);
  [[nodiscard]] Error silence() const;
  [[nodiscard]] bool overdue() const;
  [[nodiscard]] Error never_ending() const;
  [[nodiscard]] const Provider& provider() const { return *settings_->model.provider; }

  Environment& environment_;
  std::shared_ptr<const RemoteSettings> settings_;
  std::string body_;
  std::unique_ptr<http::Response> response_;
  std::optional<AnswerDecoder> decoder_;
  std::vector<Event> events_;
  std::string_view unread_;  // of the body: the response's until it is read again
  std::size_t batch_bytes_ = kBatchBytes;
  SteadyTime asked_at_{};           // when the request was sent
  SteadyTime content_at_{};         // when the last content arrived; before that, when the request was sent
  milliseconds allowed_silence_{};  // as the response knows it
  bool content_ = false;
  bool trailing_ = false;  // a finish_reason has arrived
  bool ended_ = false;
};

asio::awaitable<std::span<Event>> RemoteStream::next() {
  if (events_.capacity() > kKeptEvents) {
    events_ = {};
  } else {
    events_.clear();
  }
  if (ended_) co_return std::span<Event>();
  std::optional<Error> failure;
  try {
    if (!response_) co_await start();
    while (events_.empty()) co_await advance();
  } catch (...) {
    failure = current_error();
  }
  if (failure) break_off(*failure);
  co_return std::span<Event>(events_);
}

std::string RemoteStream::accepted() const {
  if (!settings_->model.stream) return "application/json";
  return settings_->model.api == Api::ollama_chat ? "application/x-ndjson, application/json"
                                                  : "text/event-stream, application/json";
}

http::Request RemoteStream::make_request() {
  const ModelSpec& spec = settings_->spec;
  http::Request request;
  request.method = "POST";
  request.url = Secret(settings_->model.url).resolve_address();
  request.headers = {{"Content-Type", "application/json"}, {"Accept", accepted()}, {"User-Agent", "sennit"}};
  if (const std::string key = resolve_key(provider(), spec); !key.empty()) {
    const bool bearer = provider().key_header.empty();
    request.headers.push_back(bearer ? http::Header{"Authorization", "Bearer " + key}
                                     : http::Header{provider().key_header, key});
  }
  for (const auto& [name, value] : provider().headers) request.headers.push_back({name, value});
  for (const auto& [name, value] : spec.headers) {
    request.headers.push_back({name, Secret(value).resolve()});
  }
  request.proxy = Secret(spec.proxy).resolve_address();
  request.ca_file = spec.ca_file;
  request.body = std::move(body_);
  request.deadlines.connect = spec.connect_timeout;
  request.deadlines.first_byte = spec.first_token_timeout;
  request.deadlines.idle = spec.first_token_timeout;
  request.deadlines.total = spec.total_timeout;
  return request;
}

asio::awaitable<void> RemoteStream::start() {
  http::Request request = make_request();
  content_at_ = asked_at_ = environment_.now();
  allowed_silence_ = request.deadlines.idle;
  response_ = co_await environment_.http().send(std::move(request));

  DecoderOptions options;
  options.api = settings_->model.api;
  options.status = response_->status();
  options.think = settings_->model.think;
  options.names = {provider().title, key_variable_for(provider(), settings_->spec)};
  options.advice = read_retry_advice(response_->header("retry-after-ms"), response_->header("retry-after"),
                                     response_->header("x-should-retry"), environment_.wall_now());
  const std::string type = lower_case(response_->header("content-type"), kLongestType);
  const bool lines = settings_->model.api == Api::ollama_chat && settings_->model.stream;
  if (lines || type.find("ndjson") != std::string::npos) options.framing = Framing::ndjson_or_sse;
  decoder_.emplace(options);
  if (options.status >= 400) allow_silence(kErrorBodyTime);
}

asio::awaitable<void> RemoteStream::advance() {
  if (decoder_->done()) {
    co_await drain();
    end_of_body();
    co_return;
  }
  if (unread_.empty()) {
    unread_ = co_await response_->read();
    if (unread_.empty()) {
      end_of_body();
      co_return;
    }
  }
  const std::size_t words = take_unread();
  if (decoder_->failed()) {
    end_of_body();
  } else if (response_->status() < 400 && !decoder_->done()) {
    watch_silence(words > 0);
  }
}

/// Reads on until something is to be given out. The bytes of words in it.
std::size_t RemoteStream::take_unread() {
  std::size_t read = 0;
  while (!unread_.empty() && events_.empty() && !decoder_->failed() && !decoder_->done()) {
    const std::string_view bytes = unread_.substr(0, batch_bytes_);
    unread_.remove_prefix(bytes.size());
    read += bytes.size();
    decoder_->push(bytes, events_);
  }
  std::size_t words = 0;
  for (const Event& event : events_) words += words_of(event);
  if (words > 0) batch_bytes_ = std::clamp(read * kBatchWords / words, kBatchWords, kBatchBytes);
  return words;
}

/// Decides what the bytes that arrived mean for the deadlines; `words`: with words among them.
void RemoteStream::watch_silence(bool words) {
  const ModelSpec& spec = settings_->spec;
  const bool ended_now = decoder_->complete() && !std::exchange(trailing_, true);
  if (ended_now || words) {
    content_ = true;
    content_at_ = environment_.now();
  }
  milliseconds limit = content_ ? spec.idle_timeout : spec.first_token_timeout;
  if (trailing_ && (limit == milliseconds::zero() || limit > kTrailerTime)) limit = kTrailerTime;
  if (limit <= milliseconds::zero()) return allow_silence(limit);
  const auto left = std::chrono::ceil<milliseconds>(content_at_ + limit - environment_.now());
  if (left > milliseconds::zero()) return allow_silence(left);
  if (unread_.empty()) throw silence();
}

void RemoteStream::allow_silence(milliseconds limit) {
  if (limit == allowed_silence_) return;
  allowed_silence_ = limit;
  response_->allow_silence(limit);
}

asio::awaitable<void> RemoteStream::drain() {
  constexpr int kMaxReads = 8;
  allow_silence(kDrainTime);
  try {
    for (int i = 0; i < kMaxReads; ++i) {
      const std::string_view bytes = co_await response_->read();
      if (bytes.empty()) break;
    }
  } catch (const Error& error) {
    // The answer is complete: only a cancellation still matters.
    if (error.code() == errc::cancelled) throw;
  }
}

void RemoteStream::end_of_body() {
  decoder_->finish(events_);
  if (auto* failed = std::get_if<Failed>(&events_.back().data)) {
    failed->error =
        without_key(std::move(failed->error).at(public_address(settings_->model.url)), provider(), settings_->spec);
  }
  ended_ = true;
  response_.reset();
}

/// Ends the stream because of `error`. Throws it if it is a cancellation: then nothing is emitted any more.
void RemoteStream::break_off(const Error& error) {
  const bool refused = response_ && response_->status() >= 400 && decoder_;
  const bool ended_early = error.code() == errc::timeout || error.code() == errc::truncated;
  const bool whole = ended_early && decoder_ && decoder_->complete();
  const bool late = error.code() == errc::timeout && overdue();
  const bool silent = error.code() == errc::timeout && response_;
  ended_ = true;
  if (error.code() == errc::cancelled) {
    events_ = {};
    response_.reset();
    throw error;
  }
  // A refusal whose words were cut off is still a refusal, and an answer without its end mark still an answer.
  if (refused || whole) return end_of_body();
  events_.push_back(Event{{}, Failed{late ? never_ending() : silent ? silence() : error}});
  response_.reset();
}

Error RemoteStream::silence() const {
  const milliseconds limit = content_ ? settings_->spec.idle_timeout : settings_->spec.first_token_timeout;
  return Error(errc::timeout, fmt::format("{} sent no token for {} s (model.timeouts.{})", provider().title,
                                          seconds(limit), content_ ? "idle" : "first_token"))
      .retry()
      .at(public_address(settings_->model.url));
}

bool RemoteStream::overdue() const {
  const milliseconds limit = settings_->spec.total_timeout;
  return limit > milliseconds::zero() && asked_at_ != SteadyTime{} && environment_.now() >= asked_at_ + limit;
}

/// No retry is advised: it would be given as long again, and the deadline is there to bound just that.
Error RemoteStream::never_ending() const {
  const milliseconds limit = settings_->spec.total_timeout;
  return Error(errc::timeout, fmt::format("{} did not end its answer within {} s (model.timeouts.total)",
                                          provider().title, seconds(limit)))
      .at(public_address(settings_->model.url));
}

}  // namespace

std::string public_address(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const std::size_t host = url.find("://") + 3;
  const std::size_t at = url.substr(0, url.find('/', host)).rfind('@');
  return at == std::string_view::npos ? std::string(url) : fmt::format("{}{}", url.substr(0, host), url.substr(at + 1));
}

std::unique_ptr<TokenStream> make_remote_stream(Environment& environment,
                                                std::shared_ptr<const RemoteSettings> settings, std::string body) {
  return std::make_unique<RemoteStream>(environment, std::move(settings), std::move(body));
}

}  // namespace sennit
