// Reads a grammar as llama.cpp does and says whether a text is one of its own: what schema_grammar.hpp writes can so be
// tried without a model. As far as our grammars go: rules, alternatives, groups, literals, classes, ? * + and {m,n}.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::testing {

class Gbnf {
 public:
  explicit Gbnf(std::string_view text) : text_(text) {
    while (skip(), at_ < text_.size()) {
      const std::string name = word();
      expect("::=");
      rules_[name] = alternatives();
    }
  }

  [[nodiscard]] bool accepts(std::string_view text, const std::string& root = "root") const {
    return match(rules_.at(root), text, {0}, 0).contains(text.size());
  }
  /// Every rule that is named is there.
  [[nodiscard]] std::string missing() const {
    for (const std::string& name : named_) {
      if (!rules_.contains(name)) return name;
    }
    return {};
  }

 private:
  using Places = std::set<std::size_t>;
  struct Node {
    enum class Kind { literal, set, rule, group } kind = Kind::group;
    std::string text;  // of a literal, or a rule's name
    bool negated = false;
    std::vector<std::pair<unsigned char, unsigned char>> ranges;
    std::vector<std::vector<Node>> choices;
    std::size_t least = 1;
    std::size_t most = 1;
  };

  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  void blanks() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  void expect(std::string_view word) {
    blanks();
    if (!text_.substr(at_).starts_with(word)) throw std::runtime_error("no " + std::string(word));
    at_ += word.size();
  }
  std::string word() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '-')) {
      ++at_;
    }
    if (begin == at_) throw std::runtime_error("no name at: " + std::string(text_.substr(at_, 20)));
    return std::string(text_.substr(begin, at_ - begin));
  }

  Node alternatives() {
    Node group;
    group.choices.emplace_back();
    for (;;) {
      blanks();
      if (at_ >= text_.size() || text_[at_] == '\n' || text_[at_] == ')') return group;
      if (text_[at_] == '|') {
        ++at_;
        group.choices.emplace_back();
      } else {
        group.choices.back().push_back(item());
      }
    }
  }

  Node item() {
    Node node;
    const char c = text_[at_];
    if (c == '"') {
      ++at_;
      node.kind = Node::Kind::literal;
      while (text_.at(at_) != '"') node.text += character();
      ++at_;
    } else if (c == '[') {
      ++at_;
      node = set();
    } else if (c == '(') {
      ++at_;
      node = alternatives();
      expect(")");
    } else {
      node.kind = Node::Kind::rule;
      node.text = word();
      named_.insert(node.text);
    }
    repeat(node);
    return node;
  }

  Node set() {
    Node node;
    node.kind = Node::Kind::set;
    if (text_.at(at_) == '^') {
      node.negated = true;
      ++at_;
    }
    while (text_.at(at_) != ']') {
      const auto first = static_cast<unsigned char>(character());
      auto last = first;
      if (text_.at(at_) == '-' && text_.at(at_ + 1) != ']') {
        ++at_;
        last = static_cast<unsigned char>(character());
      }
      node.ranges.emplace_back(first, last);
    }
    ++at_;
    return node;
  }

  char character() {
    if (text_.at(at_) != '\\') return text_[at_++];
    ++at_;
    const char c = text_.at(at_++);
    if (c == 'n') return '\n';
    if (c == 't') return '\t';
    if (c == 'r') return '\r';
    if (c != 'x') return c;
    const int value = std::stoi(std::string(text_.substr(at_, 2)), nullptr, 16);
    at_ += 2;
    return static_cast<char>(value);
  }

  void repeat(Node& node) {
    if (at_ >= text_.size()) return;
    const char c = text_[at_];
    if (c == '?' || c == '*') node.least = 0;
    if (c == '*' || c == '+') node.most = std::string::npos;
    if (c == '?' || c == '*' || c == '+') ++at_;
    if (c != '{') return;
    const std::size_t end = text_.find('}', at_);
    const std::string range(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    const std::size_t comma = range.find(',');
    node.least = std::stoul(range);
    node.most = comma == std::string::npos  ? node.least
                : comma + 1 == range.size() ? std::string::npos
                                            : std::stoul(range.substr(comma + 1));
  }

  [[nodiscard]] Places match(const Node& node, std::string_view text, const Places& from, std::size_t depth) const {
    if (depth > 2000) throw std::runtime_error("the grammar does not end");
    Places now = from;
    Places ends;
    for (std::size_t times = 0; !now.empty(); ++times) {
      if (times >= node.least) ends.insert(now.begin(), now.end());
      if (times == node.most) break;
      Places next = once(node, text, now, depth);
      std::erase_if(next, [&](std::size_t place) { return times >= node.least && ends.contains(place); });
      now = std::move(next);
    }
    return ends;
  }

  [[nodiscard]] Places once(const Node& node, std::string_view text, const Places& from, std::size_t depth) const {
    Places ends;
    if (node.kind == Node::Kind::rule) return match(rules_.at(node.text), text, from, depth + 1);
    for (const std::size_t place : from) {
      if (node.kind == Node::Kind::literal && text.substr(place).starts_with(node.text)) {
        ends.insert(place + node.text.size());
      } else if (node.kind == Node::Kind::set && place < text.size() && in_set(node, text[place])) {
        ends.insert(place + 1);  // bytes will do: our sets tell ASCII apart
      }
    }
    if (node.kind != Node::Kind::group) return ends;
    for (const std::vector<Node>& choice : node.choices) {
      Places now = from;
      for (const Node& part : choice) {
        if (now.empty()) break;
        now = match(part, text, now, depth + 1);
      }
      ends.insert(now.begin(), now.end());
    }
    return ends;
  }

  static bool in_set(const Node& node, char c) {
    const auto byte = static_cast<unsigned char>(c);
    for (const auto& [first, last] : node.ranges) {
      if (byte >= first && byte <= last) return !node.negated;
    }
    return node.negated;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::map<std::string, Node> rules_;
  std::set<std::string> named_;
};

}  // namespace sennit::testing
