// Private: The tree of a scanned page: gumbo's, with names for what we ask of it.
#pragma once

#include <gumbo.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace sennit::readable {

using Node = GumboNode;

/// Nesting that recursive functions follow: above what kMaxDepth and the elements that a parser adds by itself come to.
inline constexpr std::size_t kMaxTreeDepth = 4 * 256 + 16;

/// Owns the tree of `html`, which must outlive it and come from scan().
class Tree {
 public:
  /// Throws Error(errc::too_large) if no tree can be made of it.
  explicit Tree(const std::string& html);
  [[nodiscard]] const Node& root() const noexcept { return *output_->root; }

 private:
  struct Destroy {
    void operator()(GumboOutput* output) const noexcept;
  };
  std::unique_ptr<GumboOutput, Destroy> output_;
};

/// GUMBO_TAG_LAST for what is no element.
[[nodiscard]] inline GumboTag tag_of(const Node& node) {
  return node.type == GUMBO_NODE_ELEMENT ? node.v.element.tag : GUMBO_TAG_LAST;
}

[[nodiscard]] inline bool is_text(const Node& node) {
  return node.type == GUMBO_NODE_TEXT || node.type == GUMBO_NODE_WHITESPACE || node.type == GUMBO_NODE_CDATA;
}

[[nodiscard]] inline std::string_view text_of(const Node& node) {
  return node.v.text.text;
}

/// Empty if it is absent. REQUIRES: an element.
[[nodiscard]] std::string_view attribute(const Node& node, const char* name);
/// An element that its page hides.
[[nodiscard]] bool is_hidden(const Node& node);

/// Calls `visit(child)` for each child that a reader sees.
template <class Visitor>
void for_each_child(const Node& node, Visitor&& visit) {
  if (node.type != GUMBO_NODE_ELEMENT) return;
  const GumboVector& children = node.v.element.children;
  for (unsigned i = 0; i < children.length; ++i) {
    const Node& child = *static_cast<const Node*>(children.data[i]);
    if (is_text(child) || (child.type == GUMBO_NODE_ELEMENT && !is_hidden(child))) visit(child);
  }
}

/// Elements that stand in a line of text.
[[nodiscard]] bool is_inline(GumboTag tag);

}  // namespace sennit::readable
