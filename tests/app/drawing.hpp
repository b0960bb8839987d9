// What tests of the terminal share: text drawn on a page, and escape sequences made readable.
#pragma once

#include <sennit/app/markdown.hpp>
#include <sennit/app/page.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace sennit::app {

struct Drawing {
  std::size_t width = 0;
  bool colour = false;
  std::size_t piece = 1U << 20U;  ///< the text comes in pieces of so many bytes
};

inline std::string draw_markdown(std::string_view text, Drawing how = {}) {
  std::string out;
  Page page(out, {.width = how.width, .colour = how.colour});
  Markdown markdown(page);
  for (std::size_t at = 0; at < text.size(); at += how.piece) markdown.feed(text.substr(at, how.piece));
  markdown.finish();
  return out;
}

/// `ESC[0;1m` as `{1}`, `ESC[0m` as `{}`.
inline std::string readable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t escape = text.find("\x1b[0");
    out += text.substr(0, escape);
    if (escape == std::string_view::npos) break;
    text.remove_prefix(escape + 3);
    const std::size_t end = text.find('m');
    out += "{" + std::string(text.substr(0, end).substr(text[0] == ';' ? 1 : 0)) + "}";
    text.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace sennit::app
