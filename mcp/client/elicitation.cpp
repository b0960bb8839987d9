#include <sennit/agent/io/error.hpp>
#include <sennit/mcp/client/elicitation.hpp>
#include <sennit/mcp/protocol/json_rpc.hpp>

#include <boost/url/parse.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

namespace sennit::mcp {
namespace {

constexpr std::size_t kShown = 2'000;  // bytes of a server's words, in a question

std::string trimmed(std::string_view text) {
  const auto blank = [](unsigned char c) { return std::isspace(c) != 0; };
  while (!text.empty() && blank(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && blank(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return std::string(text);
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::optional<double> number_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->to_number<double>();
}

// The ways to list choices: `enum` (with `enumNames`), and `oneOf`/`anyOf` of `const` with `title`.
std::vector<FormField::Choice> choices_in(const json::object& schema) {
  std::vector<FormField::Choice> choices;
  if (const json::array* values = find_array(schema, "enum")) {
    const json::array* names = find_array(schema, "enumNames");
    for (std::size_t i = 0; i < values->size() && choices.size() < kMaxChoices; ++i) {
      if (!(*values)[i].is_string()) continue;
      std::string value((*values)[i].get_string());
      const bool named = names != nullptr && i < names->size() && (*names)[i].is_string();
      choices.push_back({value, named ? std::string((*names)[i].get_string()) : value});
    }
  }
  for (const std::string_view key : {"oneOf", "anyOf"}) {
    const json::array* values = find_array(schema, key);
    if (values == nullptr) continue;
    for (const json::value& one : *values) {
      const json::object* choice = one.if_object();
      if (choice == nullptr || choices.size() >= kMaxChoices) continue;
      std::string value(text_at(*choice, "const"));
      const std::string_view title = text_at(*choice, "title");
      choices.push_back({value, title.empty() ? value : std::string(title)});
    }
  }
  return choices;
}

FormField read_field(std::string_view name, const json::object& schema) {
  FormField field;
  field.name = name;
  field.title = text_at(schema, "title").substr(0, kShown);
  field.description = text_at(schema, "description").substr(0, kShown);
  field.format = text_at(schema, "format");
  if (const json::value* fallback = schema.if_contains("default")) field.fallback = *fallback;
  const std::string_view type = text_at(schema, "type");
  if (type == "boolean") {
    field.kind = FormField::Kind::boolean;
  } else if (type == "number" || type == "integer") {
    field.kind = type == "number" ? FormField::Kind::number : FormField::Kind::integer;
    field.least = number_at(schema, "minimum");
    field.most = number_at(schema, "maximum");
  } else if (type == "array") {
    field.kind = FormField::Kind::choices;
    const json::object* items = mcp::find_object(schema, "items");
    if (items != nullptr) field.options = choices_in(*items);
    field.least = number_at(schema, "minItems");
    field.most = number_at(schema, "maxItems");
  } else if (type == "string" || type.empty()) {
    field.options = choices_in(schema);
    if (!field.options.empty()) field.kind = FormField::Kind::choice;
    field.least = number_at(schema, "minLength");
    field.most = number_at(schema, "maxLength");
  } else {
    throw Error(errc::protocol,
                fmt::format("the form's field '{}' has the type '{}', which forms do not have", name, type));
  }
  if (field.kind == FormField::Kind::choices && field.options.empty()) {
    throw Error(errc::protocol, fmt::format("the form's field '{}' is a list without choices", name));
  }
  return field;
}

std::string kind_of(const FormField& field) {
  using Kind = FormField::Kind;
  if (field.kind == Kind::boolean) return "yes or no";
  if (field.kind == Kind::choice || field.kind == Kind::choices) {
    std::string text = field.kind == Kind::choice ? "one of: " : "any of, with commas between them: ";
    for (std::size_t i = 0; i < field.options.size(); ++i) {
      const auto& option = field.options[i];
      text += i == 0 ? "" : ", ";
      text += option.title == option.value ? option.value : fmt::format("{} ({})", option.value, option.title);
    }
    return text;
  }
  std::string text = field.kind == Kind::integer ? "a whole number" : field.kind == Kind::number ? "a number" : "text";
  if (!field.format.empty()) text = field.format;
  const std::string_view unit = field.kind == Kind::text ? " characters" : "";
  if (field.least) text += fmt::format(", at least {}{}", *field.least, unit);
  if (field.most) text += fmt::format(", at most {}{}", *field.most, unit);
  return text;
}

const FormField::Choice* choice_of(const FormField& field, const std::string& text) {
  for (const auto& option : field.options) {
    if (lower(option.value) == lower(text) || lower(option.title) == lower(text)) return &option;
  }
  return nullptr;
}

bool within(const FormField& field, double value) {
  return (!field.least || value >= *field.least) && (!field.most || value <= *field.most);
}

FieldAnswer misfit(const FormField& field) {
  return {std::nullopt, "that is not " + kind_of(field)};
}

FieldAnswer read_number(const FormField& field, const std::string& text) {
  double number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || !std::isfinite(number)) return misfit(field);
  if (!within(field, number)) return misfit(field);
  if (field.kind == FormField::Kind::number) return {json::value(number), {}};
  constexpr double kLargest = 9e15;  // beyond it a double skips numbers
  if (std::floor(number) != number || std::abs(number) > kLargest) return misfit(field);
  return {json::value(static_cast<std::int64_t>(number)), {}};
}

bool fits_format(const std::string& format, const std::string& text) {
  const auto digits_at = [&](std::size_t from, std::size_t count) {
    return text.size() >= from + count && std::all_of(text.begin() + static_cast<std::ptrdiff_t>(from),
                                                      text.begin() + static_cast<std::ptrdiff_t>(from + count),
                                                      [](unsigned char c) { return std::isdigit(c) != 0; });
  };
  const bool date = digits_at(0, 4) && digits_at(5, 2) && digits_at(8, 2) && text[4] == '-' && text[7] == '-';
  if (format == "date") return date && text.size() == 10;
  if (format == "date-time") return date && text.size() > 16 && (text[10] == 'T' || text[10] == 't');
  if (format == "uri") return boost::urls::parse_uri(text).has_value();
  if (format != "email") return true;
  const std::size_t at = text.find('@');
  return at != std::string::npos && at > 0 && at + 1 < text.size() && text.find(' ') == std::string::npos;
}

FieldAnswer read_choices(const FormField& field, std::string_view text) {
  json::array chosen;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string one = trimmed(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
    if (one.empty()) continue;
    const auto* choice = choice_of(field, one);
    if (choice == nullptr) return {std::nullopt, fmt::format("'{}' is none of the choices", one)};
    chosen.emplace_back(choice->value);
  }
  if (!within(field, static_cast<double>(chosen.size())))
    return {std::nullopt, "that is not the right number of choices"};
  return {json::value(std::move(chosen)), {}};
}

}  // namespace

std::vector<FormField> read_form(const json::object& schema) {
  const json::object* properties = mcp::find_object(schema, "properties");
  std::vector<FormField> fields;
  if (properties == nullptr) return fields;
  if (properties->size() > kMaxFields) {
    throw Error(errc::protocol,
                fmt::format("a form of {} fields; at most {} are asked", properties->size(), kMaxFields));
  }
  for (const auto& [name, property] : *properties) {
    const json::object* field = property.if_object();
    if (field == nullptr)
      throw Error(errc::protocol, fmt::format("the form's field '{}' has no schema", std::string_view(name)));
    fields.push_back(read_field(name, *field));
  }
  if (const json::array* required = find_array(schema, "required")) {
    for (FormField& field : fields) {
      field.required = std::find(required->begin(), required->end(), json::value(field.name)) != required->end();
    }
  }
  return fields;
}

std::string question_for(const FormField& field) {
  std::string text = field.title.empty() ? field.name : field.title;
  if (!field.description.empty()) text += " (" + field.description + ")";
  text += ": " + kind_of(field);
  if (!field.fallback.is_null()) {
    const bool plain = field.fallback.is_string();
    text +=
        fmt::format("; empty: {}", plain ? std::string(field.fallback.get_string()) : json::serialize(field.fallback));
  } else if (!field.required) {
    text += "; empty: leave it out";
  }
  return text;
}

FieldAnswer read_answer(const FormField& field, std::string_view answer) {
  const std::string text = trimmed(answer);
  if (text.empty()) {
    if (!field.fallback.is_null() || !field.required) return {field.fallback, {}};
    return {std::nullopt, "it is needed"};
  }
  switch (field.kind) {
    case FormField::Kind::boolean: {
      const std::string word = lower(text);
      if (word == "yes" || word == "y" || word == "true") return {json::value(true), {}};
      if (word == "no" || word == "n" || word == "false") return {json::value(false), {}};
      return misfit(field);
    }
    case FormField::Kind::number:
    case FormField::Kind::integer:
      return read_number(field, text);
    case FormField::Kind::choice: {
      const auto* choice = choice_of(field, text);
      if (choice == nullptr) return misfit(field);
      return {json::value(choice->value), {}};
    }
    case FormField::Kind::choices:
      return read_choices(field, text);
    case FormField::Kind::text:
      break;
  }
  if (!within(field, static_cast<double>(text.size())) || !fits_format(field.format, text)) return misfit(field);
  return {json::value(text), {}};
}

Refusal refusal_in(std::string_view text) noexcept {
  const auto is = [&](std::string_view word) {
    return text.size() == word.size() &&
           std::equal(text.begin(), text.end(), word.begin(),
                      [](unsigned char a, char b) { return std::tolower(a) == static_cast<unsigned char>(b); });
  };
  if (is("decline")) return Refusal::decline;
  return is("cancel") ? Refusal::cancel : Refusal::none;
}

}  // namespace sennit::mcp
