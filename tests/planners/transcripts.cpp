// Every tests/planners/transcripts/*.txt is a test: see support/transcript.hpp for the format.
#include "support/transcript.hpp"

#include <catch2/catch_test_macros.hpp>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

using namespace sennit;

namespace {

std::vector<std::filesystem::path> transcript_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(SENNIT_SOURCE_DIR "/tests/planners/transcripts")) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string read(const std::filesystem::path& file) {
  std::ostringstream out;
  out << std::ifstream(file).rdbuf();
  return out.str();
}

}  // namespace

TEST_CASE("every transcript holds") {
  const auto files = transcript_files();
  for (const auto& file : files) {
    const auto folder = std::filesystem::temp_directory_path() / ("sennit-transcript-" + std::to_string(getpid()));
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    std::string difference;
    try {
      difference = testing::play(testing::parse_transcript(read(file)), folder);
    } catch (const std::exception& error) {
      difference = error.what();
    }
    INFO(file.filename().string());
    CHECK(difference == "");
    std::filesystem::remove_all(folder);
  }
  CHECK(files.size() >= 50);  // a folder that was not found must not pass
}
