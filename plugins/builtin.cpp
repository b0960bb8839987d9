#include <sennit/planners/tool_loop.hpp>
#include <sennit/plugins/builtin.hpp>

namespace sennit {

Registry builtin() {
  Registry registry;
  registry.add_planner("tool-loop", make_tool_loop);
  return registry;
}

}  // namespace sennit
