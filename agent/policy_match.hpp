// Private: whether a rule speaks of a call.
#pragma once

#include <sennit/agent/policy.hpp>

namespace sennit {

/// How a rule is read where a call has several values, or one that cannot be judged: always to the safe side.
enum class Reading {
  relaxing,     ///< it allows: all values must fit
  restricting,  ///< it asks or denies: one that fits is enough
};

[[nodiscard]] bool applies(const PolicyRule& rule, const PolicyQuestion& question, Reading reading);

/// The first rule that applies; null: none.
[[nodiscard]] const PolicyRule* first_applying(const std::vector<PolicyRule>& rules, const PolicyQuestion& question,
                                               Reading reading);

/// `*` stays within a folder, `**` does not; a pattern without `/` is one of the path's last name, one that ends with
/// `/` of all that is below.
[[nodiscard]] bool matches_path(std::string_view pattern, std::string_view path);

}  // namespace sennit
