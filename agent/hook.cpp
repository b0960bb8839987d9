#include <sennit/agent/hook.hpp>
#include <sennit/agent/io/error.hpp>

#include <fmt/format.h>

namespace sennit {
namespace {

[[noreturn]] void wrong(std::string_view what) {
  throw Error(errc::protocol, fmt::format("its answer {}", what));
}

std::string text_of(std::string_view key, const json::value& value) {
  if (!value.is_string()) wrong(fmt::format("has a `{}` that is no text", key));
  return std::string(value.get_string());
}

Verdict verdict_of(const json::value& value, HookPoint point) {
  const std::string action = text_of("action", value);
  if (action == "allow") return Verdict::allow;
  if (action == "block") return Verdict::deny;
  if (action != "ask") wrong("has an `action` that is none of allow, block, ask");
  if (point != HookPoint::before_tool) wrong("asks for a person, which only before_tool can");
  return Verdict::ask;
}

/// Nothing is looked over: a misspelt `action` must not be an `allow`.
void take(HookAnswer& answer, std::string_view key, const json::value& value, HookPoint point) {
  if (key == "action") {
    answer.verdict = verdict_of(value, point);
  } else if (key == "reason") {
    answer.reason = text_of(key, value);
  } else if (key == "note") {
    answer.note = text_of(key, value);
  } else if (key == "arguments" && point == HookPoint::before_tool) {
    if (!value.is_object()) wrong("has `arguments` that are no object");
    answer.arguments = value.get_object();
  } else if (key == "result" && point == HookPoint::after_tool) {
    answer.result = text_of(key, value);
  } else if (key == "text" && (point == HookPoint::before_model || point == HookPoint::after_model)) {
    answer.text = text_of(key, value);
  } else {
    wrong(fmt::format("has a `{}`, which means nothing {}", key, to_string(point)));
  }
}

}  // namespace

std::string_view to_string(HookPoint point) noexcept {
  switch (point) {
    case HookPoint::before_model:
      return "before_model";
    case HookPoint::after_model:
      return "after_model";
    case HookPoint::before_tool:
      return "before_tool";
    case HookPoint::after_tool:
      break;
  }
  return "after_tool";
}

HookAnswer hook_answer_of(const json::value& answer, HookPoint point) {
  const json::object* map = answer.if_object();
  if (map == nullptr) wrong("is no JSON object");
  HookAnswer read;
  for (const auto& [key, value] : *map) take(read, key, value, point);
  return read;
}

}  // namespace sennit
