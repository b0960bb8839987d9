// Private: Options of a tool as a described struct: what an agent file says, read once, with the nearest name for a
// typo.
#pragma once

#include <sennit/agent/definition/shape.hpp>
#include <sennit/agent/registry.hpp>
#include <sennit/agent/schema/typed_json.hpp>

#include <algorithm>
#include <optional>
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

/// A `timeout` as everywhere in an agent file: `30`, `30s`, `1m30s`. Throws Error(errc::config).
[[nodiscard]] inline milliseconds duration_option(const json::value& value, std::string_view tool) {
  constexpr milliseconds kLongest{3'600'000};
  std::optional<milliseconds> timeout;
  if (value.is_string()) timeout = format::parse_duration(std::string_view(value.get_string()));
  if (value.is_number()) timeout = format::parse_duration(json::serialize(value));
  if (timeout && *timeout > milliseconds{0} && *timeout <= kLongest) return *timeout;
  throw Error(errc::config,
              std::string(tool) + ": timeout is a duration such as 30s or 2m, more than 0 and at most 1h");
}

}  // namespace sennit
