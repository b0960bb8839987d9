#include <sennit/agent/io/secrets.hpp>
#include <sennit/agent/secret.hpp>
#include <sennit/agent/secret_words.hpp>

#include <functional>
#include <string_view>

namespace sennit {
namespace {

constexpr std::string_view kNameLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

/// `--token-file` names a place, no secret.
bool names_secret(std::string_view name) {
  return sounds_secret(name) && !name.ends_with("file") && !name.ends_with("path");
}

/// Behind the first `=` (anywhere: a URL may have it in its query) or `:` (of a header) whose name sounds secret.
std::optional<std::size_t> behind_name(std::string_view word) {
  for (std::size_t at = word.find_first_of("=:"); at != std::string_view::npos; at = word.find_first_of("=:", at + 1)) {
    const std::size_t before = word.substr(0, at).find_last_not_of(kNameLetters);
    const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
    if (word[at] == ':' && begin != 0) continue;
    if (!names_secret(word.substr(begin, at - begin))) continue;
    const std::size_t value = word.find_first_not_of(' ', at + 1);
    if (value != std::string_view::npos) return value;
  }
  return std::nullopt;
}

std::vector<std::string> replaced(std::vector<std::string> command,
                                  const std::function<std::string(const std::string& secret)>& with) {
  const std::vector<std::string> written = command;
  for (std::size_t i = 0; i < written.size(); ++i) {
    const auto at = secret_in(written, i);
    if (at) command[i] = written[i].substr(0, *at) + with(written[i].substr(*at));
  }
  return command;
}

}  // namespace

std::optional<std::size_t> secret_in(const std::vector<std::string>& command, std::size_t index) {
  const std::string& word = command[index];
  if (index == 0 || word.empty() || has_reference(word)) return std::nullopt;
  const std::string& before = command[index - 1];
  const bool is_value = before.starts_with('-') && before.find('=') == std::string::npos && !word.starts_with('-');
  if (is_value && names_secret(before)) return 0;
  return behind_name(word);
}

std::vector<std::string> without_secrets(std::vector<std::string> command) {
  return replaced(std::move(command), [](const std::string&) { return std::string(secrets::kMask); });
}

std::vector<std::string> with_fingerprints(std::vector<std::string> command) {
  return replaced(std::move(command), [](const std::string& secret) {
    return std::string(secrets::kMask) + "#" + Secret(secret).fingerprint();
  });
}

void hide_literals(const std::vector<std::string>& command) {
  for (std::size_t i = 0; i < command.size(); ++i) {
    if (const auto at = secret_in(command, i)) hide_literal(std::string_view(command[i]).substr(*at));
  }
}

}  // namespace sennit
