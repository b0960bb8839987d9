// A sub-agent is a tool: it takes a task in words and gives the other agent's answer.
#pragma once

#include <sennit/agent/agent.hpp>
#include <sennit/agent/tool.hpp>

#include <memory>
#include <string>

namespace sennit {

[[nodiscard]] std::shared_ptr<Tool> make_delegate(Agent agent, std::string name, std::string description);

}  // namespace sennit
