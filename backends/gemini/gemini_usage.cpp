#include <sennit/backends/gemini/gemini_usage.hpp>
#include <sennit/backends/wire/json_fields.hpp>

#include <array>

namespace sennit {

namespace {

constexpr std::array<std::string_view, 5> kKeys = {"promptTokenCount", "candidatesTokenCount",
                                                   "cachedContentTokenCount", "thoughtsTokenCount",
                                                   "toolUsePromptTokenCount"};

std::optional<std::int64_t> sum(std::optional<std::int64_t> a, std::optional<std::int64_t> b) {
  if (!a) return b;
  return *a + b.value_or(0);
}

}  // namespace

bool GeminiUsage::take(const json::object& usage) {
  const auto [prompt, candidates, cached, thoughts, tool_results] = fields(usage, kKeys);
  bool any = take_tokens(prompt, prompt_);
  any = take_tokens(candidates, candidates_) || any;
  any = take_tokens(cached, cached_) || any;
  any = take_tokens(thoughts, thoughts_) || any;
  any = take_tokens(tool_results, tool_results_) || any;
  return any;
}

Usage GeminiUsage::counts() const {
  return {prompt_, candidates_, cached_, thoughts_};
}

Usage GeminiUsage::meaning() const {
  return {sum(prompt_, tool_results_), sum(candidates_, thoughts_), cached_, thoughts_};
}

void GeminiUsage::note(const json::object& usage, json::object& sent) {
  const auto [prompt, candidates, cached, thoughts, tool_results] = fields(usage, kKeys);
  note_counts(sent, prompt, candidates, cached, thoughts);
}

}  // namespace sennit
