// Private: One file's hunks on one file's text. Pure.
#pragma once

#include <sennit/tools/patch_parse.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace sennit::patch {

struct Applied {
  std::string text;
  /// What was not as the patch said, for the model: a hunk that stood elsewhere, wrong counts.
  std::vector<std::string> remarks;
};

/// Every line of a hunk that is context or removed has to stand in the text exactly (but for the line ends: a file with
/// CRLF keeps them). A hunk may stand in another place than it says if there is only one; it is told. Throws
/// Error(errc::invalid_argument) that says which hunk does not fit and what stands there. `stopped` is asked now and
/// then; true ends it with Error(errc::cancelled).
[[nodiscard]] Applied apply(const std::string& text, const std::vector<Hunk>& hunks,
                            const std::function<bool()>& stopped);

}  // namespace sennit::patch
