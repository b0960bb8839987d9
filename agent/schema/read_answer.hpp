// Private: An answer that must be JSON of a schema.
#pragma once

#include <sennit/agent/io/json.hpp>
#include <sennit/agent/schema/validate.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace sennit {

/// The answer's value, coerced to the schema, or nothing and what is `wrong` with it. Models like to wrap JSON in a
/// Markdown fence: that is no mistake.
[[nodiscard]] std::optional<json::value> read_answer(std::string_view text, const Validator& schema,
                                                     std::string& wrong);

}  // namespace sennit
