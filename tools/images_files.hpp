// Private: Pictures as files that replace no other. Blocking; belongs on a pool thread.
#pragma once

#include <sennit/tools/files_root.hpp>
#include <sennit/tools/images_wire.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::images {

/// Stands before the painter's own words, which are untrusted.
inline constexpr std::string_view kRevised = "revised prompt: ";

/// Writes them and gives the lines that the model reads. `random` names the files that are on their way.
/// Throws Error: protocol where one is no picture (then none is written), too_large, denied, io.
[[nodiscard]] std::string keep(const ImagesSettings& settings, const files::Roots& roots,
                               const std::vector<Picture>& pictures, const std::string& stem, std::uint64_t random);

}  // namespace sennit::images
