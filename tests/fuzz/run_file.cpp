// A run's file comes from strangers: whatever the bytes, it is refused with a place, or it is a run that is written
// and read again as the same.
#include <sennit/agent/io/error.hpp>
#include <sennit/agent/run_record.hpp>

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace {

std::string content_of(const std::filesystem::path& file) {
  std::ostringstream content;
  content << std::ifstream(file, std::ios::binary).rdbuf();
  return content.str();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::filesystem::path folder = [] {
    std::string pattern = (std::filesystem::temp_directory_path() / "sennit-fuzz-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    return std::filesystem::path(pattern);
  }();
  const std::filesystem::path given = folder / "given";
  const std::filesystem::path first = folder / "first";
  const std::filesystem::path second = folder / "second";
  std::ofstream(given, std::ios::binary) << std::string_view(reinterpret_cast<const char*>(data), size);
  try {
    const sennit::RecordedRun run = sennit::read_run_file(given);
    sennit::write_run_file(run, first);
    sennit::write_run_file(sennit::read_run_file(first), second);
    if (content_of(first) != content_of(second)) std::abort();
  } catch (const sennit::Error& error) {
    if (error.code() != sennit::errc::invalid_argument || error.where().empty()) std::abort();
  }
  std::filesystem::remove(first);
  std::filesystem::remove(second);
  return 0;
}
