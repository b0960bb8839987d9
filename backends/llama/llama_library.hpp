// Private: Finds and loads the component that links libllama, when a model of the kind is first asked something.
#pragma once

#include <sennit/backends/llama/llama_module.h>

#include <filesystem>
#include <vector>

namespace sennit {

/// The module's table; it stays loaded until the process ends. Throws Error(errc::not_found) that says what to do
/// where there is none, Error(errc::io) where there is one that does not load. Blocks on the disk. [thread-safe]
[[nodiscard]] const sennit_llama_api& llama_library();

/// Where it is looked for, in this order: $SENNIT_LLAMA_MODULE and nothing else if that is set; else beside the
/// program or libsennit.so, in the folder above (a build), and in lib/sennit.
[[nodiscard]] std::vector<std::filesystem::path> llama_module_places();

}  // namespace sennit
