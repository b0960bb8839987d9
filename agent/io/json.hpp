// Boost.JSON under its project-wide name, with parsing bounded for input that comes from outside.
#pragma once

#include <boost/json.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sennit {

namespace json = boost::json;

/// Nesting that we accept from outside: deeper documents are attacks or mistakes (Boost's parser recurses).
inline constexpr std::size_t kMaxJsonDepth = 32;

/// Parses one JSON document. Returns nothing if it is not JSON, deeper than kMaxJsonDepth, or not UTF-8.
/// `why` (optional) receives the reason with its position.
[[nodiscard]] std::optional<json::value> parse_json(std::string_view text, std::string* why = nullptr);

/// Like parse_json, but repairs what real servers send: invalid UTF-8 and lone surrogates become U+FFFD.
[[nodiscard]] std::optional<json::value> parse_json_lenient(std::string_view text);

/// Replaces each invalid UTF-8 sequence by U+FFFD.
[[nodiscard]] std::string sanitize_utf8(std::string_view text);

/// Member access that tolerates any shape: null pointer if `value` is not an object or lacks the key.
[[nodiscard]] const json::value* find(const json::value& value, std::string_view key) noexcept;
/// The string at `key`, or an empty view.
[[nodiscard]] std::string_view find_string(const json::value& value, std::string_view key) noexcept;
/// The number at `key` as an integer, if it is one and fits.
[[nodiscard]] std::optional<std::int64_t> find_int(const json::value& value, std::string_view key) noexcept;

}  // namespace sennit
