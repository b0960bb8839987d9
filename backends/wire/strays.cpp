#include <sennit/backends/wire/strays.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace sennit {

namespace {

constexpr std::string_view kWhite = " \t\r\n\v\f";

bool has(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && !value->is_null();
}

/// What the protocol itself gives a meaning to (see chat_assembler.hpp).
bool is_chunk(const json::object& event) {
  constexpr std::array<std::string_view, 4> kKeys = {"choices", "usage", "error", "x_groq"};
  return std::any_of(kKeys.begin(), kKeys.end(), [&event](std::string_view key) { return has(event, key); });
}

bool looks_like_error(const json::object& event) {
  const json::value* message = event.if_contains("message");
  const json::value* code = event.if_contains("code");
  const bool coded = code != nullptr && (code->is_string() || (code->is_int64() && code->get_int64() > 0));
  return (message != nullptr && message->is_string()) || has(event, "detail") || coded;
}

ProviderError plain_words(std::string_view words) {
  return read_provider_error(nullptr, 0, words.substr(0, kMaxProviderWords));
}

}  // namespace

void Strays::take(std::string_view name, std::string_view data, const json::value* document) {
  const bool named_error = name == "error";
  if (document != nullptr && document->is_array() && !document->get_array().empty()) {
    // Google puts an array around its errors.
    const json::object* first = document->get_array().front().if_object();
    if (first != nullptr && has(*first, "error")) keep(Weight::error, true, read_flat_error(*first));
    return;
  }
  if (document != nullptr && document->is_object()) return take_object(named_error, document->get_object());
  if (document != nullptr && !document->is_string()) return;
  const std::size_t first = data.find_first_not_of(kWhite);
  if (first == std::string_view::npos) return;
  const bool hole = document == nullptr && data[first] == '{';
  keep(named_error ? Weight::error : hole ? Weight::hole : Weight::remark, named_error, plain_words(data));
}

void Strays::take_object(bool named_error, const json::object& event) {
  if (is_chunk(event)) return;
  const json::value* object = event.if_contains("object");
  if (named_error || (object != nullptr && object->is_string() && object->get_string() == "error")) {
    keep(Weight::error, true, read_flat_error(event));
  } else if (looks_like_error(event)) {
    keep(Weight::remark, true, read_flat_error(event));
  }
}

void Strays::take_line(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string_view value = line.substr(colon + 1);
  const std::optional<json::value> document = parse_json_lenient(value);
  const json::object* event = document ? document->if_object() : nullptr;
  const bool named_error = line.substr(0, colon) == "error";
  if (event != nullptr && has(*event, "error")) {
    keep(Weight::error, true, read_flat_error(*event));
  } else if (event != nullptr) {
    take_object(named_error, *event);
  } else if (named_error) {
    take("error", value, nullptr);
  }
}

void Strays::keep(Weight weight, bool structured, ProviderError said) {
  if (weight <= weight_) return;
  weight_ = weight;
  structured_ = structured;
  said_ = std::make_unique<const ProviderError>(std::move(said));
}

}  // namespace sennit
