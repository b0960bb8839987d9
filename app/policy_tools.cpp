#include <sennit/app/policy_tools.hpp>
#include <sennit/mcp/client/mcp_tool.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sennit::app {
namespace {

/// What is known of a tool that is not there.
class Stand final : public Tool {
 public:
  explicit Stand(ToolSpec spec) : spec_(std::move(spec)) {}
  [[nodiscard]] const ToolSpec& spec() const override { return spec_; }
  asio::awaitable<ToolOutput> call(json::object /*arguments*/, ToolContext& /*context*/) override {
    throw Error(errc::internal, "a tool that is only asked about was called");
    co_return ToolOutput{};
  }

 private:
  ToolSpec spec_;
};

std::shared_ptr<Tool> delegate(std::string name) {
  ToolSpec spec;
  spec.description.name = std::move(name);
  spec.description.parameters = {{"type", "object"},
                                 {"properties", {{"task", {{"type", "string"}}}}},
                                 {"required", {"task"}},
                                 {"additionalProperties", false}};
  return std::make_shared<Stand>(std::move(spec));
}

Definition read_below(const Definition& above, const std::string& name) {
  std::vector<std::string> names;
  for (const SubAgent& agent : above.agents) {
    Definition below = read_definition(above.directory() / agent.file);
    names.push_back(agent.name.empty() ? below.name : agent.name);
    if (names.back() == name) return below;
  }
  const std::string_view near = nearest(name, names);
  std::string message = fmt::format("`{}` has no sub-agent `{}`", above.name, name);
  if (!near.empty()) message += fmt::format("; did you mean `{}`?", near);
  throw Error(errc::not_found, message);
}

void add_new(std::vector<std::shared_ptr<Tool>>& tools, std::shared_ptr<Tool> tool) {
  const std::vector<std::string> known = names_of(tools);
  if (std::ranges::count(known, tool->spec().description.name) == 0) tools.push_back(std::move(tool));
}

}  // namespace

std::vector<PolicyLayer> PolicySubject::layers() const {
  std::vector<PolicyLayer> layers{{PolicyLayer::Kind::deployment, {}, &deployment}};
  for (const Definition& agent : agents) {
    const bool own = &agent == &agents.back();
    layers.push_back({own ? PolicyLayer::Kind::own : PolicyLayer::Kind::above, agent.name, &agent.policy});
  }
  return layers;
}

PolicySubject policy_subject(const std::filesystem::path& file, const std::vector<std::string>& below,
                             const Registry& registry, PolicySettings deployment) {
  PolicySubject subject;
  subject.deployment = std::move(deployment);
  subject.agents.push_back(read_definition(file));
  for (const std::string& name : below) subject.agents.push_back(read_below(subject.agents.back(), name));
  const Definition& definition = subject.agents.back();
  PartContext context{definition, registry, {}};
  context.deployment = &subject.deployment;
  for (const ToolSelection& selection : definition.tools) {
    for (auto& tool : registry.tools(selection, context)) add_new(subject.tools, std::move(tool));
  }
  if (definition.memory.enabled) {
    for (auto& tool : registry.tools({"notes", {}}, context)) add_new(subject.tools, std::move(tool));
  }
  for (const SubAgent& agent : definition.agents) {
    std::string name = agent.name;
    if (name.empty()) name = read_definition(definition.directory() / agent.file).name;
    add_new(subject.tools, delegate(std::move(name)));
  }
  return subject;
}

std::shared_ptr<Tool> assumed_tool(const Definition& definition, const std::string& name) {
  for (const McpServer& server : definition.mcp) {
    if (!name.starts_with(server.name + "_")) continue;
    const bool shut_in = mcp::is_shut_in(server, sandbox::support());
    ToolSpec spec;
    spec.description.name = name;
    spec.description.parameters = {{"type", "object"}};
    spec.touches = {.read = true, .write = true, .network = !shut_in};
    spec.facets.emplace("=mcp:" + server.name, "destination");
    if (!server.trusted) spec.gives.add_untrusted("mcp:" + server.name);
    return std::make_shared<Stand>(std::move(spec));
  }
  return nullptr;
}

std::vector<std::string> names_of(const std::vector<std::shared_ptr<Tool>>& tools) {
  std::vector<std::string> names;
  for (const auto& tool : tools) names.push_back(tool->spec().description.name);
  return names;
}

std::vector<std::string_view> words_of(const Touches& touches) {
  std::vector<std::string_view> words;
  if (touches.read) words.emplace_back("read");
  if (touches.write) words.emplace_back("write");
  if (touches.network) words.emplace_back("network");
  if (touches.process) words.emplace_back("process");
  if (touches.money) words.emplace_back("money");
  return words;
}

}  // namespace sennit::app
