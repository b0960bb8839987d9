#include <sennit/tools/readable.hpp>
#include <sennit/tools/readable_hidden.hpp>
#include <sennit/tools/readable_scan.hpp>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <iterator>
#include <utility>
#include <vector>

namespace sennit::readable {
namespace {

constexpr std::size_t kMaxAttribute = 4096;  // bytes of a value that are kept

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lowered(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& sorted, std::string_view name) {
  return std::binary_search(sorted.begin(), sorted.end(), name);
}

/// What is dropped with all that is in it.
constexpr std::array<std::string_view, 21> kDropped{
    "applet", "audio",   "canvas",   "datalist", "embed",    "frameset", "iframe",
    "math",   "noembed", "noframes", "noscript", "object",   "optgroup", "option",
    "script", "select",  "style",    "svg",      "template", "textarea", "video"};

/// Elements whose inside is no markup: nothing but their end tag ends them.
constexpr std::array<std::string_view, 7> kRaw{"iframe", "noembed", "noframes", "noscript",
                                               "script", "style",   "textarea"};

constexpr std::array<std::string_view, 4> kVoid{"br", "hr", "img", "wbr"};

/// What keeps its name. Everything else is a `span`, or in kRenamed.
constexpr std::array<std::string_view, 43> kKept{
    "address",    "article", "aside",  "blockquote", "br", "caption", "dd",  "details", "div",     "dl",     "dt",
    "figcaption", "figure",  "footer", "h1",         "h2", "h3",      "h4",  "h5",      "h6",      "header", "hr",
    "img",        "li",      "main",   "nav",        "ol", "p",       "pre", "q",       "section", "span",   "sub",
    "summary",    "sup",     "table",  "tbody",      "td", "tfoot",   "th",  "thead",   "tr",      "ul"};

static_assert(std::is_sorted(kDropped.begin(), kDropped.end()) && std::is_sorted(kKept.begin(), kKept.end()) &&
              !kDropped.front().empty() && !kKept.front().empty());

constexpr std::array<std::string_view, 8> kInline{kLink, kStrong, "q", kCode, "span", "sub", "sup", kEmphasis};
static_assert(std::is_sorted(kInline.begin(), kInline.end()));

/// A name that lives for ever. Empty: the tag itself is dropped.
std::string_view renamed(std::string_view name) {
  using Row = std::pair<std::string_view, std::string_view>;
  static constexpr std::array<Row, 35> kRenamed{{
      {"a", kLink},        {"b", kStrong},     {"strong", kStrong}, {"i", kEmphasis},    {"em", kEmphasis},
      {"cite", kEmphasis}, {"dfn", kEmphasis}, {"var", kEmphasis},  {"code", kCode},     {"kbd", kCode},
      {"samp", kCode},     {"tt", kCode},      {"form", "div"},     {"fieldset", "div"}, {"center", "div"},
      {"legend", "p"},     {"dir", "ul"},      {"menu", "ul"},      {"xmp", "pre"},      {"listing", "pre"},
      {"hgroup", "div"},   {"search", "div"},  {"html", ""},        {"head", ""},        {"body", ""},
      {"meta", ""},        {"link", ""},       {"input", ""},       {"col", ""},         {"colgroup", ""},
      {"frame", ""},       {"plaintext", ""},  {"source", ""},      {"param", ""},       {"track", ""},
  }};
  const auto* const kept = std::lower_bound(kKept.begin(), kKept.end(), name);
  if (kept != kKept.end() && *kept == name) return *kept;
  const auto* row =
      std::find_if(kRenamed.begin(), kRenamed.end(), [&](const Row& entry) { return entry.first == name; });
  return row == kRenamed.end() ? std::string_view("span") : row->second;
}

/// One tag as it was written.
struct Tag {
  std::string name;
  bool end = false;
  std::vector<std::pair<std::string, std::string_view>> attributes;

  [[nodiscard]] std::string_view operator[](std::string_view wanted) const {
    for (const auto& [key, value] : attributes) {
      if (key == wanted) return value;
    }
    return {};
  }
  [[nodiscard]] bool has(std::string_view wanted) const {
    return std::any_of(attributes.begin(), attributes.end(), [&](const auto& entry) { return entry.first == wanted; });
  }
};

bool is_hidden(const Tag& tag) {
  return tag.has("hidden") || lowered(tag["aria-hidden"]) == "true" || style_hides(tag["style"]) ||
         class_hides(tag["class"]);
}

class Scanner {
 public:
  explicit Scanner(std::string_view html) : rest_(html.substr(0, kMaxHtml)) { result_.cut = html.size() > kMaxHtml; }

  Scanned run() && {
    while (!rest_.empty()) {
      const std::size_t text = std::min(rest_.find('<'), rest_.size());
      add_text(rest_.substr(0, text));
      rest_.remove_prefix(text);
      if (!rest_.empty()) markup();
      if (elements_ >= kMaxElements) {
        result_.cut = true;
        break;
      }
    }
    close_down_to(0);
    return std::move(result_);
  }

 private:
  void add_text(std::string_view text) {
    std::copy_if(text.begin(), text.end(), std::back_inserter(result_.html), [](char c) { return c != '\0'; });
  }

  /// At a `<`.
  void markup() {
    if (rest_.starts_with("<!--")) return skip_comment();
    const bool end = rest_.starts_with("</");
    const char first = rest_.size() > (end ? 2U : 1U) ? rest_[end ? 2 : 1] : '\0';
    if (is_letter(first)) return read_tag(end);
    if (end || first == '!' || first == '?') return skip_past(">");
    result_.html += "&lt;";
    rest_.remove_prefix(1);
  }

  void skip_past(std::string_view end) {
    const std::size_t at = rest_.find(end);
    rest_.remove_prefix(at == std::string_view::npos ? rest_.size() : at + end.size());
  }

  void skip_comment() {
    rest_.remove_prefix(4);
    if (rest_.starts_with('>')) return rest_.remove_prefix(1);
    if (rest_.starts_with("->")) return rest_.remove_prefix(2);
    const std::size_t plain = std::min(rest_.find("-->"), rest_.size());
    const std::size_t odd = std::min(rest_.substr(0, plain).find("--!>"), rest_.size());
    skip_past(odd < plain ? "--!>" : "-->");
  }

  std::string_view take_while(const auto& wanted) {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), wanted);
    const std::string_view taken(rest_.begin(), end);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  void read_tag(bool end) {
    rest_.remove_prefix(end ? 2 : 1);
    Tag tag;
    tag.end = end;
    tag.name = lowered(take_while([](char c) { return !is_space(c) && c != '/' && c != '>'; }));
    while (true) {
      take_while([](char c) { return is_space(c) || c == '/'; });
      if (rest_.empty()) return;  // an unfinished tag at the end is none
      if (rest_.front() == '>') break;
      read_attribute(tag);
    }
    rest_.remove_prefix(1);
    if (tag.end) {
      end_tag(tag.name);
    } else {
      start_tag(tag);
    }
  }

  void read_attribute(Tag& tag) {
    constexpr std::size_t kMostAttributes = 64;
    bool first = true;  // a `=` at the beginning belongs to the name
    std::string name = lowered(take_while([&first](char c) {
      const bool takes = !is_space(c) && c != '/' && c != '>' && (c != '=' || first);
      first = false;
      return takes;
    }));
    take_while(is_space);
    std::string_view value;
    if (rest_.starts_with('=')) {
      rest_.remove_prefix(1);
      take_while(is_space);
      if (rest_.starts_with('"') || rest_.starts_with('\'')) {
        const char quote = rest_.front();
        rest_.remove_prefix(1);
        value = take_while([quote](char c) { return c != quote; });
        if (!rest_.empty()) rest_.remove_prefix(1);
      } else {
        value = take_while([](char c) { return !is_space(c) && c != '>'; });
      }
    }
    if (tag.attributes.size() < kMostAttributes) tag.attributes.emplace_back(std::move(name), value);
  }

  /// Leaves out everything to the end of an element that is dropped.
  void drop(const std::string& name) {
    const bool raw = contains(kRaw, name);
    if (std::find(unclosed_.begin(), unclosed_.end(), name) != unclosed_.end()) return;
    std::size_t depth = 1;
    for (std::size_t at = rest_.find('<'); at != std::string_view::npos; at = rest_.find('<', at + 1)) {
      const std::string_view here = rest_.substr(at);
      const auto names_it = [&](std::size_t before) {
        if (here.size() < before + name.size()) return false;
        const char after = here.size() > before + name.size() ? here[before + name.size()] : '>';
        return lowered(here.substr(before, name.size())) == name && (is_space(after) || after == '/' || after == '>');
      };
      if (here.starts_with("</") && names_it(2)) {
        if (--depth > 0) continue;
        rest_.remove_prefix(at);
        return skip_past(">");
      }
      if (!raw && names_it(1)) ++depth;
    }
    // A browser has it so for raw text; of the others the tag alone is dropped, and nobody looks for an end again.
    if (raw) rest_ = {};
    unclosed_.push_back(name);
  }

  void start_tag(const Tag& tag) {
    if (tag.name == "base" && result_.base.empty()) result_.base = tag["href"].substr(0, kMaxAttribute);
    if (tag.name == "base") return;
    if (tag.name == "title") return title();
    if (contains(kDropped, tag.name)) {
      if (tag.name != "embed") drop(tag.name);
      return;
    }
    if (tag.name == "button") return drop(tag.name);
    const std::string_view name = renamed(tag.name);
    if (name.empty()) return;
    const bool is_void = contains(kVoid, name);
    close_implied(name);
    if (!is_void && open_.size() >= kMaxDepth) return;
    // A link in a link ends the outer one.
    if (name == kLink) end_tag("a");
    ++elements_;
    write(tag, name);
    if (!is_void) open_.emplace_back(tag.name, name);
  }

  /// Ends that people leave out: of items, cells and paragraphs. The parser knows them too; here they keep the depth
  /// true.
  void close_implied(std::string_view name) {
    using Names = std::initializer_list<std::string_view>;
    const auto close = [&](Names ended, Names walls) {
      for (std::size_t i = open_.size(); i-- > 0;) {
        const std::string_view at = open_[i].second;
        if (std::find(ended.begin(), ended.end(), at) != ended.end()) return close_down_to(i);
        if (std::find(walls.begin(), walls.end(), at) != walls.end()) return;
      }
    };
    if (!contains(kInline, name) && name != "br" && name != "img" && name != "wbr") {
      for (std::size_t i = open_.size(); i-- > 0;) {
        if (open_[i].second == "p") {
          close_down_to(i);
          break;
        }
        if (!contains(kInline, open_[i].second)) break;
      }
    }
    if (name == "li") close({"li"}, {"ul", "ol", "table", "td", "th"});
    if (name == "dt" || name == "dd") close({"dt", "dd"}, {"dl", "table", "td", "th"});
    if (name == "td" || name == "th") close({"td", "th"}, {"tr", "table"});
    if (name == "tr") close({"tr"}, {"table"});
    if (name == "tbody" || name == "thead" || name == "tfoot") close({"tbody", "thead", "tfoot"}, {"table"});
  }

  void end_tag(std::string_view name) {
    if (name == "br") return void(result_.html += "<br>");
    const auto found =
        std::find_if(open_.rbegin(), open_.rend(), [&](const auto& entry) { return entry.first == name; });
    if (found == open_.rend()) return;
    // Cells and the like are walls: the end of what is around them is not to end them by accident.
    constexpr std::array<std::string_view, 3> kWalls{"table", "td", "th"};
    const bool walled =
        std::any_of(open_.rbegin(), found, [&](const auto& entry) { return contains(kWalls, entry.second); });
    constexpr std::array<std::string_view, 8> kOfTables{"caption", "table", "tbody", "td",
                                                        "tfoot",   "th",    "thead", "tr"};
    if (walled && !contains(kOfTables, name)) return;
    close_down_to(static_cast<std::size_t>(open_.rend() - found) - 1);
  }

  void close_down_to(std::size_t depth) {
    for (; open_.size() > depth; open_.pop_back()) {
      result_.html.append("</").append(open_.back().second).append(">");
    }
  }

  /// The first one counts; those of pictures were dropped with them.
  void title() {
    const std::size_t end = [&] {
      for (std::size_t at = rest_.find("</"); at != std::string_view::npos; at = rest_.find("</", at + 2)) {
        if (lowered(rest_.substr(at + 2, 5)) == "title") return at;
      }
      return rest_.size();
    }();
    if (!titled_) {
      titled_ = true;
      result_.html += "<title>";
      for (const char c : rest_.substr(0, std::min(end, kMaxAttribute))) {
        if (c == '<') result_.html += "&lt;";
        if (c != '<' && c != '\0') result_.html += c;
      }
      result_.html += "</title>";
    }
    rest_.remove_prefix(end);
    skip_past(">");
  }

  void write(const Tag& tag, std::string_view name) {
    result_.html.append("<").append(name);
    if (is_hidden(tag)) result_.html += " hidden";
    constexpr std::array<std::string_view, 6> kWritten{"alt", "class", "href", "id", "role", "start"};
    for (const auto& [key, value] : tag.attributes) {
      const bool is_source = key == "src" && name == "img";
      if (!is_source && !contains(kWritten, key)) continue;
      if (value.size() > kMaxAttribute) continue;
      result_.html.append(" ").append(key).append("=\"");
      for (const char c : value) {
        if (c == '"') result_.html += "&quot;";
        if (c != '"' && c != '\0') result_.html += c;
      }
      result_.html += '"';
    }
    result_.html += '>';
  }

  std::string_view rest_;
  Scanned result_;
  std::vector<std::pair<std::string, std::string_view>> open_;  // as written, as given
  std::vector<std::string> unclosed_;                           // what drop() found no end of
  std::size_t elements_ = 0;
  bool titled_ = false;
};

}  // namespace

Scanned scan(std::string_view html) {
  return Scanner(html).run();
}

}  // namespace sennit::readable
