// What a person settles: approvals, questions, doubts. Each is an effect with the id of its place: the run may wait for
// it in memory, or end as suspended and find the answer in the store when it goes on.
#include <sennit/agent/effects_state.hpp>
#include <sennit/agent/io/digest.hpp>
#include <sennit/agent/io/timeout.hpp>
#include <sennit/agent/runtime_state.hpp>

#include <algorithm>
#include <utility>

namespace sennit {
namespace {

// How often a waiting run looks whether it was answered through the store.
constexpr milliseconds kLook{1'000};

/// One request: what is asked, how it is shown, and how long it may stay open.
struct Request {
  std::string effect;
  std::string lane;
  std::string_view kind;  // "ask", "approval", "doubt"
  json::value in;
  std::string digest;  // of what an answer is an answer to
  EventData shown;
  std::string wants;                                   // for people: "approval of http_send"
  bool may_differ = false;                             // from what was asked when the run was recorded
  bool (*is_answer)(std::string_view text) = nullptr;  // null: every text is
};

bool is_approval(std::string_view text) {
  return text == to_string(Approval::once) || text == to_string(Approval::always) || text == to_string(Approval::never);
}

bool settles_doubt(std::string_view text) {
  return text == "done" || text.starts_with("done:") || text == "not done" || text == "abort";
}

/// Whether an answer that came through the store is one to this request, and still fresh.
bool counts(const Effects::State& state, const Request& asked, WallTime since, const Answer& answer) {
  if (answer.request != asked.effect || answer.digest != asked.digest) return false;
  if (asked.is_answer != nullptr && !asked.is_answer(answer.text)) return false;
  return answer.at >= since && state.wall_now() <= since + state.run.options.answer_validity;
}

/// Open while it lives: Run::approve and Run::answer find it by its id.
class OpenRequest {
 public:
  OpenRequest(Effects::State& state, const Request& asked, WallTime since)
      : state_(state), asked_(asked), since_(since) {
    request_.is_answer = asked.is_answer;
    state.run.requests.emplace(asked.effect, &request_);
  }
  ~OpenRequest() { state_.run.requests.erase(asked_.effect); }
  OpenRequest(const OpenRequest&) = delete;
  OpenRequest& operator=(const OpenRequest&) = delete;

  /// What was said; nothing if nobody said anything in time.
  [[nodiscard]] asio::awaitable<std::optional<std::string>> answered() {
    const Run::State& run = state_.run;
    const SteadyTime due = run.environment->now() + run.options.answer_timeout;
    while (!request_.done && run.environment->now() < due) {
      const auto rest = std::chrono::ceil<milliseconds>(due - run.environment->now());
      co_await wait(state_.journal.kept() ? std::min(rest, kLook) : rest);
      if (!request_.done && state_.journal.kept()) co_await look();
    }
    if (!request_.done) co_return std::nullopt;
    co_return request_.answer;
  }

 private:
  asio::awaitable<void> wait(milliseconds at_most) {
    try {
      auto settled = request_.settled.wait();
      co_await with_timeout(*state_.run.environment, at_most, std::move(settled), "the person's answer");
    } catch (const Error& error) {
      if (error.code() != errc::timeout) throw;
    }
  }

  asio::awaitable<void> look() {
    const auto& store = state_.parts.runtime->store;
    if (!store) co_return;
    std::vector<Answer> answers;
    try {
      answers = co_await store->answers(state_.run.id);
    } catch (const Error& error) {
      if (!error.retryable()) throw;  // another run's write has to wait: the next look is soon
    }
    for (const Answer& answer : answers) {
      if (counts(state_, asked_, since_, answer)) request_.settle(answer.text);
    }
  }

  Effects::State& state_;
  const Request& asked_;
  const WallTime since_;
  PersonRequest request_;
};

/// What was said through the store before the run went on, or what the run's options say of requests that were open.
std::optional<std::string> said_before(const Effects::State& state, const Request& asked, WallTime since) {
  const auto given = state.run.answers.find(asked.effect);
  if (given != state.run.answers.end() && counts(state, asked, since, given->second)) {
    return sanitize_utf8(given->second.text);
  }
  if (asked.kind != "approval") return std::nullopt;
  if (state.run.options.approvals == Approvals::allow) return std::string(to_string(Approval::once));
  if (state.run.options.approvals == Approvals::deny) return std::string(to_string(Approval::never));
  return std::nullopt;
}

/// Nobody will answer while this run waits.
bool is_alone(const Effects::State& state, const Request& asked) {
  const RunOptions& options = state.run.options;
  if (options.approvals == Approvals::suspend) return true;
  return asked.kind != "approval" && (!options.questions || options.approvals == Approvals::deny);
}

/// Waits for the answer, unless nobody will give it now. Nothing: nobody answered in time.
asio::awaitable<std::optional<std::string>> wait_for_answer(Effects::State& state, const Request& asked,
                                                            WallTime since) {
  if (is_alone(state, asked) && state.journal.kept()) throw Error(errc::suspended, asked.wants);
  OpenRequest open(state, asked, since);
  std::optional<std::string> said = co_await open.answered();
  // Neither "done" nor "not done" may be guessed: a doubt stays open.
  if (!said && asked.kind == "doubt") throw Error(errc::suspended, asked.wants);
  co_return said;
}

/// The life of a request. Nothing: nobody answered in time.
asio::awaitable<std::optional<std::string>> ask(Effects::State& state, Request asked) {
  const Recorded* begun = state.journal.find(asked.effect);
  // The agent was changed on purpose, or a tool that is called again asks in other words: what a person said to the old
  // request is nothing to this one.
  const bool of_another = begun != nullptr && find_string(begun->in, "digest") != asked.digest && asked.may_differ &&
                          !state.journal.replaying();
  if (!of_another) (void)state.journal.find(asked.effect, asked.kind, asked.in);
  if (begun != nullptr && !of_another && (begun->ended || state.journal.replaying())) {
    state.emit(asked.lane, asked.shown);
  }
  if (of_another) {
    state.go_live();
  } else if (const json::value* known = state.answered(asked.effect, asked.kind, asked.in)) {
    const json::value* said = find(*known, "said");
    co_return said == nullptr ? std::nullopt : std::optional(std::string(said->as_string()));
  }
  // One that nobody may answer any more is asked again, from now on.
  const bool anew = begun == nullptr || find_string(begun->in, "digest") != asked.digest ||
                    state.wall_now() > begun->started_at + state.run.options.answer_validity;
  const WallTime since = anew ? state.wall_now() : begun->started_at;
  if (anew) state.journal.start(asked.effect, asked.kind, asked.in, since);
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await state.committed_for_certain();  // it may be answered from elsewhere
  state.emit(asked.lane, std::move(asked.shown));
  std::optional<std::string> said = said_before(state, asked, since);
  std::optional<Error> failure;
  try {
    if (!said) said = co_await wait_for_answer(state, asked, since);
  } catch (...) {
    failure = current_error();
  }
  if (failure) {
    const bool stays_open = state.leaving() || failure->code() == errc::suspended;
    if (!stays_open) state.journal.end(asked.effect, asked.kind, failure_of(*failure), state.wall_now());
    throw Error(std::move(*failure));
  }
  json::object out;
  if (said) out["said"] = *said;
  state.journal.end(asked.effect, asked.kind, out, state.wall_now());
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await state.committed_for_certain();  // an answer is used once
  co_return said;
}

json::value describe(const ToolCall& call, const std::string& digest) {
  return {{"call", call.id}, {"name", call.name}, {"arguments", call.arguments}, {"digest", digest}};
}

/// What an approval is bound to: the agent with its tools, and the very call.
std::string digest_of(const Effects::State& state, std::string_view kind, const ToolCall& call) {
  return sha256(std::string(kind) + '\0' + state.parts.digest + '\0' + call.name + '\0' + call.arguments);
}

}  // namespace

asio::awaitable<std::string> ask_question(Effects::State& state, std::string effect, std::string lane,
                                          std::string question) {
  const RunOptions& options = state.run.options;
  const bool nobody = options.approvals == Approvals::deny || !options.questions ||
                      (options.approvals == Approvals::suspend && !state.journals());
  if (nobody && state.journal.find(effect) == nullptr) {
    throw Error(errc::denied, "nobody is there to answer questions");
  }
  Request asked;
  asked.digest = sha256("ask" + question);
  asked.in = {{"question", question}, {"digest", asked.digest}};
  asked.effect = effect;
  asked.lane = std::move(lane);
  asked.kind = "ask";
  asked.wants = "an answer";
  const bool by_a_tool = asked.lane != state.scope;  // which may be called again, and then ask otherwise
  asked.may_differ = by_a_tool && !state.journal.is_over(effect);
  asked.shown = QuestionAsked{std::move(effect), std::move(question)};
  std::optional<std::string> said = co_await ask(state, std::move(asked));
  if (!said) throw Error(errc::denied, "the person did not answer in time");
  co_return std::move(*said);
}

asio::awaitable<std::optional<Approval>> ask_approval(Effects::State& state, std::string effect, std::string lane,
                                                      ToolCall call, std::string reason) {
  // Another agent's tool of the same name may reach further, and another reason is another question.
  const std::string tool = state.parts.digest + "/" + call.name + "/" + reason;
  if (state.journal.find(effect) == nullptr) {
    {
      const std::lock_guard lock(state.session.mutex);
      if (state.session.always_allowed.contains(tool)) co_return Approval::always;
    }
    if (state.run.options.approvals == Approvals::allow) co_return Approval::once;
    if (state.run.options.approvals == Approvals::deny) co_return Approval::never;
    if (state.run.options.approvals == Approvals::suspend && !state.journal.kept()) co_return Approval::never;
  }
  Request asked;
  asked.digest = digest_of(state, "approval", call);
  asked.in = describe(call, asked.digest);
  asked.in.as_object()["rule"] = reason;
  asked.effect = effect;
  asked.lane = std::move(lane);
  asked.kind = "approval";
  asked.may_differ =
      state.journal.tells_loosely() && state.journal.find(asked.effect.substr(0, asked.effect.rfind('.'))) == nullptr;
  asked.is_answer = &is_approval;
  asked.wants = "approval of " + call.name;
  asked.shown = ApprovalRequested{std::move(effect), std::move(call), std::move(reason)};
  const std::optional<std::string> said = co_await ask(state, std::move(asked));
  if (!said) co_return std::nullopt;
  if (said == to_string(Approval::once)) co_return Approval::once;
  if (said != to_string(Approval::always)) co_return Approval::never;
  const std::lock_guard lock(state.session.mutex);
  state.session.always_allowed.insert(tool);
  co_return Approval::always;
}

asio::awaitable<std::string> ask_doubt(Effects::State& state, std::string effect, std::string lane, ToolCall call) {
  Request asked;
  asked.digest = digest_of(state, "doubt", call);
  asked.in = describe(call, asked.digest);
  asked.effect = effect;
  asked.lane = std::move(lane);
  asked.kind = "doubt";
  asked.wants = "what became of " + call.name + ": it was under way when the program ended";
  asked.shown = InDoubt{std::move(effect), std::move(call)};
  asked.is_answer = &settles_doubt;
  const std::optional<std::string> said = co_await ask(state, std::move(asked));
  co_return said.value_or("abort");
}

}  // namespace sennit
