// What the arguments of a call mean to a policy, by what its tool declares.
#include <sennit/agent/spelling.hpp>
#include <sennit/agent/tool.hpp>

#include <utility>

namespace sennit {
namespace {

void add(const std::string& facet, const json::value& value, std::vector<Facet>& facets) {
  if (const json::array* list = value.if_array()) {
    for (const json::value& element : *list) add(facet, element, facets);
    return;
  }
  std::string text = value.is_string() ? std::string(value.get_string()) : json::serialize(value);
  if (facet == "url") facets.push_back({"host", host_of_url(text)});
  if (facet == "host") text = spelt_host(text);
  if (facet == "path") text = spelt_path(text);
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
