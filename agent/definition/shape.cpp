#include <sennit/agent/definition/shape.hpp>
#include <sennit/agent/schema/validate.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace sennit::format {
namespace {

std::string show_number(double number, Shape::Kind kind) {
  if (kind == Shape::Kind::duration) return show_duration(milliseconds{static_cast<std::int64_t>(number)});
  if (kind == Shape::Kind::bytes) return show_bytes(static_cast<std::int64_t>(number));
  return fmt::format("{}", number);
}

/// " from 1 to 100", " of at least 1", or nothing.
std::string range(const Shape& shape) {
  if (std::isinf(shape.least)) return {};
  if (std::isinf(shape.most)) return " of at least " + show_number(shape.least, shape.kind);
  return " from " + show_number(shape.least, shape.kind) + " to " + show_number(shape.most, shape.kind);
}

std::string describe_text(const Shape& shape) {
  if (!shape.choices.empty()) return fmt::format("one of {}", fmt::join(shape.choices, ", "));
  if (!shape.means.empty()) return std::string(shape.means);
  return "text";
}

}  // namespace

Shape Shape::between(double low, double high) const {
  Shape shape = *this;
  shape.least = low;
  shape.most = high;
  return shape;
}

Shape Shape::at_least(double low) const {
  return between(low, most);
}

Shape Shape::with_references() const {
  Shape shape = *this;
  shape.references = true;
  return shape;
}

Shape Shape::or_nothing() const {
  Shape shape = *this;
  shape.may_be_empty = true;
  return shape;
}

Shape plain(Shape::Kind kind) {
  Shape shape;
  shape.kind = kind;
  return shape;
}

Shape text() {
  return plain(Shape::Kind::text);
}

Shape prose() {
  Shape shape = text();
  shape.prose = true;
  return shape;
}

Shape texts(Shape element) {
  Shape shape = plain(Shape::Kind::texts);
  shape.parts.push_back(std::move(element));
  return shape;
}

Shape text_that(bool (*fits)(std::string_view), std::string_view pattern, std::string_view means) {
  Shape shape = text();
  shape.fits = fits;
  shape.pattern = pattern;
  shape.means = means;
  return shape;
}

Shape some_text(std::string_view means) {
  const auto is_not_blank = [](std::string_view words) {
    return words.find_first_not_of(" \t\r\n") != std::string_view::npos;
  };
  return text_that(is_not_blank, "\\S", means);
}

Shape name() {
  return text_that(&is_name, "^[A-Za-z0-9_-]{1,64}$", "a name of letters, digits, `_` and `-` (at most 64)");
}

Shape one_of(std::vector<std::string_view> choices) {
  Shape shape = text();
  shape.choices = std::move(choices);
  return shape;
}

Shape list_of(Shape element) {
  Shape shape = plain(Shape::Kind::list);
  shape.parts.push_back(std::move(element));
  return shape;
}

Shape map_of(Shape element) {
  Shape shape = plain(Shape::Kind::map);
  shape.parts.push_back(std::move(element));
  return shape;
}

Shape map_with(const Table& table) {
  Shape shape = plain(Shape::Kind::table);
  shape.table = &table;
  return shape;
}

Shape either(Shape first, Shape second) {
  Shape shape = plain(Shape::Kind::either);
  shape.parts.push_back(std::move(first));
  shape.parts.push_back(std::move(second));
  return shape;
}

Field Field::needed() && {
  required = true;
  fallback = nullptr;
  return std::move(*this);
}

Field Field::also(std::vector<std::string_view> words) && {
  synonyms = std::move(words);
  return std::move(*this);
}

Field Field::with_default(json::value value) && {
  fallback = std::move(value);
  return std::move(*this);
}

const Field* Table::find(std::string_view key_or_synonym) const {
  const auto found = std::ranges::find_if(fields, [&](const Field& field) {
    return field.key == key_or_synonym || std::ranges::count(field.synonyms, key_or_synonym) > 0;
  });
  return found == fields.end() ? nullptr : &*found;
}

std::string describe(const Shape& shape) {
  if (shape.kind != Shape::Kind::text && !shape.means.empty()) return std::string(shape.means);
  switch (shape.kind) {
    case Shape::Kind::text:
      return describe_text(shape);
    case Shape::Kind::boolean:
      return "true or false";
    case Shape::Kind::integer:
      return "a whole number" + range(shape);
    case Shape::Kind::number:
      return "a number" + range(shape);
    case Shape::Kind::duration:
      return "a duration such as 30s or 5m" + range(shape);
    case Shape::Kind::bytes:
      return "a size such as 512M or 2G" + range(shape);
    case Shape::Kind::anything:
      return "any value";
    case Shape::Kind::object:
      return "a map";
    case Shape::Kind::json_schema:
      return "a JSON Schema (a map)";
    case Shape::Kind::selection:
      return "a name, or `name: {options}`";
    case Shape::Kind::texts:
      return describe(shape.parts[0]) + ", or a list of such texts";
    case Shape::Kind::list: {
      const bool tables = shape.parts[0].kind == Shape::Kind::table;
      return tables ? "a list of maps" : "a list (each " + describe(shape.parts[0]) + ")";
    }
    case Shape::Kind::map: {
      const bool tables = shape.parts[0].kind == Shape::Kind::table;
      return tables ? "a map from names to maps" : "a map from names to " + describe(shape.parts[0]);
    }
    case Shape::Kind::table:
      return "a map";
    case Shape::Kind::either:
      return describe(shape.parts[0]) + ", or " + describe(shape.parts[1]);
  }
  return {};
}

std::string show(const Shape& shape, const json::value& fallback) {
  if (fallback.is_null()) return {};
  if (const auto* object = fallback.if_object(); object != nullptr) {
    return object->empty() || shape.kind != Shape::Kind::selection ? std::string{} : json_text(fallback);
  }
  if (const auto* array = fallback.if_array(); array != nullptr) {
    return array->empty() ? std::string{} : json_text(fallback);
  }
  if (const auto* words = fallback.if_string(); words != nullptr) return std::string(*words);
  if (shape.kind == Shape::Kind::duration) return show_duration(milliseconds{fallback.to_number<std::int64_t>()});
  if (shape.kind == Shape::Kind::bytes) return show_bytes(fallback.to_number<std::int64_t>());
  return json_text(fallback);
}

}  // namespace sennit::format
