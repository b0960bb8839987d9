// Which providers and models there are, and how each one differs, as data: YAML files that are part of the library, and
// that people add to. A new provider or model is a row, not code; no other file asks "is this DeepSeek?".
//
// A model has no one row: all rows whose pattern matches count, and each field comes from the first of them that has
// it. So a general row says what holds for a family, and a row above it what is different about one.
#pragma once

#include <sennit/agent/ability.hpp>
#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/usage.hpp>
#include <sennit/backends/wire/api.hpp>
#include <sennit/backends/wire/think_splitter.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sennit {

/// How chat completions are asked for a depth of reasoning.
enum class ReasoningControl : std::uint8_t {
  none,             ///< it cannot be
  effort,           ///< `reasoning_effort` with the caller's word
  effort_levels,    ///< `reasoning_effort` with none, low, medium or high
  deepseek,         ///< `thinking: {type}` and `reasoning_effort` with low, high or max
  template_kwargs,  ///< `chat_template_kwargs: {enable_thinking}` and `reasoning_effort`
  thinking_type,    ///< `thinking: {type: enabled}` or `disabled`
  enable_thinking,  ///< `enable_thinking: true` or `false`
  openrouter,       ///< `reasoning: {effort}`
};

/// Which earlier reasoning is sent back.
enum class ReasoningReplay : std::uint8_t {
  never,
  within_turn,  ///< that of the messages since the last one of the user
  always,
};

/// How an answer of a given JSON Schema is asked for. What the server does not enforce is said in the instructions.
enum class SchemaControl : std::uint8_t { instructions, json_object, json_schema };

/// Who can enforce the schemas of tools.
enum class StrictTools : std::uint8_t {
  unsupported,
  per_tool,       ///< `strict: true` in each tool
  all_with_beta,  ///< in every tool or none, and only below the `/beta` address
};

/// The form in which a model of Messages or Gemini takes a depth of reasoning.
enum class ThinkingForm : std::uint8_t {
  none,      ///< it does not think
  adaptive,  ///< by itself, as deep as `output_config.effort` says
  budget,    ///< up to so many tokens
  level,     ///< a word
};

/// Where a provider speaks a protocol.
struct Endpoint {
  Api api = Api::chat_completions;
  std::string base_url;  ///< empty: the agent file must name it
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct Provider {
  std::string name;                                          ///< before the slash in "provider/model"
  std::string title;                                         ///< for people
  std::vector<Endpoint> apis;                                ///< the first is the usual one; never empty
  std::string key_variable;                                  ///< environment variable with the key
  std::string key_header;                                    ///< empty: `Authorization: Bearer KEY`
  bool key_required = false;                                 ///< at its own address
  std::string default_model;                                 ///< empty: the agent file must name it
  std::vector<std::pair<std::string, std::string>> headers;  ///< sent with each request
  std::vector<std::string> families;                         ///< whose rows hold here after its own
  std::string models_path = "/models";                       ///< below its address: what it serves
  std::string source;                                        ///< where the facts stand

  // of its chat completions
  std::string max_tokens_field = "max_tokens";
  ReasoningControl reasoning = ReasoningControl::none;
  ReasoningReplay replay = ReasoningReplay::never;
  std::string replay_field = "reasoning_content";
  bool replay_needs_presence = false;  ///< a message with tool calls must carry the field even if it is empty
  ThinkStart think = ThinkStart::off;
  SchemaControl schema = SchemaControl::instructions;
  bool schema_beside_tools = true;  ///< false: a grammar for the answer would keep the model from calling tools
  StrictTools strict = StrictTools::unsupported;
  bool include_usage = true;       ///< understands `stream_options`
  bool parallel_field = true;      ///< understands `parallel_tool_calls`
  std::size_t call_id_length = 0;  ///< ids of calls are so many letters and digits, no more, no less; 0: as they come

  /// Its address for `api`; null if it does not speak it.
  [[nodiscard]] const Endpoint* endpoint(Api api) const noexcept;
  friend bool operator==(const Provider&, const Provider&) = default;
};

/// Hours of a week, in UTC.
struct WeekHours {
  struct Span {
    int from = 0;  ///< minutes of a day
    int until = 0;
    friend bool operator==(const Span&, const Span&) = default;
  };
  std::uint8_t days = 0x7F;  ///< a bit a day, Monday the lowest
  std::vector<Span> spans;   ///< empty: all day
  [[nodiscard]] bool contains(WallTime time) const;
  friend bool operator==(const WeekHours&, const WeekHours&) = default;
};

/// Prices, and when they hold.
struct DatedPrices {
  Prices prices;
  std::optional<WallTime> from;   ///< inclusive
  std::optional<WallTime> until;  ///< exclusive
  WeekHours hours;
  [[nodiscard]] bool holds(WallTime time) const;
  friend bool operator==(const DatedPrices&, const DatedPrices&) = default;
};

/// A row of the catalogue, or what several of them say together about one model. What is absent is not known.
struct ModelEntry {
  std::string id;  ///< lower case: "deepseek/deepseek-r1*"
  std::string title;
  std::optional<std::int64_t> context_tokens;
  std::optional<std::int64_t> output_tokens;
  std::optional<Abilities> abilities;
  std::optional<Api> api;                           ///< it needs this protocol, not its provider's usual one
  std::optional<bool> reasons;                      ///< refuses sampling and `stop`, takes the developer role
  std::optional<bool> sampling;                     ///< false: refuses temperature and top_p
  std::optional<std::vector<std::string>> efforts;  ///< of reasoning that it takes, rising; empty: none at all
  std::optional<ThinkingForm> thinking;
  std::optional<ReasoningReplay> replay;
  std::optional<bool> replay_needs_presence;
  std::optional<ThinkStart> think;
  std::optional<std::vector<DatedPrices>> prices;  ///< the first that hold count
  std::string source;
  bool checked = false;  ///< the source was read, not remembered

  [[nodiscard]] bool can(Ability ability) const noexcept { return abilities && abilities->contains(ability); }
  [[nodiscard]] std::optional<Prices> prices_at(WallTime time) const;
  /// Takes what `row` has and this lacks.
  void fill_from(const ModelEntry& row);
  friend bool operator==(const ModelEntry&, const ModelEntry&) = default;
};

/// Immutable once it is shared. [thread-safe]
class Catalogue {
 public:
  /// Adds a file's rows before those that are there, and its providers: fields of one that is there are replaced.
  /// Throws Error(errc::config) listing everything wrong, each with its place.
  void add(std::string_view yaml, const std::filesystem::path& file);

  /// In the order in which `auto` should prefer them.
  [[nodiscard]] std::span<const Provider> providers() const noexcept { return providers_; }
  /// Null if there is none of that name.
  [[nodiscard]] const Provider* provider(std::string_view name) const noexcept;
  /// The rows as they stand in the files.
  [[nodiscard]] std::span<const ModelEntry> rows() const noexcept { return rows_; }
  /// What is known of a model; `name` without the provider, in any case.
  [[nodiscard]] ModelEntry model(const Provider& provider, std::string_view name) const;
  /// The same for "provider/model"; nothing if there is no such provider.
  [[nodiscard]] std::optional<ModelEntry> find(std::string_view id) const;
  /// The date of what was added last.
  [[nodiscard]] const std::string& version() const noexcept { return version_; }

 private:
  friend std::shared_ptr<const Catalogue> shipped_catalogue();
  void take(struct CatalogueFile read, const std::filesystem::path& file);

  std::string version_;
  std::vector<Provider> providers_;
  std::vector<ModelEntry> rows_;
};

/// What the library brings.
[[nodiscard]] std::shared_ptr<const Catalogue> shipped_catalogue();
/// What the library brings, and before it what a person added: the file that $SENNIT_CATALOGUE names, else
/// `sennit/catalogue.yaml` in $XDG_CONFIG_HOME (~/.config). Read once. Throws Error(errc::config) if that is wrong.
[[nodiscard]] std::shared_ptr<const Catalogue> catalogue();
/// The file that catalogue() looks for; empty where there is no home.
[[nodiscard]] std::filesystem::path catalogue_file();

/// Whether `text` fits `pattern`, in which `*` stands for any text. The case of `text` does not matter.
[[nodiscard]] bool matches_model(std::string_view pattern, std::string_view text) noexcept;

}  // namespace sennit
