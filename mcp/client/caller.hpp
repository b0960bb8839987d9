// Private: who makes a call: where its progress goes, and who answers what the server asks meanwhile.
#pragma once

#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/json.hpp>

#include <string>
#include <string_view>

namespace sennit::mcp {

class Caller {
 public:
  virtual ~Caller() = default;
  /// Where the others are called. [thread-safe]
  [[nodiscard]] virtual asio::any_io_executor executor() const = 0;
  /// Which run it is, unlike any other one. [thread-safe]
  [[nodiscard]] virtual std::string_view run() const = 0;
  virtual void progress(std::string text) = 0;
  /// Gives the result of sampling/createMessage or elicitation/create. Throws Error for a refusal: errc::denied where a
  /// person said no, errc::not_found for a method that nobody answers. Cancellation: terminal.
  [[nodiscard]] virtual asio::awaitable<json::object> answer(std::string method, json::object params) = 0;
};

}  // namespace sennit::mcp
