#include <sennit/agent/schema/checker.hpp>
#include <sennit/agent/schema/compiled_schema.hpp>
#include <sennit/agent/schema/validate.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace sennit {
namespace {

constexpr std::size_t kShownBytes = 60;  // of a wrong string

bool is_identifier(std::string_view key) {
  const auto fits = [](char c) {
    return c == '_' || c == '$' || (c | 0x20) - 'a' + 0U < 26U || c - '0' + 0U < 10U || c == '-';
  };
  return !key.empty() && key.size() <= 64 && std::all_of(key.begin(), key.end(), fits);
}

/// At most `limit` bytes, cut between characters.
std::string_view shorten(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U) --limit;
  return text.substr(0, limit);
}

std::string quoted(std::string_view text) {
  const std::string_view head = shorten(text, kShownBytes);
  std::string shown = json::serialize(json::string_view(head));
  if (head.size() < text.size()) shown.insert(shown.size() - 1, "…");
  return shown;
}

long double wide(const json::value& number) {
  if (number.is_int64()) return static_cast<long double>(number.get_int64());
  if (number.is_uint64()) return static_cast<long double>(number.get_uint64());
  return number.get_double();
}

bool same_object(const json::object& a, const json::object& b) {
  if (a.size() != b.size()) return false;
  return std::all_of(a.begin(), a.end(), [&](const json::key_value_pair& member) {
    const json::value* other = b.if_contains(member.key());
    return other && same_json(member.value(), *other);
  });
}

void append_number(std::string& text, double number) {
  if (!std::isfinite(number)) return void(text += "null");
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  text.append(digits.data(), end);
}

void append_text(std::string& text, const json::value& value) {
  if (const double* number = value.if_double()) {
    append_number(text, *number);
  } else if (const auto* array = value.if_array()) {
    text += '[';
    for (const json::value& element : *array) {
      if (text.back() != '[') text += ',';
      append_text(text, element);
    }
    text += ']';
  } else if (const auto* object = value.if_object()) {
    text += '{';
    for (const auto& [key, member] : *object) {
      if (text.back() != '{') text += ',';
      text += json::serialize(json::string_view(key));
      text += ':';
      append_text(text, member);
    }
    text += '}';
  } else {
    text += json::serialize(value);
  }
}

}  // namespace

std::string JsonPath::text() const {
  if (!parent_) return std::string(key_);
  std::string text = parent_->text();
  if (!is_key_) return text + fmt::format("[{}]", index_);
  return text + (is_identifier(key_) ? fmt::format(".{}", key_) : fmt::format("[{}]", quoted(key_)));
}

std::string describe(const std::vector<Violation>& violations, std::string_view root) {
  std::string text;
  for (const Violation& violation : violations) {
    if (!text.empty()) text += text.ends_with("but:") ? " " : "; ";
    text += fmt::format("{}{}: {}", root, violation.path, violation.message);
  }
  if (violations.size() >= kMaxViolations) text += "; and possibly more";
  return text;
}

std::string describe_value(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return value.get_bool() ? "true" : "false";
    case json::kind::string:
      return fmt::format("string {}", quoted(value.get_string()));
    case json::kind::array:
      return value.get_array().empty() ? "an empty array" : fmt::format("an array of {}", value.get_array().size());
    case json::kind::object:
      return value.get_object().empty() ? "an empty object" : "an object";
    default:
      return fmt::format("number {}", json_text(value));
  }
}

bool same_json(const json::value& a, const json::value& b) {
  if (a.is_number() && b.is_number()) return wide(a) == wide(b);
  if (a.kind() != b.kind()) return false;
  if (a.is_object()) return same_object(a.get_object(), b.get_object());
  if (a.is_array()) {
    const json::array& x = a.get_array();
    const json::array& y = b.get_array();
    return std::equal(x.begin(), x.end(), y.begin(), y.end(), same_json);
  }
  return a == b;
}

std::string json_text(const json::value& value) {
  std::string text;
  append_text(text, value);
  return text;
}

Validator::Validator(json::object schema) : compiled_(std::make_unique<const CompiledSchema>(std::move(schema))) {}
Validator::~Validator() = default;
Validator::Validator(Validator&&) noexcept = default;
Validator& Validator::operator=(Validator&&) noexcept = default;

const json::object& Validator::schema() const noexcept {
  return compiled_->root.get_object();
}

std::vector<Violation> Validator::check(const json::value& instance) const {
  return Checker(*compiled_).run(instance);
}

}  // namespace sennit
