#include <sennit/agent/io/digest.hpp>
#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/secrets.hpp>
#include <sennit/agent/secret.hpp>
#include <sennit/agent/secret_cache.hpp>
#include <sennit/agent/secret_reference.hpp>
#include <sennit/agent/secret_source.hpp>

#include <boost/url/decode_view.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/pct_string_view.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace sennit {
namespace secret {
namespace {

/// A file's text or a program's output, or why there is none.
struct Kept {
  std::string value;
  std::optional<Error> error;
};

struct Cache {
  std::mutex mutex;
  std::map<std::string, Kept, std::less<>> kept;  // by reference
};

Cache& cache() {
  static Cache& kCache = *new Cache;  // never destroyed: a thread that ends late may still resolve
  return kCache;
}

Kept read(const Reference& reference) {
  try {
    return {reference.source == Source::file ? read_file(reference.what) : read_command(reference.what), {}};
  } catch (...) {
    return {{}, current_error()};
  }
}

std::string key_of(const Reference& reference) {
  return (reference.source == Source::file ? "file:" : "cmd:") + std::string(reference.what);
}

/// Variables that everybody has, and that are in every other path: no secrets.
bool is_public(std::string_view variable) {
  static constexpr std::array<std::string_view, 12> kNames{"HOME", "USER", "LOGNAME", "PATH",     "PWD", "SHELL",
                                                           "LANG", "TERM", "TMPDIR",  "HOSTNAME", "TZ",  "EDITOR"};
  return std::ranges::count(kNames, variable) != 0 || variable.starts_with("XDG_") || variable.starts_with("LC_");
}

}  // namespace

void refresh(const Reference& reference) {
  if (reference.source == Source::env) return;
  Kept fresh = read(reference);
  const std::lock_guard lock(cache().mutex);
  constexpr std::size_t kMostKept = 1'000;  // more is a program that makes up references
  if (cache().kept.size() >= kMostKept) cache().kept.clear();
  cache().kept.insert_or_assign(key_of(reference), std::move(fresh));
}

std::string value_of(const Reference& reference) {
  if (reference.source == Source::env) return read_variable(reference.what);
  const std::string key = key_of(reference);
  for (bool again = false;; again = true) {
    {
      const std::lock_guard lock(cache().mutex);
      const auto found = cache().kept.find(key);
      if (found != cache().kept.end()) {
        if (found->second.error) throw Error(*found->second.error);
        return found->second.value;
      }
    }
    if (again) throw Error(errc::internal, "a secret was forgotten as soon as it was read");
    refresh(reference);
  }
}

void hide(const Reference& reference, std::string_view value) {
  if (reference.source != Source::env) return secrets::add(value);
  // Keys of servers that want none are set to words.
  if (!is_public(reference.what)) secrets::add_unless_word(value);
}

}  // namespace secret

namespace {

/// What is written out in a URL and is a secret.
void hide_literals_of(std::string_view address) {
  const auto parsed = boost::urls::parse_uri(address);
  if (!parsed) return;
  const bool is_token = parsed->has_userinfo() && !parsed->has_password();
  if (parsed->has_password()) secrets::add_unless_word(parsed->password());
  if (is_token) secrets::add_unless_word(parsed->user());
  for (const auto& parameter : parsed->params()) {
    if (parameter.has_value && sounds_secret(parameter.key)) secrets::add_unless_word(parameter.value);
  }
}

/// As it is written in a URL, and as it is meant.
void hide_encoded(std::string_view text) {
  secrets::add_unless_word(text);
  const auto decoded = boost::urls::make_pct_string_view(text);
  if (decoded) secrets::add_unless_word(decoded->decode());
}

template <class Each>
void for_each_part(std::string_view text, std::string_view separators, Each each) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.size(), text.find_first_of(separators));
    each(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
}

/// Of a reference that brings a host, what stands around it.
void hide_around_host(std::string_view address) {
  constexpr std::size_t kShortestSegment = 16;  // shorter ones are ordinary words of a path
  const std::size_t scheme = address.find("://");
  if (scheme != std::string_view::npos) address.remove_prefix(scheme + 3);
  const std::string_view host = address.substr(0, address.find_first_of("/?#"));
  address.remove_prefix(host.size());
  const std::size_t at = host.rfind('@');
  if (at != std::string_view::npos) for_each_part(host.substr(0, at), ":", &hide_encoded);
  const std::string_view path = address.substr(0, address.find_first_of("?#"));
  address.remove_prefix(path.size());
  for_each_part(path, "/", [](std::string_view segment) {
    if (segment.size() >= kShortestSegment) hide_encoded(segment);
  });
  for_each_part(address, "?#&", [](std::string_view value) { hide_encoded(value.substr(value.find('=') + 1)); });
}

/// Whether what follows `before` in a URL names its scheme, host or port.
bool names_host(std::string_view before, std::string_view behind) {
  const std::size_t scheme = before.find("://");
  const std::size_t host = scheme == std::string_view::npos ? 0 : scheme + 3;
  if (before.find_first_of("/?#", host) != std::string_view::npos) return false;
  return behind.substr(0, behind.find_first_of("/?#")).find('@') == std::string_view::npos;
}

}  // namespace

std::string Secret::resolve() const {
  std::string value;
  secret::for_each_piece(
      reference_, [&](std::string_view literal) { value += literal; },
      [&](const secret::Reference& reference) {
        const std::string piece = secret::value_of(reference);
        secret::hide(reference, piece);
        value += piece;
      });
  return value;
}

std::string Secret::resolve_address() const {
  std::string address;
  secret::for_each_piece(
      reference_, [&](std::string_view literal) { address += literal; },
      [&](const secret::Reference& reference) {
        const std::string piece = secret::value_of(reference);
        const bool is_host = names_host(address, std::string_view(reference_).substr(reference.end));
        is_host ? hide_around_host(piece) : secret::hide(reference, piece);
        address += piece;
      });
  hide_literals_of(address);
  return address;
}

std::string Secret::describe() const {
  std::string shown;
  const std::string written = secret::unbound(reference_);
  secret::for_each_piece(
      written, [&](std::string_view /*text*/) { shown += "***"; },
      [&](const secret::Reference& reference) {
        shown += std::string_view(written).substr(reference.begin, reference.end - reference.begin);
      });
  return shown;
}

std::string Secret::fingerprint() const {
  return sha256(secret::unbound(reference_));
}

bool has_reference(std::string_view text) {
  return secret::find_reference(text).has_value();
}

bool begins_with_reference(std::string_view text) {
  const auto reference = secret::find_reference(text);
  return reference && reference->begin == 0;
}

bool sounds_secret(std::string_view name) {
  static constexpr std::array<std::string_view, 8> kSigns{"auth",   "key",    "token",    "secret",
                                                          "cookie", "passwd", "password", "credential"};
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::any_of(kSigns, [&](std::string_view sign) { return lower.find(sign) != std::string::npos; });
}

void hide_literal(std::string_view value) {
  if (has_reference(value)) return;
  if (value.find('=') == std::string_view::npos || value.find("; ") == std::string_view::npos) {
    return secrets::add_unless_word(value.substr(value.find_last_of(' ') + 1));
  }
  while (!value.empty()) {  // cookies
    const std::string_view cookie = value.substr(0, value.find("; "));
    secrets::add_unless_word(cookie.substr(cookie.find('=') + 1));
    value.remove_prefix(std::min(value.size(), cookie.size() + 2));
  }
}

}  // namespace sennit
