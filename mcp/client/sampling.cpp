#include <sennit/agent/agent.hpp>
#include <sennit/mcp/client/sampling.hpp>
#include <sennit/mcp/protocol/content.hpp>

#include <fmt/format.h>

#include <utility>

namespace sennit::mcp {
namespace {

constexpr std::size_t kMostBytes = 256ULL << 10U;
constexpr std::size_t kShown = 1'500;

std::string text_of(const json::value* content) {
  if (content == nullptr) return {};
  std::string text;
  const auto add = [&](const json::value& block) {
    if (const json::object* one = block.if_object()) text += (text.empty() ? "" : "\n") + describe_content(*one);
  };
  if (const json::array* blocks = content->if_array()) {
    for (const json::value& block : *blocks) add(block);
  } else {
    add(*content);
  }
  return sanitize_utf8(text);
}

}  // namespace

SamplingRequest read_sampling(const json::object& params) {
  if (params.contains("tools")) {
    throw Error(errc::invalid_argument, "sampling with tools is not offered: this client did not declare it");
  }
  SamplingRequest request;
  request.system = sanitize_utf8(text_at(params, "systemPrompt"));
  std::size_t bytes = request.system.size();
  if (const json::array* messages = find_array(params, "messages")) {
    for (const json::value& value : *messages) {
      const json::object* message = value.if_object();
      if (message == nullptr) continue;
      request.messages.emplace_back(text_at(*message, "role"), text_of(message->if_contains("content")));
      bytes += request.messages.back().second.size();
    }
  }
  if (request.messages.empty()) throw Error(errc::invalid_argument, "sampling needs messages");
  if (bytes > kMostBytes) {
    throw Error(errc::invalid_argument, fmt::format("sampling with {} bytes; at most {} are taken", bytes, kMostBytes));
  }
  return request;
}

std::string SamplingRequest::task() const {
  if (messages.size() == 1) return messages.front().second;
  std::string text = "Continue this conversation with the assistant's next message.\n";
  for (const auto& [role, said] : messages) text += fmt::format("\n{}: {}\n", role, said);
  return text;
}

std::string SamplingRequest::shown() const {
  std::string text = system.empty() ? "" : "(instructions) " + system + "\n";
  text += task();
  if (text.size() > kShown) text = sanitize_utf8(text.substr(0, kShown)) + "…";
  return text;
}

asio::awaitable<SamplingAnswer> answer_with_model(ToolContext& context, std::string system, std::string task) {
  const std::shared_ptr<const Agent> agent = context.model_alone(system);
  auto delegating = context.delegate(*agent, std::move(task));
  Outcome outcome = co_await std::move(delegating);
  if (outcome.ending != Ending::completed) {
    throw Error(errc::tool, fmt::format("the model gave no answer: {}", outcome.detail));
  }
  co_return SamplingAnswer{std::move(outcome.text), agent->definition().model.name};
}

}  // namespace sennit::mcp
