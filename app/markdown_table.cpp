#include <sennit/app/inline_markdown.hpp>
#include <sennit/app/markdown_table.hpp>
#include <sennit/app/unicode.hpp>

#include <algorithm>

namespace sennit::app {
namespace {

constexpr std::size_t kColumns = 32;

using Row = std::vector<std::string>;

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r") - first + 1));
}

Row split(std::string_view line) {
  Row cells;
  std::string cell;
  std::string body = trimmed(line);
  if (body.size() > 1 && body.back() == '|' && body[body.size() - 2] != '\\') body.pop_back();
  bool in_code = false;
  for (std::size_t i = 1; i < body.size(); ++i) {
    if (body[i] == '`') in_code = !in_code;
    if (body[i] == '\\' && i + 1 < body.size() && body[i + 1] == '|') {
      cell += body[++i];
    } else if (body[i] == '|' && !in_code) {
      cells.push_back(trimmed(cell));
      cell.clear();
    } else {
      cell += body[i];
    }
  }
  cells.push_back(trimmed(cell));
  return cells;
}

bool is_delimiter(const Row& row) {
  return std::all_of(row.begin(), row.end(), [](const std::string& cell) {
    return cell.find('-') != std::string::npos && cell.find_first_not_of("-:") == std::string::npos;
  });
}

void draw_cell(Page& page, const std::string& text, const Style& style) {
  InlineMarkdown line(page);
  line.begin(style);
  for (const char byte : text) line.feed(byte);
  line.finish();
}

std::size_t width_of(const std::string& cell) {
  std::string drawn;
  Page page(drawn, {});
  draw_cell(page, cell, kPlain);
  page.flush();
  return columns(std::string_view(drawn));
}

void draw_row(Page& page, const Row& row, const std::vector<std::size_t>& widths, const Style& style) {
  for (std::size_t column = 0; column < widths.size(); ++column) {
    const std::string cell = column < row.size() ? row[column] : std::string{};
    draw_cell(page, cell, style);
    if (column + 1 == widths.size()) break;
    page.put(std::string(widths[column] - width_of(cell), ' '));
    page.put(" │ ", kDim);
  }
  page.put("\n");
}

}  // namespace

void draw_table(Page& page, const std::vector<std::string>& rows, const std::string& margin, const Style& base) {
  std::vector<Row> cells;
  for (const std::string& row : rows) cells.push_back(split(row));
  page.prefix(margin);
  page.wrap(false);
  std::vector<std::size_t> widths(cells.front().size());
  for (const Row& row : cells) {
    if (is_delimiter(row)) continue;
    for (std::size_t i = 0; i < std::min(row.size(), widths.size()); ++i)
      widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::size_t total = margin.size();
  for (const std::size_t width : widths) total += width + 3;
  const bool fits = page.options().width == 0 || total <= page.options().width + 3;
  const bool table = cells.size() > 1 && is_delimiter(cells[1]) && widths.size() <= kColumns && fits;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (!table) {
      page.put(rows[i] + "\n", base);
    } else if (i == 1) {
      std::string line;
      for (std::size_t column = 0; column < widths.size(); ++column) {
        for (std::size_t k = 0; k < widths[column]; ++k) line += "─";
        if (column + 1 < widths.size()) line += "─┼─";
      }
      page.put(line + "\n", kDim);
    } else {
      Style style = base;
      style.bold = style.bold || i == 0;
      draw_row(page, cells[i], widths, style);
    }
  }
  page.wrap(true);
}

}  // namespace sennit::app
