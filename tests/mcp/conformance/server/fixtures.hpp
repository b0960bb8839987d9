// The service that the protocol's conformance scenarios call: tools, prompts and resources by the names that they use.
#pragma once

#include <sennit/mcp/server/server.hpp>
#include <sennit/mcp/server/service.hpp>

namespace sennit::testing {

class Fixtures final : public mcp::Service {
 public:
  [[nodiscard]] json::object capabilities() const override;
  [[nodiscard]] std::string instructions() const override { return "For tests."; }
  [[nodiscard]] json::array tools() const override;
  [[nodiscard]] asio::awaitable<json::object> call_tool(mcp::Exchange& exchange, std::string name,
                                                        json::object arguments) override;
  [[nodiscard]] json::array prompts() const override;
  [[nodiscard]] asio::awaitable<json::object> get_prompt(mcp::Exchange& exchange, std::string name,
                                                         json::object arguments) override;
  [[nodiscard]] json::array resources() const override;
  [[nodiscard]] json::array resource_templates() const override;
  [[nodiscard]] asio::awaitable<json::array> read_resource(mcp::Exchange& exchange, std::string uri) override;

  mcp::Server* server = nullptr;  ///< who is told of changes
  int hanging = 0;                ///< calls of test_hang under way
  int hung_up = 0;                ///< and those that were cancelled
};

}  // namespace sennit::testing
