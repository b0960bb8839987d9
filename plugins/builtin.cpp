#include <sennit/backends/auto.hpp>
#include <sennit/backends/llama/llama_backend.hpp>
#include <sennit/backends/remote.hpp>
#include <sennit/backends/replay.hpp>
#include <sennit/backends/scripted/scripted.hpp>
#include <sennit/mcp/client/mcp_source.hpp>
#include <sennit/memory/notes.hpp>
#include <sennit/planners/one_call.hpp>
#include <sennit/planners/tool_loop.hpp>
#include <sennit/plugins/builtin.hpp>
#include <sennit/tools/ask.hpp>
#include <sennit/tools/calculator.hpp>
#include <sennit/tools/clock.hpp>
#include <sennit/tools/code.hpp>
#include <sennit/tools/csv.hpp>
#include <sennit/tools/files.hpp>
#include <sennit/tools/http_tool.hpp>
#include <sennit/tools/images.hpp>
#include <sennit/tools/notes.hpp>
#include <sennit/tools/notify.hpp>
#include <sennit/tools/openapi/openapi_tool.hpp>
#include <sennit/tools/patch.hpp>
#include <sennit/tools/pdf.hpp>
#include <sennit/tools/shell.hpp>
#include <sennit/tools/sqlite.hpp>
#include <sennit/tools/todo.hpp>
#include <sennit/tools/web.hpp>

namespace sennit {
namespace {

/// Who speaks OpenAI's chat completions paints below the same address, if at all.
std::optional<ImageProvider> image_provider(std::string_view name) {
  const std::shared_ptr<const Catalogue> known = catalogue();
  const Provider* provider = known->provider(name);
  const Endpoint* endpoint = provider == nullptr ? nullptr : provider->endpoint(Api::chat_completions);
  if (endpoint == nullptr) return std::nullopt;
  return ImageProvider{provider->title, endpoint->base_url, provider->key_variable, provider->key_required};
}

}  // namespace

Registry builtin() {
  Registry registry;
  add_remote_backends(registry);
  add_llama_backend(registry);
  add_replay_backend(registry);
  registry.add_backend("scripted", make_scripted_backend);
  registry.add_backend(
      "auto", [](const ModelSpec& spec, const PartContext& context) { return make_auto_backend(spec, context); });
  registry.add_tool("calculator", make_calculator);
  registry.add_tool("files", make_files_tools);
  registry.add_tool("http", make_http_tools);
  registry.add_tool("openapi", make_openapi_tools);
  registry.add_tool("images", images_tools(image_provider));
  registry.add_tool("ask", make_ask_tools);
  registry.add_tool("clock", make_clock);
  registry.add_tool("notes", make_notes_tools);
  registry.add_tool("csv", make_csv_tools);
  registry.add_tool("notify", make_notify_tools);
  registry.add_tool("patch", make_patch_tools);
  registry.add_tool("pdf", make_pdf_tools);
  registry.add_tool("sqlite", make_sqlite_tools);
  registry.add_tool("todo", make_todo);
  registry.add_tool("web", make_web_tools);
  registry.add_tool("shell", make_shell);
  registry.add_tool("code", make_code);
  registry.add_memory("notes", make_notes);
  registry.add_mcp(make_mcp_source);
  registry.add_planner("tool-loop", make_tool_loop);
  registry.add_planner("one-call", make_one_call);
  return registry;
}

}  // namespace sennit
