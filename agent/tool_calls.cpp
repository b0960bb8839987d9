// Calling tools: each call is checked (name, JSON, schema, policy, a person), run with a deadline, capped and
// recorded. Whatever goes wrong with one call is its result: the model hears of it and can correct itself.
#include <sennit/agent/effects_state.hpp>
#include <sennit/agent/io/pool.hpp>
#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/io/timeout.hpp>
#include <sennit/agent/runtime_state.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <fstream>
#include <map>
#include <utility>

namespace sennit {
namespace {

class CallContext final : public ToolContext {
 public:
  CallContext(Effects::State& state, const ToolCall& call, std::string effect)
      : state_(state), call_(call), effect_(std::move(effect)), key_(state.run.id + "/" + effect_) {}

  Environment& environment() override { return *state_.run.environment; }
  const std::string& effect_id() const override { return key_; }
  const std::string& session() const override { return state_.session.id; }
  Memory* memory() override { return state_.parts.memory.get(); }
  void progress(std::string text) override {
    // Nobody misses what a reader who is behind would see too late, and it would pile up.
    if (state_.run.has_room()) state_.emit(ToolProgress{call_.id, std::move(text)});
  }
  asio::awaitable<std::string> ask(std::string question) override {
    return ask_question(state_, effect_ + ".q" + std::to_string(++children_), std::move(question));
  }
  asio::awaitable<Outcome> delegate(const Agent& agent, std::string task) override {
    const std::uint32_t child = ++children_;
    std::string scope = child == 1 ? effect_ : effect_ + "." + std::to_string(child);
    return run_child(state_, agent.parts(), std::move(task), call_.id, std::move(scope));
  }

 private:
  Effects::State& state_;
  const ToolCall& call_;
  const std::string effect_;
  const std::string key_;  // the same in every attempt of this run, different in every other run
  std::uint32_t children_ = 0;
};

ToolResult failure_of(const ToolCall& call, std::string what) {
  return {call.id, call.name, std::move(what), true};
}

/// Cuts at `limit` bytes without splitting a character.
std::string_view cut_utf8(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U) --limit;
  return text.substr(0, limit);
}

/// Writes the whole output where a person can find it. The path, or nothing if nothing is kept on disk.
asio::awaitable<std::string> spill(Effects::State& state, std::string effect, std::string content) {
  const std::filesystem::path& folder = state.parts.runtime->options.state;
  if (folder.empty()) co_return std::string{};
  for (char& c : effect) {
    if (c == '/') c = '_';
  }
  const std::filesystem::path file = folder / "outputs" / (state.run.id + "-" + effect + ".txt");
  std::function<bool()> write = [file, content = std::move(content)] {
    std::error_code error;
    if (std::filesystem::create_directories(file.parent_path(), error)) {
      std::filesystem::permissions(file.parent_path(), std::filesystem::perms::owner_all, error);
    }
    std::ofstream out(file, std::ios::binary);
    out << content;
    return static_cast<bool>(out.flush());
  };
  bool written = false;
  try {
    written = co_await state.run.environment->pool().run(std::move(write));
  } catch (const Error& error) {
    if (error.code() == errc::cancelled) throw;  // of a busy pool the cut tells: no file is named in it
  }
  co_return written ? file.string() : std::string{};
}

/// A large output must not eat the context: the model gets its beginning, a person the whole.
asio::awaitable<std::string> cap_output(Effects::State& state, std::string effect, std::string content,
                                        std::size_t limit) {
  if (limit == 0 || content.size() <= limit) co_return content;
  std::string head(cut_utf8(content, limit));
  const std::size_t size = content.size();
  const std::string file = co_await spill(state, std::move(effect), std::move(content));
  head += fmt::format("\n[output cut: {} of {} bytes shown{}]", head.size(), size,
                      file.empty() ? std::string() : "; the whole output is in " + file);
  co_return head;
}

/// The arguments as an object that fits the schema, or what is wrong with them, said to the model.
std::optional<json::object> read_arguments(const ToolCall& call, const Validator& schema, std::string& wrong) {
  std::string why;
  const bool empty = call.arguments.find_first_not_of(" \t\r\n") == std::string::npos;
  std::optional<json::value> value = empty ? json::value(json::object{}) : parse_json(call.arguments, &why);
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
  for (const ToolDescription& tool : state.parts.descriptions) known.push_back(tool.name);
  std::string message = "there is no tool '" + name + "'";
  if (const std::string_view near = nearest(name, known); !near.empty()) {
    return message + "; did you mean '" + std::string(near) + "'?";
  }
  message += known.empty() ? "; this agent has no tools" : "; there are:";
  for (const std::string& candidate : known) message += " " + candidate;
  return message;
}

/// What an agent may not do, no agent does for it.
std::string denied_above(const Effects::State& state, const std::string& tool) {
  for (const Effects::State* above = state.parent; above != nullptr; above = above->parent) {
    const std::string* pattern = denying(above->parts.definition.policy, tool);
    if (pattern != nullptr)
      return "not allowed (policy.deny of " + above->parts.definition.name + ": " + *pattern + ")";
  }
  return {};
}

/// Why the call may not be made; empty: it may.
asio::awaitable<std::string> refusal(Effects::State& state, const Agent::Parts::ToolEntry& entry, const ToolCall& call,
                                     const std::string& effect) {
  if (std::string denied = denied_above(state, call.name); !denied.empty()) co_return denied;
  if (entry.decision.verdict == Verdict::allow) co_return std::string{};
  if (entry.decision.verdict == Verdict::deny) co_return "not allowed (" + entry.decision.rule + ")";
  const Approval approval = co_await ask_approval(state, effect + ".approval", call, entry.decision.rule);
  co_return approval == Approval::never ? "declined by the person (" + entry.decision.rule + ")" : std::string{};
}

asio::awaitable<ToolOutput> invoke(Effects::State& state, Tool& tool, const ToolCall& call, json::object arguments,
                                   std::string effect) {
  CallContext context(state, call, std::move(effect));
  auto work = tool.call(std::move(arguments), context);
  co_return co_await with_timeout(*state.run.environment, tool.spec().timeout, std::move(work),
                                  "the tool " + call.name);
}

/// The whole life of one call. Throws only when the run is cancelled.
asio::awaitable<ToolResult> perform(Effects::State& state, const ToolCall& call, const std::string& effect) {
  const Agent::Parts::ToolEntry* entry = state.parts.find_tool(call.name);
  if (entry == nullptr) co_return failure_of(call, unknown_tool(state, call.name));
  std::string wrong;
  std::optional<json::object> arguments = read_arguments(call, entry->arguments, wrong);
  if (!arguments) co_return failure_of(call, std::move(wrong));
  std::string refused = co_await refusal(state, *entry, call, effect);
  if (!refused.empty()) co_return failure_of(call, std::move(refused));

  // From here on it may have happened. The start is on disk first, and with it the model's answer: a resume never
  // invents other calls.
  state.journal_start(effect, "tool", {{"call", call.id}, {"name", call.name}, {"arguments", call.arguments}});
  co_await state.committed();
  std::optional<Error> error;
  ToolOutput output;
  try {
    output = co_await invoke(state, *entry->tool, call, std::move(*arguments), effect);
  } catch (...) {
    error = current_error();
  }
  if (error) {
    if (error->code() == errc::cancelled && state.run.cancelled) throw Error(std::move(*error));
    output = {error->describe(), true};
  }
  // What a tool did before it heard of a cancellation is not called undone: its result is kept.
  co_await asio::this_coro::throw_if_cancelled(false);
  std::string content =
      co_await cap_output(state, effect, sanitize_utf8(output.content), entry->tool->spec().output_limit);
  co_await asio::this_coro::throw_if_cancelled(true);
  co_return ToolResult{call.id, call.name, std::move(content), output.is_error};
}

struct Batch {
  std::vector<ToolCall> calls;
  std::vector<std::string> effects;
  std::vector<std::optional<ToolResult>> results;
  std::vector<bool> started;
  std::map<std::string, std::size_t, std::less<>> active;  // by tool
  std::size_t running = 0;
  std::size_t done = 0;
  Signal changed;
};

asio::awaitable<void> run_call(Effects::State& state, Batch& batch, std::size_t index) {
  const ToolCall& call = batch.calls[index];
  const std::string& effect = batch.effects[index];
  const SteadyTime begun = state.run.environment->now();
  state.emit(ToolStarted{call});
  ToolResult result;
  std::optional<Error> stopped;
  try {
    result = co_await perform(state, call, effect);
  } catch (...) {
    stopped = current_error();
    result = failure_of(call, "stopped before it ended: " + state.run.cancel_reason);
  }
  const auto duration = std::chrono::duration_cast<std::chrono::microseconds>(state.run.environment->now() - begun);
  if (state.store != nullptr) {
    state.journal_end(effect, "tool", {{"call", call.id}, {"content", result.content}, {"is_error", result.is_error}});
  }
  state.emit(ToolFinished{result, duration});
  batch.results[index] = std::move(result);
  --batch.running;
  --batch.active[call.name];
  ++batch.done;
  batch.changed.notify();
  if (stopped) throw Error(std::move(*stopped));
}

std::size_t concurrency_of(const Effects::State& state, const ToolCall& call) {
  const auto* entry = state.parts.find_tool(call.name);
  return entry == nullptr ? 1 : std::max<std::size_t>(1, entry->tool->spec().concurrency);
}

void start_eligible(Effects::State& state, Batch& batch, TaskScope& scope) {
  const std::size_t limit = std::max<std::size_t>(1, state.parts.definition.limits.parallel_tool_calls);
  for (std::size_t i = 0; i < batch.calls.size() && batch.running < limit; ++i) {
    const ToolCall& call = batch.calls[i];
    if (batch.started[i] || batch.active[call.name] >= concurrency_of(state, call)) continue;
    batch.started[i] = true;
    ++batch.running;
    ++batch.active[call.name];
    scope.spawn(run_call(state, batch, i));
  }
}

asio::awaitable<void> run_side_by_side(Effects::State& state, Batch& batch) {
  // A call throws only when the run is cancelled, and the loop below hears of that by itself.
  TaskScope scope(state.run.environment->executor(), [](const Error&) {});
  std::optional<Error> stopped;
  try {
    while (batch.done < batch.calls.size()) {
      start_eligible(state, batch, scope);
      co_await batch.changed.wait();
    }
  } catch (...) {
    stopped = current_error();
  }
  if (stopped) {
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    scope.cancel();
  }
  co_await scope.join();
  if (stopped) throw Error(std::move(*stopped));
}

asio::awaitable<void> run_batch(Effects::State& state, Batch& batch) {
  if (batch.calls.size() > 1) co_return co_await run_side_by_side(state, batch);
  batch.started[0] = true;
  batch.running = 1;
  batch.active[batch.calls[0].name] = 1;
  co_await run_call(state, batch, 0);
}

}  // namespace

asio::awaitable<std::vector<ToolResult>> call_tools(Effects::State& state, std::vector<ToolCall> calls) {
  if (calls.empty()) co_return std::vector<ToolResult>{};
  state.budget.begin_tool_calls(calls.size());
  const std::string effect = state.new_effect();
  Batch batch;
  batch.calls = std::move(calls);
  for (std::size_t i = 0; i < batch.calls.size(); ++i) batch.effects.push_back(effect + "." + std::to_string(i + 1));
  batch.results.resize(batch.calls.size());
  batch.started.resize(batch.calls.size());

  std::optional<Error> stopped;
  try {
    co_await run_batch(state, batch);
  } catch (...) {
    stopped = current_error();
  }
  std::vector<ToolResult> results;
  for (std::optional<ToolResult>& result : batch.results) {
    if (!result) continue;
    state.add_message(tool_message(*result));
    results.push_back(std::move(*result));
  }
  if (stopped) throw Error(std::move(*stopped));
  co_await state.committed();  // what was done is known to be done, whatever comes next
  co_return results;
}

}  // namespace sennit
