#include <sennit/app/models_table.hpp>
#include <sennit/app/program.hpp>
#include <sennit/app/style.hpp>
#include <sennit/app/terminal.hpp>
#include <sennit/app/unicode.hpp>

#include <unistd.h>

#include <algorithm>

namespace sennit::app {

std::string Table::draw() const {
  const std::size_t width = ::isatty(STDOUT_FILENO) == 1 ? Terminal::width(STDOUT_FILENO) : 0;
  return draw(width, wants_colour(STDOUT_FILENO));
}

std::string Table::draw(std::size_t width, bool colour) const {
  std::vector<std::size_t> widths;
  for (std::size_t at = 0; at < columns_.size(); ++at) {
    std::size_t widest = 0;
    for (const std::vector<std::string>& cells : rows_)
      widest = std::max(widest, columns(std::string_view(cells.at(at))));
    widths.push_back(widest == 0 ? 0 : std::max(widest, columns(columns_[at].head)));
  }
  const auto line = [&](const auto& cell_at) {
    std::string words;
    for (std::size_t at = 0; at < columns_.size(); ++at) {
      if (widths[at] == 0) continue;
      const std::string_view cell = cell_at(at);
      const std::string space(widths[at] - columns(cell), ' ');
      if (columns_[at].right) words += space;
      words += cell;
      if (!columns_[at].right) words += space;
      words += "  ";
    }
    while (words.ends_with(' ')) words.pop_back();
    return width == 0 ? words : clip(words, width);
  };
  const std::string heads = line([&](std::size_t at) { return columns_[at].head; });
  std::string text = (colour ? sgr(kDim) + heads + sgr(kPlain) : heads) + "\n";
  for (const std::vector<std::string>& cells : rows_)
    text += line([&](std::size_t at) { return std::string_view(cells[at]); }) + "\n";
  return text;
}

}  // namespace sennit::app
