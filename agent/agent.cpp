#include <sennit/agent/agent.hpp>
#include <sennit/agent/agent_parts.hpp>
#include <sennit/agent/delegate.hpp>
#include <sennit/agent/guards.hpp>
#include <sennit/agent/io/digest.hpp>
#include <sennit/agent/opening.hpp>
#include <sennit/agent/pin.hpp>
#include <sennit/agent/redaction.hpp>
#include <sennit/agent/routing.hpp>
#include <sennit/agent/run_state.hpp>
#include <sennit/agent/runtime_state.hpp>
#include <sennit/agent/store.hpp>

#include <algorithm>
#include <utility>

namespace sennit {
namespace {

constexpr std::size_t kMaxAgents = 100;  // that one agent is made of: files that name each other twice double each time

/// What has been made so far of an agent and those that it reaches.
struct Family {
  std::vector<std::filesystem::path> lineage;  // the files that lead here: an agent that reaches itself never ends
  std::size_t members = 0;
  std::vector<std::filesystem::path> parts;  // that none of them may change: of the whole tree, looked for once
};

std::shared_ptr<const Agent::Parts> make_parts(Runtime& runtime, Definition definition, Family& family);

void add_tool(Agent::Parts& parts, std::shared_ptr<Tool> tool) {
  const ToolSpec& spec = tool->spec();
  const std::string& name = spec.description.name;
  if (parts.find_tool(name) != nullptr) {
    throw Error(errc::config, "two tools of this agent are named '" + name + "'").at(parts.definition.file.string());
  }
  // A model does not get to see what it may never call.
  const bool hidden = is_hidden(parts.definition.policy, spec) || is_hidden(parts.runtime->options.policy, spec);
  if (!hidden) parts.descriptions.push_back(spec.description);
  parts.tools.push_back({std::move(tool), Validator(spec.description.parameters)});
}

void add_tools(Agent::Parts& parts, const PartContext& context) {
  for (const ToolSelection& selection : parts.definition.tools) {
    for (auto& tool : context.registry.tools(selection, context)) add_tool(parts, std::move(tool));
  }
  for (McpServer server : parts.definition.mcp) {
    server.trusted = server.trusted && context.may_trust();
    parts.sources.push_back(context.registry.mcp(server, context));
  }
  if (!parts.memory) return;
  for (auto& tool : context.registry.tools({"notes", {}}, context)) {
    if (parts.find_tool(tool->spec().description.name) == nullptr) add_tool(parts, std::move(tool));
  }
}

/// Their pins, by the name that the model calls them by.
json::object add_agents(Agent::Parts& parts, Runtime& runtime, Family& family) {
  json::object agents;
  for (const SubAgent& sub : parts.definition.agents) {
    const auto file = std::filesystem::weakly_canonical(parts.definition.directory() / sub.file);
    if (std::find(family.lineage.begin(), family.lineage.end(), file) != family.lineage.end()) {
      throw Error(errc::config, "the agent " + sub.file.string() + " reaches itself through its sub-agents")
          .at(parts.definition.file.string());
    }
    Agent agent(make_parts(runtime, read_definition(file), family));
    const Definition& definition = agent.definition();
    std::string name = sub.name.empty() ? definition.name : sub.name;
    std::string description = sub.description.empty() ? definition.description : sub.description;
    parts.pins.insert(agent.parts()->pins.begin(), agent.parts()->pins.end());
    agents[name] = {{"pin", agent.parts()->digest}};
    add_tool(parts, make_delegate(std::move(agent), std::move(name), std::move(description)));
  }
  return agents;
}

std::shared_ptr<const Agent::Parts> make_parts(Runtime& runtime, Definition definition, Family& family) {
  if (++family.members > kMaxAgents) {
    throw Error(errc::config, "more than " + std::to_string(kMaxAgents) + " agents are reached through sub-agents")
        .at(definition.file.string());
  }
  auto parts = std::make_shared<Agent::Parts>();
  parts->runtime = runtime.internals();
  parts->definition = std::move(definition);
  load_secrets(parts->definition);
  const std::filesystem::path& file = parts->definition.file;
  family.lineage.push_back(file.empty() ? file : std::filesystem::weakly_canonical(file));

  if (family.members == 1) family.parts = parts_of_tree(parts->definition);
  const PartContext context{
      parts->definition, runtime.registry(), runtime.state(), family.lineage, &parts->runtime->options.policy,
      family.parts};
  for (ModelSpec& spec : models_of(parts->definition.model)) {
    auto backend = context.registry.backend(spec, context);
    auto gate = parts->runtime->gates.gate(spec);
    parts->models.push_back({std::move(spec), std::move(backend), std::move(gate)});
  }
  parts->planner = context.registry.planner(parts->definition.planner, parts->definition.planner_options, context);
  if (parts->definition.memory.enabled) parts->memory = context.registry.memory(parts->definition.memory, context);
  add_tools(*parts, context);
  for (const HookSpec& spec : parts->definition.hooks) {
    parts->hooks.push_back(make_command_hook(spec, parts->definition));
  }
  parts->registry_hooks = context.registry.hooks();
  parts->guardrails = make_guardrails(parts->definition);
  json::object agents = add_agents(*parts, runtime, family);
  family.lineage.pop_back();
  if (parts->definition.output) parts->output.emplace(*parts->definition.output);
  parts->pin = make_pin(*parts, std::move(agents));
  parts->digest = sha256(json::serialize(parts->pin));
  parts->pins.emplace(parts->digest, parts->pin);
  return parts;
}

}  // namespace

const Agent::Parts::ToolEntry* Agent::Parts::find_tool(std::string_view name) const {
  // A linear search beats a map for the dozen tools that an agent has.
  for (const ToolEntry& entry : tools) {
    if (entry.tool->spec().description.name == name) return &entry;
  }
  return nullptr;
}

Agent::Agent(Runtime& runtime, Definition definition) {
  Family family;
  parts_ = make_parts(runtime, std::move(definition), family);
}

const Definition& Agent::definition() const {
  return parts_->definition;
}

std::vector<ToolSpec> Agent::tools() const {
  std::vector<ToolSpec> specs;
  for (const Parts::ToolEntry& entry : parts_->tools) specs.push_back(entry.tool->spec());
  return specs;
}

const std::shared_ptr<Memory>& Agent::memory() const {
  return parts_->memory;
}

Session Agent::session(std::string id) const {
  auto state = std::make_shared<Session::State>();
  state->parts = parts_;
  state->id = std::move(id);
  return Session(std::move(state));
}

namespace {

/// For a run that brings its own conversation.
std::shared_ptr<Session::State> session_of(const std::shared_ptr<const Agent::Parts>& parts) {
  auto session = std::make_shared<Session::State>();
  session->parts = parts;
  return session;
}

}  // namespace

Run Agent::resume(std::string run, ResumeOptions options) const {
  Beginning beginning;
  beginning.resume = std::move(run);
  beginning.forced = options.force;
  beginning.migrate = options.migrate;
  return start_run(session_of(parts_), std::move(beginning), std::move(options.run));
}

Run Agent::replay(RecordedRun recorded) const {
  Beginning beginning;
  beginning.recorded = std::make_shared<RecordedRun>(std::move(recorded));
  return start_run(session_of(parts_), std::move(beginning), {});
}

Run Agent::fork(RecordedRun recorded, ForkOptions fork, RunOptions options) const {
  Beginning beginning;
  beginning.recorded = std::make_shared<RecordedRun>(std::move(recorded));
  beginning.fork_at = std::max(fork.at, 1U);
  beginning.say = redact_by(parts_->guardrails.input, std::move(fork.say));
  return start_run(session_of(parts_), std::move(beginning), std::move(options));
}

asio::awaitable<std::vector<Run>> resume_all(Runtime& runtime,
                                             std::function<std::optional<Agent>(const RunRecord&)> agent_of,
                                             RunOptions options) {
  std::vector<Run> runs;
  if (!runtime.store()) co_return runs;
  const std::vector<RunRecord> open = co_await runtime.store()->runs({.ended = false});
  for (const RunRecord& record : open) {
    if (record.phase != RunPhase::interrupted) continue;
    if (const std::optional<Agent> agent = agent_of(record)) runs.push_back(agent->resume(record.id, {.run = options}));
  }
  co_return runs;
}

Agent load(Runtime& runtime, const std::filesystem::path& file) {
  return Agent(runtime, read_definition(file));
}

bool Session::State::kept() const {
  return !id.empty() && parts->runtime->store != nullptr;
}

std::string Session::State::address() const {
  return "memory:" + std::to_string(reinterpret_cast<std::uintptr_t>(this));
}

Run Session::start(std::string input, RunOptions options) {
  input = secrets::redact(sanitize_utf8(input));  // what is kept must be readable again
  input = redact_by(state_->parts->guardrails.input, std::move(input));
  for (Blob& file : options.attachments) redact_in(file);
  for (const Blob& file : options.attachments) {
    if (file.data.empty() == file.url.empty()) {
      throw Error(errc::invalid_argument, "an attachment has either bytes (base64) or a URL");
    }
  }
  return start_run(state_, {.input = std::move(input)}, std::move(options));
}

const std::string& Session::id() const {
  return state_->id;
}

asio::awaitable<std::vector<Message>> Session::messages() const {
  if (state_->kept()) co_return co_await state_->parts->runtime->store->messages(state_->id);
  const std::lock_guard lock(state_->mutex);
  co_return state_->messages;
}

asio::awaitable<bool> Session::undo() {
  if (state_->kept()) co_return co_await state_->parts->runtime->store->undo(state_->id);
  const std::lock_guard lock(state_->mutex);
  if (state_->running) throw session_is_busy();
  if (state_->run_starts.empty()) co_return false;
  state_->messages.resize(state_->run_starts.back());
  state_->run_starts.pop_back();
  co_return true;
}

}  // namespace sennit
