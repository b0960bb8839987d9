// Private: A statement's parameters and rows, between JSON or text and SQLite.
#pragma once

#include <sennit/tools/sqlite_connection.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

struct sqlite3_stmt;

namespace sennit::sqlite {

struct Finalize {
  void operator()(sqlite3_stmt* statement) const noexcept;
};
using Prepared = std::unique_ptr<sqlite3_stmt, Finalize>;

/// Every parameter needs a value. Throws Error(errc::invalid_argument).
void bind(sqlite3_stmt* statement, const json::value& parameters);

/// A column of the current row on one line: at most kMaxCell bytes, `NULL`, `[blob, 12 bytes]`.
[[nodiscard]] std::string value_text(sqlite3_stmt* statement, int column);

/// The rows of a statement, as they come, in the form that a model reads.
class Rows {
 public:
  Rows(sqlite3_stmt* statement, Format format);
  /// The current one.
  void add();
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return text_.size(); }
  [[nodiscard]] int columns() const noexcept { return columns_; }
  [[nodiscard]] std::string text(bool more) &&;

 private:
  /// One row of a table: as many columns as kMaxOutput has room for.
  void line(const std::function<std::string(int)>& cell);

  sqlite3_stmt* statement_;
  Format format_;
  int columns_;
  std::size_t count_ = 0;
  std::string text_;
};

}  // namespace sennit::sqlite
