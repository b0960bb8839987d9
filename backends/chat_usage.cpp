#include <sennit/backends/chat_usage.hpp>
#include <sennit/backends/json_fields.hpp>

namespace sennit {

namespace {

const json::value* number_at(const json::object* object, std::string_view key) {
  const json::value* value = object != nullptr ? object->if_contains(key) : nullptr;
  return value != nullptr && value->is_number() ? value : nullptr;
}

const json::value* first_of(std::initializer_list<const json::value*> numbers) {
  for (const json::value* number : numbers) {
    if (number != nullptr) return number;
  }
  return nullptr;
}

struct Sent {
  const json::value* input;
  const json::value* output;
  const json::value* cached_input;
  const json::value* reasoning;
};

Sent find_counts(const json::object& usage) {
  return {number_at(&usage, "prompt_tokens"), number_at(&usage, "completion_tokens"),
          first_of({number_at(object_at(usage, "prompt_tokens_details"), "cached_tokens"),
                    number_at(&usage, "prompt_cache_hit_tokens"), number_at(&usage, "cached_tokens")}),
          first_of({number_at(object_at(usage, "completion_tokens_details"), "reasoning_tokens"),
                    number_at(&usage, "reasoning_tokens")})};
}

json::value or_null(const json::value* number) {
  return number != nullptr ? *number : json::value(nullptr);
}

std::optional<std::int64_t> count(const json::value* number) {
  if (number == nullptr) return {};
  if (const std::int64_t* whole = number->if_int64()) return *whole;
  if (const double* real = number->if_double(); real != nullptr && *real > -9e15 && *real < 9e15) {
    return static_cast<std::int64_t>(*real);
  }
  return {};
}

/// Reasoning is a part of the output, but not every server counts so. xAI's total shows that it stands beside it. Where
/// there is more reasoning than output, the recorded prices tell two things apart: Vercel's gateway counts Gemini's
/// reasoning beside the output and charges for both (18 and 137 tokens cost 155), while OpenRouter counts DeepSeek's
/// reasoning with another tokenizer, charges for the output only, and is off by a tenth (107 and 118 tokens cost 107).
void place_reasoning(Usage& counts, std::optional<std::int64_t> total) {
  if (!counts.output || counts.reasoning.value_or(0) <= 0) return;
  const std::int64_t output = *counts.output;
  const std::int64_t reasoning = *counts.reasoning;
  const bool beside = counts.input && total == *counts.input + output + reasoning;
  const bool recounted = reasoning > output && reasoning - output <= output / 4 + 1;
  if (beside || (reasoning > output && !recounted)) {
    counts.output = output + reasoning;
  } else if (recounted) {
    counts.reasoning = output;
  }
}

}  // namespace

json::object usage_as_sent(const json::object& usage) {
  const Sent sent = find_counts(usage);
  return {{"input", or_null(sent.input)},
          {"output", or_null(sent.output)},
          {"cached_input", or_null(sent.cached_input)},
          {"reasoning", or_null(sent.reasoning)}};
}

Usage counts_of(const json::object& usage) {
  const Sent sent = find_counts(usage);
  Usage counts;
  counts.input = count(sent.input);
  counts.output = count(sent.output);
  counts.cached_input = count(sent.cached_input);
  counts.reasoning = count(sent.reasoning);
  return counts;
}

Usage usage_of(const json::object& usage) {
  Usage counts = counts_of(usage);
  place_reasoning(counts, count(number_at(&usage, "total_tokens")));
  // Azure's Grok counts cached tokens beside the input.
  if (counts.input && counts.cached_input && *counts.cached_input > *counts.input) {
    *counts.input += *counts.cached_input;
  }
  return counts;
}

}  // namespace sennit
