#include <sennit/agent/effects.hpp>
#include <sennit/agent/schema/validate.hpp>
#include <sennit/planners/tool_loop.hpp>

#include <optional>
#include <utility>

namespace sennit {
namespace {

constexpr std::uint32_t kEmptyAnswers = 2;  // in a row, before the model is given up on
constexpr std::uint32_t kWrongOutputs = 3;  // answers that do not fit the output schema

/// Notices a model that makes the same call again and again: it will not get further, only dearer.
class RepetitionGuard {
 public:
  explicit RepetitionGuard(std::uint32_t limit) : limit_(limit) {}

  /// Throws Error(errc::limit) at the limit-th time that the same calls come in a row.
  void check(const std::vector<ToolCall>& calls) {
    std::string key;
    for (const ToolCall& call : calls) key += call.name + '\n' + call.arguments + '\n';
    times_ = key == last_ ? times_ + 1 : 1;
    last_ = std::move(key);
    if (limit_ > 0 && times_ >= limit_ && limit_ > 1) {
      throw Error(errc::limit, "limits.repeats: the model called " + calls.front().name + " with the same arguments " +
                                   std::to_string(times_) + " times in a row");
    }
  }

 private:
  std::uint32_t limit_;
  std::uint32_t times_ = 0;
  std::string last_;
};

Outcome end(Ending ending, std::string text, std::string detail) {
  Outcome outcome;
  outcome.ending = ending;
  outcome.text = std::move(text);
  outcome.detail = std::move(detail);
  return outcome;
}

/// Models like to wrap JSON in a Markdown fence.
std::string_view without_fence(std::string_view text) {
  const auto trim = [](std::string_view s) {
    const auto first = s.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return std::string_view{};
    return s.substr(first, s.find_last_not_of(" \t\r\n") - first + 1);
  };
  text = trim(text);
  if (!text.starts_with("```") || !text.ends_with("```") || text.size() < 6) return text;
  const auto line_end = text.find('\n');
  if (line_end == std::string_view::npos) return text;
  return trim(text.substr(line_end + 1, text.size() - line_end - 4));
}

/// The answer as JSON of the agent's schema, or what is wrong with it.
std::optional<json::value> read_output(std::string_view text, const Validator& schema, std::string& wrong) {
  std::string why;
  std::optional<json::value> value = parse_json(without_fence(text), &why);
  if (!value) {
    wrong = "the answer is not JSON: " + why;
    return std::nullopt;
  }
  schema.coerce(*value);
  if (const auto violations = schema.check(*value); !violations.empty()) {
    wrong = describe(violations, "answer");
    return std::nullopt;
  }
  return value;
}

/// Makes the calls. At the output limit the last one is cut off, even where what arrived looks complete.
asio::awaitable<void> answer_calls(Effects& effects, std::vector<ToolCall> calls, StopReason reason) {
  std::optional<ToolCall> cut;
  if (reason == StopReason::length) {
    cut = std::move(calls.back());
    calls.pop_back();
  }
  co_await effects.call_tools(std::move(calls));
  if (!cut) co_return;
  effects.notice("the call of " + cut->name + " was cut off at the model's output limit");
  co_await effects.say(tool_message({cut->id, cut->name,
                                     "the call was cut off at the output limit, so it was not made; send it again, "
                                     "shorter or in parts",
                                     true}));
}

class ToolLoop final : public Planner {
 public:
  int version() const override { return 1; }

  asio::awaitable<Outcome> plan(Effects& effects) const override {
    RepetitionGuard repetition(effects.definition().limits.repeats);
    std::optional<Validator> output;
    if (effects.definition().output) output.emplace(*effects.definition().output);
    std::uint32_t empty = 0;
    std::uint32_t wrong_outputs = 0;
    while (true) {
      Completion completion = co_await effects.complete(CompletionChange{});
      std::string text = completion.message.text();
      std::vector<ToolCall> calls;
      for (const ToolCall* call : completion.message.tool_calls()) calls.push_back(*call);

      if (!completion.refusal.empty() || completion.reason == StopReason::refusal ||
          completion.reason == StopReason::content_filter) {
        const bool own_words = !completion.refusal.empty();
        co_return end(Ending::refused, own_words ? completion.refusal : std::move(text),
                      completion.reason == StopReason::content_filter ? "the provider withheld the answer"
                                                                      : "the model declined");
      }
      if (!calls.empty()) {
        empty = 0;
        repetition.check(calls);
        co_await answer_calls(effects, std::move(calls), completion.reason);
        continue;
      }
      if (completion.reason == StopReason::length) {
        co_return end(Ending::truncated, std::move(text), "the output limit of the model was reached");
      }
      if (text.empty()) {
        if (++empty == kEmptyAnswers) {
          throw Error(errc::empty_response, "the model gave an empty answer " + std::to_string(empty) + " times");
        }
        co_await effects.say(user_message("Your last answer was empty. Please answer, or call a tool."));
        continue;
      }
      Outcome outcome = end(Ending::completed, std::move(text), "");
      if (!output) co_return outcome;
      std::string wrong;
      if (auto value = read_output(outcome.text, *output, wrong)) {
        outcome.output = std::move(*value);
        co_return outcome;
      }
      if (++wrong_outputs == kWrongOutputs) {
        throw Error(errc::protocol, "the model's answer does not fit the output schema: " + wrong);
      }
      co_await effects.say(user_message("That does not fit the required JSON schema (" + wrong +
                                        "). Answer again with the corrected JSON only."));
    }
  }
};

}  // namespace

std::shared_ptr<const Planner> make_tool_loop(const json::object& options, const PartContext& /*context*/) {
  if (!options.empty()) {
    throw Error(errc::config,
                "the planner tool-loop takes no options, but was given '" + std::string(options.begin()->key()) + "'");
  }
  return std::make_shared<ToolLoop>();
}

}  // namespace sennit
