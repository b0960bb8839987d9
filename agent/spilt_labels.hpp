// Private: where the labels of an output are that was set aside because it is too long for a model.
#pragma once

#include <filesystem>

namespace sennit {

/// Beside the output's own file, as to_json() writes them.
[[nodiscard]] inline std::filesystem::path labels_file(std::filesystem::path output) {
  output += ".labels";
  return output;
}

}  // namespace sennit
