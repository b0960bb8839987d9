#include <sennit/tools/readable_table.hpp>

#include <algorithm>
#include <cstddef>

namespace sennit::readable {
namespace {

constexpr std::size_t kMaxColumns = 50;
constexpr std::size_t kMaxCell = 1000;  // bytes; more is an article in a layout

using Row = std::vector<std::string>;

bool holds_table(const Node& node, std::size_t depth) {
  bool found = false;
  for_each_child(node, [&](const Node& child) {
    if (found || is_text(child) || depth > kMaxTreeDepth) return;
    found = tag_of(child) == GUMBO_TAG_TABLE || holds_table(child, depth + 1);
  });
  return found;
}

/// The rows of a table, whatever groups them.
void collect(const Node& node, std::vector<const Node*>& rows) {
  for_each_child(node, [&](const Node& child) {
    const GumboTag tag = tag_of(child);
    if (tag == GUMBO_TAG_TR) rows.push_back(&child);
    if (tag == GUMBO_TAG_TBODY || tag == GUMBO_TAG_THEAD || tag == GUMBO_TAG_TFOOT) collect(child, rows);
  });
}

/// A `|` would begin another cell.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '|') result += '\\';
    result += c;
  }
  return result;
}

std::string line_of(const Row& row, std::size_t columns) {
  std::string line = "|";
  for (std::size_t i = 0; i < columns; ++i) line += " " + (i < row.size() ? row[i] : std::string()) + " |";
  return line;
}

}  // namespace

std::vector<std::string> table_lines(const Node& table, const std::function<std::string(const Node&)>& cell_text) {
  if (holds_table(table, 0)) return {};
  std::vector<const Node*> found;
  collect(table, found);
  std::vector<Row> rows;
  std::size_t columns = 0;
  for (const Node* row : found) {
    Row cells;
    bool fits = true;
    for_each_child(*row, [&](const Node& cell) {
      if (is_text(cell) || cells.size() == kMaxColumns) return;
      cells.push_back(escaped(cell_text(cell)));
      fits = fits && cells.back().size() <= kMaxCell;
    });
    if (!fits) return {};
    if (std::all_of(cells.begin(), cells.end(), [](const std::string& cell) { return cell.empty(); })) continue;
    columns = std::max(columns, cells.size());
    rows.push_back(std::move(cells));
  }
  if (columns < 2 || rows.size() < 2) return {};
  std::vector<std::string> lines;
  for_each_child(table, [&](const Node& child) {
    if (tag_of(child) == GUMBO_TAG_CAPTION) lines.push_back(cell_text(child));
  });
  if (!lines.empty()) lines.emplace_back();
  for (const Row& row : rows) {
    const bool first = &row == &rows.front();
    lines.push_back(line_of(row, columns));
    if (!first) continue;
    std::string rule = "|";
    for (std::size_t i = 0; i < columns; ++i) rule += " --- |";
    lines.push_back(std::move(rule));
  }
  return lines;
}

}  // namespace sennit::readable
