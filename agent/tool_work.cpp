#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/runtime_state.hpp>
#include <sennit/agent/tool_work.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace sennit {
namespace {

constexpr std::size_t kMostProgress = 1'000;  // lines of one call
// How long a tool may take to hear that it is cancelled, or that its time is over.
constexpr milliseconds kGrace{300};

asio::awaitable<void> call(std::shared_ptr<ToolWork> at) {
  auto calling = at->tool->call(std::move(at->arguments), at->context);
  at->output = co_await std::move(calling);
}

void start(Environment& environment, const std::shared_ptr<ToolWork>& at) {
  auto calling = call(at);
  asio::co_spawn(environment.executor(), spawnable(std::move(calling)),
                 asio::bind_cancellation_slot(at->stop.slot(), [at](const std::exception_ptr& failure) {
                   try {
                     if (failure) std::rethrow_exception(failure);
                   } catch (...) {
                     at->error = current_error();
                   }
                   at->done = true;
                   at->changed.notify();
                 }));
}

/// False: it has not ended by then.
asio::awaitable<bool> ended_within(Environment& environment, ToolWork& at, milliseconds limit) {
  bool expired = false;
  std::unique_ptr<Alarm> alarm;
  if (limit > milliseconds::zero()) {
    alarm = environment.call_at(environment.now() + limit, [&expired, &at] {
      expired = true;
      at.changed.notify();
    });
  }
  while (!at.done && !expired) co_await at.changed.wait();
  co_return at.done;
}

/// Tells the tool to stop, and gives it a moment to do so. Not to be interrupted: a tool that is left behind must know
/// that nobody is there any more.
asio::awaitable<void> stop(Environment& environment, ToolWork& at) {
  at.stop.emit(asio::cancellation_type::terminal);
  at.context.stop();
  (void)co_await ended_within(environment, at, kGrace);
  while (!at.done && at.context.asks()) co_await at.changed.wait();
  if (!at.done) at.context.abandon();
}

}  // namespace

CallContext::CallContext(Effects::State& state, std::shared_ptr<Tool> tool, const ToolCall& call, std::string effect,
                         const json::object& arguments)
    : state_(&state),
      environment_(state.run.environment),
      memory_(state.parts.memory),
      session_(state.session.id),
      labels_(state.labels),
      tool_(std::move(tool)),
      arguments_(tool_->spec().touches.network ? arguments : json::object()),
      call_id_(call.id),
      effect_(std::move(effect)),
      key_(state.run.id + "/" + effect_) {}

Effects::State& CallContext::state() {
  if (state_ == nullptr || stopped_) throw Error(errc::cancelled, "the run does not wait for this call any more");
  return *state_;
}

bool CallContext::allows(const std::vector<Facet>& instead) const {
  if (state_ == nullptr || !tool_->spec().touches.network) return false;
  const auto judge = [this](const std::vector<Facet>& reached) {
    return decide(state_->layers, PolicyQuestion{tool_->spec(), arguments_, reached, labels_});
  };
  const std::vector<Facet> named = tool_->facets(arguments_);
  std::vector<Facet> reached = named;
  for (const Facet& facet : instead) {
    std::erase_if(reached, [&](const Facet& other) { return other.name == facet.name; });
  }
  reached.insert(reached.end(), instead.begin(), instead.end());
  const Decision there = judge(reached);
  if (there.verdict != Verdict::ask) return there.verdict == Verdict::allow;
  const Decision here = judge(named);
  return here.verdict == Verdict::ask && here.rule == there.rule;
}

void CallContext::progress(std::string text) {
  // Nobody misses what a reader who is behind would see too late, and it would pile up.
  if (state_ == nullptr || quiet || !state_->run.has_room() || told_.size() >= kMostProgress) return;
  text = sanitize_utf8(text);
  if (state_->journal.kept()) told_.emplace_back(text);
  state_->emit(effect_, ToolProgress{call_id_, std::move(text)});
}

void CallContext::stop() {
  stopped_ = true;
  const auto all = asking_;
  for (asio::cancellation_signal* one : all) {  // each leaves as it ends, perhaps with others
    if (asking_.contains(one)) one->emit(asio::cancellation_type::terminal);
  }
}

asio::awaitable<void> CallContext::within(asio::awaitable<void> work) {
  asio::cancellation_signal stop;
  struct Asking {
    Asking(CallContext& of_context, asio::cancellation_signal& signal) : context(of_context), own(signal) {
      context.asking_.insert(&own);
    }
    ~Asking() {
      tool.clear();
      context.asking_.erase(&own);
      if (context.asking_.empty() && context.changed != nullptr) context.changed->notify();
    }
    Asking(const Asking&) = delete;
    Asking& operator=(const Asking&) = delete;
    CallContext& context;
    asio::cancellation_signal& own;
    asio::cancellation_slot tool{};
  } asking(*this, stop);
  asking.tool = (co_await asio::this_coro::cancellation_state).slot();
  if (asking.tool.is_connected()) {
    asking.tool.assign([&stop](asio::cancellation_type type) { stop.emit(type); });
  }
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  co_await asio::co_spawn(executor, spawnable(std::move(work)),
                          asio::bind_cancellation_slot(stop.slot(), asio::use_awaitable));
}

namespace {

asio::awaitable<void> ask_into(Effects::State& state, std::string effect, std::string lane, std::string question,
                               std::string& said) {
  said = co_await ask_question(state, std::move(effect), std::move(lane), std::move(question));
}

asio::awaitable<void> delegate_into(Effects::State& state, std::shared_ptr<const Agent::Parts> agent, std::string task,
                                    std::string call, std::string scope, Outcome& outcome) {
  outcome = co_await run_child(state, std::move(agent), std::move(task), std::move(call), std::move(scope));
}

}  // namespace

asio::awaitable<std::string> CallContext::ask(std::string question) {
  std::string id = effect_ + ".q" + std::to_string(++children_);
  std::string said;
  auto asking = ask_into(state(), std::move(id), effect_, std::move(question), said);
  co_await within(std::move(asking));
  co_return said;
}

asio::awaitable<Outcome> CallContext::delegate(const Agent& agent, std::string task) {
  const std::uint32_t child = ++children_;
  std::string scope = child == 1 ? effect_ : effect_ + "." + std::to_string(child);
  Outcome outcome;
  auto working = delegate_into(state(), agent.parts(), std::move(task), call_id_, std::move(scope), outcome);
  co_await within(std::move(working));
  co_return outcome;
}

std::shared_ptr<const Agent> CallContext::model_alone(const std::string& instructions) {
  const Agent::Parts& caller = state().parts;
  auto alone = std::make_shared<Agent::Parts>();
  alone->runtime = caller.runtime;
  alone->definition.name = caller.definition.name + "/model";
  alone->definition.model = caller.definition.model;
  alone->definition.limits = caller.definition.limits;
  alone->definition.policy = caller.definition.policy;
  alone->definition.instructions = instructions;
  alone->definition.memory.enabled = false;
  alone->models = caller.models;
  alone->planner = caller.planner;
  alone->hooks = caller.hooks;
  alone->registry_hooks = caller.registry_hooks;
  alone->guardrails.input = caller.guardrails.input;
  alone->digest = caller.digest;
  alone->pin = caller.pin;
  return std::make_shared<const Agent>(std::shared_ptr<const Agent::Parts>(std::move(alone)));
}

asio::awaitable<ToolOutput> work(Environment& environment, std::shared_ptr<ToolWork> at, milliseconds limit,
                                 std::string name) {
  start(environment, at);
  std::optional<Error> cut;
  try {
    if (!co_await ended_within(environment, *at, limit)) {
      cut = Error(errc::timeout, "the tool " + name + " took longer than " + std::to_string(limit.count()) + " ms")
                .retry();
    }
  } catch (...) {
    cut = current_error();
  }
  if (cut) {
    co_await asio::this_coro::throw_if_cancelled(false);
    auto stopping = stop(environment, *at);
    co_await shielded(std::move(stopping));
    co_await asio::this_coro::throw_if_cancelled(true);
  }
  if (at->output) co_return std::move(*at->output);
  if (cut && cut->code() != errc::cancelled) throw Error(std::move(*cut));
  if (at->error) throw Error(std::move(*at->error));
  throw Error(std::move(*cut));
}

}  // namespace sennit
