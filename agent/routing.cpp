#include <sennit/agent/routing.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sennit {
namespace {

constexpr std::string_view kDoubt = "ESCALATE";

/// Collects why a rule holds.
class Reasons {
 public:
  /// A condition of the rule: whether it holds, and in which words.
  void add(bool holds, std::string words) {
    holds_ = holds_ && holds;
    words_.append(words_.empty() ? "" : ", ").append(words);
  }
  [[nodiscard]] bool hold() const { return holds_ && !words_.empty(); }
  [[nodiscard]] const std::string& words() const { return words_; }

 private:
  bool holds_ = true;
  std::string words_;
};

Reasons reasons_of(const RouteRule& rule, const StepFacts& step) {
  Reasons reasons;
  if (rule.longer_than) {
    reasons.add(step.prompt_tokens > *rule.longer_than, fmt::format("longer than {} tokens", *rule.longer_than));
  }
  if (rule.shorter_than) {
    reasons.add(step.prompt_tokens < *rule.shorter_than, fmt::format("shorter than {} tokens", *rule.shorter_than));
  }
  if (rule.images) reasons.add(step.images == *rule.images, *rule.images ? "there are images" : "there are no images");
  if (rule.tools) reasons.add(step.tools == *rule.tools, *rule.tools ? "there are tools" : "there are no tools");
  if (!rule.tag.empty()) {
    reasons.add(std::ranges::find(step.tags, rule.tag) != step.tags.end(),
                fmt::format("the run is tagged {}", rule.tag));
  }
  if (rule.budget_left_below) {
    reasons.add(step.budget_left && *step.budget_left < *rule.budget_left_below,
                fmt::format("less than {:g} % of the budget is left", *rule.budget_left_below * 100));
  }
  return reasons;
}

bool names(const std::vector<ModelSpec>& models, std::string_view name) {
  return std::ranges::find(models, name, &ModelSpec::name) != models.end();
}

}  // namespace

Route route_of(const RouteSettings& settings, const StepFacts& step) {
  for (const RouteRule& rule : settings.rules) {
    const Reasons reasons = reasons_of(rule, step);
    if (reasons.hold()) return {rule.model, reasons.words()};
  }
  return {};
}

std::vector<ModelSpec> models_of(const ModelSpec& spec) {
  std::vector<ModelSpec> models{spec};
  const auto add = [&](ModelSpec other) {
    other.fallback.clear();
    other.route = {};
    other.retry = spec.retry;
    if (other.options == CompletionOptions{}) other.options = spec.options;
    if (!names(models, other.name)) models.push_back(std::move(other));
  };
  for (const ModelSpec& other : spec.fallback) add(other);
  const auto add_name = [&](const std::string& name) {
    if (name.empty()) return;
    ModelSpec other;
    other.name = name;
    add(std::move(other));
  };
  for (const RouteRule& rule : spec.route.rules) add_name(rule.model);
  add_name(spec.route.escalate.to);
  return models;
}

std::string_view doubt_instructions() noexcept {
  return "If you are not sure that you can do well what is asked, answer with the one word ESCALATE and nothing else: "
         "a "
         "more capable model takes over then.";
}

bool is_doubt(std::string_view answer) noexcept {
  const auto first = answer.find_first_not_of(" \t\r\n*`\"'.");
  return first != std::string_view::npos && answer.substr(first).starts_with(kDoubt);
}

bool calls_failed(std::span<const Message> conversation) noexcept {
  for (auto message = conversation.rbegin(); message != conversation.rend() && message->role == Role::tool; ++message) {
    for (const Part& part : message->parts) {
      const auto* result = std::get_if<ToolResult>(&part);
      if (result != nullptr && result->is_error) return true;
    }
  }
  return false;
}

}  // namespace sennit
