// Private: What arguments name, in the one spelling that a policy judges. Pure: nothing is looked up.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sennit {

inline constexpr std::string_view kUnknownHost = "?";  ///< of what cannot be read: see Tool::facets

/// Of ASCII alone: domains and schemes have no other letters.
[[nodiscard]] std::string lowered(std::string_view text);

/// `a/./b/`, `a//b` and `a/b` are one place.
[[nodiscard]] std::string spelt_path(std::string_view path);

/// See one_spelling(); without a port. What is no host is kUnknownHost.
[[nodiscard]] std::string spelt_host(std::string_view host);

[[nodiscard]] std::string host_of_url(std::string_view url);

/// Without the port that its scheme has anyway, without `.`, `..` and fragment. Nothing where it cannot be read, or
/// servers disagree about it.
[[nodiscard]] std::optional<std::string> spelt_url(std::string_view url);

/// A pattern for either, so that it can fit what these give.
[[nodiscard]] std::string spelt_host_pattern(std::string_view pattern);
[[nodiscard]] std::string spelt_url_pattern(std::string_view pattern);

/// Whether some host may fit it: no port, no scheme, no path, and international names in their xn-- form.
[[nodiscard]] bool can_fit_a_host(std::string_view pattern);

}  // namespace sennit
