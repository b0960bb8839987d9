// Private: What an element itself says about not being seen.
#pragma once

#include <cstddef>
#include <string_view>

namespace sennit::readable {

/// Whether a `style` attribute takes its element out of sight.
[[nodiscard]] bool style_hides(std::string_view style);

/// Whether a `class` attribute has one of the names that style sheets all over the web give to what nobody sees, or
/// what a screen reader alone reads.
[[nodiscard]] bool class_hides(std::string_view classes);

}  // namespace sennit::readable
