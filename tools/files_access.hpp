// What all tools that work on the files of an agent's roots share: the folders and what is forbidden in them,
// what a path means to a policy, and where a file's text comes from.
#pragma once

#include <sennit/agent/registry.hpp>
#include <sennit/tools/files_root.hpp>
#include <sennit/tools/files_walk.hpp>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::files {

/// One file or folder, as a policy may speak of it: by the way it was written and, where a link makes it another, as it
/// really is. A rule has to fit both.
struct Spellings {
  std::filesystem::path written;  ///< absolute
  std::filesystem::path real;     ///< absolute, without links
  std::filesystem::path home;     ///< what lies in it is named from there
  std::filesystem::path real_home;

  /// Of what lies in this folder, reached without a link.
  [[nodiscard]] Spellings below(std::string_view path) const;
  /// "path", from the agent's folder where it lies there, each followed by "absolute" where that says more.
  [[nodiscard]] std::vector<Facet> facets() const;
};

/// Owned by each tool that uses it: a job on the pool may outlive the agent. Immutable. [thread-safe]
struct Access {
  Roots roots;
  Protected forbidden{};
  std::filesystem::path home{};  ///< the agent's folder: what lies in it is named from there. Empty: the first root
  bool trusted = false;          ///< nobody else writes these files
  bool confidential = true;      ///< not everybody may read them

  /// Of what was read below `root`: one origin a root, `files:NAME`, so that a walk through a folder does not bring
  /// hundreds.
  [[nodiscard]] Labels labels(const Root& root) const;
  /// Of all roots.
  [[nodiscard]] Labels labels() const;
  [[nodiscard]] Spellings spellings(const Place& place) const;
  /// Of the place that the path means; the path itself where it means none.
  [[nodiscard]] std::vector<Facet> facets(std::string_view path) const;
};

/// `roots` are relative to the agent file.
[[nodiscard]] std::vector<std::filesystem::path> roots_of(const std::vector<std::string>& roots,
                                                          const PartContext& context);

/// The folder of the agent file, as Access::home.
[[nodiscard]] std::filesystem::path home_of(const PartContext& context);

/// What all agents of its tree are made of (agent/guards.hpp), and the state folder.
[[nodiscard]] Protected protected_by(const PartContext& context);

/// Tells a job on the pool that nobody waits any more, however the coroutine ends.
class Stop {
 public:
  Stop() = default;
  Stop(const Stop&) = delete;
  Stop& operator=(const Stop&) = delete;
  ~Stop() { flag_->store(true, std::memory_order_relaxed); }
  [[nodiscard]] StopFlag flag() const { return flag_; }

 private:
  std::shared_ptr<std::atomic<bool>> flag_ = std::make_shared<std::atomic<bool>>(false);
};

[[nodiscard]] inline bool is_set(const StopFlag& stop) {
  return stop && stop->load(std::memory_order_relaxed);
}

/// The facets of a tool that takes its path in `argument`; `otherwise` is meant where it is left out.
[[nodiscard]] std::vector<Facet> path_facets(const Access& access, const json::object& arguments,
                                             std::string_view argument, std::string_view otherwise = ".");

}  // namespace sennit::files
