#include <sennit/agent/effects.hpp>
#include <sennit/planners/one_call.hpp>

#include <utility>

namespace sennit {
namespace {

constexpr char kId[] = "call_1";

ToolCall read_call(const Effects& effects) {
  const std::vector<Message>& conversation = effects.conversation();
  const std::optional<json::value> input = conversation.empty() ? std::nullopt : parse_json(conversation.back().text());
  if (!input || find_string(*input, "call").empty()) {
    throw Error(errc::invalid_argument, R"(the planner one-call wants {"call": TOOL, "arguments": {…}} as its input)");
  }
  const json::value* arguments = find(*input, "arguments");
  return {kId, std::string(find_string(*input, "call")),
          arguments == nullptr ? std::string("{}") : json::serialize(*arguments)};
}

class OneCall final : public Planner {
 public:
  [[nodiscard]] int version() const override { return 1; }

  [[nodiscard]] asio::awaitable<Outcome> plan(Effects& effects) const override {
    const ToolCall call = read_call(effects);
    Message asked;
    asked.role = Role::assistant;
    asked.parts.emplace_back(call);
    co_await effects.say(std::move(asked));
    std::vector<ToolCall> calls{call};
    auto calling = effects.call_tools(std::move(calls));
    const std::vector<ToolResult> results = co_await std::move(calling);
    Outcome outcome;
    outcome.text = results.front().content;
    outcome.output = json::object{{"is_error", results.front().is_error}};
    co_return outcome;
  }
};

}  // namespace

std::shared_ptr<const Planner> make_one_call(const json::object& options, const PartContext& /*context*/) {
  if (!options.empty()) throw Error(errc::config, "the planner one-call takes no options");
  return std::make_shared<OneCall>();
}

std::string one_call_input(const std::string& tool, const json::object& arguments) {
  return json::serialize(json::object{{"call", tool}, {"arguments", arguments}});
}

std::optional<OneCallResult> one_call_result(const Outcome& outcome) {
  const json::value* is_error = find(outcome.output, "is_error");
  if (outcome.ending != Ending::completed || is_error == nullptr) return std::nullopt;
  return OneCallResult{outcome.text, is_error->is_bool() && is_error->get_bool()};
}

}  // namespace sennit
