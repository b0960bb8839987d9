// Private: Text of comma-separated values (RFC 4180, and what spreadsheets really write) as rows. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::csv {

inline constexpr std::size_t kMaxColumns = 500;
inline constexpr std::size_t kMaxRows = 1'000'000;

using Row = std::vector<std::string>;

/// The separator that makes the first rows a table: one of `,` `;` tab `|`. A comma where none does.
[[nodiscard]] char find_separator(std::string_view text);

/// Calls `row` for each row; it may return false to end early. A field in quotes may hold separators, line ends and
/// doubled quotes. Empty lines are passed over. Throws Error(errc::invalid_argument) for a quote that is never closed,
/// Error(errc::too_large) for more than kMaxColumns.
void for_each_row(std::string_view text, char separator, const std::function<bool(Row&&)>& row);

/// What the texts of a column have in common.
enum class Type { empty, integer, real, text };
/// Of one field. Numbers with leading zeros are text: they are codes.
[[nodiscard]] Type type_of(std::string_view field);
[[nodiscard]] Type common(Type a, Type b);

/// Whether the first row names the columns: all its fields are texts, different ones, and none is empty.
[[nodiscard]] bool looks_like_header(const Row& first);

}  // namespace sennit::csv
