// A table on the terminal: columns as wide as what stands in them, numbers to the right, empty columns left out.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sennit::app {

class Table {
 public:
  struct Column {
    std::string_view head;
    bool right = false;  ///< of numbers
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// As many cells as there are columns, each one harmless and on one line.
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  [[nodiscard]] std::size_t size() const { return rows_.size(); }
  /// As it is written to standard output: cut to a terminal's width, its heads dim where there is colour.
  [[nodiscard]] std::string draw() const;
  /// `width` 0: nothing is cut.
  [[nodiscard]] std::string draw(std::size_t width, bool colour) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace sennit::app
