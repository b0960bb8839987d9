// Private: An element as Markdown.
#pragma once

#include <sennit/tools/readable_tree.hpp>

#include <string>
#include <string_view>

namespace sennit::readable {

struct Markdown {
  std::string text;
  bool cut = false;       ///< kMaxMarkdown was reached
  bool left_out = false;  ///< there was navigation or the like
};

/// `base`: what links are relative to. `whole`: with navigation, footers and the like.
[[nodiscard]] Markdown to_markdown(const Node& node, std::string_view base, bool whole);

/// The text below an element, on one line.
[[nodiscard]] std::string line_of(const Node& node);

}  // namespace sennit::readable
