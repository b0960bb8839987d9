// One request to an MCP server, as whoever answers it sees it: who asks, and how to tell and ask them something
// meanwhile. The two eras of the protocol look the same from here.
#pragma once

#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/environment.hpp>
#include <sennit/mcp/protocol/json_rpc.hpp>
#include <sennit/mcp/protocol/names.hpp>

#include <exception>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sennit::mcp {

/// Thrown by a handler: the request is answered with this very error.
class Rejection : public std::exception {
 public:
  explicit Rejection(Fault fault) : fault_(std::move(fault)) {}
  Rejection(std::int64_t code, std::string message, json::value data = {})
      : fault_{code, std::move(message), std::move(data)} {}
  [[nodiscard]] const Fault& fault() const noexcept { return fault_; }
  [[nodiscard]] const char* what() const noexcept override { return fault_.message.c_str(); }

 private:
  Fault fault_;
};

/// What a client said about itself.
struct ClientFacts {
  Era era = Era::legacy;
  std::string version;
  json::object capabilities;
  json::object info;
  [[nodiscard]] bool can(std::string_view capability) const { return capabilities.contains(capability); }
  /// Whether its person can be asked with a form: since 2025-11-25 a client may only open addresses.
  [[nodiscard]] bool takes_forms() const {
    const json::object* ways = find_object(capabilities, "elicitation");
    return ways != nullptr && (ways->contains("form") || !ways->contains("url"));
  }
};

/// A request to the client: elicitation/create, sampling/createMessage or roots/list.
struct ClientRequest {
  std::string method;
  json::object params;
};
using ClientRequests = std::map<std::string, ClientRequest>;
using ClientReplies = std::map<std::string, json::object>;

/// Valid while the request is answered; used on the server's shard.
class Exchange {
 public:
  virtual ~Exchange() = default;
  [[nodiscard]] virtual Environment& environment() = 0;
  [[nodiscard]] virtual const ClientFacts& caller() const = 0;
  /// Throws the Rejection that names a capability which the client lacks.
  virtual void require(std::string_view capability) const = 0;

  /// Tells how far it is, where the client wants to hear of it. `value` has to grow from call to call.
  virtual void progress(double value, std::optional<double> total, std::string message) = 0;
  /// A log message ("debug" … "emergency"), where the client wants to hear of ones like it.
  virtual void log(std::string_view level, std::string logger, json::value data) = 0;

  /// Asks the client, and gives its results under the same keys. A legacy client gets requests of the server's; a
  /// modern one gets `input_required` as the answer to its own, and what goes on here waits until it comes back with
  /// the replies. Requests that wait at the same time need different keys.
  /// Throws Error(errc::denied) where the client did not declare that it can be asked, or answers with an error,
  /// Error(errc::timeout) where it does not answer. Cancellation: terminal.
  [[nodiscard]] virtual asio::awaitable<ClientReplies> ask(ClientRequests requests) = 0;

  /// Goes on as a task, where client and server have the extension io.modelcontextprotocol/tasks: the client is
  /// answered at once, looks after the result when it likes, and its stream may end. What is asked from here on waits
  /// there too. False: it stays what it is (also where there are too many tasks, and for anything but a tool's call).
  [[nodiscard]] virtual bool become_task() = 0;

  /// Ends the stream on which a legacy client waits over HTTP; it comes back for the rest (SEP-1699). Elsewhere:
  /// nothing.
  virtual void let_poll() = 0;
};

}  // namespace sennit::mcp
