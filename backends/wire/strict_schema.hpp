// JSON Schemas in the form that providers can enforce ("strict"): closed objects in which every property is required.
#pragma once

#include <sennit/agent/io/json.hpp>

#include <optional>

namespace sennit {

/// True if `schema` has that form already.
[[nodiscard]] bool is_strict_schema(const json::object& schema);

/// `schema` in that form: objects are closed, optional properties become required ones that may be null (arguments
/// that are null where a property is optional are dropped again before a tool sees them), notes and bounds of length
/// and count are dropped, `definitions` become `$defs`. Nothing if the schema says what the form cannot: free keys,
/// objects without properties below the root, oneOf, allOf, patternProperties, words that we do not know …
[[nodiscard]] std::optional<json::object> strict_schema(const json::object& schema);

}  // namespace sennit
