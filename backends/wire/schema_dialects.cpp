#include <sennit/backends/wire/schema_dialects.hpp>

#include <cmath>

namespace sennit::schema_dialects {

namespace {

/// The length of a repetition such as {4} or {1,12} at the beginning of `text`, of two digits at most; 0 if it is none.
std::size_t repetition(std::string_view text) {
  std::size_t end = 1;
  std::size_t digits = 0;
  for (; end < text.size() && text[end] != '}'; ++end) {
    if (text[end] == ',' && digits > 0) {
      digits = 0;
    } else if (text[end] < '0' || text[end] > '9' || ++digits > 2) {
      return 0;
    }
  }
  return end < text.size() && end > 1 ? end + 1 : 0;
}

/// The length of a set such as [a-z_] at the beginning of `text`; 0 if it is none, or one with escapes or nesting.
std::size_t character_set(std::string_view text) {
  const std::size_t end = text.find(']');
  if (end == std::string_view::npos || end < 2) return 0;
  return text.substr(1, end - 1).find_first_of("[\\^\"") == std::string_view::npos ? end + 1 : 0;
}

/// Whether every grammar reads this regular expression as we do: anchored ASCII text with sets, groups and repetitions,
/// without what could end the JSON string in which it stands (a quote, a dot, a negated set).
bool is_plain_pattern(std::string_view pattern) {
  if (pattern.size() < 2 || !pattern.starts_with('^') || !pattern.ends_with('$')) return false;
  pattern = pattern.substr(1, pattern.size() - 2);
  int groups = 0;
  while (!pattern.empty()) {
    const char c = pattern.front();
    if (c < ' ' || c > '~' || std::string_view("\\\".^$]}").find(c) != std::string_view::npos) return false;
    if (c == '|' && groups == 0) return false;  // ^a|b$ has two meanings
    if (c == '(' && pattern.starts_with("(?")) return false;
    groups += static_cast<int>(c == '(') - static_cast<int>(c == ')');
    const std::size_t length = c == '{' ? repetition(pattern) : c == '[' ? character_set(pattern) : 1;
    if (length == 0) return false;
    pattern.remove_prefix(length);
  }
  return true;
}

bool is_format_of_strings(std::string_view format) {
  // What Anthropic's SDK lets through and xgrammar knows; llama.cpp knows the first three and the last, ignores others.
  constexpr std::array<std::string_view, 10> kFormats = {"date", "time",     "date-time", "duration", "email",
                                                         "ipv4", "hostname", "ipv6",      "uri",      "uuid"};
  return std::find(kFormats.begin(), kFormats.end(), format) != kFormats.end();
}

bool is_whole(const json::value& value) {
  constexpr double kMaxExactInteger = 9007199254740992.0;  // 2^53
  if (!value.is_number()) return false;
  const double number = value.to_number<double>();
  return std::fabs(number) <= kMaxExactInteger && std::floor(number) == number;
}

}  // namespace

bool takes(const Dialect& dialect, const json::object& schema, std::string_view key) {
  const json::value& value = schema.at(key);
  const json::string* text = value.if_string();
  const bool grammar = dialect.max_count > 0;
  if (key == "pattern") return text != nullptr && is_plain_pattern(*text);
  if (key == "format") {
    if (dialect.upper_case) return text != nullptr && *text == "date-time";
    // With a length or a pattern beside it a grammar would have to mean both.
    for (const std::string_view other : {"pattern", "minLength", "maxLength"}) {
      if (grammar && schema.contains(other)) return false;
    }
    return text != nullptr && is_format_of_strings(*text);
  }
  if (!is_whole(value)) return false;
  const double number = value.to_number<double>();
  if (key.ends_with("imum")) return true;
  if (!grammar) return number == 0 || number == 1;
  const json::value* pattern = key.ends_with("Length") ? schema.if_contains("pattern") : nullptr;
  if (pattern != nullptr && takes(dialect, schema, "pattern")) return false;
  return number >= 0 && number <= static_cast<double>(dialect.max_count);
}

bool takes_values(const Dialect& dialect, const json::array& values, unsigned types) {
  return !values.empty() && std::all_of(values.begin(), values.end(), [&](const json::value& value) {
    switch (dialect.values) {
      case Values::anything:
        return true;
      case Values::plain:
        return !value.is_object() && !value.is_array();
      case Values::strings_and_numbers:
        return value.is_string() || value.is_number();
      case Values::strings:
        return value.is_string() && types == kStringType;
    }
    return false;
  });
}

}  // namespace sennit::schema_dialects
