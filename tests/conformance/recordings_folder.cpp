#include "recordings.hpp"
#include "support/fixtures.hpp"
#include <sennit/backends/wire/wire_json.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace sennit::testing {
namespace {

std::filesystem::path recordings_folder() {
  const char* const configured = std::getenv("SENNIT_RECORDINGS");
  if (configured != nullptr && *configured != '\0') return configured;
  return std::filesystem::path(SENNIT_SOURCE_DIR) / ".." / "shared" / "recordings";
}

json::value read_json(const std::filesystem::path& file) {
  std::optional<json::value> value = parse_exact(read_file(file));
  if (!value) throw std::runtime_error(file.string() + " is not JSON");
  return *std::move(value);
}

RecordedCase read_case(const std::filesystem::path& folder) {
  RecordedCase recorded;
  recorded.name = folder.filename();
  const json::value meta = read_json(folder / "meta.json");
  recorded.status = static_cast<int>(find_int(meta, "http_status").value_or(200));
  recorded.content_type = find_string(meta, "content_type");
  recorded.streaming = meta.at("streaming").as_bool();
  recorded.expected = read_json(folder / "expected.json");
  for (const char* const name : {"response.sse", "response.ndjson", "response.json", "response.txt"}) {
    if (std::filesystem::exists(folder / name)) recorded.body_file = folder / name;
  }
  recorded.body = read_file(recorded.body_file);
  if (std::filesystem::exists(folder / "chunks.json")) {
    const json::value sizes = read_json(folder / "chunks.json");
    for (const json::value& size : sizes.as_array()) {
      recorded.pieces.push_back(static_cast<std::size_t>(size.as_int64()));
    }
  }
  return recorded;
}

}  // namespace

std::vector<RecordedCase> recorded_cases(std::string_view api) {
  const std::filesystem::path folder = recordings_folder() / api;
  if (!std::filesystem::is_directory(folder)) {
    SKIP("NOT RUN: there are no recordings at " << folder.lexically_normal().string()
                                                << " (set SENNIT_RECORDINGS to the folder that holds them)");
  }
  std::vector<RecordedCase> cases;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (std::filesystem::exists(entry.path() / "meta.json")) cases.push_back(read_case(entry.path()));
  }
  std::sort(cases.begin(), cases.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return cases;
}

}  // namespace sennit::testing
