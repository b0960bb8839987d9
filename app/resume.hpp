// Going on with runs, as `sennit runs resume` and `sennit runs answer --resume` do it.
#pragma once

#include <sennit/app/foreground.hpp>
#include <sennit/app/kept_runs.hpp>

#include <filesystem>
#include <string>

namespace sennit::app {

struct ResumeSettings {
  std::string id;               ///< empty: all that were interrupted
  std::filesystem::path agent;  ///< another agent file; empty: the one it began with
  bool force = false;
  bool migrate = false;
  ForegroundSettings foreground;
};

/// Follows them to their ends. The exit status: the last that is not 0.
[[nodiscard]] int resume_runs(const ResumeSettings& settings, KeptRuns& runs);

}  // namespace sennit::app
