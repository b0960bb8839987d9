// Private: A page's tags and text, written anew in a form that is harmless to build a tree from.
//
// The HTML standard's rules make a tree of any bytes, but a hostile page can make that tree many times larger or deeper
// than itself: elements such as <b> are copied into every paragraph that follows, and the parser looks through all open
// elements at each character. So what is handed to it is bounded in depth and number, has no such elements (they are
// renamed), and closes what it opens.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sennit::readable {

inline constexpr std::size_t kMaxDepth = 256;  ///< of open elements; tags beyond it are dropped, their text is not

/// How links and emphasis are named in what scan() gives.
inline constexpr std::string_view kLink = "bdi";
inline constexpr std::string_view kStrong = "dfn";
inline constexpr std::string_view kEmphasis = "var";
inline constexpr std::string_view kCode = "samp";

struct Scanned {
  std::string html;
  std::string base;  ///< of a <base href>; empty: none
  bool cut = false;  ///< kMaxHtml or kMaxElements was reached
};

/// Without comments, scripts, styles, embedded things and forms' controls; hidden elements have the attribute `hidden`.
[[nodiscard]] Scanned scan(std::string_view html);

}  // namespace sennit::readable
