// What the arguments of a call mean to a policy, by what its tool declares.
#include <sennit/agent/tool.hpp>

#include <arpa/inet.h>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <netinet/in.h>

#include <array>
#include <filesystem>
#include <string_view>
#include <utility>

namespace sennit {
namespace {

std::string lowered(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

/// `127.1`, `0x7f000001` and `2130706433` are one host.
std::string one_spelling(std::string host) {
  in_addr address{};
  const bool numeric = !host.empty() && host.find_first_not_of("0123456789abcdefx.") == std::string::npos;
  if (!numeric || ::inet_aton(host.c_str(), &address) == 0) return host;
  std::array<char, INET_ADDRSTRLEN> text{};
  return ::inet_ntop(AF_INET, &address, text.data(), text.size()) == nullptr ? host : std::string(text.data());
}

void add_url(std::string_view url, std::vector<Facet>& facets) {
  const std::size_t slashes = url.find("//");
  const std::size_t end = slashes == std::string_view::npos ? url.size() : url.find_first_of("/?#", slashes + 2);
  const auto parsed = boost::urls::parse_uri(url.substr(0, end));
  std::string host;
  if (parsed) host = lowered(parsed->host());
  if (host.size() > 1 && host.back() == '.') host.pop_back();
  // What cannot be read is no host that a rule could allow.
  facets.push_back({"host", host.empty() ? std::string("?") : one_spelling(std::move(host))});
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
  if (facet == "host") text = lowered(text);
  if (facet == "path") text = clean(text);
  facets.push_back({facet, std::move(text)});
}

}  // namespace

std::vector<Facet> Tool::facets(const json::object& arguments) const {
  std::vector<Facet> found;
  for (const auto& [argument, facet] : spec().facets) {
    const json::value* value = arguments.if_contains(argument);
    if (value != nullptr && !value->is_null()) {
      add(facet, *value, found);
    } else if (argument.starts_with('=')) {
      found.push_back({facet, argument.substr(1)});  // fixed: {"=mcp:github", "destination"}
    }
  }
  return found;
}

}  // namespace sennit
