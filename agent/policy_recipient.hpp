// Private: Where something goes, as a policy reads it: one text may name several recipients.
#pragma once

#include <sennit/agent/policy_match.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace sennit {

/// "*@example.com", "ann@*": a pattern that only an address fits, not a text that mentions one.
[[nodiscard]] bool is_address_pattern(std::string_view pattern);

/// "Ann <ann@a.example>; b@b.example" are two. Never empty.
[[nodiscard]] std::vector<std::string> recipients_in(std::string_view text);

/// A rule that allows wants all recipients to fit, one that asks or denies any. What should be an address and is none
/// cannot be read.
[[nodiscard]] bool fits_recipients(std::string_view pattern, std::string_view text, Reading reading);

}  // namespace sennit
