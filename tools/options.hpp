// Private: Options of a tool as a described struct: what an agent file says, read once, with the nearest name for a
// typo.
#pragma once

#include <sennit/agent/registry.hpp>
#include <sennit/agent/schema/typed_json.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

/// Throws Error(errc::config) for an option that Options does not have or a value of a wrong type.
template <class Options>
[[nodiscard]] Options read_options(const json::object& given, std::string_view tool) {
  std::vector<std::string> known;
  for_each_field<Options>([&](const auto& field) { known.emplace_back(field.name); });
  for (const auto& [key, value] : given) {
    if (std::find(known.begin(), known.end(), std::string_view(key)) != known.end()) continue;
    std::string message = "the tool '" + std::string(tool) + "' has no option '" + std::string(key) + "'";
    if (const std::string_view near = nearest(key, known); !near.empty()) {
      message += "; did you mean '" + std::string(near) + "'?";
    } else {
      message += known.empty() ? "; it takes none" : "; it has:";
      for (const std::string& name : known) message += " " + name;
    }
    throw Error(errc::config, std::move(message));
  }
  Options options{};
  try {
    read_json(json::value(given), options, JsonPath("options"));
  } catch (const Error& error) {
    throw Error(errc::config, "the tool '" + std::string(tool) + "': " + error.message());
  }
  return options;
}

}  // namespace sennit
