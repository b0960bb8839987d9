// What a benchmark reads off itself: time, CPU, memory, and the spread of its samples.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <fstream>
#include <vector>

namespace sennit::bench {

inline double seconds(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

inline double wall_seconds() {
  return seconds(CLOCK_MONOTONIC);
}
/// All threads of this process, the kernel's work for them included.
inline double cpu_seconds() {
  return seconds(CLOCK_PROCESS_CPUTIME_ID);
}

inline std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t size = 0;
  std::size_t resident = 0;
  statm >> size >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

inline constexpr std::size_t kSamplesOfRun = 256;  ///< enough for the longest paced run

class Samples {
 public:
  /// With room, already paged in, for so many: what the benchmark notes down is no memory of what it measures.
  explicit Samples(std::size_t room = 0) : values_(room) { values_.clear(); }
  void add(double value) { values_.push_back(value); }
  void add(const Samples& others) { values_.insert(values_.end(), others.values_.begin(), others.values_.end()); }
  /// 0 ≤ q ≤ 1; 0 if there are none.
  [[nodiscard]] double quantile(double q) {
    if (values_.empty()) return 0;
    auto index = static_cast<std::size_t>(q * static_cast<double>(values_.size()));
    auto place = values_.begin() + static_cast<std::ptrdiff_t>(std::min(index, values_.size() - 1));
    std::nth_element(values_.begin(), place, values_.end());
    return *place;
  }

 private:
  std::vector<double> values_;
};

/// The most memory seen, sampled where a benchmark passes by: now and then, because reading it costs a system call.
class PeakMemory {
 public:
  void pass() {
    if (++passes_ % 256 == 0) look();
  }
  /// The same process, seen by another thread.
  void add(const PeakMemory& other) {
    before_ = std::min(before_, other.before_);
    peak_ = std::max(peak_, other.peak_);
  }
  void look() { peak_ = std::max(peak_, resident_bytes()); }
  [[nodiscard]] std::size_t growth() {
    look();
    return peak_ - before_;
  }

 private:
  std::size_t before_ = resident_bytes();
  std::size_t peak_ = before_;
  std::size_t passes_ = 0;
};

}  // namespace sennit::bench
