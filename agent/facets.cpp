// What the arguments of a call mean to a policy, by what its tool declares.
#include <sennit/agent/io/egress_hosts.hpp>
#include <sennit/agent/tool.hpp>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <filesystem>
#include <string_view>
#include <utility>

namespace sennit {
namespace {

void add_url(std::string_view url, std::vector<Facet>& facets) {
  const std::size_t slashes = url.find("//");
  const std::size_t end = slashes == std::string_view::npos ? url.size() : url.find_first_of("/?#", slashes + 2);
  const auto parsed = boost::urls::parse_uri(url.substr(0, end));
  const std::string host = parsed ? one_spelling(parsed->host()) : std::string();
  // What cannot be read is no host that a rule could allow.
  facets.push_back({"host", host.empty() ? std::string("?") : host});
}

/// `a/./b/`, `a//b` and `a/b` are one place.
std::string clean(std::string_view path) {
  std::string text = std::filesystem::path(path).lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

void add(const std::string& facet, const json::value& value, std::vector<Facet>& facets) {
  if (const json::array* list = value.if_array()) {
    for (const json::value& element : *list) add(facet, element, facets);
    return;
  }
  std::string text = value.is_string() ? std::string(value.get_string()) : json::serialize(value);
  if (facet == "url") add_url(text, facets);
  if (facet == "host") text = one_spelling(text);
  if (facet == "path") text = clean(text);
  facets.push_back({facet, std::move(text)});
}

}  // namespace

std::vector<Facet> Tool::facets(const json::object& arguments) const {
  std::vector<Facet> found;
  for (const auto& [argument, facet] : spec().facets) {
    if (argument.starts_with('=')) {  // fixed, whatever the model calls its arguments: {"=mcp:github", "destination"}
      found.push_back({facet, argument.substr(1)});
      continue;
    }
    const json::value* value = arguments.if_contains(argument);
    if (value != nullptr && !value->is_null()) add(facet, *value, found);
  }
  return found;
}

}  // namespace sennit
