#include <sennit/backends/responses/responses_items.hpp>
#include <sennit/backends/wire/json_fields.hpp>

#include <string>

namespace sennit {

namespace {

void append_parts(std::vector<ResponsesPart>& parts, const json::array& items, ResponsesText kind) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    const json::object* part = items[i].if_object();
    if (part != nullptr) parts.push_back({kind, static_cast<std::int64_t>(i), text_at(*part, "text")});
  }
}

void append_message(std::vector<ResponsesPart>& parts, const json::object& item) {
  if (const std::string_view text = text_at(item, "content"); !text.empty()) {
    parts.push_back({ResponsesText::answer, 0, text});
  }
  const json::array& items = array_at(item, "content");
  for (std::size_t i = 0; i < items.size(); ++i) {
    const json::object* part = items[i].if_object();
    if (part == nullptr) continue;
    const bool refusal = text_at(*part, "type") == "refusal";
    if (!refusal && text_at(*part, "type") != "output_text") continue;
    parts.push_back({refusal ? ResponsesText::refusal : ResponsesText::answer, static_cast<std::int64_t>(i),
                     text_at(*part, refusal ? "refusal" : "text")});
  }
}

json::value copy_of(const json::value* value) {
  return value != nullptr ? *value : json::value();
}

}  // namespace

std::vector<ResponsesPart> parts_of(const json::object& item) {
  std::vector<ResponsesPart> parts;
  const std::string_view type = text_at(item, "type");
  if (type == "message") append_message(parts, item);
  if (type == "reasoning") {
    append_parts(parts, array_at(item, "summary"), ResponsesText::summary);
    append_parts(parts, array_at(item, "content"), ResponsesText::thought);
  }
  return parts;
}

bool is_custom_call(const json::object& item) {
  return text_at(item, "type") == "custom_tool_call";
}

bool is_call(const json::object& item) {
  return text_at(item, "type") == "function_call" || is_custom_call(item);
}

const json::value* arguments_of(const json::object& item) {
  return member(item, is_custom_call(item) ? "input" : "arguments");
}

json::object reasoning_block(const json::object& item) {
  json::object block;
  for (const auto& [key, value] : item) {
    if (key != "type" && key != "status") block.emplace(key, value);
  }
  return block;
}

std::optional<std::int64_t> index_of(const json::value* value) {
  if (value == nullptr) return {};
  if (const std::int64_t* number = value->if_int64()) return *number;
  const double* real = value->if_double();
  if (real == nullptr || !(*real > -9e15 && *real < 9e15)) return {};
  return static_cast<std::int64_t>(*real);
}

const json::array& array_at(const json::object& object, std::string_view key) {
  static const json::array kNone;
  const json::array* items = as_array(object.if_contains(key));
  return items != nullptr ? *items : kNone;
}

json::object as_chat_usage(const json::object& usage) {
  const auto count = [](const json::object* object, std::string_view key) {
    return object != nullptr ? copy_of(object->if_contains(key)) : json::value();
  };
  return {
      {"prompt_tokens", count(&usage, "input_tokens")},
      {"completion_tokens", count(&usage, "output_tokens")},
      {"total_tokens", count(&usage, "total_tokens")},
      {"prompt_tokens_details",
       json::object{{"cached_tokens", count(object_at(usage, "input_tokens_details"), "cached_tokens")},
                    {"cache_write_tokens", count(object_at(usage, "input_tokens_details"), "cache_write_tokens")}}},
      {"completion_tokens_details",
       json::object{{"reasoning_tokens", count(object_at(usage, "output_tokens_details"), "reasoning_tokens")}}},
  };
}

ProviderError read_responses_error(const json::object& fields, bool flat, bool verbatim) {
  ProviderError said;
  const json::value* type = flat ? nullptr : member(fields, "type");
  const json::value* code = member(fields, "code");
  said.type = copy_of(type != nullptr ? type : code);
  said.message = copy_of(member(fields, "message"));
  if (verbatim) return said;
  if (said.message.is_null()) said.message = copy_of(member(fields, "error"));
  if (!said.message.is_null() && !said.message.is_string()) said.message = json::value(wire_text(said.message));
  said.code = as_text(code);
  const std::int64_t* status = code != nullptr ? code->if_int64() : nullptr;
  if (status != nullptr && *status >= 400 && *status < 600) said.status = static_cast<int>(*status);
  return said;
}

}  // namespace sennit
