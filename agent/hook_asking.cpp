#include <sennit/agent/hook_answers.hpp>
#include <sennit/agent/hook_asking.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace sennit {
namespace {

using Hooks = std::vector<std::shared_ptr<Hook>>;

void add_concerned(Hooks& hooks, const Hooks& all, HookPoint point, std::string_view tool) {
  for (const std::shared_ptr<Hook>& hook : all) {
    if (hook->concerns(point, tool)) hooks.push_back(hook);
  }
}

/// Of whom to ask, in order. What an agent may not do, no agent does for it: those above have a say in its calls.
Hooks hooks_at(const Effects::State& state, HookPoint point, std::string_view tool) {
  Hooks hooks;
  add_concerned(hooks, state.parts.hooks, point, tool);
  if (!tool.empty()) {
    for (const Effects::State* above = state.parent; above != nullptr; above = above->parent) {
      add_concerned(hooks, above->parts.hooks, point, tool);
    }
  }
  add_concerned(hooks, state.parts.registry_hooks, point, tool);
  return hooks;
}

bool any_at(const Effects::State& state, HookPoint point) {
  const auto concerns = [point](const std::shared_ptr<Hook>& hook) { return hook->concerns(point, {}); };
  return std::ranges::any_of(state.parts.hooks, concerns) || std::ranges::any_of(state.parts.registry_hooks, concerns);
}

HookQuestion question_of(const Effects::State& state, HookPoint point, const Labels& labels) {
  HookQuestion question;
  question.point = point;
  question.view = {{"point", to_string(point)}, {"run", state.run.id}, {"agent", state.parts.definition.name}};
  if (!state.path.empty()) question.view["path"] = state.path;
  if (!labels.empty()) question.view["labels"] = to_json(labels);
  return question;
}

json::value names_of(const Hooks& hooks) {
  json::array names;
  for (const std::shared_ptr<Hook>& hook : hooks) names.emplace_back(hook->name());
  return json::object{{"hooks", std::move(names)}};
}

std::string text_of(const Message& message) {
  std::string text = message.text();
  for (const Part& part : message.parts) {
    if (const auto* result = std::get_if<ToolResult>(&part)) text += result->content;
  }
  return text;
}

json::object describe_request(const Effects::State& state) {
  json::array tools;
  for (const ToolDescription& tool : state.descriptions()) tools.emplace_back(tool.name);
  json::object request{{"messages", state.conversation.size()}, {"tools", std::move(tools)}};
  if (!state.model.id.empty()) request["model"] = state.model.id;
  if (state.conversation.empty()) return request;
  const Message& last = state.conversation.back();
  request["last"] = {{"role", to_string(last.role)}, {"text", text_of(last)}};
  return request;
}

json::object describe_answer(const Completion& completion) {
  json::array calls;
  for (const ToolCall* call : completion.message.tool_calls()) {
    calls.push_back({{"name", call->name}, {"arguments", call->arguments}});
  }
  json::object answer{
      {"text", completion.message.text()}, {"calls", std::move(calls)}, {"reason", to_string(completion.reason)}};
  if (!completion.refusal.empty()) answer["refusal"] = completion.refusal;
  return answer;
}

json::value describe(const ToolCall& call, const json::object& arguments) {
  return {{"id", call.id}, {"name", call.name}, {"arguments", arguments}};
}

void tell(Effects::State& state, const std::string& lane, const std::vector<std::string>& notices) {
  for (const std::string& notice : notices) state.emit(lane, Notice{notice});
}

/// Asks, and keeps the answers as the effect `id`, with the message that comes of them. Nobody hears of them before
/// they are on disk.
asio::awaitable<HookAnswers> ask_and_keep(Effects::State& state, const std::string& id, const Hooks& hooks,
                                          HookQuestion question, const Validator* schema) {
  const bool for_model = question.point == HookPoint::before_model;
  auto asking = ask_hooks(*state.run.environment, hooks, std::move(question), schema);
  HookAnswers answers = co_await std::move(asking);
  Message message;
  if (for_model && !answers.text.empty()) message = user_message(answers.text);
  const Message* kept = message.parts.empty() ? nullptr : state.kept(message);
  state.journal.whole(id, "hook", names_of(hooks), to_json(answers), state.wall_now(), kept, state.next_position);
  if (answers.is_plain()) co_return answers;
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await state.committed_for_certain();
  co_return answers;
}

[[noreturn]] void refuse(const Decision& decision) {
  throw Error(errc::content_filter, decision.rule);
}

/// Why what a hook wants to add cannot stand behind an answer.
std::string_view unfit_for_text(const Effects::State& state, const Completion& completion) {
  if (!completion.message.tool_calls().empty()) return "the answer calls tools";
  if (state.parts.output) return "the answer has to fit the output schema";
  return {};
}

void add_text(Effects::State& state, Attempt& made, StepRecord& record, const std::string& text) {
  std::vector<Part>& parts = made.completion.message.parts;
  std::string added = made.completion.message.text().empty() ? text : "\n\n" + text;
  if (parts.empty() || !std::holds_alternative<Text>(parts.back())) parts.emplace_back(Text{});
  std::get<Text>(parts.back()).text += added;
  made.written += added.size();
  show(state, record, TextDelta{std::move(added)});
}

}  // namespace

bool has_before_model(const Effects::State& state, const std::string& effect) {
  return any_at(state, HookPoint::before_model) || state.journal.find(effect + ".before") != nullptr;
}

asio::awaitable<void> before_model(Effects::State& state, const std::string& effect) {
  const std::string id = effect + ".before";
  const Recorded* known = state.journal.find(id);
  const Recorded* completion = state.journal.find(effect);
  if (known == nullptr && completion != nullptr && completion->ended) co_return;  // it was made without
  HookAnswers answers;
  known = state.told(id, "hook", nullptr);
  if (known != nullptr) {
    answers = read_recorded(id, [&] { return hook_answers_from_json(known->out); });
  } else {
    const Hooks hooks = hooks_at(state, HookPoint::before_model, {});
    HookQuestion question = question_of(state, HookPoint::before_model, state.labels);
    question.view["request"] = describe_request(state);
    auto asking = ask_and_keep(state, id, hooks, std::move(question), nullptr);
    answers = co_await std::move(asking);
  }
  tell(state, state.scope, answers.notices);
  if (!answers.text.empty()) state.adopt(user_message(answers.text));
  if (answers.decision.verdict != Verdict::allow) refuse(answers.decision);
}

bool has_after_model(const Effects::State& state) {
  return any_at(state, HookPoint::after_model);
}

asio::awaitable<void> after_model(Effects::State& state, Attempt& made, StepRecord& record) {
  const Hooks hooks = hooks_at(state, HookPoint::after_model, {});
  HookQuestion question = question_of(state, HookPoint::after_model, state.labels);
  question.view["answer"] = describe_answer(made.completion);
  auto asking = ask_hooks(*state.run.environment, hooks, std::move(question), nullptr);
  const HookAnswers answers = co_await std::move(asking);
  for (const std::string& notice : answers.notices) show(state, record, Notice{notice});
  if (answers.decision.verdict != Verdict::allow) refuse(answers.decision);
  if (answers.text.empty()) co_return;
  const std::string_view unfit = unfit_for_text(state, made.completion);
  if (unfit.empty()) co_return add_text(state, made, record, answers.text);
  show(state, record, Notice{"what a hook wanted to add is left out: " + std::string(unfit)});
}

asio::awaitable<Decision> before_tool(Effects::State& state, const Agent::Parts::ToolEntry& entry,
                                      const std::string& effect, ToolCall& call, json::object& arguments) {
  const std::string id = effect + ".before";
  HookAnswers answers;
  const Recorded* known = state.journal.find(id);
  const Hooks hooks = known == nullptr ? hooks_at(state, HookPoint::before_tool, call.name) : Hooks();
  if (known == nullptr && hooks.empty()) co_return Decision{};
  known = state.told(id, "hook", nullptr);
  if (known != nullptr) {
    answers = read_recorded(id, [&] { return hook_answers_from_json(known->out); });
  } else {
    HookQuestion question = question_of(state, HookPoint::before_tool, state.labels);
    question.tool = call.name;
    question.view["call"] = describe(call, arguments);
    auto asking = ask_and_keep(state, id, hooks, std::move(question), &entry.arguments);
    answers = co_await std::move(asking);
  }
  tell(state, effect, answers.notices);
  if (answers.arguments) {
    arguments = std::move(*answers.arguments);
    call.arguments = json::serialize(arguments);
  }
  co_return answers.decision;
}

ToolCall retell_before_tool(Effects::State& state, const ToolCall& call, const std::string& effect) {
  const std::string id = effect + ".before";
  const Recorded* known = state.journal.find(id);
  if (known == nullptr || !known->ended) return call;
  const HookAnswers answers = read_recorded(id, [&] { return hook_answers_from_json(known->out); });
  tell(state, effect, answers.notices);
  ToolCall changed = call;
  if (answers.arguments) changed.arguments = json::serialize(*answers.arguments);
  return changed;
}

bool has_after_tool(const Effects::State& state, std::string_view tool) {
  return !hooks_at(state, HookPoint::after_tool, tool).empty();
}

asio::awaitable<void> after_tool(Effects::State& state, const ToolCall& call, const json::object& arguments,
                                 const Labels& labels, ToolOutput& output, std::vector<std::string>& notices) {
  const Hooks hooks = hooks_at(state, HookPoint::after_tool, call.name);
  HookQuestion question = question_of(state, HookPoint::after_tool, labels);
  question.tool = call.name;
  question.view["call"] = describe(call, arguments);
  question.view["result"] = {{"content", output.content}, {"is_error", output.is_error}};
  auto asking = ask_hooks(*state.run.environment, hooks, std::move(question), nullptr);
  HookAnswers answers = co_await std::move(asking);
  notices = std::move(answers.notices);
  if (answers.result) output.content = std::move(*answers.result);
  if (answers.decision.verdict == Verdict::allow) co_return;
  output = {"done, but what it gave is held back (" + answers.decision.rule + ")", true, std::move(output.labels)};
}

Decision stricter(Decision first, Decision second) {
  if (first.verdict == Verdict::allow) return second;
  if (second.verdict == Verdict::allow) return first;
  if (first.verdict == Verdict::deny) return first;
  if (second.verdict == Verdict::deny) return second;
  return {Verdict::ask, first.rule + "; " + second.rule};
}

}  // namespace sennit
