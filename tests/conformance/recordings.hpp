// The recorded cases on disk, for the conformance tests.
#pragma once

#include <sennit/agent/io/json.hpp>
#include <sennit/backends/replay.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::testing {

struct RecordedCase {
  std::string name;
  std::filesystem::path body_file;
  std::string body;
  int status = 200;
  bool streaming = false;
  std::string content_type;
  std::vector<std::size_t> pieces;  ///< sizes of the reads of the client that recorded it; mostly empty
  json::value expected;
};

/// All cases of a protocol. Where the recordings are not on this machine, the running test is skipped with the reason.
[[nodiscard]] std::vector<RecordedCase> recorded_cases(std::string_view api);

}  // namespace sennit::testing
