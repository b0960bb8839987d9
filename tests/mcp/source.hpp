// An MCP server as an agent has it: a source of tools, made from settings like those of an agent file.
#pragma once

#include "support/fixtures.hpp"
#include "tools/tool_call.hpp"
#include <sennit/agent/registry.hpp>
#include <sennit/agent/tool_source.hpp>
#include <sennit/mcp/client/mcp_source.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sennit::testing {

/// The test server (programs/server.cpp) with these arguments, outside of any sandbox, impatient.
[[nodiscard]] inline McpServer test_server(std::vector<std::string> arguments = {}) {
  McpServer server;
  server.name = "test";
  server.command = {SENNIT_MCP_SERVER};
  server.command.insert(server.command.end(), arguments.begin(), arguments.end());
  server.sandbox.enabled = false;
  server.timeout = milliseconds(5'000);
  server.start_timeout = milliseconds(5'000);
  return server;
}

/// Its source, and the parts that it is made with.
class Source {
 public:
  explicit Source(const McpServer& server, std::filesystem::path state = {}) {
    Definition definition;
    definition.policy.unsandboxed = true;
    const Registry registry;
    source_ = make_mcp_source(server, PartContext{definition, registry, std::move(state)});
  }

  [[nodiscard]] ToolSource& operator*() const { return *source_; }
  [[nodiscard]] ToolSource* operator->() const { return source_.get(); }
  [[nodiscard]] Tools tools(TestEnvironment& environment) const {
    return run(environment, source_->tools(environment));
  }
  void reset() { source_.reset(); }

 private:
  std::shared_ptr<ToolSource> source_;
};

}  // namespace sennit::testing
