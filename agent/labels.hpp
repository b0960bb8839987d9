// Where what stands in a conversation came from, as far as it matters: from outside (it may try to steer the model), or
// from a private place (it must not get everywhere). Labels travel with the messages that carry the data, through tool
// results, notes and sub-agents; the policy decides by them (policy_settings.hpp, FlowSettings).
#pragma once

#include <sennit/agent/io/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

/// Two sets of origins: "web:example.com", "mcp:github", "file:notes.txt", "memory:assistant". Each is sorted, without
/// doubles, and holds at most kMost: what comes beyond that is one origin, kOthers.
struct Labels {
  static constexpr std::size_t kMost = 24;
  static constexpr std::string_view kOthers = "others";

  std::vector<std::string> untrusted{};     ///< somebody else may have written it
  std::vector<std::string> confidential{};  ///< not everybody may read it

  [[nodiscard]] bool empty() const noexcept { return untrusted.empty() && confidential.empty(); }
  void add(const Labels& others);
  void add_untrusted(std::string origin);
  void add_confidential(std::string origin);
  friend bool operator==(const Labels&, const Labels&) = default;
};

/// {"untrusted":[…],"confidential":[…]}; what is empty is left out.
[[nodiscard]] json::value to_json(const Labels& labels);
/// Takes what to_json gave, and null. Throws Error(errc::invalid_argument) on anything else.
[[nodiscard]] Labels labels_from_json(const json::value& value);

/// For people: "web:example.com and mcp:github".
[[nodiscard]] std::string describe_origins(const std::vector<std::string>& origins);

}  // namespace sennit
