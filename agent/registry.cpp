#include <sennit/agent/registry.hpp>

#include <algorithm>
#include <numeric>
#include <utility>

namespace sennit {
namespace {

template <class Map>
std::vector<std::string> names_of(const Map& map) {
  std::vector<std::string> names;
  names.reserve(map.size());
  for (const auto& [name, factory] : map) names.push_back(name);
  return names;
}

template <class Map>
const typename Map::mapped_type& look_up(const Map& map, std::string_view kind, std::string_view name) {
  if (const auto found = map.find(name); found != map.end()) return found->second;
  const std::vector<std::string> known = names_of(map);
  std::string message = "unknown " + std::string(kind) + " '" + std::string(name) + "'";
  if (const std::string_view near = nearest(name, known); !near.empty()) {
    message += "; did you mean '" + std::string(near) + "'?";
  } else {
    message += known.empty() ? "; none is known" : "; known:";
    for (const std::string& candidate : known) message += " " + candidate;
  }
  throw Error(errc::not_found, std::move(message));
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  std::vector<std::size_t> before;  // the row above, for swapped neighbours, which count once
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::vector<std::size_t> next(row.size(), i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      next[j] = std::min({row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1), row[j] + 1, next[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) next[j] = std::min(next[j], before[j - 2] + 1);
    }
    before = std::exchange(row, std::move(next));
  }
  return row[b.size()];
}

/// "provider" of "provider/model"; the whole name where there is no slash ("auto", "scripted").
std::string_view provider_of(std::string_view name) {
  return name.substr(0, name.find('/'));
}

}  // namespace

std::string_view nearest(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr std::size_t kLongestWord = 64;  // nobody mistypes more; keeps the distance table small
  if (word.size() > kLongestWord) return {};
  std::string_view best;
  std::size_t best_distance = 1 + std::max<std::size_t>(1, word.size() / 3);  // a third of the letters may be wrong
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kLongestWord) continue;
    if (const std::size_t distance = edit_distance(word, candidate); distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

void Registry::add_backend(std::string provider, BackendFactory factory) {
  backends_.insert_or_assign(std::move(provider), std::move(factory));
}

void Registry::add_tool(std::string name, ToolFactory factory) {
  tools_.insert_or_assign(std::move(name), std::move(factory));
}

void Registry::add_tool(std::shared_ptr<Tool> tool) {
  std::string name = tool->spec().description.name;
  add_tool(std::move(name), [tool = std::move(tool)](const json::object& options, const PartContext& /*context*/) {
    if (!options.empty()) {
      throw Error(errc::config, "the tool '" + tool->spec().description.name + "' takes no options");
    }
    return std::vector<std::shared_ptr<Tool>>{tool};
  });
}

void Registry::add_memory(std::string kind, MemoryFactory factory) {
  memories_.insert_or_assign(std::move(kind), std::move(factory));
}

void Registry::add_planner(std::string name, PlannerFactory factory) {
  planners_.insert_or_assign(std::move(name), std::move(factory));
}

std::shared_ptr<const Backend> Registry::backend(const ModelSpec& spec, const PartContext& context) const {
  return look_up(backends_, "model provider", provider_of(spec.name))(spec, context);
}

std::vector<std::shared_ptr<Tool>> Registry::tools(const ToolSelection& selection, const PartContext& context) const {
  return look_up(tools_, "tool", selection.name)(selection.options, context);
}

std::shared_ptr<Memory> Registry::memory(const MemorySettings& settings, const PartContext& context) const {
  return look_up(memories_, "memory", settings.kind)(settings, context);
}

std::shared_ptr<const Planner> Registry::planner(std::string_view name, const json::object& options,
                                                 const PartContext& context) const {
  return look_up(planners_, "planner", name)(options, context);
}

std::shared_ptr<ToolSource> Registry::mcp(const McpServer& server, const PartContext& context) const {
  if (!mcp_) throw Error(errc::not_found, "there is no MCP client for the server '" + server.name + "'");
  return mcp_(server, context);
}

std::vector<std::string> Registry::backend_names() const {
  return names_of(backends_);
}
std::vector<std::string> Registry::tool_names() const {
  return names_of(tools_);
}
std::vector<std::string> Registry::memory_names() const {
  return names_of(memories_);
}
std::vector<std::string> Registry::planner_names() const {
  return names_of(planners_);
}

}  // namespace sennit
