#include <sennit/agent/io/base64.hpp>
#include <sennit/agent/registry.hpp>
#include <sennit/tools/http_rules.hpp>
#include <sennit/tools/openapi/auth.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace sennit::openapi {
namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw Error(errc::config, "openapi: auth: " + why);
}

std::string chosen_scheme(const std::vector<std::string>& known, std::string scheme) {
  if (known.empty()) refuse("the document declares no security schemes; use the option `headers`");
  if (scheme.empty() && known.size() == 1) return known.front();
  if (std::ranges::count(known, scheme) != 0) return scheme;
  if (scheme.empty()) refuse(fmt::format("name one of the document's schemes: {}", fmt::join(known, ", ")));
  const std::string_view near = nearest(scheme, known);
  refuse(fmt::format(
      "the document has no scheme '{}'; {}", scheme,
      near.empty() ? fmt::format("it has: {}", fmt::join(known, ", ")) : fmt::format("did you mean '{}'?", near)));
}

Auth api_key(const Document& document, const Place& place, std::string value) {
  const std::string name(find_string(*place.value, "name"));
  const std::string_view in = find_string(*place.value, "in");
  if (name.empty()) document.refuse(place.pointer, "an API key needs a name");
  if (in == "query") return {Auth::Kind::query, {}, name, std::move(value)};
  if (in == "cookie") return {Auth::Kind::header, {}, "Cookie", name + "=" + std::move(value)};
  if (in == "header") return {Auth::Kind::header, {}, name, std::move(value)};
  document.refuse(place.pointer, fmt::format("an API key is in header, query or cookie, not '{}'", in));
}

}  // namespace

std::map<std::string, std::string> Auth::headers() const {
  if (kind == Kind::header) return {{name, text}};
  if (kind == Kind::basic) return {{"Authorization", "Basic " + encode_base64(Secret(text).resolve())}};
  return {};
}

bool Auth::concerns(const Operation& operation) const {
  return kind != Kind::none && std::ranges::count(operation.security, scheme) != 0;
}

Auth read_auth(const Document& document, std::string scheme, std::string value) {
  const Place components{document.root().if_contains("components"), "#/components"};
  const Place schemes = member(components, "securitySchemes");
  std::vector<std::string> known;
  if (const json::object* map = schemes.value == nullptr ? nullptr : schemes.value->if_object()) {
    for (const auto& entry : *map) known.emplace_back(entry.key());
  }
  scheme = chosen_scheme(known, std::move(scheme));
  const Place place = document.followed(member(schemes, scheme));
  const std::string type(find_string(*place.value, "type"));
  const std::string_view kind = find_string(*place.value, "scheme");
  Auth auth;
  if (type == "apiKey") {
    auth = api_key(document, place, std::move(value));
  } else if (type == "http" && http::same_name(kind, "basic")) {
    auth = {Auth::Kind::basic, {}, "Authorization", std::move(value)};
  } else if ((type == "http" && http::same_name(kind, "bearer")) || type == "oauth2" || type == "openIdConnect") {
    auth = {Auth::Kind::header, {}, "Authorization", "Bearer " + std::move(value)};
  } else {
    refuse(fmt::format("the scheme '{}' is of a type that is not known ({}{}); use the option `headers`", scheme, type,
                       kind.empty() ? "" : fmt::format(" {}", kind)));
  }
  auth.scheme = std::move(scheme);
  return auth;
}

}  // namespace sennit::openapi
