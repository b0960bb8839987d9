// Secrets as handles: named in an agent file, resolved where they are used.
//
//   api_key: ${env:DEEPSEEK_API_KEY}
//   headers: { Authorization: "Bearer ${cmd:pass show example/token}" }
//   env:     { CREDENTIALS: "${file:~/.secrets/credentials.json}" }
//
// What is resolved is also registered (io/secrets.hpp), so that it appears in no event, log record, tool output or row
// of the store, whoever sends it back.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace sennit {

struct Definition;

/// Text with secrets by reference, also inside other text ("Bearer ${env:TOKEN}"): `${env:NAME}` is a variable of our
/// environment, `${file:PATH}` the text of a file without the line break at its end, `${cmd:WORDS}` what a program
/// prints, likewise. Literal text is possible and discouraged.
///
/// Variables are read when they are needed. Files and programs are read by load_secrets(), once, and kept in memory;
/// one that was not loaded is read by resolve(), which then blocks. [thread-safe]
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string reference) : reference_(std::move(reference)) {}
  [[nodiscard]] bool empty() const noexcept { return reference_.empty(); }

  /// The value. Throws Error(errc::config) if a variable is not set, a file cannot be read, is larger than 64 KiB or
  /// open to others, or a program fails; the message says what to do and holds nothing of the value.
  [[nodiscard]] std::string resolve() const;
  /// The same for a URL. What names its host is no secret; what stands before its `@`, in its path and in its query is,
  /// as far as references bring it, and so are literal passwords and the values of parameters that sound secret.
  [[nodiscard]] std::string resolve_address() const;

  /// For people: `${env:NAME}`, with `***` for literal text around it or in its place.
  [[nodiscard]] std::string describe() const;
  /// Tells one secret from another without saying it: a digest of what it refers to, or of the literal text.
  [[nodiscard]] std::string fingerprint() const;
  friend bool operator==(const Secret&, const Secret&) = default;

 private:
  friend void load_secrets(const Definition& definition);
  friend void bind_secrets(Definition& definition);

  std::string reference_;
};

/// Whether some of `text` is a reference; whether it begins with one.
[[nodiscard]] bool has_reference(std::string_view text);
[[nodiscard]] bool begins_with_reference(std::string_view text);

/// Whether a setting or header of this name holds a secret ("Authorization", "api_key", "X-Token").
[[nodiscard]] bool sounds_secret(std::string_view name);

/// Registers a value that is written out where a secret belongs. Of a header the last word counts ("Bearer KEY"), of a
/// cookie each value.
void hide_literal(std::string_view value);

/// Makes relative `${file:…}` paths of an agent file's settings relative to that file, wherever they are read.
void bind_secrets(Definition& definition);

/// Reads the files and runs the programs that the definition's settings refer to, anew, and registers all its secrets,
/// literal ones too. Blocks, at most 10 s a program. What fails is thrown by resolve(), where the secret is needed.
void load_secrets(const Definition& definition);

}  // namespace sennit
