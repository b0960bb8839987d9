#include <sennit/agent/io/white.hpp>
#include <sennit/agent/schema/read_answer.hpp>

namespace sennit {
namespace {

std::string_view without_fence(std::string_view text) {
  text = trimmed(text);
  if (!text.starts_with("```") || !text.ends_with("```") || text.size() < 6) return text;
  const auto line_end = text.find('\n');
  if (line_end == std::string_view::npos) return text;
  return trimmed(text.substr(line_end + 1, text.size() - line_end - 4));
}

}  // namespace

std::optional<json::value> read_answer(std::string_view text, const Validator& schema, std::string& wrong) {
  std::string why;
  std::optional<json::value> value = parse_json(without_fence(text), &why);
  if (!value) {
    wrong = "the answer is not JSON: " + why;
    return std::nullopt;
  }
  schema.coerce(*value);
  if (const auto violations = schema.check(*value); !violations.empty()) {
    wrong = describe(violations, "answer");
    return std::nullopt;
  }
  return value;
}

}  // namespace sennit
