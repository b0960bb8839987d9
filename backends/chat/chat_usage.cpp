#include <sennit/backends/chat/chat_usage.hpp>
#include <sennit/backends/wire/json_fields.hpp>

namespace sennit {

namespace {

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
  const json::value* cache_write;
};

Sent find_counts(const json::object& usage) {
  return {number_at(&usage, "prompt_tokens"), number_at(&usage, "completion_tokens"),
          first_of({number_at(object_at(usage, "prompt_tokens_details"), "cached_tokens"),
                    number_at(&usage, "prompt_cache_hit_tokens"), number_at(&usage, "cached_tokens")}),
          first_of({number_at(object_at(usage, "completion_tokens_details"), "reasoning_tokens"),
                    number_at(&usage, "reasoning_tokens")}),
          number_at(object_at(usage, "prompt_tokens_details"), "cache_write_tokens")};
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
  json::object out;
  note_counts(out, sent.input, sent.output, sent.cached_input, sent.reasoning);
  return out;
}

Usage counts_of(const json::object& usage) {
  const Sent sent = find_counts(usage);
  Usage counts;
  counts.input = tokens_of(sent.input);
  counts.output = tokens_of(sent.output);
  counts.cached_input = tokens_of(sent.cached_input);
  counts.reasoning = tokens_of(sent.reasoning);
  counts.cache_write = tokens_of(sent.cache_write);
  return counts;
}

Usage usage_of(const json::object& usage) {
  Usage counts = counts_of(usage);
  place_reasoning(counts, tokens_of(number_at(&usage, "total_tokens")));
  // Azure's Grok counts cached tokens beside the input.
  if (counts.input && counts.cached_input && *counts.cached_input > *counts.input) {
    *counts.input += *counts.cached_input;
  }
  return counts;
}

}  // namespace sennit
