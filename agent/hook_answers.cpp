#include <sennit/agent/event.hpp>
#include <sennit/agent/hook_answers.hpp>
#include <sennit/agent/io/secrets.hpp>
#include <sennit/agent/io/timeout.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <utility>

namespace sennit {
namespace {

/// What is kept of an answer must be readable again, and hold no secret.
std::string clean(const std::string& text) {
  return secrets::redact(sanitize_utf8(text));
}

std::string rule_of(const Hook& hook, const std::string& reason) {
  return reason.empty() ? "hook " + hook.name() : fmt::format("hook {}: {}", hook.name(), clean(reason));
}

void take_verdict(HookAnswers& answers, const Hook& hook, const HookAnswer& answer) {
  if (answer.verdict == Verdict::allow) return;
  std::string rule = rule_of(hook, answer.reason);
  if (answer.verdict == Verdict::ask && answers.decision.verdict == Verdict::ask) {
    rule = answers.decision.rule + "; " + rule;
  }
  answers.decision = {answer.verdict, std::move(rule)};
}

/// Throws Error where they do not fit.
json::object fitting(json::object arguments, const Validator* schema) {
  json::value value = std::move(arguments);
  secrets::redact_in(value);
  if (schema != nullptr) {
    schema->coerce(value);
    const auto violations = schema->check(value);
    if (!violations.empty()) throw Error(errc::protocol, "its arguments are wrong: " + describe(violations));
  }
  return std::move(value.as_object());
}

/// What a hook said, in the answers and in what the next one sees.
void take(HookAnswers& answers, const Hook& hook, HookAnswer answer, HookQuestion& question, const Validator* schema) {
  if (answer.arguments) {
    json::object arguments = fitting(std::move(*answer.arguments), schema);
    json::value& seen = question.view["call"].as_object()["arguments"];
    if (json::value(arguments) != seen) {
      seen = arguments;
      answers.notices.push_back(fmt::format("the hook {} changed the arguments of {} to {}", hook.name(), question.tool,
                                            json::serialize(arguments)));
      answers.arguments = std::move(arguments);
    }
  }
  if (answer.result) {
    answers.result = clean(*answer.result);
    question.view["result"].as_object()["content"] = *answers.result;
    answers.notices.push_back(fmt::format("the hook {} changed the result of {}", hook.name(), question.tool));
  }
  if (!answer.text.empty()) answers.text.append(answers.text.empty() ? "" : "\n\n").append(clean(answer.text));
  if (!answer.note.empty()) answers.notices.push_back(fmt::format("{}: {}", hook.name(), clean(answer.note)));
  take_verdict(answers, hook, answer);
}

/// What it takes of a hook that could not be asked.
void take_failure(HookAnswers& answers, const Hook& hook, const Error& error) {
  const std::string why = clean(error.describe());
  if (hook.required()) {
    answers.decision = {Verdict::deny, fmt::format("hook {} failed: {}", hook.name(), why)};
  } else {
    answers.notices.push_back(fmt::format("the hook {} failed, and nothing was made of it: {}", hook.name(), why));
  }
}

asio::awaitable<HookAnswer> ask_one(Environment& environment, Hook& hook, HookQuestion question) {
  auto asking = hook.ask(std::move(question), environment);
  auto bounded = with_timeout(environment, hook.timeout(), std::move(asking), "the hook " + hook.name());
  co_return co_await std::move(bounded);
}

}  // namespace

asio::awaitable<HookAnswers> ask_hooks(Environment& environment, const std::vector<std::shared_ptr<Hook>>& hooks,
                                       HookQuestion question, const Validator* schema) {
  HookAnswers answers;
  json::value view = std::move(question.view);
  secrets::redact_in(view);
  question.view = std::move(view.as_object());
  for (const std::shared_ptr<Hook>& hook : hooks) {
    std::optional<Error> failure;
    try {
      auto asking = ask_one(environment, *hook, question);
      HookAnswer answer = co_await std::move(asking);
      take(answers, *hook, std::move(answer), question, schema);
    } catch (...) {
      failure = current_error();
    }
    if (failure) {
      const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() != asio::cancellation_type::none) throw Error(std::move(*failure));
      take_failure(answers, *hook, *failure);
    }
    if (answers.decision.verdict == Verdict::deny) break;
  }
  co_return answers;
}

json::object to_json(const HookAnswers& answers) {
  json::object out;
  if (answers.decision.verdict != Verdict::allow) {
    out["verdict"] = to_string(answers.decision.verdict);
    out["rule"] = answers.decision.rule;
  }
  if (answers.arguments) out["arguments"] = *answers.arguments;
  if (!answers.text.empty()) out["text"] = answers.text;
  if (!answers.notices.empty()) out["notices"] = json::array(answers.notices.begin(), answers.notices.end());
  return out;
}

HookAnswers hook_answers_from_json(const json::value& value) {
  HookAnswers answers;
  if (find(value, "verdict") != nullptr) {
    answers.decision.verdict = parse_verdict(find_string(value, "verdict")).value_or(Verdict::deny);
    answers.decision.rule = find_string(value, "rule");
  }
  if (const json::value* arguments = find(value, "arguments")) answers.arguments = arguments->as_object();
  answers.text = find_string(value, "text");
  if (const json::value* notices = find(value, "notices")) {
    for (const json::value& notice : notices->as_array()) answers.notices.emplace_back(notice.as_string());
  }
  return answers;
}

}  // namespace sennit
