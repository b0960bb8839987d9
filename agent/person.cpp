// Questions and approvals: effects that a person settles through the run's handle.
#include <sennit/agent/effects_state.hpp>
#include <sennit/agent/io/timeout.hpp>

#include <utility>

namespace sennit {
namespace {

/// Open while it lives: Run::approve and Run::answer find it by its id.
class OpenRequest {
 public:
  explicit OpenRequest(Run::State& run) : run_(run), id_("ask_" + std::to_string(run.next_request++)) {
    run_.requests.emplace(id_, &request_);
  }
  ~OpenRequest() { run_.requests.erase(id_); }
  OpenRequest(const OpenRequest&) = delete;
  OpenRequest& operator=(const OpenRequest&) = delete;

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] const PersonRequest& request() const { return request_; }

  /// False if nobody settled it in time.
  [[nodiscard]] asio::awaitable<bool> settled() {
    try {
      auto wait = request_.settled.wait();
      co_await with_timeout(*run_.environment, run_.options.answer_timeout, std::move(wait), "the person's answer");
    } catch (const Error& error) {
      if (error.code() != errc::timeout) throw;
    }
    co_return request_.done;
  }

 private:
  Run::State& run_;
  const std::string id_;
  PersonRequest request_;
};

std::string_view to_string(Approval approval) {
  switch (approval) {
    case Approval::once:
      return "once";
    case Approval::always:
      return "always";
    case Approval::never:
      break;
  }
  return "never";
}

}  // namespace

asio::awaitable<std::string> ask_question(Effects::State& state, std::string effect, std::string question) {
  if (state.run.options.approvals == Approvals::deny || !state.run.options.questions) {
    throw Error(errc::denied, "nobody is there to answer questions");
  }
  state.journal_start(effect, "ask", {{"question", question}});
  OpenRequest open(state.run);
  state.emit(QuestionAsked{open.id(), std::move(question)});
  const bool answered = co_await open.settled();
  state.journal_end(effect, "ask", {{"answered", answered}, {"answer", open.request().answer}});
  if (!answered) throw Error(errc::denied, "the person did not answer in time");
  co_return open.request().answer;
}

asio::awaitable<Approval> ask_approval(Effects::State& state, std::string effect, ToolCall call, std::string reason) {
  // Another agent's tool of the same name may reach further.
  const std::string tool = state.parts.digest + "/" + call.name;
  {
    const std::lock_guard lock(state.session.mutex);
    if (state.session.always_allowed.contains(tool)) co_return Approval::always;
  }
  if (state.run.options.approvals == Approvals::allow) co_return Approval::once;
  if (state.run.options.approvals == Approvals::deny) co_return Approval::never;

  state.journal_start(effect, "approval", {{"name", call.name}, {"arguments", call.arguments}, {"rule", reason}});
  OpenRequest open(state.run);
  state.emit(ApprovalRequested{open.id(), std::move(call), std::move(reason)});
  const bool settled = co_await open.settled();
  const Approval approval = settled ? open.request().approval : Approval::never;
  state.journal_end(effect, "approval", {{"approval", to_string(approval)}});
  if (approval == Approval::always) {
    const std::lock_guard lock(state.session.mutex);
    state.session.always_allowed.insert(tool);
  }
  co_return approval;
}

}  // namespace sennit
