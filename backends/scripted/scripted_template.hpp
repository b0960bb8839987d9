// Private: The templates of intents: `{capture}`, `{result}` and `{result.tool}` in texts and in the arguments of
// tools.
#pragma once

#include <sennit/agent/io/json.hpp>
#include <sennit/backends/scripted/pattern.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::intents {

/// What a template can name.
struct Values {
  Captures captures;
  std::string result;                                       ///< of the last step
  std::map<std::string, std::string, std::less<>> results;  ///< the last one of each tool
};

/// The names in braces, in order.
[[nodiscard]] std::vector<std::string> placeholders(std::string_view text);

/// Replaces each `{name}` that has a value; of the others nothing is left, as of an optional part that was not said.
[[nodiscard]] std::string fill(std::string_view text, const Values& values);
/// The same for every text in `value`. A text that is one number capture and nothing else becomes a number.
[[nodiscard]] json::value fill(const json::value& value, const Values& values);

}  // namespace sennit::intents
