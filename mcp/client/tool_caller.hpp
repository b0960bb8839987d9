// Private: what a server may ask for during a tool's call, answered through the run that made it.
#pragma once

#include <sennit/agent/mcp_settings.hpp>
#include <sennit/agent/tool.hpp>
#include <sennit/mcp/client/caller.hpp>

#include <memory>
#include <string>

namespace sennit::mcp {

/// Valid for one call: leave() ends it, before the ToolContext does. Used on the run's shard.
class ToolCaller final : public Caller {
 public:
  ToolCaller(ToolContext& context, std::shared_ptr<const McpServer> server);

  [[nodiscard]] asio::any_io_executor executor() const override { return executor_; }
  [[nodiscard]] std::string_view run() const override { return run_; }
  void progress(std::string text) override;
  [[nodiscard]] asio::awaitable<json::object> answer(std::string method, json::object params) override;

  void leave() { context_ = nullptr; }

 private:
  asio::awaitable<json::object> elicit(json::object params);
  asio::awaitable<json::object> fill_in(json::object params);
  asio::awaitable<json::object> visit(json::object params);
  asio::awaitable<json::object> sample(json::object params);
  /// Asks the person. Throws Error(errc::cancelled) once the call has ended.
  asio::awaitable<std::string> ask(std::string question);
  [[nodiscard]] ToolContext& context() const;

  const asio::any_io_executor executor_;
  const std::shared_ptr<const McpServer> server_;
  const std::string run_;
  ToolContext* context_;
};

}  // namespace sennit::mcp
