// Private: One call of the tool `http`: its request, the redirects that follow, and what the model is shown of the
// answer.
#pragma once

#include <sennit/agent/tool.hpp>
#include <sennit/tools/http_rules.hpp>
#include <sennit/tools/http_tool.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
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
  std::string base{};        ///< URL that paths are written below, for the facet "path"; empty: there is none
};

/// What came back, from wherever the redirects led.
struct Answer {
  int status = 0;
  Target target;
  std::vector<Header> headers;
  std::string body;
  bool cut = false;  ///< there was more than was to be read
  std::size_t redirects = 0;
  std::string obstacle{};  ///< why a last redirect was not followed; empty: there was none

  /// Value of a header by case-insensitive name; empty if absent.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

/// Makes of an answer what the model reads. May suspend; its labels are added by whoever calls it.
using Show = std::function<asio::awaitable<ToolOutput>(Answer answer)>;

/// Does it, within settings->timeout, reads at most `most` bytes of the body, and gives what `show` makes of it, marked
/// as untrusted text from its host. A failure that may quote a peer (where it redirects to) is given in the same way,
/// not thrown. A redirect that the policy would not let the tool make by itself is not followed. An HTTP error status
/// is an answer. Throws Error: invalid_argument, denied, config and what Client::send and Response::read throw.
/// Cancellation: terminal, stops the transfer.
[[nodiscard]] asio::awaitable<ToolOutput> perform(std::shared_ptr<const HttpSettings> settings, Call call,
                                                  ToolContext& context, std::size_t most, Show show);

/// The same with the answer as it came: status, telling headers, body as text; an HTTP error is_error.
[[nodiscard]] asio::awaitable<ToolOutput> perform(std::shared_ptr<const HttpSettings> settings, Call call,
                                                  ToolContext& context);

}  // namespace sennit::http
