#include <sennit/agent/io/word_matcher.hpp>

#include <algorithm>

namespace sennit {

WordMatcher::WordMatcher(std::vector<std::string> words) {
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  if (!words.empty() && words.front().empty()) words.erase(words.begin());
  grow(words);
  for (std::uint32_t child = nodes_[0].first; child < nodes_[0].first + nodes_[0].children; ++child) {
    root_[nodes_[child].byte] = child;
  }
  link();
}

/// Of sorted words those that share a beginning stand together: a node is a range of them.
void WordMatcher::grow(const std::vector<std::string>& words) {
  struct Range {
    std::size_t first;
    std::size_t last;
    std::uint32_t depth;
  };
  std::vector<Range> ranges{{0, words.size(), 0}};
  nodes_.emplace_back();
  for (std::size_t at = 0; at < nodes_.size(); ++at) {
    std::size_t first = ranges[at].first;
    const std::size_t last = ranges[at].last;
    const std::uint32_t depth = ranges[at].depth;
    if (first < last && words[first].size() == depth) {
      nodes_[at].found = depth;
      ++first;
    }
    if (first < last) nodes_[at].open = depth;
    nodes_[at].first = static_cast<std::uint32_t>(nodes_.size());
    while (first < last) {
      const char byte = words[first][depth];
      std::size_t end = first;
      while (end < last && words[end][depth] == byte) ++end;
      Node& child = nodes_.emplace_back();
      child.byte = static_cast<unsigned char>(byte);
      ranges.push_back({first, end, depth + 1});
      ++nodes_[at].children;
      first = end;
    }
  }
}

void WordMatcher::link() {
  for (std::uint32_t parent = 0; parent < nodes_.size(); ++parent) {
    for (std::uint32_t child = nodes_[parent].first; child < nodes_[parent].first + nodes_[parent].children; ++child) {
      Node& node = nodes_[child];
      // A fallback is less deep, so it was linked before.
      if (parent != kNothing) node.fallback = next(nodes_[parent].fallback, static_cast<char>(node.byte));
      node.found = std::max(node.found, nodes_[node.fallback].found);
      node.open = std::max(node.open, nodes_[node.fallback].open);
    }
  }
}

}  // namespace sennit
