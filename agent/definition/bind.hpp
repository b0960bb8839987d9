// Private: Moves between the JSON that the reader made and the members of a Definition, by the member's type.
#pragma once

#include <sennit/agent/definition/shape.hpp>

#include <concepts>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace sennit::format {

// ---- structs that have a table ----

[[nodiscard]] const Table& table_of(const ModelSpec* tag);
[[nodiscard]] const Table& table_of(const CompletionOptions* tag);
[[nodiscard]] const Table& table_of(const Prices* tag);
[[nodiscard]] const Table& table_of(const RetrySettings* tag);
[[nodiscard]] const Table& table_of(const RateLimits* tag);
[[nodiscard]] const Table& table_of(const RouteRule* tag);
[[nodiscard]] const Table& table_of(const Escalation* tag);
[[nodiscard]] const Table& table_of(const RouteSettings* tag);
[[nodiscard]] const Table& table_of(const SubAgent* tag);
[[nodiscard]] const Table& table_of(const MemorySettings* tag);
[[nodiscard]] const Table& table_of(const RunLimits* tag);
[[nodiscard]] const Table& table_of(const PolicySettings* tag);
[[nodiscard]] const Table& table_of(const FlowSettings* tag);
[[nodiscard]] const Table& table_of(const FlowPermit* tag);
[[nodiscard]] const Table& table_of(const McpServer* tag);
[[nodiscard]] const Table& table_of(const SandboxSpec* tag);
[[nodiscard]] const Table& table_of(const HookSpec* tag);
[[nodiscard]] const Table& table_of(const GuardrailSettings* tag);
[[nodiscard]] const Table& table_of(const GuardrailSpec* tag);
[[nodiscard]] const Table& table_of(const InputSpec* tag);
[[nodiscard]] const Table& table_of(const Intent* tag);
[[nodiscard]] const Table& table_of(const IntentStep* tag);

template <class T>
concept Tabled = requires(const T* tag) { table_of(tag); };

/// Fills `object`, whose type is the one that `table` describes, with what `value` has of its keys.
void assign_fields(void* object, const Table& table, const json::value& value);
[[nodiscard]] json::value get_fields(const void* object, const Table& table);

// ---- members with a shape of their own ----

void assign(ModelSpec& model, const json::value& value);                 ///< a text, or the table
void assign(SubAgent& agent, const json::value& value);                  ///< a text, or the table
void assign(MemorySettings& memory, const json::value& value);           ///< a boolean, or the table
void assign(ToolSelection& tool, const json::value& value);              ///< a selection
void assign(std::vector<InputSpec>& inputs, const json::value& value);   ///< a map from names to tables
void assign(std::vector<McpServer>& servers, const json::value& value);  ///< a map from names to tables
void assign(std::vector<PolicyRule>& rules, const json::value& value);   ///< names, or maps from names to conditions
void assign(Verdict& verdict, const json::value& value);                 ///< a text
void assign(Secret& secret, const json::value& value);
[[nodiscard]] json::value get(const Secret& secret);  ///< null: secrets stay where they are
[[nodiscard]] json::value get(const ToolSelection& tool);
[[nodiscard]] json::value get(const std::vector<InputSpec>& inputs);
[[nodiscard]] json::value get(const std::vector<McpServer>& servers);
[[nodiscard]] json::value get(const std::vector<PolicyRule>& rules);
[[nodiscard]] json::value get(Verdict verdict);
[[nodiscard]] json::value get(const std::map<std::string, std::string>& headers);  ///< secrets left out
void assign(std::map<std::string, std::string>& headers, const json::value& value);

// ---- everything else, by type ----

inline void assign(bool& out, const json::value& value) {
  out = value.as_bool();
}
inline void assign(std::string& out, const json::value& value) {
  out = std::string_view(value.as_string());
}
inline void assign(std::filesystem::path& out, const json::value& value) {
  out = std::string_view(value.as_string());
}
inline void assign(milliseconds& out, const json::value& value) {
  out = milliseconds(value.to_number<std::int64_t>());
}
inline void assign(json::object& out, const json::value& value) {
  out = value.as_object();
}
inline void assign(json::value& out, const json::value& value) {
  out = value;
}

template <class Number>
  requires(std::is_arithmetic_v<Number> && !std::same_as<Number, bool>)
void assign(Number& out, const json::value& value) {
  out = value.to_number<Number>();
}

template <Tabled T>
void assign(T& out, const json::value& value) {
  assign_fields(&out, table_of(&out), value);
}

template <class T>
void assign(std::optional<T>& out, const json::value& value) {
  assign(out.emplace(), value);
}

template <class T>
void assign(std::vector<T>& out, const json::value& value) {
  out.clear();  // what the file says stands in the place of what holds without it
  for (const json::value& element : value.as_array()) {
    T& entry = out.emplace_back();
    if (!element.is_null()) assign(entry, element);  // null: it was wrong, and its place is kept
  }
}

template <class T>
[[nodiscard]] json::value get(const T& value) {
  if constexpr (Tabled<T>) {
    return get_fields(&value, table_of(&value));
  } else if constexpr (std::same_as<T, milliseconds>) {
    return value.count();
  } else if constexpr (std::same_as<T, std::filesystem::path>) {
    return json::value(value.string());
  } else {
    return json::value(value);
  }
}

template <class T>
[[nodiscard]] json::value get(const std::optional<T>& value) {
  return value ? get(*value) : json::value(nullptr);
}

template <class T>
[[nodiscard]] json::value get(const std::vector<T>& list) {
  json::array array;
  for (const T& element : list) array.push_back(get(element));
  return array;
}

// ---- fields ----

template <auto Member>
struct MemberOf;
template <class Class, class Type, Type Class::* Member>
struct MemberOf<Member> {
  using Owner = Class;
};

/// The key for a member of the table's struct; its default is the member's own.
template <auto Member>
[[nodiscard]] Field field(std::string_view key, Shape shape, std::string_view about) {
  using Owner = typename MemberOf<Member>::Owner;
  Field field;
  field.key = key;
  field.about = about;
  field.assign = [](void* object, const json::value& value) { assign(static_cast<Owner*>(object)->*Member, value); };
  field.get = [](const void* object) -> json::value { return get(static_cast<const Owner*>(object)->*Member); };
  if (shape.kind != Shape::Kind::table && shape.kind != Shape::Kind::either) {
    const Owner defaults{};
    field.fallback = get(defaults.*Member);
  }
  field.shape = std::move(shape);
  return field;
}

/// A key without a member of its own.
[[nodiscard]] Field bare_field(std::string_view key, Shape shape, std::string_view about);

}  // namespace sennit::format
