// Models write patches: any bytes are a patch or an error with words, and a patch keeps what it does not name. Before a
// zero byte stands the file, behind it the patch.
#include <sennit/agent/io/error.hpp>
#include <sennit/tools/patch_apply.hpp>
#include <sennit/tools/patch_parse.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sennit::patch;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t zero = input.find('\0');
  const std::string file(input.substr(0, zero));
  const std::string_view diff = zero == std::string_view::npos ? input : input.substr(zero + 1);
  try {
    for (const Change& change : parse(diff)) {
      if (change.from.empty() && change.to.empty()) std::abort();
      const Applied applied = apply(file, change.hunks, [] { return false; });
      if (change.hunks.empty() && applied.text != file) std::abort();
      std::size_t added = 0;
      for (const Hunk& hunk : change.hunks) {
        for (const Line& line : hunk.lines) added += line.kind == Line::Kind::added ? line.text.size() + 2 : 0;
      }
      if (applied.text.size() > file.size() + added + 2) std::abort();
    }
  } catch (const sennit::Error& error) {
    if (error.message().empty()) std::abort();
  }
  (void)paths_in(diff);
  return 0;
}
