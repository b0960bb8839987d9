// Private: A CSV file as a table `data` of a database in memory.
#pragma once

#include <sennit/tools/sqlite_connection.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace sennit::csv {

struct Reading {
  char separator = '\0';         ///< '\0': found out
  std::optional<bool> header{};  ///< whether the first row names the columns; empty: found out
};

/// Makes the table and gives what is to be said about it: its columns with their types, the number of rows, and what
/// did not fit. `text` is UTF-8. Throws Error: invalid_argument, too_large, cancelled.
[[nodiscard]] std::string load(sqlite::Connection& connection, std::string_view text, const Reading& reading,
                               const files::StopFlag& stop);

}  // namespace sennit::csv
