// Who speaks chat completions, and how each one differs, as data. A new provider is a row, not code.
//
// Columns exist for what providers really do differently (names of fields, what they refuse, what they demand); a
// column that only one row sets is still a column, so that no other file asks "is this DeepSeek?".
#pragma once

#include <sennit/backends/wire/think_splitter.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sennit {

/// How the depth of reasoning is asked for.
enum class ReasoningControl : std::uint8_t {
  none,             ///< it cannot be
  effort,           ///< `reasoning_effort` with the caller's word
  effort_levels,    ///< `reasoning_effort` with none, low, medium or high
  deepseek,         ///< `thinking: {type}` and `reasoning_effort` with low, high or max
  template_kwargs,  ///< `chat_template_kwargs: {enable_thinking}` and `reasoning_effort`
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

/// A model that takes no effort at all.
inline constexpr std::string_view kNoEffort = " ";

/// What is special about a model. `*` in a pattern stands for any text; the first row that matches counts.
struct ModelRule {
  std::string_view pattern = {};  ///< lower case
  bool reasons = false;           ///< refuses sampling parameters and `stop`, takes the developer role and an effort
  std::string_view efforts = {};  ///< of reasoning it takes, between spaces, rising; empty: any; kNoEffort: none
  std::optional<ReasoningReplay> replay = {};  ///< absent: the provider's
  bool replay_needs_presence = false;          ///< as in Provider
  std::optional<ThinkStart> think = {};        ///< absent: the provider's
  std::int64_t context_tokens = 0;             ///< 0: unknown
};

struct Provider {
  std::string_view name = {};           ///< before the slash in "provider/model"
  std::string_view title = {};          ///< for people
  std::string_view base_url = {};       ///< empty: the agent file must name it
  std::string_view key_variable = {};   ///< environment variable with the key
  std::string_view default_model = {};  ///< empty: the agent file must name it
  bool key_required = false;            ///< at its own address; elsewhere a key is sent if there is one
  std::string_view max_tokens_field = "max_tokens";
  ReasoningControl reasoning = ReasoningControl::none;
  ReasoningReplay replay = ReasoningReplay::never;
  std::string_view replay_field = "reasoning_content";
  bool replay_needs_presence = false;  ///< a message with tool calls must carry the field even if it is empty
  ThinkStart think = ThinkStart::off;
  SchemaControl schema = SchemaControl::instructions;
  bool schema_beside_tools = true;  ///< false: a grammar for the answer would keep the model from calling tools
  StrictTools strict = StrictTools::unsupported;
  bool include_usage = true;   ///< understands `stream_options`
  bool parallel_field = true;  ///< understands `parallel_tool_calls`
  std::span<const ModelRule> models = {};
};

/// All of them, in the order in which `auto` should prefer them.
[[nodiscard]] std::span<const Provider> providers() noexcept;
/// Null if there is none of that name.
[[nodiscard]] const Provider* find_provider(std::string_view name) noexcept;
/// What is special about `model`; an empty rule if nothing is.
[[nodiscard]] const ModelRule& rule_for(const Provider& provider, std::string_view model) noexcept;

}  // namespace sennit
