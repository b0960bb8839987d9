#include <sennit/agent/io/secret_forms.hpp>
#include <sennit/agent/io/secrets.hpp>
#include <sennit/agent/io/white.hpp>
#include <sennit/agent/io/word_matcher.hpp>

#include <algorithm>
#include <atomic>
#include <list>
#include <mutex>
#include <utility>

namespace sennit::secrets {
namespace {

/// What is longer is looked for in pieces: a stream holds no more than one of them back.
constexpr std::size_t kPiece = 3ULL << 10U;
/// Base64 and hexadecimal digits come in lines of 60 to 76: behind that much without a blank, a line break may be one
/// of theirs. In shorter lines it would make secrets of lists of numbers.
constexpr std::size_t kWrappedLine = 40;
/// Of a value of several lines (a key file, the entry of a password store): shorter ones may be ordinary words.
constexpr std::size_t kShortestLine = 16;

class Register {
 public:
  void add(std::string_view value) {
    const std::lock_guard lock(mutex_);
    const auto known = std::find(values_.begin(), values_.end(), value);
    if (known != values_.end()) return values_.splice(values_.begin(), values_, known);
    values_.emplace_front(value);
    bytes_ += value.size();
    while (bytes_ > kMaxBytes && values_.size() > 1) {
      bytes_ -= values_.back().size();
      values_.pop_back();
    }
    words_.reset();
    any_.store(true, std::memory_order_release);
    version_.fetch_add(1, std::memory_order_release);
  }

  void forget_all() {
    const std::lock_guard lock(mutex_);
    values_.clear();
    bytes_ = 0;
    words_.reset();
    any_.store(false, std::memory_order_release);
    version_.fetch_add(1, std::memory_order_release);
  }

  [[nodiscard]] bool any() const noexcept { return any_.load(std::memory_order_acquire); }
  [[nodiscard]] std::uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }

  /// Made when it is first needed: an agent's secrets are added one after another.
  [[nodiscard]] std::shared_ptr<const WordMatcher> words(std::uint64_t& version) {
    const std::lock_guard lock(mutex_);
    version = version_.load(std::memory_order_relaxed);
    if (!words_ && !values_.empty()) {
      std::vector<std::string> all;
      for (const std::string& value : values_) add_forms(value, all);
      words_ = std::make_shared<const WordMatcher>(std::move(all));
    }
    return words_;
  }

 private:
  static void add_forms(std::string_view value, std::vector<std::string>& all) {
    for (; !value.empty(); value.remove_prefix(std::min(kPiece, value.size()))) {
      const std::string_view piece = value.substr(0, kPiece);
      if (piece.size() < kShortest) continue;  // what is left of a long one
      for (std::string& form : secret_forms(piece)) all.push_back(std::move(form));
    }
  }

  std::mutex mutex_;
  std::list<std::string> values_;  // the last used first
  std::size_t bytes_ = 0;
  std::shared_ptr<const WordMatcher> words_;
  std::atomic<bool> any_{false};
  std::atomic<std::uint64_t> version_{0};  // never the same for other values
};

Register& all() {
  // Never destroyed: threads that end late still log.
  static Register& kRegister = *new Register;
  return kRegister;
}

/// Null: nothing is looked for. Each thread keeps what it got, so that nobody waits for a lock.
std::shared_ptr<const WordMatcher> words() {
  thread_local std::uint64_t version = 0;
  thread_local std::shared_ptr<const WordMatcher> known;
  if (all().version() != version) known = all().words(version);
  return known;
}

bool is_word(std::string_view value) {
  constexpr std::size_t kLongestWord = 16;
  return value.size() < kLongestWord && std::all_of(
                                            value.begin(), value.end(),
                                            [](char c) {
                                              return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                                                     c == '_' || c == ' ';
                                            });
}

struct Found {
  std::size_t begin;
  std::size_t end;
};

bool is_blank(char byte) {
  return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

bool is_break(char byte) {
  return byte == '\n' || byte == '\r';
}

/// Where the last `length` bytes of words before `end` begin.
std::uint64_t begin_of(const Scan& scan, std::uint64_t end, std::size_t length) {
  std::uint64_t begin = end - length;
  for (auto at = scan.breaks.rbegin(); at != scan.breaks.rend() && *at >= begin; ++at) --begin;
  return begin;
}

/// Whether the byte is passed over: it breaks a long line within what may be a secret.
bool passes_over(const WordMatcher& words, Scan& scan, char byte, std::uint64_t at, bool long_line) {
  if (scan.state == WordMatcher::kNothing) return scan.breaks.clear(), false;
  std::vector<std::uint64_t>& breaks = scan.breaks;
  const bool ends_pair = byte == '\n' && scan.returned && !breaks.empty() && breaks.back() + 1 == at;
  if (!long_line && !ends_pair) return false;
  if (words.next(scan.state, byte) != WordMatcher::kNothing) return false;  // it belongs to a secret of several lines
  const std::uint64_t open = begin_of(scan, at, words.open(scan.state));
  std::erase_if(breaks, [open](std::uint64_t place) { return place < open; });
  breaks.push_back(at);
  scan.returned = byte == '\r';
  return true;
}

bool ends_long_line(std::string_view text) {
  return text.size() >= kWrappedLine &&
         std::none_of(text.end() - static_cast<std::ptrdiff_t>(kWrappedLine), text.end(), &is_blank);
}

/// Apart from each other, in their order.
std::vector<Found> find_all(std::string_view text) {
  std::vector<Found> found;
  const std::shared_ptr<const WordMatcher> known = words();
  if (!known) return found;
  const WordMatcher& words = *known;
  Scan scan;
  for (std::size_t at = words.skip(text, 0); at < text.size(); ++at) {
    if (is_break(text[at]) && passes_over(words, scan, text[at], at, ends_long_line(text.substr(0, at)))) continue;
    scan.state = words.next(scan.state, text[at]);
    if (scan.state == WordMatcher::kNothing) {
      at = words.skip(text, at + 1) - 1;
      continue;
    }
    const std::size_t length = words.found(scan.state);
    if (length == 0) continue;
    std::size_t begin = begin_of(scan, at + 1, length);
    while (!found.empty() && found.back().end >= begin) {
      begin = std::min(begin, found.back().begin);
      found.pop_back();
    }
    found.push_back({begin, at + 1});
  }
  return found;
}

}  // namespace

void add(std::string_view value) {
  value = trimmed(value);
  if (value.size() < kShortest) return;
  all().add(value);
  if (value.find('\n') == std::string_view::npos) return;
  while (!value.empty()) {
    const std::string_view line = trimmed(value.substr(0, value.find('\n')));
    if (line.size() >= kShortestLine && !line.starts_with("-----")) all().add(line);
    value.remove_prefix(std::min(value.find('\n'), value.size() - 1) + 1);
  }
}

void add_unless_word(std::string_view value) {
  if (!is_word(trimmed(value))) add(value);
}

void forget_all() {
  all().forget_all();
}

bool any() noexcept {
  return all().any();
}

std::string redact(std::string text) {
  if (!any()) return text;
  const std::vector<Found> found = find_all(text);
  if (found.empty()) return text;
  std::string clean;
  std::size_t at = 0;
  for (const Found& secret : found) {
    clean.append(text, at, secret.begin - at).append(kMask);
    at = secret.end;
  }
  return clean.append(text, at);
}

std::string redact_base64(std::string text) {
  if (!any()) return text;
  for (const Found& secret : find_all(text)) {
    std::fill(text.begin() + static_cast<std::ptrdiff_t>(secret.begin),
              text.begin() + static_cast<std::ptrdiff_t>(secret.end), 'A');
  }
  return text;
}

namespace {

bool redact_keys(json::object& map) {
  const bool clean = std::none_of(map.begin(), map.end(),
                                  [](const json::key_value_pair& entry) { return !find_all(entry.key()).empty(); });
  if (clean) return false;
  json::object renamed;
  for (auto& entry : map) renamed.emplace(redact(std::string(entry.key())), std::move(entry.value()));
  map = std::move(renamed);
  return true;
}

}  // namespace

bool redact_in(json::value& value) {
  if (!any()) return false;
  bool found = false;
  if (auto* text = value.if_string()) {
    found = !find_all(*text).empty();
    if (found) *text = redact(std::string(*text));
  } else if (auto* list = value.if_array()) {
    for (json::value& element : *list) found = redact_in(element) || found;
  } else if (auto* map = value.if_object()) {
    for (auto& entry : *map) found = redact_in(entry.value()) || found;
    found = redact_keys(*map) || found;
  }
  return found;
}

LogSink redacting(LogSink sink) {
  if (!sink) return sink;
  return [sink = std::move(sink)](const LogRecord& record) {
    if (!any()) return sink(record);
    sink({record.level, record.component, redact(record.message)});
  };
}

Stream::Stream() : words_(words()) {}

std::string Stream::push(std::string_view piece) {
  if (!words_) return std::string(piece);
  held_ += piece;
  const std::uint64_t end = begin_ + held_.size();
  for (std::uint64_t at = end - piece.size(); at < end; ++at) {
    const char byte = held_[at - begin_];
    if (is_blank(byte)) {
      const bool long_line = at - line_ >= kWrappedLine;
      line_ = at + 1;
      if (is_break(byte) && passes_over(*words_, scan_, byte, at, long_line)) continue;
    }
    scan_.state = words_->next(scan_.state, byte);
    const std::size_t length = words_->found(scan_.state);
    if (length == 0) continue;
    std::uint64_t begin = begin_of(scan_, at + 1, length);
    while (!found_.empty() && found_.back().end >= begin) {
      begin = std::min(begin, found_.back().begin);
      found_.pop_back();
    }
    found_.push_back({begin, at + 1});
  }
  return release(begin_of(scan_, end, words_->open(scan_.state)));
}

std::string Stream::finish() {
  std::string rest = release(begin_ + held_.size());
  scan_ = {};
  line_ = 1;
  mask_end_ = 0;
  begin_ = 1;
  return rest;
}

/// A secret may reach beyond `until`, where what follows begins like another: it has one mask, which is shown at once.
std::string Stream::release(std::uint64_t until) {
  std::string clean;
  std::uint64_t at = begin_;
  for (Span& secret : found_) {
    if (secret.begin >= until) break;
    clean.append(held_, at - begin_, secret.begin - at);
    if (mask_end_ < secret.begin) clean += kMask;
    masked_ = true;
    mask_end_ = secret.end;
    at = std::min(secret.end, until);
    secret.begin = at;
  }
  std::erase_if(found_, [](const Span& secret) { return secret.begin == secret.end; });
  clean.append(held_, at - begin_, until - at);
  held_.erase(0, until - begin_);
  begin_ = until;
  return clean;
}

}  // namespace sennit::secrets
