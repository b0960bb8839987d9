#include <sennit/agent/agent.hpp>
#include <sennit/mcp/client/elicitation.hpp>
#include <sennit/mcp/client/sampling.hpp>
#include <sennit/mcp/client/tool_caller.hpp>
#include <sennit/mcp/protocol/json_rpc.hpp>

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace sennit::mcp {
namespace {

constexpr int kMostTries = 3;              // of one question
constexpr std::size_t kMostWords = 4'000;  // of a server's message, in a question

std::string words(const json::object& params, std::string_view key) {
  return sanitize_utf8(text_at(params, key).substr(0, kMostWords));
}

bool agrees(std::string_view answer) {
  const std::string word(answer.substr(0, answer.find_first_of(" ,.!\r\n")));
  return word == "yes" || word == "y" || word == "Yes" || word == "YES" || word == "Y" || word == "accept";
}

/// An effect is named after its run: "RUN/3".
std::string run_of(const ToolContext& context) {
  const std::string& effect = context.effect_id();
  return effect.substr(0, effect.find('/'));
}

json::object action(std::string_view name) {
  return {{"action", name}};
}

}  // namespace

ToolCaller::ToolCaller(ToolContext& context, std::shared_ptr<const McpServer> server)
    : executor_(context.environment().executor()),
      server_(std::move(server)),
      run_(run_of(context)),
      context_(&context) {}

ToolContext& ToolCaller::context() const {
  if (context_ == nullptr) throw Error(errc::cancelled, "the call has ended");
  return *context_;
}

void ToolCaller::progress(std::string text) {
  if (context_ != nullptr) context_->progress(std::move(text));
}

asio::awaitable<std::string> ToolCaller::ask(std::string question) {
  auto asking = context().ask(std::move(question));
  co_return co_await std::move(asking);
}

asio::awaitable<json::object> ToolCaller::answer(std::string method, json::object params) {
  if (method == "elicitation/create") return elicit(std::move(params));
  if (method == "sampling/createMessage") return sample(std::move(params));
  throw Error(errc::not_found, "this client does not answer " + method);
}

// Where nobody can be asked, the form is dismissed: that is an answer, no failure of the server.
asio::awaitable<json::object> ToolCaller::elicit(json::object params) {
  const std::string_view mode = text_at(params, "mode");
  if (!mode.empty() && mode != "form" && mode != "url") {
    throw Error(errc::invalid_argument, fmt::format("there is no mode of elicitation '{}'", mode));
  }
  auto asking = mode == "url" ? visit(std::move(params)) : fill_in(std::move(params));
  try {
    co_return co_await std::move(asking);
  } catch (const Error& error) {
    if (error.code() != errc::denied && error.code() != errc::timeout) throw;
  }
  co_return action("cancel");
}

asio::awaitable<json::object> ToolCaller::fill_in(json::object params) {
  const json::object* schema = mcp::find_object(params, "requestedSchema");
  const std::vector<FormField> fields = read_form(schema == nullptr ? json::object() : *schema);
  std::string opening = fmt::format("The MCP server '{}' asks: {}\n", server_->name, words(params, "message"));
  json::object content;
  if (fields.empty()) {
    const std::string said = co_await ask(opening + "(yes, decline or cancel)");
    const Refusal refusal = refusal_in(said);
    if (refusal == Refusal::cancel) co_return action("cancel");
    if (refusal == Refusal::decline || !agrees(said)) co_return action("decline");
  }
  for (const FormField& field : fields) {
    std::string question = std::exchange(opening, {}) + question_for(field) + " (or: decline, cancel)";
    for (int tries = 1;; ++tries) {
      const std::string said = co_await ask(question);
      const Refusal refusal = refusal_in(said);
      if (refusal != Refusal::none) co_return action(refusal == Refusal::decline ? "decline" : "cancel");
      FieldAnswer answer = read_answer(field, said);
      if (answer.value) {
        if (!answer.value->is_null()) content[field.name] = std::move(*answer.value);
        break;
      }
      if (tries == kMostTries) co_return action("cancel");
      question = fmt::format("{}. {}", answer.why, question_for(field));
    }
  }
  json::object result = action("accept");
  result["content"] = std::move(content);
  co_return result;
}

asio::awaitable<json::object> ToolCaller::visit(json::object params) {
  const std::string url = words(params, "url");
  if (!url.starts_with("https://") && !url.starts_with("http://")) {
    throw Error(errc::invalid_argument, "the URL of an elicitation must be http or https");
  }
  const std::string said =
      co_await ask(fmt::format("The MCP server '{}' asks: {}\nIt wants you to open this address yourself: {}\nDid you "
                               "agree to it? (yes, decline "
                               "or cancel)",
                               server_->name, words(params, "message"), url));
  if (refusal_in(said) == Refusal::cancel) co_return action("cancel");
  co_return action(agrees(said) ? "accept" : "decline");
}

asio::awaitable<json::object> ToolCaller::sample(json::object params) {
  if (server_->sampling == Verdict::deny) throw Error(errc::denied, "this server may not use the model");
  SamplingRequest request = read_sampling(params);
  if (server_->sampling == Verdict::ask) {
    const std::string said = co_await ask(fmt::format(
        "The MCP server '{}' wants the agent's model to answer this (yes or no):\n{}", server_->name, request.shown()));
    if (!agrees(said)) throw Error(errc::denied, "the person refused");
  }
  std::string task = request.task();
  auto delegating = answer_with_model(context(), std::move(request.system), std::move(task));
  SamplingAnswer given = co_await std::move(delegating);
  co_return json::object{{"role", "assistant"},
                         {"content", json::object{{"type", "text"}, {"text", given.text}}},
                         {"model", given.model},
                         {"stopReason", "endTurn"}};
}

}  // namespace sennit::mcp
