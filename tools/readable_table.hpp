// Private: Tables of data as Markdown; tables that only arrange a page are none.
#pragma once

#include <sennit/tools/readable_tree.hpp>

#include <functional>
#include <string>
#include <vector>

namespace sennit::readable {

/// `cell_text` gives a cell as one line. Nothing for a table that holds no data: another table in it, a single row or
/// column, whole articles in its cells.
[[nodiscard]] std::vector<std::string> table_lines(const Node& table,
                                                   const std::function<std::string(const Node&)>& cell_text);

}  // namespace sennit::readable
