// Private: what OAuth 2.1 and the protocol's rules for it say, decided without a socket.
// https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization
#pragma once

#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/json.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sennit::mcp::oauth {

/// WWW-Authenticate, as far as it speaks of bearer tokens.
struct Challenge {
  std::string metadata;  ///< resource_metadata: where the resource describes itself
  std::string scope;
  std::string error;  ///< "invalid_token", "insufficient_scope"
};
[[nodiscard]] Challenge read_challenge(std::string_view header);

/// Where a resource describes itself (RFC 9728), in the order to try: what the challenge named, or the well-known
/// places.
[[nodiscard]] std::vector<std::string> resource_metadata_urls(std::string_view resource, const Challenge& challenge);
/// Where an authorization server describes itself (RFC 8414, OpenID Connect Discovery), in the order to try.
[[nodiscard]] std::vector<std::string> server_metadata_urls(std::string_view issuer);

/// Whether metadata of `described` may speak for what is asked at `url`: the same origin, and a path above it.
[[nodiscard]] bool covers(std::string_view described, std::string_view url);
/// scheme://host[:port]
[[nodiscard]] std::string origin_of(std::string_view url);
/// Throws Error(errc::denied) unless it is https, or http to this very machine.
void check_endpoint(std::string_view url, std::string_view what);

/// An authorization server.
struct Server {
  std::string issuer;
  std::string authorization;
  std::string token;
  std::string registration;  ///< empty: none
  std::vector<std::string> scopes;
  std::vector<std::string> grants;
  std::vector<std::string> methods;  ///< of authentication at the token endpoint
  bool takes_documents = false;      ///< Client ID Metadata Documents
  bool promises_issuer = false;      ///< in its answers (RFC 9207)
};
/// Reads its metadata. Throws Error(errc::protocol): it is not `issuer`'s, has no endpoints, or does not do PKCE with
/// S256.
[[nodiscard]] Server read_server(const json::object& metadata, const std::string& issuer);
/// One that says nothing about itself: the places of version 2025-03-26.
[[nodiscard]] Server presumed_server(std::string_view resource);

/// The scopes to ask for: what the challenge wants, else what the resource has; nothing where neither says. Also
/// offline_access where the server knows it, for a refresh token.
[[nodiscard]] std::string scopes_for(const Challenge& challenge, const std::vector<std::string>& of_resource,
                                     const std::vector<std::string>& configured, const Server& server);
/// Both, each once.
[[nodiscard]] std::string joined_scopes(std::string_view first, std::string_view second);

/// How a client proves itself at the token endpoint: "none", "client_secret_basic", "client_secret_post". Empty: not in
/// any way that we know.
[[nodiscard]] std::string method_for(const Server& server, bool has_secret);

/// What an authorization server sends the person's browser back with. Throws Error(errc::denied) with the server's
/// words, or because the answer is not this server's (RFC 9207).
[[nodiscard]] std::string read_redirect(const std::map<std::string, std::string>& parameters, const Server& server);

/// The authorization server refuses to give a token, and would again: "invalid_grant".
class NotGranted : public Error {
 public:
  NotGranted(std::string message, std::string why)
      : Error(errc::authentication, std::move(message)), why_(std::move(why)) {}
  [[nodiscard]] const std::string& why() const { return why_; }

 private:
  std::string why_;
};
/// Throws what an answer without a token means: NotGranted, or an Error that may pass. `error`: as the server names it.
[[noreturn]] void throw_refusal(const std::string& issuer, int status, std::string_view error);

using Fields = std::vector<std::pair<std::string, std::string>>;
[[nodiscard]] std::string encode_component(std::string_view text);
/// application/x-www-form-urlencoded, also for queries.
[[nodiscard]] std::string encode_form(const Fields& fields);
[[nodiscard]] std::map<std::string, std::string> decode_form(std::string_view text);

/// The S256 challenge of a verifier (RFC 7636).
[[nodiscard]] std::string challenge_of(std::string_view verifier);

[[nodiscard]] std::vector<std::string> strings_at(const json::object& object, std::string_view key);

}  // namespace sennit::mcp::oauth
