#include <sennit/agent/find_tools.hpp>
#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/runtime_state.hpp>
#include <sennit/agent/typed_tool.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <map>
#include <utility>

namespace sennit {
namespace {

constexpr std::size_t kMostFound = 10;

struct SearchArguments {
  std::string query;
};
SENNIT_DESCRIBE(SearchArguments, (query, "words that say what the tool should do", {.min_length = 1}))

/// What one source said.
struct Found {
  std::vector<std::shared_ptr<Tool>> tools;
  std::optional<Error> error;
};

asio::awaitable<void> ask_source(Environment& environment, ToolSource& source, Found& answer) {
  try {
    auto asking = source.tools(environment);
    answer.tools = co_await std::move(asking);
  } catch (...) {
    answer.error = current_error();
  }
}

asio::awaitable<void> ask_sources(const Effects::State& state, std::vector<Found>& answers) {
  TaskScope scope(state.run.environment->executor(), [](const Error&) {});
  for (std::size_t i = 0; i < answers.size(); ++i) {
    scope.spawn(ask_source(*state.run.environment, *state.parts.sources[i], answers[i]));
  }
  std::optional<Error> stopped;
  try {
    co_await scope.join();
  } catch (...) {
    stopped = current_error();
  }
  if (stopped) {
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    scope.cancel();
    co_await scope.join();
    throw Error(std::move(*stopped));
  }
}

/// What the journal keeps, and what there is to tell.
json::value describe_answers(const Effects::State& state, std::vector<Found>& answers) {
  json::array tools;
  json::array notices;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    ToolSource& source = *state.parts.sources[i];
    for (const std::string& notice : source.take_notices()) notices.emplace_back(sanitize_utf8(notice));
    if (answers[i].error) {
      if (source.required()) throw Error(std::move(*answers[i].error));
      notices.emplace_back("the tools of " + source.name() + " are not there: " + answers[i].error->describe());
    }
    for (const std::shared_ptr<Tool>& tool : answers[i].tools) {
      json::value entry = to_json(tool->spec());
      entry.as_object()["source"] = source.name();
      if (!tool->concern({}).empty()) entry.as_object()["concerns"] = true;
      tools.push_back(std::move(entry));
    }
  }
  return json::object{{"tools", std::move(tools)}, {"notices", std::move(notices)}};
}

std::shared_ptr<ToolSource> source_named(const Agent::Parts& parts, std::string_view name) {
  for (const auto& source : parts.sources) {
    if (source->name() == name) return source;
  }
  return nullptr;
}

/// What an agent says of its servers counts where the deployment has no rule for text from outside.
bool is_reviewed(const Agent::Parts& parts, std::string_view source) {
  const FlowSettings& deployment = parts.runtime->options.policy.flow;
  if (deployment.untrusted || deployment.both) return false;
  return std::any_of(parts.definition.mcp.begin(), parts.definition.mcp.end(),
                     [&](const McpServer& server) { return server.name == source && server.reviewed; });
}

/// The real tools where there are some, else what the journal has of them.
void take_tools(Effects::State& state, const json::value& out, std::vector<Found>& answers) {
  std::map<std::string, std::shared_ptr<Tool>, std::less<>> real;
  for (Found& answer : answers) {
    for (std::shared_ptr<Tool>& tool : answer.tools) real.emplace(tool->spec().description.name, std::move(tool));
  }
  for (const json::value& entry : out.at("tools").as_array()) {
    ToolSpec spec = tool_spec_from_json(entry);
    const std::string name = spec.description.name;
    if (state.find_tool(name) != nullptr) continue;  // the agent's own goes first
    // A description is text that the model reads. What a person has to be asked about nobody has reviewed.
    if (find(entry, "concerns") != nullptr || !is_reviewed(state.parts, find_string(entry, "source"))) {
      Labels of_description;
      of_description.untrusted = spec.gives.untrusted;
      state.labels.add(of_description);
    }
    const auto found = real.find(name);
    std::shared_ptr<Tool> tool =
        found != real.end()
            ? found->second
            : make_recorded_tool(std::move(spec), source_named(state.parts, find_string(entry, "source")));
    Validator arguments(tool->spec().description.parameters);
    state.sourced.entries.push_back({std::move(tool), std::move(arguments)});
  }
}

std::size_t size_of(const ToolDescription& tool) {
  return tool.name.size() + tool.description.size() + json::serialize(tool.parameters).size();
}

/// What tool_search says, by the list as it is when the run begins: the same words find the same tools.
std::shared_ptr<Tool> make_tool_search(std::vector<ToolDescription> tools) {
  const auto search = [tools = std::move(tools)](const SearchArguments& arguments) -> std::string {
    std::string text;
    for (const ToolDescription* tool : search_tools(tools, arguments.query, kMostFound)) {
      text += "- " + tool->name + ": " + tool->description.substr(0, tool->description.find('\n')) + "\n";
    }
    if (text.empty()) return "no tool fits; try other words";
    return "These can be called now:\n" + text;
  };
  ToolTraits traits{.touches = {.read = true}, .repeat = Repeat::idempotent};
  return make_tool(std::string(kToolSearch),
                   "Finds tools that are not listed here, by words that say what they do. What it finds can be called.",
                   search, std::move(traits));
}

/// Shows the tools to the model, or only the way to find them.
void show_tools(Effects::State& state) {
  SourcedTools& sourced = state.sourced;
  const PolicySettings& deployment = state.parts.runtime->options.policy;
  std::vector<ToolDescription> visible;
  std::size_t bytes = 0;
  for (const auto& entry : sourced.entries) {
    const ToolSpec& spec = entry.tool->spec();
    if (is_hidden(state.parts.definition.policy, spec) || is_hidden(deployment, spec)) continue;
    visible.push_back(spec.description);
    bytes += size_of(spec.description);
  }
  sourced.shown = state.parts.descriptions;
  const std::size_t most = state.parts.definition.limits.tool_schemas;
  if (most == 0 || bytes <= most || state.find_tool(kToolSearch) != nullptr) {
    sourced.shown.insert(sourced.shown.end(), visible.begin(), visible.end());
    return;
  }
  std::shared_ptr<Tool> search = make_tool_search(visible);
  sourced.deferred = std::move(visible);
  sourced.shown.push_back(search->spec().description);
  Validator arguments(search->spec().description.parameters);
  sourced.entries.push_back({std::move(search), std::move(arguments)});
}

}  // namespace

asio::awaitable<void> find_tools(Effects::State& state) {
  if (state.parts.sources.empty()) co_return;
  const std::string effect = state.new_effect();
  json::array sources;
  for (const auto& source : state.parts.sources) sources.emplace_back(source->name());
  const json::value in{{"sources", std::move(sources)}};
  std::vector<Found> answers;
  json::value out;
  if (const json::value* known = state.answered(effect, "tools", in)) {
    out = *known;
  } else {
    answers.resize(state.parts.sources.size());
    co_await ask_sources(state, answers);
    out = describe_answers(state, answers);
    state.journal.whole(effect, "tools", in, out, state.wall_now());
  }
  read_recorded(effect, [&] {
    take_tools(state, out, answers);
    for (const json::value& notice : out.at("notices").as_array()) state.notify(std::string(notice.as_string()));
  });
  show_tools(state);
}

void show_found(Effects::State& state, const ToolCall& call) {
  SourcedTools& sourced = state.sourced;
  if (sourced.deferred.empty() || call.name != kToolSearch) return;
  const auto arguments = parse_json(call.arguments);
  if (!arguments) return;
  const Agent::Parts::ToolEntry* entry = sourced.find(kToolSearch);
  if (entry == nullptr) return;
  for (const ToolDescription* found : search_tools(sourced.deferred, find_string(*arguments, "query"), kMostFound)) {
    const auto same = [&](const ToolDescription& tool) { return tool.name == found->name; };
    if (std::none_of(sourced.shown.begin(), sourced.shown.end(), same)) sourced.shown.push_back(*found);
  }
}

}  // namespace sennit
