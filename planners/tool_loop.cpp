#include <sennit/agent/effects.hpp>
#include <sennit/agent/schema/read_answer.hpp>
#include <sennit/agent/schema/validate.hpp>
#include <sennit/planners/tool_loop.hpp>

#include <memory>
#include <optional>
#include <utility>

namespace sennit {
namespace {

constexpr std::uint32_t kEmptyAnswers = 2;  // in a row, before the model is given up on

/// Arguments that differ in white space alone are the same.
std::string canonical(const std::string& arguments) {
  const std::optional<json::value> value = parse_json(arguments);
  return value ? json::serialize(*value) : arguments;
}

/// Notices a model that makes the same call again and again: it will not get further, only dearer.
class RepetitionGuard {
 public:
  explicit RepetitionGuard(std::uint32_t limit) : limit_(limit) {}

  /// Throws Error(errc::limit) at the limit-th time that the same calls come in a row.
  SENNIT_OUT_OF_FRAME void check(const std::vector<ToolCall>& calls) {
    std::string key;
    for (const ToolCall& call : calls) key += call.name + '\n' + canonical(call.arguments) + '\n';
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

/// A pointer: an outcome is large, and would stand in the frame of the planner for as long as it works.
using End = std::unique_ptr<Outcome>;

End end(Ending ending, std::string text, std::string detail) {
  auto outcome = std::make_unique<Outcome>();
  outcome->ending = ending;
  outcome->text = std::move(text);
  outcome->detail = std::move(detail);
  return outcome;
}

SENNIT_OUT_OF_FRAME std::vector<ToolCall> calls_of(const Completion& completion) {
  std::vector<ToolCall> calls;
  for (const ToolCall* call : completion.message.tool_calls()) calls.push_back(*call);
  return calls;
}

/// Makes the calls. At the output limit the last one is cut off, even where what arrived looks complete.
SENNIT_OUT_OF_FRAME asio::awaitable<void> answer_calls(Effects& effects, std::vector<ToolCall> calls,
                                                       StopReason reason) {
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

bool declined(const Completion& completion) {
  return !completion.refusal.empty() || completion.reason == StopReason::refusal ||
         completion.reason == StopReason::content_filter;
}

End refused(const Completion& completion) {
  const bool withheld = completion.reason == StopReason::content_filter;
  return end(Ending::refused, completion.refusal.empty() ? completion.message.text() : completion.refusal,
             withheld ? "the provider withheld the answer" : "the model declined");
}

/// Holds an answer against what the agent must give.
class AnswerCheck {
 public:
  /// `repairs`: how often an answer that does not fit may be mended.
  AnswerCheck(const std::optional<json::object>& schema, std::uint32_t repairs) : repairs_(repairs) {
    if (schema) schema_.emplace(*schema);
  }

  /// The outcome, or null and what to tell the model. Throws Error once it has fallen short too often.
  End accept(const Completion& completion, std::string& correction) {
    End outcome = end(Ending::completed, completion.message.text(), "");
    if (outcome->text.empty()) {
      if (++empty_ == kEmptyAnswers) {
        throw Error(errc::empty_response, "the model gave an empty answer " + std::to_string(empty_) + " times");
      }
      correction = "Your last answer was empty. Please answer, or call a tool.";
      return nullptr;
    }
    if (!schema_) return outcome;
    std::string wrong;
    if (auto value = read_answer(outcome->text, *schema_, wrong)) {
      outcome->output = std::move(*value);
      return outcome;
    }
    if (wrong_++ == repairs_) {
      throw Error(errc::protocol, "the model's answer does not fit the output schema: " + wrong);
    }
    correction =
        "That does not fit the required JSON schema (" + wrong + "). Answer again with the corrected JSON only.";
    return nullptr;
  }

  void made_calls() { empty_ = 0; }

 private:
  std::optional<Validator> schema_;
  std::uint32_t empty_ = 0;  // in a row
  std::uint32_t repairs_;
  std::uint32_t wrong_ = 0;
};

/// How a completion ends the run; null: it calls tools, or falls short, and `correction` says what to tell the model.
SENNIT_OUT_OF_FRAME End end_of(const Completion& completion, AnswerCheck& check, std::string& correction) {
  if (declined(completion)) return refused(completion);
  if (!completion.message.tool_calls().empty()) return nullptr;
  if (completion.reason == StopReason::length) {
    return end(Ending::truncated, completion.message.text(), "the output limit of the model was reached");
  }
  return check.accept(completion, correction);
}

SENNIT_OUT_OF_FRAME asio::awaitable<void> correct(Effects& effects, std::string correction) {
  return effects.say(user_message(std::move(correction)));
}

class ToolLoop final : public Planner {
 public:
  int version() const override { return 1; }

  asio::awaitable<Outcome> plan(Effects& effects) const override {
    RepetitionGuard repetition(effects.definition().limits.repeats);
    AnswerCheck check(effects.definition().output, effects.definition().limits.repairs);
    while (true) {
      Completion completion = co_await effects.complete(CompletionChange{});
      std::string correction;
      if (End outcome = end_of(completion, check, correction)) co_return std::move(*outcome);
      if (!correction.empty()) {
        co_await correct(effects, std::move(correction));
        continue;
      }
      std::vector<ToolCall> calls = calls_of(completion);
      check.made_calls();
      repetition.check(calls);
      co_await answer_calls(effects, std::move(calls), completion.reason);
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
