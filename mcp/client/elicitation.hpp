// Private: a form that a server wants filled in, asked question by question. Pure: texts in, texts out.
#pragma once

#include <sennit/agent/io/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::mcp {

inline constexpr std::size_t kMaxFields = 32;   ///< of a form
inline constexpr std::size_t kMaxChoices = 64;  ///< of a field

/// One field: a primitive, one of some choices, or several of them.
struct FormField {
  enum class Kind { text, number, integer, boolean, choice, choices };
  struct Choice {
    std::string value;
    std::string title;
  };

  std::string name;
  std::string title;
  std::string description;
  Kind kind = Kind::text;
  bool required = false;
  json::value fallback;  ///< its default; null: none
  std::vector<Choice> options;
  std::optional<double> least;  ///< of a number; of a text: characters; of choices: how many
  std::optional<double> most;
  std::string format;  ///< "email", "uri", "date", "date-time"
};

/// Throws Error(errc::protocol) for a schema that the protocol does not allow.
[[nodiscard]] std::vector<FormField> read_form(const json::object& schema);

/// What to ask a person.
[[nodiscard]] std::string question_for(const FormField& field);

/// What an answer means. An empty one takes the default, or leaves the field out where it is not required (a null
/// value).
struct FieldAnswer {
  std::optional<json::value> value;  ///< nothing: it does not fit, `why` says it
  std::string why{};
};
[[nodiscard]] FieldAnswer read_answer(const FormField& field, std::string_view text);

/// Words with which a person refuses a form: "decline", "cancel".
enum class Refusal { none, decline, cancel };
[[nodiscard]] Refusal refusal_in(std::string_view text) noexcept;

}  // namespace sennit::mcp
