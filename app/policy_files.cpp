#include <sennit/agent/definition.hpp>
#include <sennit/agent/io/error.hpp>
#include <sennit/app/policy_files.hpp>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace sennit::app {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view{} : value;
}

void append(std::vector<PolicyRule>& rules, const std::vector<PolicyRule>& more) {
  rules.insert(rules.end(), more.begin(), more.end());
}

void tighten(std::optional<Verdict>& verdict, const std::optional<Verdict>& other) {
  if (!other) return;
  verdict = verdict ? std::max(*verdict, *other) : *other;
}

bool is_closed(const std::filesystem::path& file) {
  std::error_code failed;
  (void)std::filesystem::symlink_status(file, failed);
  return failed == std::errc::permission_denied;
}

std::optional<PolicySettings> read(const std::filesystem::path& file, bool must_exist) {
  if (file.empty() || (!must_exist && !is_there(file))) return std::nullopt;
  return read_policy(file);
}

}  // namespace

bool is_there(const std::filesystem::path& file) {
  std::error_code failed;
  const std::filesystem::file_type type = std::filesystem::symlink_status(file, failed).type();
  if (type == std::filesystem::file_type::not_found) return false;
  if (!failed) return true;
  throw Error(errc::config, "it is not known whether a policy stands here (" + failed.message() +
                                "): let this user look into the folder, or name another file with SENNIT_POLICY")
      .at(file.string());
}

PolicyPlaces policy_places() {
  PolicyPlaces places{.machine = "/etc/sennit/policy.yaml", .person = {}};
  if (const auto named = environment("SENNIT_POLICY"); !named.empty()) {
    places.person = named;
    places.person_must_exist = true;
  } else if (const auto folder = environment("XDG_CONFIG_HOME"); !folder.empty()) {
    places.person = std::filesystem::path(folder) / "sennit" / "policy.yaml";
  } else if (const auto home = environment("HOME"); !home.empty()) {
    places.person = std::filesystem::path(home) / ".config" / "sennit" / "policy.yaml";
  }
  // The home of somebody else (a service that became another user): what stands there is not this person's.
  if (!places.person_must_exist && is_closed(places.person)) places.person.clear();
  return places;
}

PolicySettings tightened(PolicySettings machine, const PolicySettings& person) {
  append(machine.ask, person.ask);
  append(machine.deny, person.deny);
  append(machine.confidential, person.confidential);
  // An agent of which the machine's policy says nothing is judged by what its tools touch: only `deny` is always
  // stricter than that.
  if (machine.fallback || person.fallback == Verdict::deny) tighten(machine.fallback, person.fallback);
  tighten(machine.flow.untrusted, person.flow.untrusted);
  tighten(machine.flow.confidential, person.flow.confidential);
  tighten(machine.flow.both, person.flow.both);
  if (person.unsandboxed == false) machine.unsandboxed = false;
  return machine;
}

PolicySettings deployment_policy(const PolicyPlaces& places) {
  const std::optional<PolicySettings> machine = read(places.machine, false);
  const std::optional<PolicySettings> person = read(places.person, places.person_must_exist);
  if (machine && person) return tightened(*machine, *person);
  if (machine) return *machine;
  return person.value_or(PolicySettings{});
}

}  // namespace sennit::app
