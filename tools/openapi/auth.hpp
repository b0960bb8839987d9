// Private: How an operation's request is authorised: the scheme that the document declares, and the secret for it.
#pragma once

#include <sennit/agent/secret.hpp>
#include <sennit/tools/openapi/operations.hpp>

#include <cstdint>
#include <map>
#include <string>

namespace sennit::openapi {

struct Auth {
  enum class Kind : std::uint8_t { none, header, basic, query };
  Kind kind = Kind::none;
  std::string scheme;  ///< its name in the document
  std::string name;    ///< of the header or the query's parameter
  std::string text;    ///< the header's value, with references to secrets; of `basic` and `query` the secret alone

  /// The headers to add, for http::HttpSettings: references in them are resolved there. Of `basic` it is resolved here.
  [[nodiscard]] std::map<std::string, std::string> headers() const;
  /// Whether the operation may need it.
  [[nodiscard]] bool concerns(const Operation& operation) const;
};

/// `scheme` of the document with `value`: an API key, a bearer token, or `user:password`. An empty `scheme` is the only
/// one that the document has. Throws Error(errc::config), with the nearest name for one that is not there.
[[nodiscard]] Auth read_auth(const Document& document, std::string scheme, std::string value);

}  // namespace sennit::openapi
