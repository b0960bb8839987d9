#include <sennit/backends/wire/json_fields.hpp>

#include <utility>

namespace sennit {

std::string index_key(const json::value& index) {
  if (const double* number = index.if_double(); number != nullptr && *number > -9e15 && *number < 9e15 &&
                                                *number == static_cast<double>(static_cast<std::int64_t>(*number))) {
    return std::to_string(static_cast<std::int64_t>(*number));
  }
  return wire_text(index);
}

std::optional<std::int64_t> tokens_of(const json::value* number) {
  constexpr std::int64_t kMost = 9'000'000'000'000'000;
  if (number == nullptr) return {};
  if (const std::int64_t* whole = number->if_int64()) {
    if (*whole >= 0 && *whole <= kMost) return *whole;
  } else if (const double* real = number->if_double()) {
    if (*real >= 0 && *real <= static_cast<double>(kMost)) return static_cast<std::int64_t>(*real);
  }
  return {};
}

void note_counts(json::object& sent, const json::value* input, const json::value* output, const json::value* cached,
                 const json::value* reasoning) {
  for (const auto& [key, number] : {std::pair("input", input), std::pair("output", output),
                                    std::pair("cached_input", cached), std::pair("reasoning", reasoning)}) {
    json::value& known = sent[key];
    if (number != nullptr && number->is_number()) known = *number;
  }
}

}  // namespace sennit
