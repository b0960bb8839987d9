#include <sennit/agent/guardrail_output.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sennit {
namespace {

constexpr std::size_t kSmallestWindow = 16;  // a few characters: `$` and `\b` need one

TextWindow window_of(const std::vector<const Guardrail*>& rails, std::size_t window) {
  if (window > 0) window = std::max(window, kSmallestWindow);
  // A command is a process each time.
  const bool is_dear = std::ranges::any_of(rails, [](const Guardrail* rail) { return rail->is_command(); });
  return {rails, window, is_dear ? window : window / 4};
}

std::string_view name_of(std::size_t channel) {
  static constexpr std::array<std::string_view, 3> kNames{"text", "refusal", "reasoning"};
  return kNames[channel];
}

EventData delta_of(std::size_t channel, std::string text) {
  if (channel == 0) return TextDelta{std::move(text)};
  if (channel == 1) return RefusalDelta{std::move(text)};
  return ReasoningDelta{std::move(text), nullptr};
}

}  // namespace

OutputRails::OutputRails(std::vector<const Guardrail*> rails, std::size_t window, json::object about,
                         Environment& environment)
    : rails_(std::move(rails)),
      about_(std::move(about)),
      environment_(environment),
      fresh_(window_of(rails_, window)),
      windows_{fresh_, fresh_, fresh_} {}

asio::awaitable<std::span<Event>> OutputRails::take(std::span<Event> batch) {
  told_.clear();
  for (Event& event : batch) {
    auto taking = take_one(std::move(event.data));
    co_await std::move(taking);
  }
  tell();
  co_return std::span<Event>(told_);
}

std::size_t OutputRails::unseen() const noexcept {
  std::size_t bytes = dropped_;
  for (const Waiting& waiting : waiting_) bytes += waiting.length;
  return bytes;
}

asio::awaitable<void> OutputRails::take_one(EventData data) {
  if (auto* text = std::get_if<TextDelta>(&data)) return take_text(kText, std::move(text->text));
  if (auto* refusal = std::get_if<RefusalDelta>(&data)) return take_text(kRefusal, std::move(refusal->text));
  if (auto* thought = std::get_if<ReasoningDelta>(&data)) return take_reasoning(std::move(*thought));
  return take_other(std::move(data));
}

asio::awaitable<void> OutputRails::take_other(EventData data) {
  if (std::holds_alternative<UsageUpdate>(data)) {
    told_.push_back({{}, std::move(data)});
    co_return;
  }
  if (std::holds_alternative<Failed>(data)) {
    drop();  // the answer broke: what it might have become is not known
  } else {
    co_await end_reasoning();
  }
  if (std::holds_alternative<Finished>(data)) {
    co_await check(kText, true);
    co_await check(kRefusal, true);
  }
  waiting_.push_back({kChannels, 0, std::move(data)});
}

asio::awaitable<void> OutputRails::take_text(Channel channel, std::string text) {
  co_await end_reasoning();
  put(channel, text);
  if (windows_[channel].is_due()) co_await check(channel, false);
}

asio::awaitable<void> OutputRails::take_reasoning(ReasoningDelta delta) {
  thinks_ = true;
  put(kReasoning, delta.text);
  if (delta.opaque.is_null()) {
    if (windows_[kReasoning].is_due()) co_await check(kReasoning, false);
    co_return;
  }
  co_await check(kReasoning, true);
  // What a provider signed loses its signature with its words: it would not fit.
  if (!masked_) waiting_.push_back({kChannels, 0, ReasoningDelta{{}, std::move(delta.opaque)}});
  begin_reasoning_anew();
}

asio::awaitable<void> OutputRails::end_reasoning() {
  if (!thinks_) co_return;
  co_await check(kReasoning, true);
  begin_reasoning_anew();
}

void OutputRails::begin_reasoning_anew() {
  windows_[kReasoning] = fresh_;
  thinks_ = false;
  masked_ = false;
}

void OutputRails::put(Channel channel, std::string_view text) {
  if (text.empty()) return;
  windows_[channel].push(text);
  if (waiting_.empty() || waiting_.back().channel != channel) waiting_.push_back({channel, 0, {}});
  waiting_.back().length += text.size();
}

asio::awaitable<void> OutputRails::check(Channel channel, bool ends) {
  TextWindow& window = windows_[channel];
  if (window.held() == 0) co_return;
  if (const Guardrail* rail = window.refused(ends)) refuse(*rail, {});
  for (const Guardrail* rail : rails_) {
    if (!rail->is_command()) continue;
    json::object question = about_;
    question["point"] = "output";
    question["channel"] = name_of(channel);
    question["text"] = sanitize_utf8(window.seen());
    question["final"] = ends;
    auto asking = rail->ask(environment_, std::move(question));
    const std::string why = co_await std::move(asking);
    if (!why.empty()) refuse(*rail, why);
  }
  std::vector<PassedText> passed;
  window.release(ends, passed);
  for (PassedText& piece : passed) {
    masked_ = masked_ || (channel == kReasoning && piece.masked);
    passed_[channel].push_back(std::move(piece));
  }
}

void OutputRails::refuse(const Guardrail& rail, const std::string& why) {
  drop();
  refused_ = true;
  say_ = rail.say();
  const std::string reason = why.empty() ? why : ": " + why;
  throw Error(errc::content_filter, fmt::format("the guardrail {} held the answer back{}", rail.name(), reason));
}

void OutputRails::drop() {
  dropped_ = unseen();
  waiting_.clear();
  for (auto& passed : passed_) passed.clear();
  windows_.fill(fresh_);
  thinks_ = false;
  masked_ = false;
}

void OutputRails::tell() {
  while (!waiting_.empty()) {
    Waiting& first = waiting_.front();
    if (first.channel == kChannels) {
      told_.push_back({{}, std::move(first.data)});
    } else if (!tell_text(first)) {
      return;
    }
    waiting_.pop_front();
  }
}

bool OutputRails::tell_text(Waiting& waiting) {
  std::deque<PassedText>& passed = passed_[waiting.channel];
  std::string text;
  while (waiting.length > 0 && !passed.empty()) {
    PassedText& piece = passed.front();
    const std::size_t length = std::min(waiting.length, piece.length);
    if (piece.masked) {
      text += std::exchange(piece.text, {});
    } else {
      text.append(piece.text, 0, length);
      piece.text.erase(0, length);
    }
    waiting.length -= length;
    piece.length -= length;
    if (piece.length == 0) passed.pop_front();
  }
  if (!text.empty()) told_.push_back({{}, delta_of(waiting.channel, std::move(text))});
  return waiting.length == 0;
}

}  // namespace sennit
