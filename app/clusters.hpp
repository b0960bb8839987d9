// What a person takes for one character is one character of the line editor: grapheme clusters.
//
// libedit counts, deletes and draws by code point, and what has no width of its own (accents, joiners, modifiers) it
// loses on the screen. So a cluster of several code points is one stand-in to it: a character that nobody types, as
// wide as the cluster. What libedit writes goes through a stream that puts the clusters back.
#pragma once

#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::app {

class Clusters {
 public:
  Clusters() = default;
  Clusters(const Clusters&) = delete;
  Clusters& operator=(const Clusters&) = delete;

  /// For libedit.
  [[nodiscard]] std::wstring widen(std::string_view text);
  /// From libedit: exactly what was given to widen().
  [[nodiscard]] std::string narrow(std::wstring_view wide) const;
  /// The character that stands for `before` and what is typed behind it, if that belongs together.
  [[nodiscard]] std::optional<wchar_t> join(wchar_t before, char32_t next);

  /// A stream for libedit to write to the screen with; what it writes is harmless, and an accent that stands alone is
  /// seen. Closing it leaves the descriptor open. Null if there is none to be had. The object must outlive it.
  [[nodiscard]] std::FILE* open_screen(int descriptor) const;

 private:
  [[nodiscard]] std::wstring stand_in(const std::string& cluster);
  [[nodiscard]] const std::string* find(char32_t code) const;
  [[nodiscard]] std::string shown(char32_t code) const;

  struct Screen;

  std::map<std::string, wchar_t, std::less<>> known_;
  std::vector<std::string> narrow_;
  std::vector<std::string> wide_;
};

}  // namespace sennit::app
