#include <sennit/agent/io/base64.hpp>
#include <sennit/agent/io/digest.hpp>
#include <sennit/agent/io/error.hpp>
#include <sennit/mcp/client/http_channel.hpp>
#include <sennit/mcp/client/oauth_rules.hpp>
#include <sennit/mcp/protocol/json_rpc.hpp>

#include <boost/url/parse.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace sennit::mcp::oauth {
namespace {

constexpr std::size_t kShownError = 200;

constexpr std::size_t kMostStrings = 200;

bool holds(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string path_of(std::string_view url) {
  const auto parsed = boost::urls::parse_uri(url);
  std::string path = parsed ? std::string(parsed->encoded_path()) : std::string();
  while (!path.empty() && path.back() == '/') path.pop_back();
  return path;
}

std::vector<std::string> words_in(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// The next `name=value` or `name="value"` of a list of parameters; nothing at its end.
std::optional<std::pair<std::string, std::string>> next_parameter(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == ',')) text.remove_prefix(1);
  const std::size_t equal = text.find('=');
  if (equal == std::string_view::npos) return std::nullopt;
  std::string name(text.substr(0, equal));
  text.remove_prefix(equal + 1);
  std::string value;
  if (text.starts_with('"')) {
    std::size_t at = 1;
    while (at < text.size() && text[at] != '"') {
      if (text[at] == '\\' && at + 1 < text.size()) ++at;
      value += text[at++];
    }
    text.remove_prefix(std::min(at + 1, text.size()));
  } else {
    const std::size_t end = std::min(text.find_first_of(", "), text.size());
    value = text.substr(0, end);
    text.remove_prefix(end);
  }
  return std::pair{std::move(name), std::move(value)};
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::vector<std::string> strings_at(const json::object& object, std::string_view key) {
  std::vector<std::string> strings;
  const json::array* list = find_array(object, key);
  if (list == nullptr) return strings;
  for (const json::value& one : *list) {
    if (one.is_string() && strings.size() < kMostStrings) strings.emplace_back(one.get_string());
  }
  return strings;
}

Challenge read_challenge(std::string_view header) {
  Challenge challenge;
  constexpr std::string_view kScheme = "bearer";
  std::size_t at = 0;
  while (at + kScheme.size() <= header.size() && !same_word(header.substr(at, kScheme.size()), kScheme)) ++at;
  if (at + kScheme.size() > header.size()) return challenge;
  header.remove_prefix(at + kScheme.size());
  while (const auto parameter = next_parameter(header)) {
    if (same_word(parameter->first, "resource_metadata")) challenge.metadata = parameter->second;
    if (same_word(parameter->first, "scope")) challenge.scope = parameter->second;
    if (same_word(parameter->first, "error")) challenge.error = parameter->second;
  }
  return challenge;
}

std::string origin_of(std::string_view url) {
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed) return {};
  return fmt::format("{}://{}", std::string(parsed->scheme()), std::string(parsed->encoded_host_and_port()));
}

std::vector<std::string> resource_metadata_urls(std::string_view resource, const Challenge& challenge) {
  if (!challenge.metadata.empty()) return {challenge.metadata};
  const std::string place = origin_of(resource) + "/.well-known/oauth-protected-resource";
  const std::string path = path_of(resource);
  if (path.empty()) return {place};
  return {place + path, place};
}

std::vector<std::string> server_metadata_urls(std::string_view issuer) {
  const std::string origin = origin_of(issuer);
  const std::string path = path_of(issuer);
  std::vector<std::string> urls{origin + "/.well-known/oauth-authorization-server" + path,
                                origin + "/.well-known/openid-configuration" + path};
  if (!path.empty()) urls.push_back(origin + path + "/.well-known/openid-configuration");
  return urls;
}

bool covers(std::string_view described, std::string_view url) {
  const std::string origin = origin_of(described);
  if (origin.empty() || origin != origin_of(url)) return false;
  const std::string above = path_of(described);
  const std::string path = path_of(url);
  return path == above || path.starts_with(above + "/");
}

void check_endpoint(std::string_view url, std::string_view what) {
  const auto parsed = boost::urls::parse_uri(url);
  const bool safe = parsed && (parsed->scheme() == "https" || (parsed->scheme() == "http" && names_loopback(url)));
  if (safe) return;
  throw Error(errc::denied, fmt::format("{} is '{}': signing in needs https, or this very machine", what, url));
}

Server read_server(const json::object& metadata, const std::string& issuer) {
  Server server;
  server.issuer = text_at(metadata, "issuer");
  if (server.issuer != issuer) {
    throw Error(errc::denied, fmt::format("the authorization server at {} says that it is {}: it may be somebody else",
                                          issuer, server.issuer));
  }
  server.authorization = text_at(metadata, "authorization_endpoint");
  server.token = text_at(metadata, "token_endpoint");
  server.registration = text_at(metadata, "registration_endpoint");
  server.scopes = strings_at(metadata, "scopes_supported");
  server.grants = strings_at(metadata, "grant_types_supported");
  server.methods = strings_at(metadata, "token_endpoint_auth_methods_supported");
  server.takes_documents = true_at(metadata, "client_id_metadata_document_supported");
  server.promises_issuer = true_at(metadata, "authorization_response_iss_parameter_supported");
  check_endpoint(server.token, "the token endpoint");
  if (!server.authorization.empty()) {
    check_endpoint(server.authorization, "the authorization endpoint");
    if (!holds(strings_at(metadata, "code_challenge_methods_supported"), "S256")) {
      throw Error(errc::protocol, fmt::format("the authorization server {} does not do PKCE with S256", issuer));
    }
  }
  if (!server.registration.empty()) check_endpoint(server.registration, "the registration endpoint");
  return server;
}

Server presumed_server(std::string_view resource) {
  Server server;
  server.issuer = origin_of(resource);
  server.authorization = server.issuer + "/authorize";
  server.token = server.issuer + "/token";
  server.registration = server.issuer + "/register";
  check_endpoint(server.token, "the token endpoint");
  return server;
}

std::string joined_scopes(std::string_view first, std::string_view second) {
  std::vector<std::string> words = words_in(first);
  for (std::string& word : words_in(second)) {
    if (!holds(words, word)) words.push_back(std::move(word));
  }
  return joined(words);
}

std::string scopes_for(const Challenge& challenge, const std::vector<std::string>& of_resource,
                       const std::vector<std::string>& configured, const Server& server) {
  std::string scopes = !challenge.scope.empty() ? challenge.scope : joined(of_resource);
  if (!configured.empty()) scopes = joined_scopes(joined(configured), challenge.scope);
  if (holds(server.scopes, "offline_access")) scopes = joined_scopes(scopes, "offline_access");
  return scopes;
}

std::string method_for(const Server& server, bool has_secret) {
  // RFC 8414: a server that says nothing takes client_secret_basic.
  const auto takes = [&](std::string_view method) {
    return server.methods.empty() ? method == "client_secret_basic" : holds(server.methods, method);
  };
  if (!has_secret) return "none";
  if (takes("client_secret_basic")) return "client_secret_basic";
  if (takes("client_secret_post")) return "client_secret_post";
  return takes("none") ? "none" : "";
}

std::string read_redirect(const std::map<std::string, std::string>& parameters, const Server& server) {
  const auto at = [&](const char* name) {
    const auto found = parameters.find(name);
    return found == parameters.end() ? std::string() : found->second;
  };
  // Before anything else: an answer of another server must not even be shown as this one's.
  const bool named = parameters.contains("iss");
  if ((named && at("iss") != server.issuer) || (!named && server.promises_issuer)) {
    throw Error(errc::denied,
                named ? fmt::format("the answer to the sign-in comes from {}, not from {}", at("iss"), server.issuer)
                      : fmt::format("the answer to the sign-in does not say that it comes from {}", server.issuer));
  }
  if (parameters.contains("error")) {
    throw Error(errc::denied,
                fmt::format("the authorization server refused: {} {}", at("error"), at("error_description")));
  }
  if (at("code").empty()) throw Error(errc::protocol, "the answer to the sign-in has no code");
  return at("code");
}

void throw_refusal(const std::string& issuer, int status, std::string_view error) {
  std::string why = sanitize_utf8(error.substr(0, kShownError));
  std::string said = fmt::format("{} gave no token (HTTP status {}) {}", issuer, status, why);
  if (status >= 500) throw Error(errc::server, std::move(said));
  if (status == 429) throw Error(errc::rate_limited, std::move(said));
  if (status >= 400 && !why.empty()) throw NotGranted(std::move(said), std::move(why));
  throw Error(errc::authentication, std::move(said));
}

std::string encode_component(std::string_view text) {
  constexpr std::string_view kPlain = "-._~";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || kPlain.find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", byte);
    }
  }
  return encoded;
}

std::string encode_form(const Fields& fields) {
  std::string text;
  for (const auto& [name, value] : fields) {
    if (!text.empty()) text += '&';
    text += encode_component(name) + "=" + encode_component(value);
  }
  return text;
}

std::map<std::string, std::string> decode_form(std::string_view text) {
  const auto decoded = [](std::string_view part) {
    std::string result;
    for (std::size_t i = 0; i < part.size(); ++i) {
      const bool escaped =
          part[i] == '%' && i + 2 < part.size() && hex_digit(part[i + 1]) >= 0 && hex_digit(part[i + 2]) >= 0;
      if (escaped) {
        result += static_cast<char>(hex_digit(part[i + 1]) * 16 + hex_digit(part[i + 2]));
        i += 2;
      } else {
        result += part[i] == '+' ? ' ' : part[i];
      }
    }
    return result;
  };
  std::map<std::string, std::string> fields;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view one = text.substr(0, end);
    const std::size_t equal = std::min(one.find('='), one.size());
    fields[decoded(one.substr(0, equal))] = decoded(one.substr(std::min(equal + 1, one.size())));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return fields;
}

std::string challenge_of(std::string_view verifier) {
  const std::string hex = sha256(verifier);
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(hex_digit(hex[i]) * 16 + hex_digit(hex[i + 1]));
  }
  std::string text = encode_base64(bytes);
  while (!text.empty() && text.back() == '=') text.pop_back();
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

}  // namespace sennit::mcp::oauth
