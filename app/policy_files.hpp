// What holds for all agents of a machine and of a person: the policy files that the program reads when it starts.
#pragma once

#include <sennit/agent/policy_settings.hpp>

#include <filesystem>

namespace sennit::app {

/// Where deployment policies stand; an empty path: nowhere.
struct PolicyPlaces {
  std::filesystem::path machine;   ///< of whoever looks after the machine
  std::filesystem::path person;    ///< of whoever runs the program
  bool person_must_exist = false;  ///< it was named: where it is not there, something is wrong
};

/// /etc/sennit/policy.yaml, and $SENNIT_POLICY, else $XDG_CONFIG_HOME/sennit/policy.yaml or
/// ~/.config/sennit/policy.yaml.
[[nodiscard]] PolicyPlaces policy_places();

/// Whether a policy stands there; a link counts, wherever it leads. Throws Error(errc::config) where that cannot be
/// seen: rules that are not found must not count as rules that are not there.
[[nodiscard]] bool is_there(const std::filesystem::path& file);

/// Both of them as one. Throws Error(errc::config) at file:line:col, Error(errc::not_found), Error(errc::io).
[[nodiscard]] PolicySettings deployment_policy(const PolicyPlaces& places);

/// `machine` with all of `person` that makes it stricter: what asks, denies or calls results private. What relaxes
/// (allow, trust, steerable, permit) counts from `machine` alone.
[[nodiscard]] PolicySettings tightened(PolicySettings machine, const PolicySettings& person);

}  // namespace sennit::app
