// Private: The notation of references to secrets: `${env:NAME}`, `${file:PATH}`, `${cmd:WORDS}`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::secret {

enum class Source : std::uint8_t { env, file, cmd };

/// One reference within a text.
struct Reference {
  Source source = Source::env;
  std::string_view what;  ///< the name, the path, the words
  std::size_t begin = 0;  ///< of `${`
  std::size_t end = 0;    ///< behind `}`
};

/// The first reference at `from` or behind. The `}` that ends the words of a program is the first outside of quotes.
[[nodiscard]] std::optional<Reference> find_reference(std::string_view text, std::size_t from = 0);

/// Calls `literal(text)` and `refers(reference)` for the pieces of a text, in their order.
template <class Literal, class Refers>
void for_each_piece(std::string_view text, Literal literal, Refers refers) {
  std::size_t at = 0;
  while (const std::optional<Reference> reference = find_reference(text, at)) {
    if (reference->begin > at) literal(text.substr(at, reference->begin - at));
    refers(*reference);
    at = reference->end;
  }
  if (at < text.size()) literal(text.substr(at));
}

/// What is wrong with the `${…}` in a text; empty: nothing.
[[nodiscard]] std::string wrong_reference(std::string_view text);

/// Relative paths of files become `DIRECTORY/./PATH`: read from there, and shown as they were written.
[[nodiscard]] std::string bound(std::string_view text, const std::filesystem::path& directory);
/// The text as it was before bound().
[[nodiscard]] std::string unbound(std::string_view text);

/// The words of a command: quotes and backslashes as in a shell, and nothing else of one. Throws Error(errc::config)
/// for an open quote, for no word, and for what only a shell would understand.
[[nodiscard]] std::vector<std::string> split_words(std::string_view line);

}  // namespace sennit::secret
