#include <sennit/backends/scripted/scripted_template.hpp>

#include <algorithm>

namespace sennit::intents {
namespace {

bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  });
}

/// Calls `literal(text)` and `name(text)` for the pieces of a template. A brace that opens no name is literal.
template <class Literal, class Name>
void for_each_piece(std::string_view text, Literal literal, Name name) {
  std::size_t begin = 0;
  for (std::size_t open = text.find('{'); open != std::string_view::npos; open = text.find('{', open + 1)) {
    const std::size_t close = text.find('}', open);
    if (close == std::string_view::npos) break;
    const std::string_view inside = text.substr(open + 1, close - open - 1);
    if (!is_name(inside)) continue;
    literal(text.substr(begin, open - begin));
    name(inside);
    begin = close + 1;
    open = close;
  }
  literal(text.substr(begin));
}

std::string_view value_of(std::string_view name, const Values& values) {
  constexpr std::string_view kResultOf = "result.";
  if (name == "result") return values.result;
  if (name.starts_with(kResultOf)) {
    const auto found = values.results.find(name.substr(kResultOf.size()));
    return found == values.results.end() ? std::string_view{} : found->second;
  }
  const auto found = values.captures.find(name);
  return found == values.captures.end() ? std::string_view{} : found->second.text;
}

}  // namespace

std::vector<std::string> placeholders(std::string_view text) {
  std::vector<std::string> names;
  for_each_piece(text, [](std::string_view) {}, [&](std::string_view name) { names.emplace_back(name); });
  return names;
}

std::string fill(std::string_view text, const Values& values) {
  std::string filled;
  for_each_piece(
      text, [&](std::string_view literal) { filled += literal; },
      [&](std::string_view name) { filled += value_of(name, values); });
  return filled;
}

json::value fill(const json::value& value, const Values& values) {
  if (const auto* list = value.if_array(); list != nullptr) {
    json::array filled;
    for (const json::value& element : *list) filled.push_back(fill(element, values));
    return filled;
  }
  if (const auto* map = value.if_object(); map != nullptr) {
    json::object filled;
    for (const auto& [key, element] : *map) filled.emplace(key, fill(element, values));
    return filled;
  }
  const auto* text = value.if_string();
  if (text == nullptr) return value;
  const std::string_view words = *text;
  if (words.size() > 2 && words.starts_with('{') && words.ends_with('}')) {
    const auto capture = values.captures.find(words.substr(1, words.size() - 2));
    if (capture != values.captures.end() && capture->second.number) {
      if (auto number = parse_json(capture->second.text)) return *number;
    }
  }
  return json::value(fill(words, values));
}

}  // namespace sennit::intents
