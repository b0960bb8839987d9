// A Markdown table with its columns aligned, and its cells wrapped where it would be wider than the page.
#pragma once

#include <sennit/app/page.hpp>

#include <string>
#include <vector>

namespace sennit::app {

/// Draws the rows of a table (`| a | b |`, the delimiter row included). Rows that make no table, or one
/// with too many columns for the page, are written as they are.
void draw_table(Page& page, const std::vector<std::string>& rows, const std::string& margin, const Style& base);

}  // namespace sennit::app
