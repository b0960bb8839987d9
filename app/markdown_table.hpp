// A Markdown table with its columns aligned.
#pragma once

#include <sennit/app/page.hpp>

#include <string>
#include <vector>

namespace sennit::app {

/// Draws the rows of a table (`| a | b |`, the delimiter row included). Rows that make no table, or a table that is
/// wider than the page, are written as they are.
void draw_table(Page& page, const std::vector<std::string>& rows, const std::string& margin, const Style& base);

}  // namespace sennit::app
