// What leaves the program and has to come back unchanged: text under a message authentication code of a key that nobody
// else has (HMAC-SHA-256).
#pragma once

#include <sennit/agent/io/environment.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace sennit::mcp {

class Seal {
 public:
  /// Draws a key, which lives as long as this object.
  explicit Seal(Environment& environment);
  /// `text` with its code: printable, one word.
  [[nodiscard]] std::string close(std::string_view text) const;
  /// What close() was given; nothing if it is anything else.
  [[nodiscard]] std::optional<std::string> open(std::string_view sealed) const;

 private:
  [[nodiscard]] std::string code_of(std::string_view text) const;
  std::string key_;
};

/// 128 unpredictable bits in hex.
[[nodiscard]] std::string random_word(Environment& environment);

/// Whether both are the same, in a time that does not tell where they differ.
[[nodiscard]] bool same_secret(std::string_view a, std::string_view b);

}  // namespace sennit::mcp
