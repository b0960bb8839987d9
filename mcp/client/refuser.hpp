// Private: who answers where it is not clear for which run a server asks.
#pragma once

#include <sennit/agent/io/error.hpp>
#include <sennit/mcp/client/caller.hpp>

#include <utility>

namespace sennit::mcp {

/// Declines everything, on `executor`.
class Refuser final : public Caller {
 public:
  explicit Refuser(asio::any_io_executor executor) : executor_(std::move(executor)) {}
  [[nodiscard]] asio::any_io_executor executor() const override { return executor_; }
  [[nodiscard]] std::string_view run() const override { return {}; }
  void progress(std::string /*text*/) override {}
  [[nodiscard]] asio::awaitable<json::object> answer(std::string method, json::object /*params*/) override {
    if (method == "elicitation/create") co_return json::object{{"action", "decline"}};
    throw Error(errc::denied, "it is not clear for which run this is asked");
  }

 private:
  const asio::any_io_executor executor_;
};

}  // namespace sennit::mcp
