// A web page as a person would read it: its main part as Markdown, with its links, and without what nobody sees.
//
// Pages come from anybody. What is hidden from readers (comments, scripts, `display:none`, invisible characters) is the
// usual carrier of text that is meant for the model alone, so it is dropped; what is visible and malicious stays, and
// is marked as untrusted by the tool. Rules of style sheets are not evaluated.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sennit::readable {

inline constexpr std::size_t kMaxHtml = 4U << 20U;      ///< bytes of a page that are looked at
inline constexpr std::size_t kMaxElements = 200'000;    ///< of a page; what follows is left out
inline constexpr std::size_t kMaxMarkdown = 1U << 20U;  ///< bytes that are made of it

struct Page {
  std::string title;
  std::string markdown;
  bool main_part = false;  ///< navigation and the like were left out
  bool cut = false;        ///< one of the bounds was reached
};

/// `html` is UTF-8, `url` where it came from: links are made absolute. `whole`: nothing visible is left out. Takes time
/// and memory linear in its input; any bytes give a page. [thread-safe]
[[nodiscard]] Page read_page(std::string_view html, std::string_view url, bool whole = false);

/// A piece of HTML, such as a search engine's excerpt, as one line of plain text.
[[nodiscard]] std::string plain_text(std::string_view html);

/// `text` without characters that show nothing or turn the direction of writing: they can carry hidden text.
[[nodiscard]] std::string without_invisible(std::string_view text);

/// A part of a long text, from the byte `start` on, cut at a line where possible, with a note how to go on. Throws
/// Error(errc::invalid_argument) if it starts behind the end.
[[nodiscard]] std::string window(std::string_view text, std::size_t start, std::size_t most);

}  // namespace sennit::readable
