#include <sennit/agent/io/secrets.hpp>
#include <sennit/agent/io/white.hpp>
#include <sennit/backends/wire/provider_key.hpp>
#include <sennit/backends/wire/provider_verdict.hpp>

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <utility>
#include <vector>

namespace sennit {

namespace {

/// Where an address of the agent file leads, seen from a provider.
enum class Destination : std::uint8_t { own, this_machine, elsewhere };

bool same_host(const boost::urls::url_view& url, const boost::urls::url_view& own) {
  const std::string host = url.host_name();
  const std::string owner = own.host_name();
  const bool named = host == owner || host.ends_with("." + owner);  // eu.api.openai.com is OpenAI's
  const bool usual_port = url.port().empty() || url.port() == "443";
  return named && usual_port && url.scheme() == own.scheme() && !url.has_userinfo();
}

bool on_this_machine(const boost::urls::url_view& url) {
  switch (url.host_type()) {
    case boost::urls::host_type::ipv4:
      return url.host_ipv4_address().is_loopback();
    case boost::urls::host_type::ipv6:
      return url.host_ipv6_address().is_loopback();
    default:
      return url.host_name() == "localhost" || url.host_name().ends_with(".localhost");
  }
}

/// Only the keys of hosted providers are bound to their host: who runs servers of his own names where they are.
Destination destination(const Provider& provider, const ModelSpec& spec) {
  if (spec.base_url.empty() || !provider.key_required) return Destination::own;
  const std::string address = Secret(spec.base_url).resolve_address();
  boost::system::result<boost::urls::url> url = boost::urls::parse_uri(address);
  if (!url) return Destination::elsewhere;
  url->normalize();
  const bool at_home = std::ranges::any_of(provider.apis, [&](const Endpoint& endpoint) {
    const boost::system::result<boost::urls::url_view> own = boost::urls::parse_uri(endpoint.base_url);
    return own && same_host(*url, *own);
  });
  if (at_home) return Destination::own;
  return on_this_machine(*url) ? Destination::this_machine : Destination::elsewhere;
}

/// The agent file brings credentials in a form of its own.
bool has_credentials(const std::map<std::string, std::string>& headers) {
  static constexpr std::array<std::string_view, 4> kNames = {"authorization", "api-key", "x-api-key", "x-goog-api-key"};
  return std::any_of(headers.begin(), headers.end(), [](const auto& header) {
    return std::find(kNames.begin(), kNames.end(), lower_case(header.first, header.first.size())) != kNames.end();
  });
}

std::string find_key(const Provider& provider, const ModelSpec& spec) {
  if (!spec.api_key.empty()) {
    try {
      return spec.api_key.resolve();
    } catch (const Error& error) {
      throw Error(errc::authentication, fmt::format("no key for {}: {}", provider.title, error.message()));
    }
  }
  const char* const found = std::getenv(provider.key_variable.c_str());
  if (found == nullptr || *found == '\0') return "";
  switch (destination(provider, spec)) {
    case Destination::own:
      return found;
    case Destination::this_machine:
      return "";
    case Destination::elsewhere:
      if (has_credentials(spec.headers)) return "";
      break;
  }
  throw Error(
      errc::authentication,
      fmt::format("{0} is for {1} only, and `model.base_url` leads elsewhere: add `api_key: ${{env:{0}}}` below "
                  "`model` if that server shall get it, or name the model `openai-compatible/…`",
                  provider.key_variable, provider.apis.front().base_url));
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
  std::string key(trimmed(find_key(provider, spec)));
  if (key.empty() && provider.key_required && spec.base_url.empty()) {
    throw Error(errc::authentication, fmt::format("{} needs a key: set {} (`export {}=…`) or `model.api_key`",
                                                  provider.title, provider.key_variable, provider.key_variable));
  }
  const bool printable = std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!printable) {
    throw Error(errc::authentication,
                fmt::format("the key for {} holds white space or other characters that no key has", provider.title));
  }
  secrets::add_unless_word(key);
  return key;
}

std::string_view key_variable_for(const Provider& provider, const ModelSpec& spec) {
  const bool read =
      spec.api_key.empty() && (spec.base_url.empty() || !provider.key_required) && !has_credentials(spec.headers);
  return read ? provider.key_variable : std::string_view();
}

namespace {

/// The key, and what headers of the agent file bring by reference: all that a server may quote and nobody shall read.
std::vector<std::string> secrets_of(const Provider& provider, const ModelSpec& spec) {
  constexpr std::size_t kShortestSecret = 6;  // shorter ones are placeholders such as "none"
  std::vector<std::string> secrets;
  const auto add = [&](auto resolve) {
    try {
      std::string secret = resolve();
      if (secret.size() >= kShortestSecret) secrets.push_back(std::move(secret));
    } catch (const Error&) {
      return;  // what is not set cannot be quoted
    }
  };
  add([&] { return resolve_key(provider, spec); });
  for (const auto& [name, value] : spec.headers) {
    if (!has_reference(value) && !has_credentials({{name, value}})) continue;
    add([&] { return Secret(value).resolve(); });
    // "Bearer KEY": servers quote the key alone.
    add([&] {
      const std::string whole = Secret(value).resolve();
      return whole.substr(whole.find(' ') + 1);
    });
  }
  return secrets;
}

}  // namespace

Error without_key(Error error, const Provider& provider, const ModelSpec& spec) {
  std::string message = error.message();
  std::string words = error.provider_message();
  for (const std::string& secret : secrets_of(provider, spec)) {
    message = replaced(std::move(message), secret);
    words = replaced(std::move(words), secret);
  }
  if (message == error.message() && words == error.provider_message()) return error;
  Error clean = Error(error.code(), std::move(message))
                    .at(error.where())
                    .provider(error.status(), error.provider_type(), std::move(words));
  if (!error.retryable()) return clean;
  return std::move(clean).retry(error.retry_after());
}

}  // namespace sennit
