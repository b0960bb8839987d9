// Private: One call of the tool `http`: its request, the redirects that follow, and what the model is shown of the
// answer.
#pragma once

#include <sennit/agent/tool.hpp>
#include <sennit/tools/http_rules.hpp>
#include <sennit/tools/http_tool.hpp>

#include <memory>
#include <string>
#include <vector>

namespace sennit::http {

/// What a model wants sent; nothing of it is trusted.
struct Call {
  std::string method;
  std::string url;
  std::vector<Header> headers;
  std::string body;
  std::string content_type;  ///< empty: no body
  std::string key;           ///< for Idempotency-Key; empty: none
};

/// Does it, within settings->timeout. An HTTP error status is an answer (is_error). Throws Error: invalid_argument,
/// denied, config and what Client::send and Response::read throw. Cancellation: terminal, stops the transfer.
[[nodiscard]] asio::awaitable<ToolOutput> perform(std::shared_ptr<const HttpSettings> settings, Call call,
                                                  Environment& environment);

}  // namespace sennit::http
