#include <sennit/backends/wire/members.hpp>

namespace sennit {

json::object merged(json::object ours, json::object& extra, std::string_view name) {
  json::value* theirs = extra.if_contains(name);
  if (theirs == nullptr) return ours;
  if (!theirs->is_object()) return {};
  for (const auto& [key, value] : theirs->get_object()) ours[key] = value;
  *theirs = nullptr;
  json::object all;
  for (const auto& [key, value] : ours) {
    if (!value.is_null()) all.emplace(key, value);
  }
  return all;
}

}  // namespace sennit
