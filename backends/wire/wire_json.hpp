// Private: JSON as the chat-completions wire needs it: a parser that costs no allocation a token, and a writer whose
// output is the same bytes every time.
#pragma once

#include <sennit/agent/io/json.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace sennit {

/// Parses one document into scratch memory of this thread. Null if it is not JSON. Repairs what real servers send:
/// invalid UTF-8, lone surrogates, NaN and Infinity. The value is valid until the next call on this thread.
[[nodiscard]] const json::value* parse_scratch(std::string_view text);

/// Parses one document with numbers rounded as IEEE 754 wants it (Boost.JSON 1.81 may miss the last bit of long ones).
/// Slower, and not repaired: for showing what a document says. Nothing if it is not JSON.
[[nodiscard]] std::optional<json::value> parse_exact(std::string_view text);

/// Appends `value` without white space, members in their order, numbers in their shortest form (0.7, not 7E-1).
void append_json(std::string& out, const json::value& value);
/// Appends `text` as a JSON string; invalid UTF-8 becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace sennit
