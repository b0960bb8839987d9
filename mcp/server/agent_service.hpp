// Agents as an MCP server: each is a tool that is given a task, and its own tools may be offered beside it. Whoever
// calls one starts a run: its events become progress notifications, what it wants to be allowed or to know becomes an
// elicitation, the end of the request is the end of the run.
#pragma once

#include <sennit/agent/agent.hpp>
#include <sennit/mcp/server/service.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sennit::mcp {

struct AgentServiceOptions {
  /// The agents' own tools too, under their policies: what is denied is not offered, what asks becomes an elicitation.
  /// Each call is a run of its own. Needs the planner `one-call` and the backend `scripted` in the registry.
  bool tools = false;
  /// False: only the tools.
  bool agents = true;
  /// Agents take the argument `session`: a conversation to go on with, each agent its own. Of a Runtime with a store it
  /// is kept, as "mcp-TOOL/NAME".
  bool sessions = true;
  /// Of what clients send: {.untrusted = {"mcp-client"}} where they may be steered by somebody else.
  Labels labels{};
  /// What a model of the client should know; empty: the agents' descriptions.
  std::string instructions{};
};

class AgentService final : public Service {
 public:
  /// `runtime` must outlive it.
  explicit AgentService(Runtime& runtime, AgentServiceOptions options = {});
  ~AgentService() override;

  /// Offers an agent. `origin`: see RunOptions::origin.
  /// Throws Error: what Agent's constructor throws; invalid_argument for a name that is taken.
  void add(const Definition& definition, const json::object& origin = {});

  [[nodiscard]] json::object capabilities() const override;
  [[nodiscard]] std::string instructions() const override;
  [[nodiscard]] json::array tools() const override;
  [[nodiscard]] asio::awaitable<json::object> call_tool(Exchange& exchange, std::string name,
                                                        json::object arguments) override;

 private:
  struct Offer;
  void offer(std::string name, json::object tool, Offer offer);
  [[nodiscard]] Session session_of(const Offer& offer, const std::string& name);
  void offer_tools(const Definition& definition, const json::object& origin);

  Runtime& runtime_;
  const AgentServiceOptions options_;
  json::array tools_;
  std::map<std::string, std::shared_ptr<const Offer>> offers_;
  std::map<std::string, Session> sessions_;  // without a store: by name, the last kMostSessions
  std::vector<std::string> session_order_;
  std::string about_;
};

}  // namespace sennit::mcp
