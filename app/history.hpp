// The lines that a person entered, kept in a file of their own.
#pragma once

#include <sennit/app/clusters.hpp>

#include <filesystem>
#include <string>

struct historyW;

namespace sennit::app {

/// Bounded; the file is readable by its owner only and replaced as a whole, so that a crash leaves the old one.
class LineHistory {
 public:
  /// Reads `file`; empty or unreadable: starts without. `clusters` must outlive it.
  LineHistory(std::filesystem::path file, Clusters& clusters);
  ~LineHistory();
  LineHistory(const LineHistory&) = delete;
  LineHistory& operator=(const LineHistory&) = delete;

  /// Adds a line, unless it is the same as the last, and writes the file.
  void add(const std::string& line);
  [[nodiscard]] historyW* handle() const { return history_; }

 private:
  historyW* history_;
  historyW* kept_;  // the same without stand-ins, as it is in the file
  std::filesystem::path file_;
  Clusters& clusters_;
};

}  // namespace sennit::app
