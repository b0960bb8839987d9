#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/json.hpp>
#include <sennit/tools/readable.hpp>
#include <sennit/tools/readable_links.hpp>
#include <sennit/tools/readable_main.hpp>
#include <sennit/tools/readable_markdown.hpp>
#include <sennit/tools/readable_scan.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sennit::readable {
namespace {

/// The first <title>, wherever it stands: a page's text may come before it.
const Node* find_title(const Node& node, std::size_t depth) {
  const Node* found = nullptr;
  for_each_child(node, [&](const Node& child) {
    if (found != nullptr || is_text(child) || depth > kMaxTreeDepth) return;
    found = tag_of(child) == GUMBO_TAG_TITLE ? &child : find_title(child, depth + 1);
  });
  return found;
}

/// One character of valid UTF-8.
char32_t code_point(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(character[i])); };
  switch (character.size()) {
    case 2:
      return (byte(0) & 0x1FU) << 6U | (byte(1) & 0x3FU);
    case 3:
      return (byte(0) & 0x0FU) << 12U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU);
    case 4:
      return (byte(0) & 0x07U) << 18U | (byte(1) & 0x3FU) << 12U | (byte(2) & 0x3FU) << 6U | (byte(3) & 0x3FU);
    default:
      return byte(0);
  }
}

/// Format characters, tags (U+E0000 …, which spell ASCII that nobody sees) and variation selectors beyond those of
/// emoji. The joiners U+200C and U+200D stay: Persian and emoji need them.
bool is_invisible(char32_t c) {
  const auto between = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
  return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7F || c == 0xAD || c == 0x34F || c == 0x61C || c == 0x180E ||
         between(0x115F, 0x1160) || between(0x17B4, 0x17B5) || c == 0x200B || between(0x200E, 0x200F) ||
         between(0x202A, 0x202E) || between(0x2060, 0x206F) || c == 0x3164 || c == 0xFEFF || c == 0xFFA0 ||
         between(0xFFF9, 0xFFFB) || between(0xE0000, 0xE0FFF);
}

std::size_t length_of(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
}

}  // namespace

std::string without_invisible(std::string_view text) {
  const std::string valid = sanitize_utf8(text);
  std::string result;
  result.reserve(valid.size());
  for (std::size_t i = 0; i < valid.size();) {
    const std::string_view character = std::string_view(valid).substr(i, length_of(valid[i]));
    if (!is_invisible(code_point(character))) result += character;
    i += character.size();
  }
  return result;
}

Page read_page(std::string_view html, std::string_view url, bool whole) {
  const Scanned scanned = scan(html);
  const Tree tree(scanned.html);
  std::string base = scanned.base.empty() ? std::string() : absolute_url(url, scanned.base);
  if (base.empty()) base = url;
  Page page;
  constexpr std::size_t kMaxTitle = 300;
  if (const Node* title = find_title(tree.root(), 0))
    page.title = without_invisible(line_of(*title).substr(0, kMaxTitle));
  const Node* part = whole ? &tree.root() : main_part(&tree.root());
  Markdown markdown = to_markdown(*part, base, whole);
  if (markdown.text.empty() && !whole) {  // nothing but navigation: better that than nothing
    whole = true;
    markdown = to_markdown(tree.root(), base, whole);
  }
  page.main_part = !whole && (markdown.left_out || tag_of(*part) != GUMBO_TAG_BODY);
  page.markdown = without_invisible(markdown.text);
  page.cut = scanned.cut || markdown.cut;
  return page;
}

std::string plain_text(std::string_view html) {
  const Scanned scanned = scan(html);
  const Tree tree(scanned.html);
  return without_invisible(line_of(tree.root()));
}

std::string window(std::string_view text, std::size_t start, std::size_t most) {
  if (start > text.size() || (start == text.size() && start > 0)) {
    throw Error(errc::invalid_argument, fmt::format("start is {}, and the text has {} bytes", start, text.size()));
  }
  while (start > 0 && start < text.size() && (static_cast<unsigned char>(text[start]) & 0xC0U) == 0x80U) --start;
  std::string_view part = text.substr(start, most);
  const bool more = part.size() < text.size() - start;
  if (more) {
    // At an empty line, else at a line, else between two characters; not so far back that little would be left.
    std::size_t end = part.rfind("\n\n");
    if (end == std::string_view::npos || end < most / 2) end = part.rfind('\n');
    if (end == std::string_view::npos || end < most / 2) {
      end = part.size() - 1;
      while (end > 0 && (static_cast<unsigned char>(text[start + end + 1]) & 0xC0U) == 0x80U) --end;
    }
    part = part.substr(0, end + 1);
  }
  std::string result(part);
  if (start > 0 || more) {
    if (!result.ends_with('\n')) result += '\n';
    const std::size_t end = start + part.size();
    result += fmt::format("[bytes {} to {} of {}{}]\n", start, end, text.size(),
                          more ? fmt::format("; go on with start = {}", end) : std::string());
  }
  return result;
}

}  // namespace sennit::readable
