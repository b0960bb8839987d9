#include <sennit/agent/definition.hpp>
#include <sennit/tools/http_credentials.hpp>
#include <sennit/tools/http_rules.hpp>

#include <algorithm>
#include <array>
#include <cctype>

namespace sennit::http {
namespace {

constexpr std::string_view kOpen = "${env:";

/// The `${env:…}` pieces of a value, each by itself: a peer may send back a key without the words around it.
void collect_references(std::string_view value, std::vector<std::string>& secrets) {
  for (std::size_t at = value.find(kOpen); at != std::string_view::npos; at = value.find(kOpen, at + 1)) {
    const std::size_t end = value.find('}', at);
    if (end == std::string_view::npos) return;
    secrets.push_back(Secret(std::string(value.substr(at, end - at + 1))).resolve());
  }
}

/// Whether a header of this name holds a secret even if it is written out (`Accept` never does).
bool sounds_secret(std::string_view name) {
  constexpr std::array<std::string_view, 6> kSigns{"auth", "key", "token", "secret", "cookie", "password"};
  std::string lower(name);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::any_of(kSigns.begin(), kSigns.end(),
                     [&](std::string_view sign) { return lower.find(sign) != std::string::npos; });
}

}  // namespace

Credentials::Credentials(const std::map<std::string, std::string>& configured) {
  for (const auto& [name, value] : configured) {
    headers_.push_back({name, Secret(value).resolve()});
    collect_references(value, secrets_);
    if (value.find(kOpen) == std::string::npos && sounds_secret(name)) {
      secrets_.push_back(value.substr(value.find_last_of(' ') + 1));  // "Bearer KEY": the key
    }
  }
}

bool Credentials::has(std::string_view name) const {
  return std::any_of(headers_.begin(), headers_.end(),
                     [&](const Header& header) { return same_name(header.name, name); });
}

std::string Credentials::mask(std::string text) const {
  constexpr std::size_t kShortest = 4;  // a shorter one is everywhere in ordinary text
  constexpr std::string_view kMask = "***";
  for (const std::string& secret : secrets_) {
    if (secret.size() < kShortest) continue;
    for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + kMask.size())) {
      text.replace(at, secret.size(), kMask);
    }
  }
  return text;
}

}  // namespace sennit::http
