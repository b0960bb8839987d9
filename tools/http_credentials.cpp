#include <sennit/agent/secret.hpp>
#include <sennit/agent/secret_reference.hpp>
#include <sennit/tools/http_credentials.hpp>
#include <sennit/tools/http_rules.hpp>

#include <algorithm>

namespace sennit::http {
namespace {

/// The references of a value, each by itself: a peer may send back a key without the words around it.
void collect_references(std::string_view value, std::vector<std::string>& secrets) {
  secret::for_each_piece(
      value, [](std::string_view /*literal*/) {},
      [&](const secret::Reference& reference) {
        secrets.push_back(
            Secret(std::string(value.substr(reference.begin, reference.end - reference.begin))).resolve());
      });
}

}  // namespace

Credentials::Credentials(const std::map<std::string, std::string>& configured) {
  for (const auto& [name, value] : configured) {
    headers_.push_back({name, Secret(value).resolve()});
    collect_references(value, secrets_);
    if (!has_reference(value) && sounds_secret(name)) {
      hide_literal(value);
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
