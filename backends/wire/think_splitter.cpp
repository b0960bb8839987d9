#include <sennit/agent/io/white.hpp>
#include <sennit/backends/wire/think_splitter.hpp>

#include <algorithm>

namespace sennit {

namespace {

constexpr std::string_view kOpen = "<think>";
constexpr std::string_view kClose = "</think>";

/// Length of the longest end of `text` that is a true beginning of `tag`.
std::size_t partial_tag(std::string_view text, std::string_view tag) {
  for (std::size_t length = std::min(text.size(), tag.size() - 1); length > 0; --length) {
    if (tag.starts_with(text.substr(text.size() - length))) return length;
  }
  return 0;
}

}  // namespace

ThinkSplitter::ThinkSplitter(ThinkStart start) noexcept
    : state_(start == ThinkStart::off      ? State::answer
             : start == ThinkStart::tagged ? State::head
                                           : State::thinking_head),
      began_inside_(start == ThinkStart::inside),
      may_repeat_tag_(began_inside_) {}

void ThinkSplitter::push(std::string_view text, std::string& reasoning, std::string& answer) {
  if (state_ == State::answer) {
    answer += text;
    return;
  }
  if (began_inside_ && !closed_ && copy_.size() <= kMaxRecoverable) copy_ += text;
  held_ += text;
  // Each step either settles everything or leaves for the next state, and states only move forward.
  if (state_ == State::head) take_head(answer);
  if (state_ == State::thinking_head) take_thinking_head();
  if (state_ == State::thinking) take_thinking(reasoning);
  if (state_ == State::answer_head) take_answer_head(answer);
}

void ThinkSplitter::take_head(std::string& answer) {
  const std::string_view rest = std::string_view(held_).substr(std::min(held_.find_first_not_of(kWhite), held_.size()));
  if (rest.starts_with(kOpen)) {
    held_.erase(0, held_.size() - rest.size() + kOpen.size());
    state_ = State::thinking_head;
  } else if (!kOpen.starts_with(rest) || held_.size() > kMaxHeld) {
    answer += held_;
    held_.clear();
    state_ = State::answer;
  }
}

void ThinkSplitter::take_thinking_head() {
  const auto drop_white = [this] { held_.erase(0, std::min(held_.find_first_not_of(kWhite), held_.size())); };
  drop_white();
  // The server may repeat the tag that the prompt ended with.
  if (may_repeat_tag_ && held_.size() < kOpen.size() && kOpen.starts_with(held_)) return;
  if (may_repeat_tag_ && held_.starts_with(kOpen)) {
    held_.erase(0, kOpen.size());
    may_repeat_tag_ = false;
    began_inside_ = false;  // the model has opened its thoughts itself: they are no answer, even if they never close
    copy_ = {};
    drop_white();
  }
  if (!held_.empty()) state_ = State::thinking;
}

void ThinkSplitter::take_thinking(std::string& reasoning) {
  const std::size_t close = held_.find(kClose);
  if (close != std::string::npos) {
    reasoning.append(held_, 0, close);
    held_.erase(0, close + kClose.size());
    closed_ = true;
    copy_ = {};
    state_ = State::answer_head;
    return;
  }
  const std::size_t settled = held_.size() - partial_tag(held_, kClose);
  reasoning.append(held_, 0, settled);
  held_.erase(0, settled);
}

void ThinkSplitter::take_answer_head(std::string& answer) {
  const std::size_t start = held_.find_first_not_of(kWhite);
  if (start != std::string::npos) {
    answer.append(held_, start);
    state_ = State::answer;
  }
  held_ = {};
}

void ThinkSplitter::finish(bool complete, std::string& reasoning, std::string& answer) {
  const bool unclosed = began_inside_ && !closed_ && state_ != State::answer;
  if (state_ == State::head) answer += held_;
  if (state_ == State::thinking_head || state_ == State::thinking) reasoning += held_;
  if (complete && unclosed && copy_.size() <= kMaxRecoverable) answer += copy_;
  held_ = {};
  copy_ = {};
  state_ = State::answer;
}

void ThinkSplitter::server_splits(std::string& answer) {
  if (state_ == State::answer || state_ == State::thinking || state_ == State::answer_head) return;
  answer += held_;
  held_ = {};
  copy_ = {};
  state_ = State::answer;
}

}  // namespace sennit
