#include <sennit/agent/io/scope.hpp>
#include <sennit/mcp/server/run_guest.hpp>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <utility>

namespace sennit::mcp {
namespace {

constexpr std::size_t kMostShown = 400;  // bytes of a progress message

std::string shown(std::string text) {
  if (text.size() <= kMostShown) return text;
  text.resize(kMostShown);
  return sanitize_utf8(text) + "…";
}

std::string call_words(const ToolCall& call) {
  return call.name + "(" + call.arguments + ")";
}

/// What of an event a person at the client would want to see while it works; empty: nothing.
std::string words_for(const EventData& data) {
  if (const auto* started = std::get_if<ToolStarted>(&data)) return call_words(started->call);
  if (const auto* told = std::get_if<ToolProgress>(&data)) return told->text;
  if (const auto* finished = std::get_if<ToolFinished>(&data)) {
    return finished->result.name + (finished->result.is_error ? " failed" : " has finished");
  }
  if (const auto* step = std::get_if<StepStarted>(&data)) return fmt::format("step {}", step->step);
  if (const auto* delegated = std::get_if<Delegated>(&data)) return delegated->agent + " works on: " + delegated->task;
  if (const auto* chosen = std::get_if<ModelChosen>(&data)) return chosen->model + " answers: " + chosen->reason;
  if (const auto* retried = std::get_if<Retried>(&data)) return "tried again: " + retried->error.describe();
  if (const auto* notice = std::get_if<Notice>(&data)) return notice->message;
  return {};
}

json::object form(json::object field, const char* name) {
  return {{"type", "object"}, {"properties", json::object{{name, std::move(field)}}}, {"required", json::array{name}}};
}

ClientRequest approval_form(const ApprovalRequested& asked) {
  const json::array choices{json::object{{"const", "once"}, {"title", "Allow this call"}},
                            json::object{{"const", "always"}, {"title", "Allow this tool in this conversation"}},
                            json::object{{"const", "never"}, {"title", "Do not allow it"}}};
  // In full: nobody should approve half a command.
  json::object params{
      {"message", fmt::format("May the agent call {}? ({})\n{}", asked.call.name, asked.reason, asked.call.arguments)}};
  params["requestedSchema"] =
      form({{"type", "string"}, {"title", "Decision"}, {"oneOf", choices}, {"default", "never"}}, "decision");
  return {"elicitation/create", std::move(params)};
}

ClientRequest question_form(const QuestionAsked& asked) {
  json::object params{{"message", asked.question}};
  params["requestedSchema"] = form({{"type", "string"}, {"title", "Answer"}}, "answer");
  return {"elicitation/create", std::move(params)};
}

/// The field of a form that a person accepted; empty: it was not.
std::string accepted(const json::object& reply, std::string_view name) {
  const json::object* content = mcp::find_object(reply, "content");
  if (text_at(reply, "action") != "accept" || content == nullptr) return {};
  return std::string(text_at(*content, name));
}

Approval approval_of(const std::string& decision) {
  if (decision == "once") return Approval::once;
  return decision == "always" ? Approval::always : Approval::never;
}

/// One run and its client.
class Guest {
 public:
  Guest(Exchange& exchange, Run run)
      : exchange_(exchange), run_(std::move(run)), asking_(exchange.environment().executor(), {}) {}

  asio::awaitable<Outcome> follow() {
    std::optional<Error> failure;
    try {
      while (auto events = co_await run_.next()) {
        for (const Event& event : *events) take(event);
      }
    } catch (...) {
      failure = current_error();
    }
    asking_.cancel();  // nobody waits for it any more
    co_await asio::this_coro::throw_if_cancelled(false);
    auto ending = asking_.join();
    (void)co_await shielded(std::move(ending));
    co_await asio::this_coro::throw_if_cancelled(true);
    if (failure) throw Error(*failure);
    co_return run_.outcome();
  }

 private:
  void take(const Event& event) {
    if (const auto* approval = std::get_if<ApprovalRequested>(&event.data)) {
      asking_.spawn(approve(*approval));
    } else if (const auto* question = std::get_if<QuestionAsked>(&event.data)) {
      asking_.spawn(answer(*question));
    }
    std::string words = words_for(event.data);
    if (words.empty()) return;
    if (!event.path.empty()) words.insert(0, event.path + ": ");
    exchange_.progress(++told_, {}, shown(std::move(words)));
  }

  /// What the person says in the field of a form; empty: nothing, or nobody was there.
  asio::awaitable<std::string> ask(std::string key, ClientRequest request, std::string name) {
    ClientRequests requests;
    requests.emplace(key, std::move(request));
    try {
      auto asking = exchange_.ask(std::move(requests));
      const ClientReplies replies = co_await std::move(asking);
      co_return accepted(replies.at(key), name);
    } catch (const Error& error) {
      if (error.code() == errc::cancelled) throw;
    }
    co_return std::string();
  }

  asio::awaitable<void> approve(ApprovalRequested asked) {
    const std::string decision = co_await ask("approval " + asked.id, approval_form(asked), "decision");
    run_.approve(asked.id, approval_of(decision));
  }

  asio::awaitable<void> answer(QuestionAsked asked) {
    std::string words = co_await ask("question " + asked.id, question_form(asked), "answer");
    run_.answer(asked.id, words.empty() ? "(the person declined to answer)" : std::move(words));
  }

  Exchange& exchange_;
  Run run_;
  TaskScope asking_;
  double told_ = 0;
};

}  // namespace

RunOptions guest_options(const Exchange& exchange) {
  RunOptions options;
  const bool can_ask = exchange.caller().takes_forms();
  options.approvals = can_ask ? Approvals::ask : Approvals::deny;
  options.questions = can_ask;
  return options;
}

asio::awaitable<Outcome> follow_run(Exchange& exchange, Run run) {
  Guest guest(exchange, std::move(run));
  auto following = guest.follow();
  co_return co_await std::move(following);
}

}  // namespace sennit::mcp
