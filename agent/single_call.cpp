#include <sennit/agent/hook_asking.hpp>
#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/io/secrets.hpp>
#include <sennit/agent/io/timeout.hpp>
#include <sennit/agent/io/white.hpp>
#include <sennit/agent/single_call.hpp>
#include <sennit/agent/tool_output.hpp>
#include <sennit/agent/tool_work.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace sennit {
namespace {

/// The arguments as an object that fits the schema, or what is wrong with them, said to the model.
std::optional<json::object> read_arguments(const ToolCall& call, const Validator& schema, std::string& wrong) {
  std::string why;
  std::optional<json::value> value =
      is_blank(call.arguments) ? json::value(json::object{}) : parse_json(call.arguments, &why);
  if (!value) {
    wrong = "the arguments are not valid JSON (" + why + "); send one JSON object";
    return std::nullopt;
  }
  schema.coerce(*value);
  if (const auto violations = schema.check(*value); !violations.empty()) {
    wrong = "wrong arguments: " + describe(violations);
    return std::nullopt;
  }
  if (!value->is_object()) {
    wrong = "the arguments must be one JSON object";
    return std::nullopt;
  }
  return std::move(value->get_object());
}

std::string unknown_tool(const Effects::State& state, const std::string& name) {
  std::vector<std::string> known;
  for (const ToolDescription& tool : state.descriptions()) known.push_back(tool.name);
  std::string message = "there is no tool '" + name + "'";
  if (const std::string_view near = nearest(name, known); !near.empty()) {
    return message + "; did you mean '" + std::string(near) + "'?";
  }
  message += known.empty() ? "; this agent has no tools" : "; there are:";
  for (const std::string& candidate : known) message += " " + candidate;
  return message;
}

PolicyQuestion question_of(const Effects::State& state, const Agent::Parts::ToolEntry& entry,
                           const json::object& arguments, const std::vector<Facet>& facets) {
  return {entry.tool->spec(), arguments, facets, state.labels};
}

/// What the policy says of the call, and the tool itself.
SENNIT_OUT_OF_FRAME Decision judge(const Effects::State& state, const Agent::Parts::ToolEntry& entry,
                                   const json::object& arguments) {
  const std::vector<Facet> facets = entry.tool->facets(arguments);
  Decision decision = decide(state.layers, question_of(state, entry, arguments, facets));
  std::string concern = decision.verdict == Verdict::deny ? std::string() : entry.tool->concern(arguments);
  if (concern.empty()) return decision;
  if (decision.verdict == Verdict::ask) concern.append("; ").append(decision.rule);
  return {Verdict::ask, std::move(concern)};
}

/// The labels of what a tool gave.
SENNIT_OUT_OF_FRAME Labels label(const Effects::State& state, const Agent::Parts::ToolEntry& entry,
                                 const json::object& arguments, const ToolOutput& output) {
  Labels labels = entry.tool->spec().gives;
  labels.add(output.labels);
  const std::vector<Facet> facets = entry.tool->facets(arguments);
  return labels_of_result(state.layers, question_of(state, entry, arguments, facets), std::move(labels));
}

/// Whether the run's settings say no to an approval, and nobody was or is asked.
bool is_settled(const Effects::State& state, const std::string& approval) {
  const Recorded* asked = state.journal.find(approval);
  if ((asked != nullptr && asked->ended) || state.run.answers.contains(approval)) return false;
  const Approvals by = state.run.options.approvals;
  return by == Approvals::deny || (by == Approvals::suspend && !state.journal.kept());
}

/// Why the call may not be made; empty: it may.
asio::awaitable<std::string> refusal(Effects::State& state, const Agent::Parts::ToolEntry& entry, const ToolCall& call,
                                     const std::string& effect, const Decision& decision) {
  if (decision.verdict == Verdict::allow) co_return std::string{};
  if (decision.verdict == Verdict::deny) co_return "not allowed (" + decision.rule + ")";
  const bool settled = is_settled(state, effect + ".approval");
  const std::optional<Approval> approval =
      co_await ask_approval(state, effect + ".approval", effect, call, decision.rule);
  if (!approval) co_return "declined: the person did not answer in time (" + decision.rule + ")";
  if (approval == Approval::never) {
    co_return (settled ? "declined by settings: approvals are answered with no, and nobody was asked ("
                       : "declined by the person (") +
        decision.rule + ")";
  }
  entry.tool->accepted();
  co_return std::string{};
}

/// Questions and sub-agents have no deadline of their own: what bounds them bounds the call.
milliseconds time_for(const Effects::State& state, const Tool& tool) {
  const milliseconds own = tool.spec().timeout;
  const milliseconds most = state.parts.definition.limits.tool_time;
  if (own <= milliseconds::zero() || most <= milliseconds::zero()) return own;
  return std::min(own, most);
}

asio::awaitable<void> cap_into(Effects::State& state, std::string effect, std::string content, const Labels& labels,
                               std::size_t limit, std::string& capped) {
  capped = co_await cap_output(state, std::move(effect), std::move(content), labels, limit);
}

/// Calls the tool. Throws only what ends the run: it is cancelled, suspended, or not the run that was recorded.
asio::awaitable<ToolOutput> do_call(Effects::State& state, const Agent::Parts::ToolEntry& entry, const ToolCall& call,
                                    const std::string& effect, json::object arguments, json::array& progress) {
  auto at = std::make_shared<ToolWork>(entry.tool, state, call, effect, std::move(arguments));
  std::optional<Error> error;
  ToolOutput output;
  try {
    output = co_await work(*state.run.environment, at, time_for(state, *entry.tool), call.name);
  } catch (...) {
    error = current_error();
  }
  progress = at->context.take_told();
  if (error) {
    if (error->code() == errc::suspended || error->code() == errc::diverged) throw Error(std::move(*error));
    if (error->code() == errc::cancelled && state.run.cancelled) throw Error(std::move(*error));
    output = {error->describe(), true};
  }
  co_return output;
}

std::string doubt_of(const std::string& effect, int number) {
  return effect + ".doubt" + (number == 1 ? std::string() : std::to_string(number));
}

/// The approval that was asked for when the call began.
asio::awaitable<void> retell_approval(Effects::State& state, const ToolCall& call, const std::string& effect) {
  const Recorded* approval = state.journal.find(effect + ".approval");
  if (approval == nullptr) co_return;
  std::string rule(find_string(approval->in, "rule"));
  co_await ask_approval(state, effect + ".approval", effect, call, std::move(rule));
}

/// What a person says became of a call that was under way when the program ended. Nothing: it was not done.
asio::awaitable<std::optional<ToolOutput>> ask_what_became(Effects::State& state, const ToolCall& call,
                                                           const std::string& effect) {
  // An answer is used once: where the repeat that it allowed was cut short as well, there is another doubt.
  std::string said;
  bool is_used = true;
  for (int number = 1; is_used; ++number) {
    const std::string doubt = doubt_of(effect, number);
    const Recorded* known = state.journal.find(doubt);
    said = co_await ask_doubt(state, doubt, effect, call);
    is_used = said == "not done" && known != nullptr && known->ended;
  }
  if (said == "not done") co_return std::nullopt;
  if (said == "abort") {
    state.run.request_cancel("a person aborted the run: it was not known whether " + call.name + " was done");
    throw Error(errc::cancelled, state.run.cancel_reason);
  }
  constexpr std::string_view kDone = "done:";
  if (said.starts_with(kDone)) {
    const std::size_t words = said.find_first_not_of(' ', kDone.size());
    co_return ToolOutput{words == std::string::npos ? std::string() : said.substr(words), false};
  }
  co_return ToolOutput{"done; a person says so, and its result is not known", false};
}

/// A call that was under way when the program ended, and must not be repeated blindly: what became of it. Nothing: it
/// was not done.
asio::awaitable<std::optional<ToolOutput>> resolve(Effects::State& state, const Agent::Parts::ToolEntry& entry,
                                                   const ToolCall& call, const std::string& effect,
                                                   json::object arguments) {
  if (entry.tool->spec().repeat == Repeat::probed) {
    CallContext context(state, entry.tool, call, effect, arguments);
    Probed probed;
    try {
      auto probing = entry.tool->probe(std::move(arguments), context);
      const milliseconds limit = time_for(state, *entry.tool);
      probed = co_await with_timeout(*state.run.environment, limit, std::move(probing), "probing " + call.name);
    } catch (...) {
      const Error error = current_error();  // whatever it is, a person decides
      if (error.code() == errc::cancelled && state.run.cancelled) throw Error(error);
    }
    if (probed.happened == Happened::yes) co_return std::move(probed.output);
    if (probed.happened == Happened::no) co_return std::nullopt;
  }
  co_return co_await ask_what_became(state, call, effect);
}

/// What a call gave is the hooks' first. Where the run is stopped meanwhile, nobody else gets it: it was done all the
/// same.
asio::awaitable<void> show_to_hooks(Effects::State& state, const ToolCall& call, const json::object& arguments,
                                    ToolOutput& output, Performed& performed) {
  std::optional<Error> stopped;
  try {
    auto showing = after_tool(state, call, arguments, performed.labels, output, performed.notices);
    co_await std::move(showing);
  } catch (...) {
    stopped = current_error();
  }
  if (!stopped) co_return;
  performed.result = failure_of(call, "done, but the run was stopped before its hooks had seen what it gave");
  throw Error(std::move(*stopped));
}

}  // namespace

ToolResult failure_of(const ToolCall& call, std::string what) {
  return {call.id, call.name, std::move(what), true};
}

json::value describe_call(const ToolCall& call) {
  return {{"call", call.id}, {"name", call.name}, {"arguments", call.arguments}};
}

asio::awaitable<void> perform(Effects::State& state, const ToolCall& call, const std::string& effect,
                              Performed& performed) {
  const Agent::Parts::ToolEntry* entry = state.find_tool(call.name);
  const auto fail = [&](std::string what) { performed.result = failure_of(call, std::move(what)); };
  const bool begun_before = state.journal.find(effect) != nullptr;
  std::string wrong = entry == nullptr ? unknown_tool(state, call.name) : std::string();
  std::optional<json::object> arguments;
  if (entry != nullptr) arguments = read_arguments(call, entry->arguments, wrong);
  if (!arguments) {
    // Of an agent that was changed on purpose: the tool that was at work is another one now, or gone.
    std::optional<ToolOutput> done;
    if (begun_before) done = co_await ask_what_became(state, call, effect);
    if (!done) co_return fail(std::move(wrong));
    performed.result = {call.id, call.name, secrets::redact(sanitize_utf8(done->content)), done->is_error};
    co_return;
  }
  const Repeat repeat = entry->tool->spec().repeat;
  ToolCall asked = call;  // as hooks leave it: what is approved and made is what was judged
  auto hearing = before_tool(state, *entry, effect, asked, *arguments);
  Decision of_hooks = co_await std::move(hearing);
  performed.arguments = asked.arguments;
  performed.decision = stricter(std::move(of_hooks), judge(state, *entry, *arguments));
  const Decision& decision = *performed.decision;
  state.emit(effect, PolicyDecided{call.id, call.name, decision.verdict, decision.rule});
  if (!begun_before) {
    std::string refused = co_await refusal(state, *entry, asked, effect, decision);
    if (!refused.empty()) co_return fail(std::move(refused));
    // From here on it may have happened: where that matters, its start is on disk first.
    state.journal.start(effect, "tool", describe_call(call), state.wall_now());
    if (repeat != Repeat::idempotent) co_await state.committed();
  } else {
    co_await retell_approval(state, asked, effect);
  }
  std::optional<ToolOutput> output;
  if (begun_before && (repeat == Repeat::never || repeat == Repeat::probed)) {
    auto resolving = resolve(state, *entry, asked, effect, *arguments);
    output = co_await std::move(resolving);
  }
  // Where it is to be made again, what holds now counts.
  if (!output && begun_before && decision.verdict == Verdict::deny)
    co_return fail("not allowed (" + decision.rule + ")");
  if (!output) output = co_await do_call(state, *entry, asked, effect, *arguments, performed.progress);
  performed.labels = label(state, *entry, *arguments, *output);
  output->content = secrets::redact(sanitize_utf8(output->content));
  if (has_after_tool(state, asked.name)) {
    auto showing = show_to_hooks(state, asked, *arguments, *output, performed);
    co_await std::move(showing);
  }
  // What it gave was given: a cancellation is for what comes next.
  std::string content;
  co_await asio::this_coro::throw_if_cancelled(false);
  auto capping = cap_into(state, effect, secrets::redact(std::move(output->content)), performed.labels,
                          entry->tool->spec().output_limit, content);
  std::optional<Error> failure = co_await shielded(std::move(capping));
  co_await asio::this_coro::throw_if_cancelled(true);
  if (failure) throw Error(std::move(*failure));
  performed.result = {call.id, call.name, std::move(content), output->is_error};
}

asio::awaitable<void> retell_inside(Effects::State& state, const ToolCall& call, const std::string& effect) {
  co_await retell_approval(state, call, effect);
  for (int number = 1; state.journal.find(doubt_of(effect, number)) != nullptr; ++number) {
    co_await ask_doubt(state, doubt_of(effect, number), effect, call);
  }
  const Agent::Parts::ToolEntry* entry = state.find_tool(call.name);
  std::string wrong;
  std::optional<json::object> arguments;
  if (entry != nullptr) arguments = read_arguments(call, entry->arguments, wrong);
  const bool again = arguments && entry->tool->spec().repeat == Repeat::replayed;
  if (!again) {
    for (int i = 1; const Recorded* asked = state.journal.find(effect + ".q" + std::to_string(i)); ++i) {
      const std::string id = effect + ".q" + std::to_string(i);
      state.emit(effect, QuestionAsked{id, std::string(find_string(asked->in, "question"))});
    }
    co_return;
  }
  try {
    CallContext context(state, entry->tool, call, effect, *arguments);
    context.quiet = true;
    auto calling = entry->tool->call(std::move(*arguments), context);
    co_await std::move(calling);
  } catch (...) {
    Error error = current_error();
    if (error.code() == errc::diverged) throw Error(std::move(error));  // otherwise: what it gave is in the journal
  }
}

}  // namespace sennit
