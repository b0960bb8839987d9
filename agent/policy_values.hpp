// Private: The values of a call that a condition speaks of, as its tool declares them or by an argument's own name.
#pragma once

#include <sennit/agent/policy.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace sennit {

struct PolicyValue {
  enum class State {
    readable,
    unreadable,  ///< fits all that asks or denies, and nothing that allows
    absent,      ///< the call does not give it
  };
  State state = State::readable;
  std::string text{};                   ///< in its one spelling
  std::vector<std::string> absolute{};  ///< of a path: how it is spelt from the root on
  bool script = false;                  ///< of a command: a shell may read it
  bool fixed = false;                   ///< of a destination: the tool says it, whatever the arguments are
};

/// What a condition of this name is about, by its last word: "files.path" is a path.
[[nodiscard]] std::string_view kind_of(std::string_view name);

/// The values of a facet, else of the argument of this name ("options.force"; within lists each of them). Never empty.
[[nodiscard]] std::vector<PolicyValue> values_of(const PolicyQuestion& question, std::string_view name);

}  // namespace sennit
