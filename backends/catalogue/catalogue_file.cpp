#include <sennit/agent/definition/bind.hpp>
#include <sennit/agent/definition/reader.hpp>
#include <sennit/agent/definition/yaml.hpp>
#include <sennit/backends/catalogue/catalogue_file.hpp>
#include <sennit/backends/catalogue/week_hours.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <type_traits>
#include <utility>

namespace sennit {
namespace {

using format::bare_field;
using format::list_of;
using format::map_of;
using format::map_with;
using format::one_of;
using format::plain;
using format::Shape;
using format::Table;
using format::text;
using format::text_that;
using Kind = Shape::Kind;

// ---- words for enumerations: the place of a word is the enumerator's value ----

constexpr std::array<std::string_view, 8> kReasoning{
    "none", "effort", "effort_levels", "deepseek", "template_kwargs", "thinking_type", "enable_thinking", "openrouter"};
constexpr std::array<std::string_view, 3> kReplay{"never", "within_turn", "always"};
constexpr std::array<std::string_view, 3> kThink{"off", "tagged", "inside"};
constexpr std::array<std::string_view, 3> kSchema{"instructions", "json_object", "json_schema"};
constexpr std::array<std::string_view, 3> kStrict{"unsupported", "per_tool", "all_with_beta"};
constexpr std::array<std::string_view, 4> kThinking{"none", "adaptive", "budget", "level"};

template <class Words>
Shape word_of(const Words& words) {
  return one_of({words.begin(), words.end()});
}

template <class Enum, class Words>
void set_word(Enum& out, const json::value& value, const Words& words) {
  const auto found = std::ranges::find(words, std::string_view(value.as_string()));
  out = static_cast<Enum>(found - words.begin());
}

// ---- the rules of texts ----

bool is_id(std::string_view text) {
  const std::size_t slash = text.find('/');
  const bool lower = std::ranges::none_of(text, [](char c) { return (c >= 'A' && c <= 'Z') || c == ' '; });
  return lower && slash != std::string_view::npos && slash > 0 && slash + 1 < text.size();
}

bool is_date(std::string_view text) {
  return parse_date(text).has_value();
}

bool is_week_hours(std::string_view text) {
  return parse_week_hours(text).has_value();
}

Shape date() {
  return text_that(&is_date, "^\\d{4}-\\d{2}-\\d{2}$", "a date as 2026-11-26");
}

// ---- the tables ----

const Table& provider_table() {
  static const Table kTable{
      "providers.NAME",
      "Where a provider is, and what is special about it.",
      {
          bare_field("title", text(), "Its name for people."),
          bare_field("apis", map_of(text().or_nothing()),
                     "The protocols that it speaks, the usual one first, and where."),
          bare_field("key", text(), "The environment variable that holds its key."),
          bare_field("key_header", text(), "The header that carries the key. Absent: `Authorization: Bearer KEY`."),
          bare_field("key_required", plain(Kind::boolean), "Whether it answers without one."),
          bare_field("default_model", text(), "The model that `NAME/` means."),
          bare_field("headers", map_of(text()), "Headers that every request carries."),
          bare_field("families", list_of(text()), "Families of models (`FAMILY/…`) whose rows hold here too."),
          bare_field("models_path", text(), "Where it lists its models."),
          bare_field("source", text(), "Where the facts stand."),
          bare_field("max_tokens_field", text(), "What it calls the limit of an answer."),
          bare_field("reasoning", word_of(kReasoning), "How the depth of reasoning is asked for."),
          bare_field("replay", word_of(kReplay), "Which earlier reasoning it wants back."),
          bare_field("replay_field", text(), "Where that stands in a message."),
          bare_field("replay_needs_presence", plain(Kind::boolean), "Whether it must stand there even if it is empty."),
          bare_field("think", word_of(kThink), "Whether `<think>` tags may stand in its texts."),
          bare_field("schema", word_of(kSchema), "How it is held to a JSON Schema."),
          bare_field("schema_beside_tools", plain(Kind::boolean), "Whether it can be where there are tools."),
          bare_field("strict", word_of(kStrict), "Who can enforce the schemas of tools."),
          bare_field("include_usage", plain(Kind::boolean), "Whether it knows `stream_options`."),
          bare_field("call_id_length", plain(Kind::integer).between(0, 64), "How long its ids of calls must be."),
          bare_field("parallel_field", plain(Kind::boolean), "Whether it knows `parallel_tool_calls`."),
      },
      {{"base_url", "apis"}, {"url", "apis"}, {"api_key", "key"}, {"env", "key"}},
      nullptr};
  return kTable;
}

const Table& prices_table() {
  static const Table kTable{
      "models[].prices[]",
      "What a million tokens cost.",
      {
          bare_field("currency", text(), "The currency."),
          bare_field("input", plain(Kind::number).at_least(0), "Tokens read.").needed(),
          bare_field("output", plain(Kind::number).at_least(0), "Tokens written.").needed(),
          bare_field("cached_input", plain(Kind::number).at_least(0), "Tokens read from the cache."),
          bare_field("cache_write", plain(Kind::number).at_least(0), "Tokens written to the cache."),
          bare_field("from", date(), "From this day on."),
          bare_field("until", date(), "Before this day."),
          bare_field(
              "hours",
              text_that(&is_week_hours, "", "hours in UTC as `01:00-04:00` or `mon-fri 01:00-04:00 06:00-10:00`"),
              "Only then, in UTC."),
      },
      {{"cache_read", "cached_input"}, {"cached", "cached_input"}},
      nullptr};
  return kTable;
}

const Table& model_table() {
  static const Table kTable{
      "models[]",
      "What is known of a model, or of all whose name fits a pattern.",
      {
          bare_field("id", text_that(&is_id, "^[^/A-Z ]+/[^A-Z ]+$", "`provider/model` in lower case; `*` is any text"),
                     "Which.")
              .needed(),
          bare_field("title", text(), "Its name for people."),
          bare_field("context", plain(Kind::integer).at_least(1), "Tokens that it can see at once."),
          bare_field("output", plain(Kind::integer).at_least(1), "Tokens of one answer at most."),
          bare_field("abilities", list_of(one_of({ability_names().begin(), ability_names().end()})), "What it can do."),
          bare_field("api", one_of({api_names().begin(), api_names().end()}), "The protocol that it needs."),
          bare_field("reasons", plain(Kind::boolean), "Whether it refuses sampling parameters and `stop`."),
          bare_field("sampling", plain(Kind::boolean), "Whether it takes `temperature` and `top_p`."),
          bare_field("efforts", list_of(text()), "The depths of reasoning that it takes, rising."),
          bare_field("thinking", word_of(kThinking), "The form in which it takes them."),
          bare_field("replay", word_of(kReplay), "Which earlier reasoning it wants back."),
          bare_field("replay_needs_presence", plain(Kind::boolean), "Whether it must be sent even if it is empty."),
          bare_field("think", word_of(kThink), "Whether `<think>` tags may stand in its texts."),
          bare_field("prices", list_of(map_with(prices_table())), "The first that hold count."),
          bare_field("source", text(), "Where the facts stand."),
          bare_field("checked", plain(Kind::boolean), "Whether the source was read for them."),
      },
      {{"name", "id"}, {"context_window", "context"}, {"max_output", "output"}, {"capabilities", "abilities"}},
      nullptr};
  return kTable;
}

const Table& file_table() {
  static const Table kTable{
      "",
      "A catalogue file.",
      {
          bare_field("version", text(), "The date of its facts."),
          bare_field("providers", map_of(map_with(provider_table())), "Providers by name."),
          bare_field("models", list_of(map_with(model_table())), "Models; earlier rows go before later ones."),
      },
      {},
      nullptr};
  return kTable;
}

// ---- from JSON to structs ----

/// Calls `set(value)` if `map` has `key`.
template <class Set>
void with(const json::value& map, std::string_view key, Set set) {
  const json::value* value = find(map, key);
  if (value != nullptr && !value->is_null()) set(*value);
}

template <class T>
void take(const json::value& map, std::string_view key, T& out) {
  with(map, key, [&](const json::value& value) { format::assign(out, value); });
}

template <class Enum, class Words>
void take_word(const json::value& map, std::string_view key, Enum& out, const Words& words) {
  with(map, key, [&](const json::value& value) { set_word(out, value, words); });
}

template <class Enum, class Words>
void take_word(const json::value& map, std::string_view key, std::optional<Enum>& out, const Words& words) {
  with(map, key, [&](const json::value& value) { set_word(out.emplace(), value, words); });
}

std::string currency_of(const json::value& row) {
  const std::string_view currency = find_string(row, "currency");
  return std::string(currency.empty() ? "USD" : currency);
}

DatedPrices read_prices(const json::value& row) {
  DatedPrices dated;
  take(row, "input", dated.prices.input);
  take(row, "output", dated.prices.output);
  take(row, "cached_input", dated.prices.cached_input);
  take(row, "cache_write", dated.prices.cache_write);
  dated.prices.currency = currency_of(row);
  with(row, "from", [&](const json::value& day) { dated.from = parse_date(day.as_string()); });
  with(row, "until", [&](const json::value& day) { dated.until = parse_date(day.as_string()); });
  with(row, "hours", [&](const json::value& hours) { dated.hours = *parse_week_hours(hours.as_string()); });
  return dated;
}

ModelEntry read_model(const json::value& row) {
  ModelEntry entry;
  take(row, "id", entry.id);
  take(row, "title", entry.title);
  take(row, "context", entry.context_tokens);
  take(row, "output", entry.output_tokens);
  with(row, "abilities", [&](const json::value& list) {
    Abilities& abilities = entry.abilities.emplace();
    for (const json::value& name : list.as_array()) {
      if (name.is_string()) abilities.insert(*parse_ability(name.as_string()));
    }
  });
  with(row, "api", [&](const json::value& name) { entry.api = parse_api(name.as_string()); });
  take(row, "reasons", entry.reasons);
  take(row, "sampling", entry.sampling);
  with(row, "efforts", [&](const json::value& list) { format::assign(entry.efforts.emplace(), list); });
  take_word(row, "thinking", entry.thinking, kThinking);
  take_word(row, "replay", entry.replay, kReplay);
  take(row, "replay_needs_presence", entry.replay_needs_presence);
  take_word(row, "think", entry.think, kThink);
  with(row, "prices", [&](const json::value& list) {
    auto& prices = entry.prices.emplace();
    for (const json::value& dated : list.as_array()) {
      if (dated.is_object()) prices.push_back(read_prices(dated));
    }
  });
  take(row, "source", entry.source);
  take(row, "checked", entry.checked);
  return entry;
}

CatalogueFile read_fields(const json::value& file) {
  CatalogueFile read;
  take(file, "version", read.version);
  with(file, "providers", [&](const json::value& providers) {
    for (const auto& [name, fields] : providers.as_object()) {
      // In memory of its own: a copy of a value shares the other's, which goes before it.
      if (fields.is_object()) read.providers.emplace_back(std::string(name), json::value(fields, json::storage_ptr()));
    }
  });
  with(file, "models", [&](const json::value& models) {
    for (const json::value& row : models.as_array()) {
      if (row.is_object()) read.models.push_back(read_model(row));
    }
  });
  return read;
}

void check_apis(const std::string& provider, const json::value& apis,
                const std::map<std::string, Position, std::less<>>& at, std::vector<Diagnostic>& wrong) {
  for (const auto& [name, address] : apis.as_object()) {
    if (parse_api(name)) continue;
    const auto place = at.find(fmt::format("providers.{}.apis.{}", provider, std::string_view(name)));
    const Position where = place == at.end() ? Position{} : place->second;
    wrong.push_back(
        {Diagnostic::Severity::error, where.line, where.column,
         fmt::format("`{}` is no protocol; there are: {}", std::string_view(name), fmt::join(api_names(), ", "))});
  }
}

[[noreturn]] void refuse(const std::filesystem::path& file, const std::vector<Diagnostic>& problems) {
  std::string all;
  for (const Diagnostic& problem : problems) {
    all.append(all.empty() ? "" : "\n").append(format_diagnostic(file, problem));
  }
  throw Error(errc::config, all);
}

}  // namespace

CatalogueFile read_catalogue(std::string_view yaml, const std::filesystem::path& file) {
  std::vector<Diagnostic> problems;
  std::map<std::string, Position, std::less<>> positions;
  const auto root = yaml::parse(yaml, problems);
  CatalogueFile read;
  if (root) {
    format::Reader reader(problems, positions);
    read = read_fields(reader.read(*root, map_with(file_table()), ""));
    for (const auto& [name, fields] : read.providers) {
      with(fields, "apis", [&](const json::value& apis) { check_apis(name, apis, positions, problems); });
    }
  }
  std::erase_if(problems, [](const Diagnostic& problem) { return problem.severity == Diagnostic::Severity::warning; });
  if (!problems.empty()) refuse(file, problems);
  return read;
}

CatalogueFile read_shipped(std::string_view json) {
  json::monotonic_resource memory;  // let go as a whole: every start of the program pays for this
  boost::system::error_code error;
  const json::value file = json::parse(json, error, &memory);
  if (error) throw Error(errc::internal, "the catalogue that was built in cannot be read");
  return read_fields(file);
}

void assign_provider(Provider& provider, const json::value& fields) {
  take(fields, "title", provider.title);
  with(fields, "apis", [&](const json::value& apis) {
    provider.apis.clear();
    for (const auto& [name, address] : apis.as_object()) {
      provider.apis.push_back({*parse_api(name), address.is_string() ? std::string(address.as_string()) : ""});
    }
  });
  take(fields, "key", provider.key_variable);
  take(fields, "key_header", provider.key_header);
  take(fields, "key_required", provider.key_required);
  take(fields, "default_model", provider.default_model);
  with(fields, "headers", [&](const json::value& headers) {
    provider.headers.clear();
    for (const auto& [name, value] : headers.as_object()) {
      provider.headers.emplace_back(std::string(name), std::string(value.as_string()));
    }
  });
  with(fields, "families", [&](const json::value& families) {
    provider.families.clear();
    format::assign(provider.families, families);
  });
  take(fields, "models_path", provider.models_path);
  take(fields, "source", provider.source);
  take(fields, "max_tokens_field", provider.max_tokens_field);
  take_word(fields, "reasoning", provider.reasoning, kReasoning);
  take_word(fields, "replay", provider.replay, kReplay);
  take(fields, "replay_field", provider.replay_field);
  take(fields, "replay_needs_presence", provider.replay_needs_presence);
  take_word(fields, "think", provider.think, kThink);
  take_word(fields, "schema", provider.schema, kSchema);
  take(fields, "schema_beside_tools", provider.schema_beside_tools);
  take_word(fields, "strict", provider.strict, kStrict);
  take(fields, "include_usage", provider.include_usage);
  take(fields, "parallel_field", provider.parallel_field);
  take(fields, "call_id_length", provider.call_id_length);
}

}  // namespace sennit
