#include <sennit/backends/chat_key.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace sennit {

namespace {

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first == std::string::npos ? std::string() : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string find_key(const Provider& provider, const ModelSpec& spec) {
  if (!spec.api_key.empty()) {
    try {
      return spec.api_key.resolve();
    } catch (const Error& error) {
      throw Error(errc::authentication, fmt::format("no key for {}: {}", provider.title, error.message()));
    }
  }
  const char* const found = std::getenv(std::string(provider.key_variable).c_str());
  return found != nullptr ? found : "";
}

std::string replaced(std::string text, std::string_view secret) {
  for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at)) {
    text.replace(at, secret.size(), "***");
    at += 3;
  }
  return text;
}

}  // namespace

std::string resolve_key(const Provider& provider, const ModelSpec& spec) {
  std::string key = trimmed(find_key(provider, spec));
  if (key.empty() && provider.key_required && spec.base_url.empty()) {
    throw Error(errc::authentication, fmt::format("{} needs a key: set {} (`export {}=…`) or `model.api_key`",
                                                  provider.title, provider.key_variable, provider.key_variable));
  }
  const bool printable = std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!printable) {
    throw Error(errc::authentication,
                fmt::format("the key for {} holds white space or other characters that no key has", provider.title));
  }
  return key;
}

Error without_key(Error error, const Provider& provider, const ModelSpec& spec) {
  constexpr std::size_t kShortestSecret = 6;  // shorter ones are placeholders such as "none"
  std::string key;
  try {
    key = resolve_key(provider, spec);
  } catch (const Error&) {
    return error;
  }
  const bool quoted =
      error.message().find(key) != std::string::npos || error.provider_message().find(key) != std::string::npos;
  if (key.size() < kShortestSecret || !quoted) return error;
  Error clean = Error(error.code(), replaced(error.message(), key))
                    .at(error.where())
                    .provider(error.status(), error.provider_type(), replaced(error.provider_message(), key));
  if (!error.retryable()) return clean;
  return std::move(clean).retry(error.retry_after());
}

}  // namespace sennit
