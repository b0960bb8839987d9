#include <sennit/app/inline_markdown.hpp>
#include <sennit/app/markdown_table.hpp>
#include <sennit/app/unicode.hpp>

#include <algorithm>

namespace sennit::app {
namespace {

constexpr std::size_t kColumns = 32;
/// A column that is not narrower than this is made narrower where a table is too wide.
constexpr std::size_t kNarrowest = 6;

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

enum class Align { left, centre, right };

Align align_of(const std::string& delimiter) {
  if (!delimiter.ends_with(':')) return Align::left;
  return delimiter.starts_with(':') ? Align::centre : Align::right;
}

/// A line of a cell.
struct Piece {
  std::string drawn;
  std::size_t width = 0;
};

/// Cuts what a page drew into lines of at most `limit` columns (0: as they are). Each begins and ends in plain style.
std::vector<Piece> cut(std::string_view drawn, std::size_t limit) {
  std::vector<Piece> pieces(1);
  std::string style;  // the sequence that is in effect
  const auto next_piece = [&] {
    if (!style.empty()) pieces.back().drawn += sgr(kPlain);
    pieces.push_back({style, 0});
  };
  while (!drawn.empty()) {
    std::size_t bytes = 1;
    if (drawn[0] == '\x1b') {
      bytes = drawn.find('m') + 1;
      style = drawn.substr(0, bytes) == sgr(kPlain) ? std::string{} : std::string(drawn.substr(0, bytes));
      pieces.back().drawn += drawn.substr(0, bytes);
    } else if (drawn[0] == '\n') {
      if (drawn.size() > 1) next_piece();
    } else {
      const Decoded next = decode_utf8(drawn);
      bytes = next.bytes;
      const auto width = static_cast<std::size_t>(columns(next.code));
      if (limit != 0 && pieces.back().width + width > limit && pieces.back().width > 0) next_piece();
      pieces.back().drawn += drawn.substr(0, bytes);
      pieces.back().width += width;
    }
    drawn.remove_prefix(bytes);
  }
  return pieces;
}

std::vector<Piece> draw_cell(const std::string& text, const Style& style, std::size_t limit, bool colour) {
  std::string drawn;
  Page page(drawn, {.width = limit, .colour = colour});
  InlineMarkdown line(page);
  line.begin(style);
  for (const char byte : text) line.feed(byte);
  line.finish();
  page.end_line();
  return cut(drawn, limit);
}

/// The widths that the columns would like to have, and their sides.
struct Layout {
  std::vector<std::size_t> widths;
  std::vector<Align> aligns;
};

Layout layout_of(const std::vector<Row>& rows) {
  Layout layout;
  layout.widths.resize(rows.front().size());
  layout.aligns.resize(rows.front().size());
  for (const Row& row : rows) {
    const bool delimiter = &row == &rows[1];
    for (std::size_t i = 0; i < std::min(row.size(), layout.widths.size()); ++i) {
      if (delimiter)
        layout.aligns[i] = align_of(row[i]);
      else
        layout.widths[i] = std::max(layout.widths[i], draw_cell(row[i], kPlain, 0, false).front().width);
    }
  }
  return layout;
}

/// Takes from the widest columns until all fit into `room`. False: they do not.
bool shrink(std::vector<std::size_t>& widths, std::size_t room) {
  std::size_t total = 0;
  for (const std::size_t width : widths) total += width;
  for (; total > room; --total) {
    const auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= kNarrowest) return false;
    --*widest;
  }
  return true;
}

void draw_row(Page& page, const Row& row, const Layout& layout, const Style& style) {
  std::vector<std::vector<Piece>> cells;
  std::size_t height = 1;
  for (std::size_t i = 0; i < layout.widths.size(); ++i) {
    const std::string text = i < row.size() ? row[i] : std::string{};
    cells.push_back(draw_cell(text, style, layout.widths[i], page.options().colour));
    height = std::max(height, cells.back().size());
  }
  for (std::size_t line = 0; line < height; ++line) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const Piece piece = line < cells[i].size() ? cells[i][line] : Piece{};
      const std::size_t space = layout.widths[i] - std::min(layout.widths[i], piece.width);
      const Align align = layout.aligns[i];
      const std::size_t before = align == Align::right ? space : align == Align::centre ? space / 2 : 0;
      page.put(std::string(piece.width == 0 ? 0 : before, ' '));
      page.put_drawn(piece.drawn, piece.width);
      if (i + 1 == cells.size()) break;
      page.put(std::string(piece.width == 0 ? space : space - before, ' '));
      page.put(" │ ", kDim);
    }
    page.put("\n");
  }
}

void draw_delimiter(Page& page, const std::vector<std::size_t>& widths) {
  std::string line;
  for (const std::size_t& width : widths) {
    if (&width != widths.data()) line += "─┼─";
    for (std::size_t k = 0; k < width; ++k) line += "─";
  }
  page.put(line + "\n", kDim);
}

}  // namespace

void draw_table(Page& page, const std::vector<std::string>& rows, const std::string& margin, const Style& base) {
  std::vector<Row> cells;
  for (const std::string& row : rows) cells.push_back(split(row));
  page.prefix(margin);
  page.wrap(false);
  bool table = cells.size() > 1 && is_delimiter(cells[1]) && cells.front().size() <= kColumns;
  Layout layout;
  if (table) {
    layout = layout_of(cells);
    const std::size_t lost = columns(std::string_view(margin)) + 3 * (layout.widths.size() - 1);
    const std::size_t width = page.options().width;
    table = width == 0 || (width > lost && shrink(layout.widths, width - lost));
  }
  for (std::size_t i = 0; i < cells.size(); ++i) {
    Style style = base;
    style.bold = style.bold || i == 0;
    if (!table)
      page.put(rows[i] + "\n", base);
    else if (i == 1)
      draw_delimiter(page, layout.widths);
    else
      draw_row(page, cells[i], layout, style);
  }
  page.wrap(true);
}

}  // namespace sennit::app
