// Calls that go on without a stream: the extension io.modelcontextprotocol/tasks (SEP-2663).
#include <sennit/mcp/server/server_state.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <utility>

namespace sennit::mcp {
namespace {

constexpr std::string_view kExtension = "io.modelcontextprotocol/tasks";
// How often a client should look.
constexpr std::int64_t kPollInterval = 1'000;

std::string iso_time(WallTime time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

}  // namespace

bool has_tasks(const json::object& capabilities) {
  const json::object* extensions = mcp::find_object(capabilities, "extensions");
  return extensions != nullptr && extensions->contains(kExtension);
}

bool ServedCall::become_task() {
  if (task_) return true;
  const bool may = who_.era == Era::modern && request_.method == "tools/call" && has_tasks(who_.capabilities) &&
                   has_tasks(server_.service.capabilities());
  if (!may || outlet_ == nullptr || done_ || cancelled_ || server_.tasks.size() >= server_.limits.tasks) return false;
  Environment& environment = server_.environment;
  const WallTime now = environment.wall_now();
  task_.emplace(Task{random_word(environment), now, now});
  const std::string id = task_->id;
  server_.tasks.emplace(id, shared_from_this());  // before anybody hears of it
  task_->expiry =
      environment.call_at(environment.now() + server_.limits.task_life, [server = server_.weak_from_this(), id] {
        const std::shared_ptr<Server::State> state = server.lock();
        if (state == nullptr) return;
        const auto found = state->tasks.find(id);
        if (found == state->tasks.end()) return;
        const std::shared_ptr<ServedCall> call = found->second;
        state->tasks.erase(found);
        call->cancel();
      });
  json::object result = task_facts();
  result["resultType"] = "task";
  peer_->forget(request_.id);
  std::exchange(outlet_, nullptr)->answer(answer_to(request_.id, server_.finished(who_, {}, std::move(result))));
  return true;
}

json::object ServedCall::task_facts() const {
  std::string_view status = open_questions().empty() ? "working" : "input_required";
  if (done_) status = "cancelled";
  if (late_) status = late_->contains("error") ? "failed" : "completed";
  json::object facts{{"taskId", task_->id},
                     {"status", status},
                     {"createdAt", iso_time(task_->created)},
                     {"lastUpdatedAt", iso_time(task_->updated)},
                     {"ttlMs", server_.limits.task_life.count()},
                     {"pollIntervalMs", kPollInterval}};
  if (!done_ && !task_->words.empty()) facts["statusMessage"] = task_->words;
  return facts;
}

json::object ServedCall::describe_task() const {
  json::object facts = task_facts();
  if (json::object requests = open_questions(); !done_ && !requests.empty())
    facts["inputRequests"] = std::move(requests);
  if (!late_) return facts;
  const char* outcome = late_->contains("error") ? "error" : "result";
  facts[outcome] = late_->at(outcome);
  return facts;
}

void ServedCall::update_task(const json::object& params) {
  take_replies(params, false);
  task_->updated = server_.environment.wall_now();
}

json::object Server::State::answer_task(const ClientFacts& who, const Request& request) {
  if (!has_tasks(who.capabilities)) {
    const json::object extensions{{kExtension, json::object{}}};
    throw Rejection(code::kMissingCapability, "the client has to declare the extension " + std::string(kExtension),
                    json::object{{"requiredCapabilities", json::object{{"extensions", extensions}}}});
  }
  const auto found = tasks.find(std::string(text_at(request.params, "taskId")));
  if (found == tasks.end()) throw Rejection(code::kInvalidParams, "there is no such task, or it was forgotten");
  const std::shared_ptr<ServedCall> call = found->second;
  if (request.method == "tasks/get") return call->describe_task();
  if (request.method == "tasks/update") {
    call->update_task(request.params);
  } else {
    call->cancel();
  }
  return {};
}

}  // namespace sennit::mcp
