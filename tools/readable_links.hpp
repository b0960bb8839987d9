// Private: Where a page's links lead.
#pragma once

#include <string>
#include <string_view>

namespace sennit::readable {

/// The absolute URL of a reference in the page `base`; empty for what is no address to go on with: another scheme than
/// http, https and mailto, a place in the same page, what is no URL or too long to be worth its tokens.
[[nodiscard]] std::string absolute_url(std::string_view base, std::string_view reference);

}  // namespace sennit::readable
