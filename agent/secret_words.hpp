// Secrets that stand in the words of a command: `--token KEY`, `--api-key=KEY`, `API_KEY=KEY`, `Authorization: KEY`.
// They are better kept in a child's environment, as everybody on a machine sees the arguments of its programs; but
// people write them there, and then they are to appear nowhere else.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace sennit {

/// Where in `command[index]` a secret begins that is written out, by the name before it; nothing: it holds none. A
/// reference (`${env:NAME}`) is none.
[[nodiscard]] std::optional<std::size_t> secret_in(const std::vector<std::string>& command, std::size_t index);

/// The command with `***` in the place of each secret, for people.
[[nodiscard]] std::vector<std::string> without_secrets(std::vector<std::string> command);

/// The same with a fingerprint behind each: tells one command from another without saying what is secret.
[[nodiscard]] std::vector<std::string> with_fingerprints(std::vector<std::string> command);

/// Registers each secret for redaction (io/secrets.hpp).
void hide_literals(const std::vector<std::string>& command);

}  // namespace sennit
