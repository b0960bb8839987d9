#include <sennit/agent/guardrail_window.hpp>

#include <algorithm>
#include <utility>

namespace sennit {
namespace {

// Where masks want it, more is held back than the window, but not for ever.
constexpr std::size_t kMostWindows = 4;

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

/// Apart from each other, in order.
void merge(std::vector<Match>& matches) {
  std::sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) { return a.begin < b.begin; });
  std::vector<Match> merged;
  for (const Match& match : matches) {
    if (!merged.empty() && match.begin < merged.back().end) {
      merged.back().end = std::max(merged.back().end, match.end);
    } else {
      merged.push_back(match);
    }
  }
  matches = std::move(merged);
}

}  // namespace

std::size_t TextWindow::horizon(bool ends) const {
  if (ends || text_.empty()) return text_.size();
  return text_.size() - 1;
}

const Guardrail* TextWindow::refused(bool ends) const {
  const std::size_t from = whole_ || text_.empty() ? 0 : 1;  // a character before it, for `^` and `\b`
  Match match;
  for (const Guardrail* rail : *rails_) {
    if (!rail->is_command() && !rail->redacts() && rail->find(text_, from, horizon(ends), match)) return rail;
  }
  return nullptr;
}

std::vector<Match> TextWindow::masks(std::size_t until) const {
  std::vector<Match> all;
  for (const Guardrail* rail : *rails_) {
    if (rail->is_command() || !rail->redacts()) continue;
    Match match;
    // All before `out_` is settled, so the matches go on from there.
    for (std::size_t at = out_; rail->find(text_, at, until, match); at = match.end) all.push_back(match);
  }
  merge(all);
  return all;
}

std::size_t TextWindow::good_end(std::size_t limit) const {
  const std::string_view ready = std::string_view(text_).substr(out_, limit - out_);
  std::size_t best = ready.rfind('\n');
  for (const char* stop : {". ", "! ", "? "}) {
    const std::size_t at = ready.rfind(stop);
    if (at != std::string_view::npos && (best == std::string_view::npos || at + 1 > best)) best = at + 1;
  }
  if (best == std::string_view::npos) best = ready.rfind(' ');
  if (best != std::string_view::npos) return out_ + best + 1;
  while (limit > out_ && continues_character(text_[limit])) --limit;
  return limit;
}

std::size_t TextWindow::cut(const std::vector<Match>& masks, std::size_t until) const {
  const std::size_t limit = until > out_ + window_ ? until - window_ : out_;
  std::size_t end = good_end(limit);
  for (auto mask = masks.rbegin(); mask != masks.rend(); ++mask) {
    if (mask->begin < end && end < mask->end) end = mask->begin;
  }
  const bool stuck = end == out_ && held() >= kMostWindows * window_ + step_;
  if (!stuck) return end;
  end = limit;
  while (end > out_ && continues_character(text_[end])) --end;
  return end;
}

void TextWindow::release(bool ends, std::vector<PassedText>& passed) {
  const std::size_t until = horizon(ends);
  const std::vector<Match> found = masks(until);
  const std::size_t end = ends ? text_.size() : cut(found, until);
  const bool went_on = std::exchange(mask_open_, end > out_ ? false : mask_open_);
  const std::size_t begin = out_;
  for (const Match& mask : found) {
    if (mask.begin >= end) break;
    if (mask.begin > out_) passed.push_back({text_.substr(out_, mask.begin - out_), mask.begin - out_, false});
    const std::size_t mask_end = std::min(mask.end, end);
    const bool again = went_on && mask.begin == begin;  // the rest of one that a mask stands for already
    passed.push_back({std::string(again ? std::string_view() : kGuardrailMask), mask_end - mask.begin, true});
    mask_open_ = mask.end > end;
    out_ = mask_end;
  }
  if (end > out_) passed.push_back({text_.substr(out_, end - out_), end - out_, false});
  out_ = end;
  // Where nothing could go yet, the next look is worth its while once there is more.
  wanted_ = end == begin ? held() + step_ : window_ + step_;
  forget();
}

void TextWindow::forget() {
  if (out_ <= window_) return;
  std::size_t drop = out_ - window_;
  while (drop < out_ && continues_character(text_[drop])) ++drop;
  text_.erase(0, drop);
  out_ -= drop;
  whole_ = false;
}

}  // namespace sennit
