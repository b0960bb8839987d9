#include <sennit/backends/auto.hpp>
#include <sennit/backends/chat_completions.hpp>
#include <sennit/backends/replay.hpp>
#include <sennit/backends/scripted/scripted.hpp>
#include <sennit/memory/notes.hpp>
#include <sennit/planners/tool_loop.hpp>
#include <sennit/plugins/builtin.hpp>
#include <sennit/tools/ask.hpp>
#include <sennit/tools/calculator.hpp>
#include <sennit/tools/clock.hpp>
#include <sennit/tools/files.hpp>
#include <sennit/tools/http_tool.hpp>
#include <sennit/tools/notes.hpp>

namespace sennit {

Registry builtin() {
  Registry registry;
  add_chat_backends(registry);
  add_replay_backend(registry);
  registry.add_backend("scripted", make_scripted_backend);
  registry.add_backend(
      "auto", [](const ModelSpec& spec, const PartContext& context) { return make_auto_backend(spec, context); });
  registry.add_tool("calculator", make_calculator);
  registry.add_tool("files", make_files_tools);
  registry.add_tool("http", make_http_tools);
  registry.add_tool("ask", make_ask_tools);
  registry.add_tool("clock", make_clock);
  registry.add_tool("notes", make_notes_tools);
  registry.add_memory("notes", make_notes);
  registry.add_planner("tool-loop", make_tool_loop);
  return registry;
}

}  // namespace sennit
