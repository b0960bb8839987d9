#include <sennit/backends/gemini_usage.hpp>
#include <sennit/backends/json_fields.hpp>

#include <array>
#include <utility>

namespace sennit {

namespace {

constexpr std::array<std::string_view, 5> kKeys = {"promptTokenCount", "candidatesTokenCount",
                                                   "cachedContentTokenCount", "thoughtsTokenCount",
                                                   "toolUsePromptTokenCount"};

/// Beyond these a number is no count of tokens, and sums of them could overflow.
constexpr std::int64_t kMostTokens = 9'000'000'000'000'000;

std::optional<std::int64_t> count(const json::value* number) {
  if (number == nullptr) return {};
  if (const std::int64_t* whole = number->if_int64()) {
    if (*whole >= 0 && *whole <= kMostTokens) return *whole;
  } else if (const double* real = number->if_double()) {
    if (*real >= 0 && *real <= static_cast<double>(kMostTokens)) return static_cast<std::int64_t>(*real);
  }
  return {};
}

std::optional<std::int64_t> sum(std::optional<std::int64_t> a, std::optional<std::int64_t> b) {
  if (!a) return b;
  return *a + b.value_or(0);
}

}  // namespace

bool GeminiUsage::take(const json::object& usage) {
  const auto [prompt, candidates, cached, thoughts, tool_results] = fields(usage, kKeys);
  bool any = false;
  for (const auto& [number, known] :
       {std::pair(prompt, &prompt_), std::pair(candidates, &candidates_), std::pair(cached, &cached_),
        std::pair(thoughts, &thoughts_), std::pair(tool_results, &tool_results_)}) {
    const std::optional<std::int64_t> tokens = count(number);
    if (!tokens) continue;
    *known = tokens;
    any = true;
  }
  return any;
}

Usage GeminiUsage::counts() const {
  return {prompt_, candidates_, cached_, thoughts_};
}

Usage GeminiUsage::meaning() const {
  return {sum(prompt_, tool_results_), sum(candidates_, thoughts_), cached_, thoughts_};
}

void note_gemini_usage(const json::object& usage, json::object& sent) {
  const auto [prompt, candidates, cached, thoughts, tool_results] = fields(usage, kKeys);
  for (const auto& [key, number] : {std::pair("input", prompt), std::pair("output", candidates),
                                    std::pair("cached_input", cached), std::pair("reasoning", thoughts)}) {
    json::value& known = sent[key];
    if (number != nullptr && number->is_number()) known = *number;
  }
}

}  // namespace sennit
