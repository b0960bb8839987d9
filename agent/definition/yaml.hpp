// Private: YAML, as much of it as an agent file needs, read from text that nobody vouches for.
//
// yaml-cpp's own tree keeps duplicate keys silently and follows aliases without end, so the tree is built here from
// its events: bounded in bytes, depth, values and text (what anchors and aliases repeat included), every value with its
// place.
#pragma once

#include <sennit/agent/definition.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::yaml {

inline constexpr std::size_t kMaxBytes = 1ULL << 20U;  ///< long instructions stay below 100 KiB
inline constexpr std::size_t kMaxDepth = 32;           ///< as deep as the JSON we take from outside
inline constexpr std::size_t kMaxNodes = 20'000;
inline constexpr std::size_t kMaxText = 4 * kMaxBytes;  ///< of all values together: aliases multiply long texts too
inline constexpr std::size_t kMaxProblems = 100;        ///< more than anybody reads at once

/// How large a document may be, and what it is called where it is larger.
struct Bounds {
  std::size_t bytes = kMaxBytes;
  std::size_t depth = kMaxDepth;
  std::size_t nodes = kMaxNodes;
  std::size_t text = kMaxText;
  std::string_view document = "an agent file";
};

struct Key {
  std::string text;
  Position at;
};

struct Node {
  enum class Kind {
    null,
    scalar,
    list,
    map,
    broken,  ///< something was wrong here and has been reported: ask no more of it
  };
  Kind kind = Kind::null;
  Position at;
  std::string text;         ///< of a scalar
  bool quoted = false;      ///< a scalar in quotes or in block style is text, whatever it looks like
  bool flow = false;        ///< `[…]` or `{…}`
  std::vector<Key> keys;    ///< of a map, one for each of `items`
  std::vector<Node> items;  ///< of a list or a map

  [[nodiscard]] const Node* find(std::string_view key) const noexcept;
};

/// The one document in `text`. What is wrong is added to `problems`; nothing is returned where it cannot be read at
/// all (syntax, bounds, not UTF-8).
[[nodiscard]] std::optional<Node> parse(std::string_view text, std::vector<Diagnostic>& problems,
                                        const Bounds& bounds = {});

}  // namespace sennit::yaml
