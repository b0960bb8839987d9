#include <sennit/backends/json_fields.hpp>
#include <sennit/backends/messages_usage.hpp>

#include <array>
#include <initializer_list>
#include <utility>

namespace sennit {

namespace {

const json::value* number_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_number() ? value : nullptr;
}

struct Sent {
  const json::value* input;
  const json::value* output;
  const json::value* cache_read;
  const json::value* cache_written;
  const json::value* thinking;
};

Sent find_counts(const json::object& usage) {
  const json::object* details = object_at(usage, "output_tokens_details");
  return {number_at(usage, "input_tokens"), number_at(usage, "output_tokens"),
          number_at(usage, "cache_read_input_tokens"), number_at(usage, "cache_creation_input_tokens"),
          details != nullptr ? number_at(*details, "thinking_tokens") : nullptr};
}

/// Beyond these a number is no count of tokens, and sums of them could overflow.
constexpr std::int64_t kMostTokens = 9'000'000'000'000'000;

std::optional<std::int64_t> count(const json::value& number) {
  if (const std::int64_t* whole = number.if_int64()) {
    if (*whole >= 0 && *whole <= kMostTokens) return *whole;
  } else if (const double* real = number.if_double()) {
    if (*real >= 0 && *real <= static_cast<double>(kMostTokens)) return static_cast<std::int64_t>(*real);
  }
  return {};
}

}  // namespace

bool MessagesUsage::take(const json::object& usage) {
  const Sent sent = find_counts(usage);
  bool any = false;
  for (const auto& [number, known] :
       {std::pair(sent.input, &input_), std::pair(sent.output, &output_), std::pair(sent.cache_read, &cache_read_),
        std::pair(sent.cache_written, &cache_written_), std::pair(sent.thinking, &thinking_)}) {
    const std::optional<std::int64_t> tokens = number != nullptr ? count(*number) : std::nullopt;
    if (!tokens) continue;
    *known = tokens;
    any = true;
  }
  return any;
}

Usage MessagesUsage::counts() const {
  return {input_, output_, cache_read_, thinking_};
}

Usage MessagesUsage::meaning() const {
  Usage usage = counts();
  for (const auto& part : {cache_read_, cache_written_}) {
    if (part) usage.input = usage.input.value_or(0) + *part;
  }
  return usage;
}

void note_usage(const json::object& usage, json::object& sent) {
  const Sent found = find_counts(usage);
  for (const auto& [key, number] :
       {std::pair("input", found.input), std::pair("output", found.output), std::pair("cached_input", found.cache_read),
        std::pair("reasoning", found.thinking)}) {
    json::value& known = sent[key];
    if (number != nullptr) known = *number;
  }
}

}  // namespace sennit
