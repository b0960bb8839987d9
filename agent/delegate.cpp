#include <sennit/agent/delegate.hpp>

#include <utility>

namespace sennit {
namespace {

class Delegate final : public Tool {
 public:
  Delegate(Agent agent, ToolSpec spec) : agent_(std::move(agent)), spec_(std::move(spec)) {}

  const ToolSpec& spec() const override { return spec_; }

  asio::awaitable<ToolOutput> call(json::object arguments, ToolContext& context) override {
    std::string task(arguments.at("task").as_string());
    Outcome outcome = co_await context.delegate(agent_, std::move(task));
    // What the other agent has read is in what it says.
    ToolOutput output{std::move(outcome.text), outcome.ending != Ending::completed, std::move(outcome.labels)};
    if (!output.is_error) co_return output;
    std::string what =
        "the agent '" + agent_.definition().name + "' ended as " + std::string(to_string(outcome.ending));
    if (!outcome.detail.empty()) what += " (" + outcome.detail + ")";
    if (!output.content.empty()) what += "; it had said: " + output.content;
    output.content = std::move(what);
    co_return output;
  }

 private:
  Agent agent_;
  ToolSpec spec_;
};

}  // namespace

std::shared_ptr<Tool> make_delegate(Agent agent, std::string name, std::string description) {
  ToolSpec spec;
  spec.description.name = std::move(name);
  spec.description.description = "Hands a task to another agent and gives its answer. " + std::move(description);
  spec.description.parameters = {
      {"type", "object"},
      {"properties",
       {{"task",
         {{"type", "string"},
          {"description",
           "What to do, with everything the agent needs to know: it does not see this conversation."}}}}},
      {"required", {"task"}},
      {"additionalProperties", false}};
  spec.repeat = Repeat::replayed;
  spec.timeout = milliseconds{0};  // its own limits and this run's bound it
  return std::make_shared<Delegate>(std::move(agent), std::move(spec));
}

}  // namespace sennit
