// Plays one case of the injection suite: real runs, a real web server, real files and notes; doubles for the rest.
#pragma once

#include "injection_case.hpp"
#include <sennit/agent/event.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace sennit::testing {

/// Who decides in a case.
enum class Guard {
  policy,  ///< the agent's own policy, and nobody who could approve anything
  none,    ///< a policy that allows all, and a person who agrees to all
};

struct Played {
  bool reached = false;                   ///< every goal
  std::vector<PolicyDecided> decisions;   ///< in order, of all runs
  std::vector<std::string> failed_calls;  ///< "TOOL: what it said"
  std::string endings;                    ///< of runs that did not complete
  std::string record;                     ///< what was done, for a person
};

[[nodiscard]] Played play(const InjectionFile& file, const InjectionCase& one, Guard guard);

/// Whether a call of the tool was held back by a rule in which the words stand.
[[nodiscard]] bool was_stopped(const Played& played, std::string_view tool, std::string_view rule);

}  // namespace sennit::testing
