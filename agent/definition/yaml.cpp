#include <sennit/agent/definition/yaml.hpp>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <map>
#include <sstream>
#include <utility>

namespace sennit::yaml {
namespace {

void report(std::vector<Diagnostic>& problems, Position at, std::string message) {
  if (problems.size() >= kMaxProblems) return;
  problems.push_back({Diagnostic::Severity::error, at.line, at.column, std::move(message)});
}

/// Turns byte offsets into what an editor shows: lines and characters from 1.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {
    starts_.push_back(0);
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') starts_.push_back(i + 1);
    }
  }

  [[nodiscard]] std::string_view line(std::size_t index) const {
    if (index >= starts_.size()) return {};
    const std::size_t end = index + 1 < starts_.size() ? starts_[index + 1] - 1 : text_.size();
    return text_.substr(starts_[index], end - starts_[index]);
  }

  [[nodiscard]] Position position(const YAML::Mark& mark) const {
    if (mark.is_null()) return {1, 1};
    const auto row = static_cast<std::size_t>(std::max(mark.line, 0));
    const std::string_view before = line(row).substr(0, static_cast<std::size_t>(std::max(mark.column, 0)));
    const auto inside = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
    const auto characters = static_cast<int>(before.size()) - static_cast<int>(std::ranges::count_if(before, inside));
    return {static_cast<int>(row) + 1, characters + 1};
  }

  /// The text from a place on.
  [[nodiscard]] std::string_view from(const YAML::Mark& mark) const {
    const auto row = static_cast<std::size_t>(std::max(mark.line, 0));
    const std::size_t offset =
        row < starts_.size() ? starts_[row] + static_cast<std::size_t>(std::max(mark.column, 0)) : 0;
    return text_.substr(std::min(offset, text_.size()));
  }

  [[nodiscard]] Position position(std::size_t offset) const {
    const auto next = std::ranges::upper_bound(starts_, offset);
    const auto row = static_cast<std::size_t>(next - starts_.begin()) - 1;
    YAML::Mark mark;
    mark.pos = static_cast<int>(offset);
    mark.line = static_cast<int>(row);
    mark.column = static_cast<int>(offset - starts_[row]);
    return position(mark);
  }

 private:
  std::string_view text_;
  std::vector<std::size_t> starts_;
};

/// Whether a text that begins with a quote ends with one: yaml-cpp takes the end of the file for it.
bool is_closed(std::string_view source) {
  if (!source.starts_with('"') && !source.starts_with('\'')) return true;
  for (std::size_t i = 1; i < source.size(); ++i) {
    if (source[i] == source[0]) return true;
    if (source[i] == '\\' && source[0] == '"') ++i;
  }
  return false;
}

/// Thrown by the builder where going on makes no sense; the reason has been reported.
struct Stop {};

class Builder : public YAML::EventHandler {
 public:
  Builder(const Lines& lines, std::vector<Diagnostic>& problems, const Bounds& bounds)
      : lines_(lines), problems_(problems), bounds_(bounds) {}

  [[nodiscard]] bool has_document() const { return has_document_; }
  [[nodiscard]] Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (!has_document_) return;
    report(problems_, lines_.position(mark),
           fmt::format("a second document begins here; {} holds one: remove `---`", bounds_.document));
    throw Stop{};
  }
  void OnDocumentEnd() override { has_document_ = true; }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(make(Node::Kind::null, mark), anchor); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      report(problems_, lines_.position(mark), "this alias (`*name`) stands inside the value that it names");
      add(make(Node::Kind::broken, mark));
      return;
    }
    const Size size = measure(found->second);
    count(size, lines_.position(mark));
    check_depth(stack_.size() + size.depth, lines_.position(mark));
    add(found->second);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node node = make(Node::Kind::scalar, mark);
    node.text = value;
    count({.nodes = 0, .bytes = value.size()}, node.at);
    node.quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    if (!node.quoted && tag != "?") refuse_tag(node, tag);
    if (tag == "!" && !is_closed(lines_.from(mark))) {
      report(problems_, node.at, "the quote that opens this text is not closed");
      throw Stop{};
    }
    add(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(Node::Kind::list, mark, tag, anchor, style);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(Node::Kind::map, mark, tag, anchor, style);
  }
  void OnMapEnd() override { close(); }

 private:
  /// A map or list that is being read, and in a map the key whose value comes next.
  struct Frame {
    Node node;
    YAML::anchor_t anchor{};
    std::optional<Key> key;
    bool drop_value = false;  ///< the key was wrong: its value is read and forgotten
  };

  struct Size {
    std::size_t nodes = 1;
    std::size_t bytes = 0;  ///< of text
    std::size_t depth = 0;
  };

  static Size measure(const Node& node) {
    Size size{.bytes = node.text.size()};
    for (const Key& key : node.keys) size.bytes += key.text.size();
    for (const Node& item : node.items) {
      const Size inside = measure(item);
      size.nodes += inside.nodes;
      size.bytes += inside.bytes;
      size.depth = std::max(size.depth, inside.depth + 1);
    }
    return size;
  }

  void count(const Size& size, Position at) {
    nodes_ += size.nodes;
    bytes_ += size.bytes;
    if (nodes_ > bounds_.nodes) {
      report(problems_, at, fmt::format("more than {} values; {} is smaller", bounds_.nodes, bounds_.document));
    } else if (bytes_ > bounds_.text) {
      report(problems_, at,
             fmt::format("more than {} KiB of text, what anchors and aliases repeat counted in; {} is smaller",
                         bounds_.text >> 10U, bounds_.document));
    } else {
      return;
    }
    throw Stop{};
  }

  void check_depth(std::size_t depth, Position at) {
    if (depth <= bounds_.depth) return;
    report(problems_, at, fmt::format("nested deeper than {} levels", bounds_.depth));
    throw Stop{};
  }

  Node make(Node::Kind kind, const YAML::Mark& mark) {
    Node node;
    node.kind = kind;
    node.at = lines_.position(mark);
    count({}, node.at);
    return node;
  }

  void refuse_tag(Node& node, const std::string& tag) {
    constexpr std::string_view kStandard = "tag:yaml.org,2002:";
    const std::string shown = tag.starts_with(kStandard) ? "!!" + tag.substr(kStandard.size()) : tag;
    report(problems_, node.at, fmt::format("tags (`{}`) are not supported; remove it", shown.substr(0, 60)));
    node.kind = Node::Kind::broken;
  }

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YAML::EmitterStyle::value style) {
    Node node = make(kind, mark);
    check_depth(stack_.size() + 1, node.at);
    node.flow = style == YAML::EmitterStyle::Flow;
    if (tag != "?" && tag != "tag:yaml.org,2002:seq" && tag != "tag:yaml.org,2002:map") refuse_tag(node, tag);
    stack_.push_back({std::move(node), anchor, {}, false});
  }

  void close() {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    add(std::move(frame.node), frame.anchor);
  }

  void add(Node node, YAML::anchor_t anchor = {}) {
    if (anchor != YAML::anchor_t{}) {
      count(measure(node), node.at);  // a copy is kept: anchors inside anchors would be many
      anchors_.insert_or_assign(anchor, node);
    }
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = stack_.back();
    if (frame.node.kind != Node::Kind::map) {  // also a map whose tag was refused: nobody looks inside
      frame.node.items.push_back(std::move(node));
    } else if (!frame.key) {
      take_key(frame, node);
    } else {
      if (!frame.drop_value) {
        if (node.kind == Node::Kind::null) node.at = frame.key->at;  // a missing value has no place of its own
        frame.node.keys.push_back(std::move(*frame.key));
        frame.node.items.push_back(std::move(node));
      }
      frame.key.reset();
      frame.drop_value = false;
    }
  }

  void take_key(Frame& frame, Node& node) {
    frame.key = Key{std::move(node.text), node.at};
    frame.drop_value = true;
    if (node.kind == Node::Kind::broken) return;
    if (node.kind != Node::Kind::scalar) {
      const bool placeholder = node.kind == Node::Kind::map && node.flow;
      report(problems_, node.at,
             placeholder ? "a key must be a word; text that begins with `{` must be put in quotes"
                         : "a key must be a word");
      return;
    }
    if (frame.key->text == "<<" && !node.quoted) {
      report(problems_, node.at, "merge keys (`<<`) are not supported; write the keys out");
      return;
    }
    for (const Key& earlier : frame.node.keys) {
      if (earlier.text != frame.key->text) continue;
      report(problems_, node.at,
             fmt::format("duplicate key `{}`; it is already on line {}", earlier.text.substr(0, 60), earlier.at.line));
      return;
    }
    frame.drop_value = false;
  }

  const Lines& lines_;
  std::vector<Diagnostic>& problems_;
  const Bounds& bounds_;
  std::vector<Frame> stack_;
  std::map<YAML::anchor_t, Node> anchors_;  // a value is here once it has been read to its end
  Node root_;
  std::size_t nodes_ = 0;
  std::size_t bytes_ = 0;
  bool has_document_ = false;
};

/// yaml-cpp's terse words, in words that say what to do.
std::string explain(std::string_view words, std::string_view line) {
  struct Explanation {
    std::string_view words;
    std::string_view advice;
  };
  static constexpr std::array kExplanations{
      Explanation{"illegal map value",
                  "`: ` is not possible here; put text that contains `: ` in quotes, and check the "
                  "indentation"},
      Explanation{"end of map not found",
                  "this line does not fit the map around it; check its indentation, and put "
                  "text that begins with `[`, `{`, `*`, `&`, `!`, `%`, `@` or a quote in quotes"},
      Explanation{"end of sequence not found",
                  "this line does not fit the list around it; check its indentation (a "
                  "list item begins with `- `), and put text that begins with `[` in quotes"},
      Explanation{"end of map flow not found",
                  "a `{` is not closed by `}`; text that begins with `{` must be in quotes"},
      Explanation{"end of sequence flow not found",
                  "a `[` is not closed by `]`; text that begins with `[` must be in "
                  "quotes"},
      Explanation{"illegal EOF in scalar", "a quoted text is not closed"},
      Explanation{"illegal block entry", "a list item (`- `) is not possible here; check the indentation"},
      Explanation{"illegal map key", "a key is not possible here; check the indentation"},
      Explanation{"illegal flow end", "`]` or `}` without its opening bracket"},
      Explanation{"unknown token", "a text cannot begin with this character; put it in quotes"},
      Explanation{"the referenced anchor is not defined",
                  "no anchor (`&name`) before this alias; put text that begins "
                  "with `*` in quotes"},
      Explanation{"alias not found after *", "put text that begins with `*` in quotes"},
      Explanation{"anchor not found after &", "put text that begins with `&` in quotes"},
  };
  const std::size_t text_begins = line.find_first_not_of(" \t");
  if (line.substr(0, text_begins == std::string_view::npos ? line.size() : text_begins).find('\t') !=
      std::string_view::npos) {
    return "a tab indents this line; YAML allows only spaces there";
  }
  for (const Explanation& explanation : kExplanations) {
    if (words.starts_with(explanation.words)) return std::string(explanation.advice);
  }
  return std::string(words);
}

/// The offset of the first byte that is not UTF-8, or that no text file has; npos if there is none.
std::size_t first_bad_byte(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U; };
    const unsigned lead = byte(i);
    if (lead < 0x80) {
      if (lead == 0x7F || (lead < 0x20 && lead != '\t' && lead != '\n' && lead != '\r')) return i;
      ++i;
      continue;
    }
    const std::size_t length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    if (length == 0) return i;
    for (std::size_t k = 1; k < length; ++k) {
      if ((byte(i + k) & 0xC0U) != 0x80U) return i;
    }
    const unsigned second = byte(i + 1);
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) || (lead == 0xF0 && second < 0x90) ||
        (lead == 0xF4 && second > 0x8F)) {
      return i;
    }
    i += length;
  }
  return std::string_view::npos;
}

bool is_text(std::string_view text, const Lines& lines, std::vector<Diagnostic>& problems) {
  const std::size_t bad = first_bad_byte(text);
  if (bad == std::string_view::npos) return true;
  const auto byte = static_cast<unsigned char>(text[bad]);
  report(problems, lines.position(bad),
         byte < 0x80 ? fmt::format("a control character (0x{:02x}); an agent file is plain text", byte)
                     : fmt::format("not UTF-8 (byte 0x{:02x}); save the file as UTF-8", byte));
  return false;
}

}  // namespace

const Node* Node::find(std::string_view key) const noexcept {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].text == key) return &items[i];
  }
  return nullptr;
}

std::optional<Node> parse(std::string_view text, std::vector<Diagnostic>& problems, const Bounds& bounds) {
  if (text.size() > bounds.bytes) {
    report(problems, {1, 1}, fmt::format("larger than {} KiB; {} is smaller", bounds.bytes >> 10U, bounds.document));
    return std::nullopt;
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const Lines lines(text);
  if (!is_text(text, lines, problems)) return std::nullopt;
  Builder builder(lines, problems, bounds);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) continue;
  } catch (const YAML::ParserException& error) {
    const auto row = static_cast<std::size_t>(std::max(error.mark.line, 0));
    report(problems, lines.position(error.mark), explain(error.msg, lines.line(row)));
    return std::nullopt;
  } catch (const Stop&) {
    return std::nullopt;
  }
  if (!builder.has_document()) {
    const bool is_agent = bounds.document == Bounds{}.document;
    report(problems, {1, 1},
           is_agent ? "the file is empty; an agent file begins with `sennit: 1`" : "the file is empty");
    return std::nullopt;
  }
  return builder.take();
}

}  // namespace sennit::yaml
