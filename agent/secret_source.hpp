// Private: Where secrets come from: variables, files, programs. Nothing here registers what it reads.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace sennit::secret {

inline constexpr std::size_t kMaxValue = 64ULL << 10U;   ///< bytes of a file, or of what a program prints
inline constexpr std::chrono::seconds kCommandTime{10};  ///< for a program: a person may have to unlock a vault
inline constexpr std::size_t kMaxErrorWords = 400;       ///< of what a program says about its failure

// Each throws Error(errc::config), in words that name what was referred to and hold nothing of the value.

/// The variable of our environment.
[[nodiscard]] std::string read_variable(std::string_view name);

/// The file's text without line breaks at its end. `~/` is the home folder. Like ssh with its keys: a file of our own
/// that others may read is refused.
[[nodiscard]] std::string read_file(std::string_view path);

/// What the program prints, without line breaks at its end. It gets the variables that programs for secrets need (PATH,
/// HOME, XDG_…, GNUPGHOME, VAULT_…), and no terminal. Blocks.
[[nodiscard]] std::string read_command(std::string_view line, std::chrono::milliseconds limit = kCommandTime);

}  // namespace sennit::secret
