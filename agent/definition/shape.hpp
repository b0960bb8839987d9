// Private: What an agent file may hold, as data: which keys a map takes, what each value looks like, and where it goes.
//
// These tables are the only description of the format. Reading, defaults, suggestions, the JSON Schema and the
// reference are all made from them (definition_reader, definition_schema, definition_reference).
#pragma once

#include <sennit/agent/definition.hpp>
#include <sennit/agent/io/json.hpp>

#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sennit::format {

struct Table;
class Reader;

/// The looks of a value. The reader turns a value into JSON: durations into milliseconds, sizes into bytes, a selection
/// into {"name", "options"}, a single text where a list of texts is possible into a list.
struct Shape {
  enum class Kind {
    text,
    boolean,
    integer,
    number,
    duration,
    bytes,        ///< a size
    anything,     ///< any YAML value
    object,       ///< any map
    json_schema,  ///< a map that is a JSON Schema
    selection,    ///< `name`, or `name: {options}`
    list,         ///< of parts[0]
    texts,        ///< a list of texts of shape parts[0], or one of them
    map,          ///< from names to parts[0]
    table,        ///< a map with the keys of `table`
    either,       ///< any of `parts`
  };
  Kind kind = Kind::text;
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  std::vector<std::string_view> choices;     ///< of a text: the only ones
  bool (*fits)(std::string_view) = nullptr;  ///< of a text: a rule of its own …
  std::string_view pattern;                  ///< … as a regular expression for editors …
  std::string_view means;                    ///< … and in words: "a name of letters, digits, `_` and `-`"
  bool references = false;                   ///< of a text: `${env:NAME}` and its like are resolved
  bool prose = false;                        ///< of a text: for people or models, several lines
  bool may_be_empty = false;                 ///< nothing after the colon is fine
  std::vector<Shape> parts;
  const Table* table = nullptr;

  [[nodiscard]] Shape between(double low, double high) const;
  [[nodiscard]] Shape at_least(double low) const;
  [[nodiscard]] Shape with_references() const;
  [[nodiscard]] Shape or_nothing() const;
};

[[nodiscard]] Shape text();
[[nodiscard]] Shape prose();
[[nodiscard]] Shape texts(Shape element);
/// A text with a rule of its own: see Shape::fits.
[[nodiscard]] Shape text_that(bool (*fits)(std::string_view), std::string_view pattern, std::string_view means);
/// Text that is not blank.
[[nodiscard]] Shape some_text(std::string_view means = "text");
[[nodiscard]] Shape name();
[[nodiscard]] Shape one_of(std::vector<std::string_view> choices);
[[nodiscard]] Shape plain(Shape::Kind kind);
[[nodiscard]] Shape list_of(Shape element);
[[nodiscard]] Shape map_of(Shape element);
[[nodiscard]] Shape map_with(const Table& table);
[[nodiscard]] Shape either(Shape first, Shape second);

/// One key of a map.
struct Field {
  std::string_view key;
  Shape shape;
  std::string_view about;  ///< what it means, in a sentence or two, for the reference and for editors
  bool required = false;
  std::vector<std::string_view> synonyms;  ///< words of other formats that mean the same and are accepted
  json::value fallback;                    ///< what holds where the key is absent; null: nothing
  /// Moves between the JSON that the reader made and the struct that the table describes. Null for a key that has
  /// no member of its own.
  void (*assign)(void* object, const json::value& value) = nullptr;
  json::value (*get)(const void* object) = nullptr;

  [[nodiscard]] Field needed() &&;
  [[nodiscard]] Field also(std::vector<std::string_view> words) &&;
  [[nodiscard]] Field with_default(json::value value) &&;
};

struct Table {
  std::string_view path;   ///< where it stands in a file: "model.options"
  std::string_view about;  ///< opens its part of the reference
  std::vector<Field> fields;
  /// Words of other formats, and what we call it: shown as suggestion.
  std::vector<std::pair<std::string_view, std::string_view>> foreign;
  /// Rules that concern several keys.
  void (*check)(Reader& reader, const struct CheckedMap& map) = nullptr;

  [[nodiscard]] const Field* find(std::string_view key_or_synonym) const;
};

[[nodiscard]] Shape model_name();
/// Of http or https; a reference may stand for any part.
[[nodiscard]] Shape http_url();
[[nodiscard]] const Table& timeouts_table();
[[nodiscard]] const Table& fallback_table();
/// The whole file.
[[nodiscard]] const Table& definition_table();
/// Every table, in the order of the reference.
[[nodiscard]] const std::vector<const Table*>& all_tables();

/// "a whole number from 1 to 100": for messages and the reference.
[[nodiscard]] std::string describe(const Shape& shape);
/// A default as one would write it in the file; empty where there is nothing to show.
[[nodiscard]] std::string show(const Shape& shape, const json::value& fallback);

// ---- the notations of scalars ----

/// "30s", "1h30m", "250ms", or a number of seconds.
[[nodiscard]] std::optional<milliseconds> parse_duration(std::string_view text);
[[nodiscard]] std::string show_duration(milliseconds duration);
/// "512M", "2G", "64MiB", or a number of bytes.
[[nodiscard]] std::optional<std::int64_t> parse_bytes(std::string_view text);
[[nodiscard]] std::string show_bytes(std::int64_t bytes);
[[nodiscard]] std::optional<bool> parse_boolean(std::string_view text);
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);
[[nodiscard]] std::optional<double> parse_number(std::string_view text);
/// What is wrong with the `${…}` in a text; empty: nothing.
[[nodiscard]] std::string wrong_reference(std::string_view text);
/// Letters, digits, `_` and `-`, at most 64: what a model may call a tool.
[[nodiscard]] bool is_name(std::string_view text);

}  // namespace sennit::format
