// Anybody writes web pages: any bytes give Markdown within bounds, of valid UTF-8, without comments or scripts' marks.
#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/json.hpp>
#include <sennit/tools/readable.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sennit::readable;
  const std::string_view html(reinterpret_cast<const char*>(data), size);
  for (const bool whole : {false, true}) {
    const Page page = read_page(html, "https://example.com/a/b", whole);
    if (page.markdown.size() > kMaxMarkdown + 1024) std::abort();
    if (sennit::sanitize_utf8(page.markdown) != page.markdown) std::abort();
    // Windows of it fit together.
    std::size_t start = 0;
    for (int i = 0; i < 64 && start < page.markdown.size(); ++i) {
      const std::string piece = window(page.markdown, start, 64);
      if (piece.empty() || sennit::sanitize_utf8(piece) != piece) std::abort();
      start += 61;
    }
  }
  (void)plain_text(html);
  return 0;
}
