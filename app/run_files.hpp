// The files that runs are exported to.
#pragma once

#include <sennit/agent/run_record.hpp>

#include <filesystem>

namespace sennit::app {

/// ID.run.jsonl
[[nodiscard]] std::filesystem::path run_file_name(const RunRecord& record);

}  // namespace sennit::app
