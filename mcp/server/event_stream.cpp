#include <sennit/agent/io/timeout.hpp>
#include <sennit/mcp/server/event_stream.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sennit::mcp {
namespace {

// When a client that was sent away may come again.
constexpr int kRetry = 500;

std::vector<http::Header> with(std::vector<http::Header> headers, std::string type) {
  headers.push_back({"Content-Type", std::move(type)});
  headers.push_back({"Cache-Control", "no-store"});
  headers.push_back({"X-Accel-Buffering", "no"});
  return headers;
}

}  // namespace

void EventStream::add(json::object message, bool is_answer) {
  if (over_) return;
  std::string text = json::serialize(message);
  bytes_ += text.size();
  unread_ += text.size();
  frames_.push_back({is_answer ? std::move(message) : json::object(), std::move(text), is_answer});
  forget_read();
  changed_.notify();
}

void EventStream::answer(json::object message) {
  add(std::move(message), true);
  drop();
}

void EventStream::drop() {
  if (answers_ > 0 && --answers_ == 0) close();
}

void EventStream::let_poll() {
  if (name_.empty()) return;
  polls_ = true;
  changed_.notify();
}

void EventStream::close() {
  over_ = true;
  changed_.notify();
}

/// Without a name what was read is gone; with one as much is kept as there is room for, answers above all.
void EventStream::forget_read() {
  while (!frames_.empty() && first_ < next_ && (name_.empty() || bytes_ > kept_bytes_)) {
    bytes_ -= frames_.front().text.size();
    frames_.pop_front();
    ++first_;
  }
}

bool EventStream::has_something(std::uint64_t reader) const {
  return reader != reader_ || next_ < end() || over_ || polls_;
}

asio::awaitable<void> EventStream::something(std::uint64_t reader) {
  while (!has_something(reader)) co_await changed_.wait();
}

std::string EventStream::event_of(std::uint64_t number, const std::string& text) const {
  const std::string id = name_.empty() ? std::string() : fmt::format("id: {}-{}\n", name_, number);
  return fmt::format("event: message\n{}data: {}\n\n", id, text);
}

/// True: the answer was all there is, and went out as JSON.
asio::awaitable<bool> EventStream::as_json(Environment& environment, http::ServerAnswer& answer,
                                           const Settings& settings, std::uint64_t reader) {
  try {
    auto waiting = something(reader);
    co_await with_timeout(environment, settings.heartbeat, std::move(waiting), "the answer");
  } catch (const Error& error) {
    if (error.code() != errc::timeout) throw;
  }
  while (!settings.may_stream && !over_ && reader == reader_) {
    next_ = end();  // notifications that the client cannot take
    unread_ = 0;
    auto waiting = something(reader);
    co_await std::move(waiting);
  }
  if (!settings.may_stream && !frames_.empty()) next_ = end() - 1;
  if (!over_ || next_ + 1 != end() || !frames_.back().is_answer) co_return false;
  const int status = settings.status_of == nullptr ? 200 : settings.status_of(frames_.back().message);
  std::string body = frames_.back().text;
  next_ = end();
  unread_ = 0;
  co_await answer.send(status, with(settings.headers, "application/json"), std::move(body));
  co_return true;
}

asio::awaitable<void> EventStream::pump(Environment& environment, http::ServerAnswer& answer, Settings settings) {
  const std::uint64_t reader = ++reader_;
  changed_.notify();  // whoever reads now is to leave
  if (settings.after) {
    polls_ = false;
    next_ = std::clamp(*settings.after + 1, first_, end());
  } else if (settings.may_be_json || !settings.may_stream) {
    auto trying = as_json(environment, answer, settings, reader);
    if (co_await std::move(trying)) co_return;
    if (!settings.may_stream) co_return;
  }
  co_await answer.begin(200, with(settings.headers, "text/event-stream"));
  if (!name_.empty()) {
    co_await answer.write(fmt::format("retry: {}\nid: {}-{}\ndata: \n\n", kRetry, name_, next_ - 1));
  }
  while (reader == reader_) {
    while (reader == reader_ && next_ < end()) {
      const std::uint64_t number = next_++;
      const std::string text = frames_[number - first_].text;
      unread_ -= std::min(unread_, text.size());
      forget_read();
      co_await answer.write(event_of(number, text));
    }
    if (over_ || reader != reader_ || std::exchange(polls_, false)) co_return;
    bool is_quiet = false;
    try {
      auto waiting = something(reader);
      co_await with_timeout(environment, settings.heartbeat, std::move(waiting), "a message");
    } catch (const Error& error) {
      if (error.code() != errc::timeout) throw;
      is_quiet = true;
    }
    if (is_quiet) co_await answer.write(": still here\n\n");
  }
}

}  // namespace sennit::mcp
