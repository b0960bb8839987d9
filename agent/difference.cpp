// What differs between what was and what is, for people.
#include <sennit/agent/journal.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace sennit {
namespace {

constexpr std::size_t kAround = 2;      // lines of context
constexpr std::size_t kLongest = 200;   // of a line that is shown
constexpr std::size_t kMostLines = 40;  // of each side
constexpr std::size_t kMostPlaces = 20;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

void add_lines(std::string& out, std::string_view mark, const std::vector<std::string_view>& lines, std::size_t from,
               std::size_t to) {
  const std::size_t shown = std::min(to, from + kMostLines);
  for (std::size_t i = from; i < shown; ++i) {
    out += mark;
    out += lines[i].substr(0, kLongest);
    out += lines[i].size() > kLongest ? "…\n" : "\n";
  }
  if (shown < to) out += std::string(mark) + "… and " + std::to_string(to - shown) + " lines more\n";
}

std::string shown(const json::value& value) {
  if (const json::string* text = value.if_string()) return std::string(*text);
  return json::serialize(value);
}

class Comparison {
 public:
  explicit Comparison(bool (*skip)(std::string_view place)) : skip_(skip) {}

  void compare(const std::string& place, const json::value& was, const json::value& is) {
    if (was == is || (skip_ != nullptr && skip_(place))) return;
    if (was.is_object() && is.is_object()) {
      for (const auto& [key, value] : was.get_object()) {
        const json::value* now = is.get_object().if_contains(key);
        compare(below(place, key), value, now == nullptr ? json::value() : *now);
      }
      for (const auto& [key, value] : is.get_object()) {
        if (!was.get_object().contains(key)) compare(below(place, key), nullptr, value);
      }
      return;
    }
    if (++places_ > kMostPlaces) return;
    out_ += place.empty() ? "" : place + ":\n";
    out_ += text_difference(was.is_null() ? "" : shown(was), is.is_null() ? "" : shown(is));
  }

  [[nodiscard]] std::string take() {
    if (places_ > kMostPlaces) out_ += "… and " + std::to_string(places_ - kMostPlaces) + " places more\n";
    return std::move(out_);
  }

 private:
  static std::string below(const std::string& place, std::string_view key) {
    return place.empty() ? std::string(key) : place + "." + std::string(key);
  }

  bool (*skip_)(std::string_view place);
  std::string out_;
  std::size_t places_ = 0;
};

}  // namespace

std::string text_difference(std::string_view was, std::string_view is) {
  const std::vector<std::string_view> old_lines = lines_of(was);
  const std::vector<std::string_view> new_lines = lines_of(is);
  const std::size_t shorter = std::min(old_lines.size(), new_lines.size());
  std::size_t head = 0;
  while (head < shorter && old_lines[head] == new_lines[head]) ++head;
  std::size_t tail = 0;
  while (tail < shorter - head && old_lines[old_lines.size() - 1 - tail] == new_lines[new_lines.size() - 1 - tail]) {
    ++tail;
  }
  std::string out;
  add_lines(out, "  ", old_lines, head - std::min(head, kAround), head);
  add_lines(out, "- ", old_lines, head, old_lines.size() - tail);
  add_lines(out, "+ ", new_lines, head, new_lines.size() - tail);
  add_lines(out, "  ", old_lines, old_lines.size() - tail, old_lines.size() - tail + std::min(tail, kAround));
  return sanitize_utf8(out);  // a long line may have been cut within a character
}

std::string json_difference(const json::value& was, const json::value& is, bool (*skip)(std::string_view place)) {
  Comparison comparison(skip);
  comparison.compare("", was, is);
  return comparison.take();
}

}  // namespace sennit
