// Failures below SQLite: a file system and an allocator that work until they are told to fail.
//
//   for (int n = 1;; ++n) {
//     FaultyDisk faulty(Fault::write, n);  // the n-th write of this program fails, while `faulty` lives
//     …
//     if (!faulty.fired()) break;          // there was no n-th
//   }
#pragma once

#include <string_view>

namespace sennit::testing {

enum class Fault { read, write, full, sync, truncate, lock, map, memory };

[[nodiscard]] std::string_view to_string(Fault fault) noexcept;

/// One at a time.
class FaultyDisk {
 public:
  /// `lasting`: every later one fails as well.
  FaultyDisk(Fault fault, int n, bool lasting = false);
  ~FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;
  [[nodiscard]] bool fired() const;
};

}  // namespace sennit::testing
