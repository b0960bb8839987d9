// Private: Many words looked for at once, at a cost for each byte that does not grow with their number.
//
// Aho and Corasick's automaton (1975): a trie of the words whose nodes also know where to go on when a word breaks off.
// Nodes are kept small (a node's children stand side by side), because a secret brings a dozen words and may be a file.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

class WordMatcher {
 public:
  /// What was read so far that may be the beginning of a word.
  using State = std::uint32_t;
  static constexpr State kNothing = 0;

  /// Empty words are left out.
  explicit WordMatcher(std::vector<std::string> words);

  [[nodiscard]] State next(State state, char byte) const noexcept {
    const auto value = static_cast<unsigned char>(byte);
    while (state != kNothing) {
      const Node& node = nodes_[state];
      for (std::uint32_t child = node.first; child < node.first + node.children; ++child) {
        if (nodes_[child].byte == value) return child;
      }
      state = node.fallback;
    }
    return root_[value];
  }
  /// How many of the bytes before may be the beginning of a word that is not over yet.
  [[nodiscard]] std::size_t open(State state) const noexcept { return nodes_[state].open; }
  /// The length of the longest word that ends here; 0: none does.
  [[nodiscard]] std::size_t found(State state) const noexcept { return nodes_[state].found; }
  /// From `at` on, the first byte with which a word could begin.
  [[nodiscard]] std::size_t skip(std::string_view text, std::size_t at) const noexcept {
    while (at < text.size() && root_[static_cast<unsigned char>(text[at])] == kNothing) ++at;
    return at;
  }

 private:
  struct Node {
    std::uint32_t first = 0;     // child; the others follow it
    std::uint32_t fallback = 0;  // the longest other beginning of a word that the bytes before end with
    std::uint32_t found = 0;
    std::uint32_t open = 0;
    std::uint16_t children = 0;
    unsigned char byte = 0;
  };

  void grow(const std::vector<std::string>& words);
  void link();

  std::vector<Node> nodes_;  // breadth first; the root is 0
  std::array<State, 256> root_{};
};

}  // namespace sennit
