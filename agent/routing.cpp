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
  void add(bool holds, const std::string& words) {
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

std::string_view provider_of(const ModelSpec& spec) {
  return std::string_view(spec.name).substr(0, spec.name.find('/'));
}

/// What holds for all models of an agent: sampling and limits, not the fields of one provider's request.
CompletionOptions neutral(const CompletionOptions& options) {
  CompletionOptions kept = options;
  kept.extra.clear();
  return kept;
}

/// A model that is named without settings: of the same provider it is reached in the same way.
ModelSpec named(const std::string& name, const ModelSpec& first) {
  ModelSpec spec;
  spec.name = name;
  if (provider_of(spec) == provider_of(first)) {
    spec = first;
    spec.name = name;
    spec.prices.reset();
  } else {
    spec.options = neutral(first.options);
    spec.proxy = first.proxy;
    spec.ca_file = first.ca_file;
    spec.connect_timeout = first.connect_timeout;
    spec.first_token_timeout = first.first_token_timeout;
    spec.idle_timeout = first.idle_timeout;
    spec.total_timeout = first.total_timeout;
  }
  return spec;
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
    models.push_back(std::move(other));
  };
  for (ModelSpec other : spec.fallback) {
    const bool same = provider_of(other) == provider_of(spec);
    if (other.options == CompletionOptions{}) other.options = same ? spec.options : neutral(spec.options);
    if (other.base_url.empty() && other.proxy.empty()) other.proxy = spec.proxy;
    if (other.ca_file.empty()) other.ca_file = spec.ca_file;
    add(std::move(other));
  }
  const auto add_name = [&](const std::string& name) {
    if (name.empty() || std::ranges::find(models, name, &ModelSpec::name) != models.end()) return;
    add(named(name, spec));
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
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto* const first = std::ranges::find_if(answer, is_letter);
  if (std::any_of(answer.begin(), first, [](char c) { return static_cast<unsigned char>(c) >= '0' && c != '`'; })) {
    return false;  // something else stands before it
  }
  const auto* const end = std::find_if_not(first, answer.end(), is_letter);
  const std::string_view word(first, end);
  if (word == kDoubt) return true;
  const bool alone = std::none_of(end, answer.end(), is_letter);
  return alone && std::ranges::equal(word, kDoubt, [](char a, char b) { return (a & ~0x20) == b; });
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
