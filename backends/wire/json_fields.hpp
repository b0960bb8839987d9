// Private: Looking into JSON of which nothing can be taken for granted.
#pragma once

#include <sennit/agent/io/json.hpp>
#include <sennit/backends/wire/wire_json.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sennit {

/// The members of `object` under `keys`, null where absent, found in one pass: in a stream of tokens, looking for each
/// key by itself costs as much as parsing.
template <std::size_t N>
std::array<const json::value*, N> fields(const json::object& object, const std::array<std::string_view, N>& keys) {
  std::array<const json::value*, N> found{};
  for (const auto& [key, value] : object) {
    for (std::size_t i = 0; i < N; ++i) {
      if (key.size() == keys[i].size() && key == keys[i]) found[i] = &value;
    }
  }
  return found;
}

inline bool present(const json::value* value) {
  return value != nullptr && !value->is_null();
}
inline const json::object* as_object(const json::value* value) {
  return value != nullptr ? value->if_object() : nullptr;
}
inline const json::array* as_array(const json::value* value) {
  return value != nullptr ? value->if_array() : nullptr;
}
inline std::string_view as_text(const json::value* value) {
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

inline const json::value* member(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return present(value) ? value : nullptr;
}
inline const json::object* object_at(const json::object& object, std::string_view key) {
  return as_object(object.if_contains(key));
}
inline std::string_view text_at(const json::object& object, std::string_view key) {
  return as_text(object.if_contains(key));
}

/// What a scripting language calls true: servers write false, 0, "" and {} where they mean "none".
inline bool says_something(const json::value* value) {
  if (value == nullptr) return false;
  switch (value->kind()) {
    case json::kind::null:
      return false;
    case json::kind::bool_:
      return value->get_bool();
    case json::kind::int64:
      return value->get_int64() != 0;
    case json::kind::uint64:
      return value->get_uint64() != 0;
    case json::kind::double_:
      return value->get_double() != 0;
    case json::kind::string:
      return !value->get_string().empty();
    case json::kind::array:
      return !value->get_array().empty();
    case json::kind::object:
      return !value->get_object().empty();
  }
  return false;
}

inline std::string wire_text(const json::value& value) {
  std::string text;
  append_json(text, value);
  return text;
}

/// A string's text; of anything else its JSON.
inline std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : wire_text(value);
}

/// A word or an id, mostly a string; empty where it says nothing.
inline std::string word_of(const json::value* value) {
  return says_something(value) ? text_of(*value) : std::string();
}

/// The wire's index as a key: mostly a number, but any JSON may stand there.
[[nodiscard]] std::string index_key(const json::value& index);

// ---- counts of tokens ----

inline const json::value* number_at(const json::object* object, std::string_view key) {
  const json::value* value = object != nullptr ? object->if_contains(key) : nullptr;
  return value != nullptr && value->is_number() ? value : nullptr;
}

/// As a whole number. Nothing if it is no count of tokens: negative, or so large that sums could overflow.
[[nodiscard]] std::optional<std::int64_t> tokens_of(const json::value* number);

/// Replaces what was known. False if there is no count.
inline bool take_tokens(const json::value* number, std::optional<std::int64_t>& known) {
  const std::optional<std::int64_t> tokens = tokens_of(number);
  if (tokens) known = tokens;
  return tokens.has_value();
}

/// Puts numbers into {input, output, cached_input, reasoning}, which holds what came before, null where nothing did.
void note_counts(json::object& sent, const json::value* input, const json::value* output, const json::value* cached,
                 const json::value* reasoning);

}  // namespace sennit
