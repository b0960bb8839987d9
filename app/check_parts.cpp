#include <sennit/app/check_parts.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <span>
#include <utility>

namespace sennit::app {
namespace {

constexpr std::string_view kNameCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

bool has(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::count(names, name) > 0;
}

/// Makes a part only to see whether that is possible.
void attempt(std::string_view path, Findings& findings, const std::function<void()>& make) {
  try {
    make();
  } catch (const std::exception&) {
    findings.error(path, current_error().message());
  }
}

/// Braces are legal text, but with inputs declared, `{tpic}` is more likely one of them misspelt.
void check_placeholders(const Definition& definition, Findings& findings) {
  if (definition.inputs.empty()) return;
  std::vector<std::string> names;
  for (const InputSpec& input : definition.inputs) names.push_back(input.name);
  std::vector<std::string> told;
  const std::string_view text = definition.instructions;
  for (std::size_t open = text.find('{'); open != std::string_view::npos; open = text.find('{', open + 1)) {
    const std::size_t close = text.find_first_not_of(kNameCharacters, open + 1);
    if (close == std::string_view::npos || text[close] != '}') continue;
    const std::string name(text.substr(open + 1, close - open - 1));
    if (name.empty() || has(names, name) || has(told, name)) continue;
    told.push_back(name);
    const std::string_view near = nearest(name, names);
    findings.warning("instructions",
                     fmt::format("`{{{}}}` is no input and stays as it is; {}", name,
                                 near.empty() ? fmt::format("the inputs are: {}", fmt::join(names, ", "))
                                              : fmt::format("did you mean `{{{}}}`?", near)));
  }
}

void check_memory(const Definition& definition, const PartContext& context, ToolNames& tools, Findings& findings) {
  if (!definition.memory.enabled) return;
  const std::vector<std::string> known = context.registry.memory_names();
  if (!has(known, definition.memory.kind)) {
    tools.complete = false;
    return findings.error("memory.kind", unknown("memory", definition.memory.kind, known));
  }
  attempt("memory", findings, [&] { (void)context.registry.memory(definition.memory, context); });
  if (!has(context.registry.tool_names(), "notes")) return;
  for (const auto& tool : context.registry.tools({"notes", {}}, context)) {
    if (has(tools.names, tool->spec().description.name)) continue;
    tools.names.push_back(tool->spec().description.name);
    tools.tools.push_back(tool);
  }
}

}  // namespace

void Findings::add(Diagnostic::Severity severity, std::string_view path, std::string message) {
  Position at{1, 1};
  while (true) {
    if (const auto found = parsed_.positions.find(path); found != parsed_.positions.end()) {
      at = found->second;
      break;
    }
    const std::size_t parent = path.find_last_of(".[");
    if (parent == std::string_view::npos) break;
    path = path.substr(0, parent);
  }
  list_.push_back({severity, at.line, at.column, std::move(message)});
}

bool Findings::broken(std::string_view key) const {
  const auto place = [](const Position& at) { return std::pair(at.line, at.column); };
  const auto found = parsed_.positions.find(key);
  if (found == parsed_.positions.end()) return false;
  const auto begin = place(found->second);
  auto end = std::pair(std::numeric_limits<int>::max(), 0);
  for (const auto& [path, at] : parsed_.positions) {
    if (!path.empty() && path.find_first_of(".[") == std::string::npos && place(at) > begin)
      end = std::min(end, place(at));
  }
  return std::ranges::any_of(parsed_.diagnostics, [&](const Diagnostic& diagnostic) {
    const auto at = std::pair(diagnostic.line, diagnostic.column);
    return diagnostic.severity == Diagnostic::Severity::error && at >= begin && at < end;
  });
}

std::string unknown(std::string_view kind, std::string_view name, const std::vector<std::string>& known) {
  const std::string_view near = nearest(name, known);
  std::string message = fmt::format("unknown {} `{}`", kind, name);
  if (!near.empty()) return fmt::format("{}; did you mean `{}`?", message, near);
  if (known.empty()) return fmt::format("{}; there is none at all", message);
  message += "; known:";
  for (const std::string& candidate : known) message += (&candidate == known.data() ? " " : ", ") + candidate;
  return message;
}

void check_named_file(const Definition& definition, std::string_view path, std::string_view name, Findings& findings) {
  if (name.empty() || std::filesystem::is_regular_file(definition.directory() / name)) return;
  findings.error(path, fmt::format("there is no file `{}`", name));
}

ToolNames check_parts(const Definition& definition, const Registry& registry, Findings& findings) {
  const PartContext context{definition, registry, {}};
  check_models(definition, context, findings);
  if (const std::vector<std::string> known = registry.planner_names(); !has(known, definition.planner)) {
    findings.error("planner", unknown("planner", definition.planner, known));
  } else {
    attempt("planner", findings,
            [&] { (void)registry.planner(definition.planner, definition.planner_options, context); });
  }
  ToolNames tools;
  const std::vector<std::string> known = registry.tool_names();
  for (std::size_t i = 0; i < definition.tools.size(); ++i) {
    const ToolSelection& selection = definition.tools[i];
    const std::string path = fmt::format("tools[{}]", i);
    const auto earlier = std::span(definition.tools).first(i);
    if (selection.name.empty()) tools.complete = false;
    if (std::ranges::count(earlier, selection.name, &ToolSelection::name) > 0 || selection.name.empty()) {
      continue;  // reported by the reader
    }
    if (!has(known, selection.name)) {
      findings.error(path, unknown("tool", selection.name, known));
      tools.complete = false;
    } else {
      check_tool(selection, path, context, tools, findings);
    }
  }
  for (const McpServer& server : definition.mcp) tools.servers.push_back(server.name + "_");
  check_memory(definition, context, tools, findings);
  check_placeholders(definition, findings);
  return tools;
}

}  // namespace sennit::app
