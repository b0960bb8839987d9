// The text of a PDF, by poppler's `pdftotext` in a sandbox: a parser of a format that is famous for what can
// be done to its parsers gets the bytes of one file through a pipe, and sees nothing else.
#pragma once

#include <sennit/agent/io/environment.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sennit::pdf {

inline constexpr std::size_t kMaxPdf = 32U << 20U;     ///< bytes of a file
inline constexpr std::size_t kMaxText = 4U << 20U;     ///< bytes of text that are read of it
inline constexpr std::int64_t kMemory = 512LL << 20U;  ///< bytes that the program may use

struct Setup {
  bool unsandboxed = false;  ///< where no sandbox is possible, it may run without one
  std::string program = "pdftotext";
  milliseconds timeout{45'000};
};

struct Pages {
  std::size_t first = 1;
  std::optional<std::size_t> last{};
};
/// `3`, `3-7`, `3-`; empty: all. Throws Error(errc::invalid_argument).
[[nodiscard]] Pages pages_of(std::string_view text);

/// The text, each page under a line `[page N]`. Throws Error: config (poppler-utils is missing, no sandbox),
/// invalid_argument (no PDF, damaged, locked, no such page), timeout, too_large. Cancellation: terminal; the program is
/// killed.
[[nodiscard]] asio::awaitable<std::string> to_text(Environment& environment, Setup setup, std::string bytes,
                                                   Pages pages);

}  // namespace sennit::pdf
