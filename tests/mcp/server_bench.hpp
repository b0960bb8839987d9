// A server with the conformance fixtures, and a client without a transport: what is sent to it stands in a list.
#pragma once

#include "mcp/conformance/server/fixtures.hpp"
#include "support/fixtures.hpp"
#include <sennit/mcp/server/outlet.hpp>
#include <sennit/mcp/server/server.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::testing {

class Collector final : public mcp::Outlet {
 public:
  void put(json::object message) override { messages.push_back(std::move(message)); }
  void answer(json::object message) override { messages.push_back(std::move(message)); }
  void drop() override { ++dropped; }
  [[nodiscard]] bool has_room() const override { return room; }

  std::vector<json::object> messages;
  int dropped = 0;
  bool room = true;
};

inline json::object modern_meta(json::object capabilities = {}) {
  return {{"io.modelcontextprotocol/protocolVersion", "2026-07-28"},
          {"io.modelcontextprotocol/clientCapabilities", std::move(capabilities)}};
}

/// The member at a path such as "result/tools/0/name"; null if there is none.
inline json::value at(const json::object& message, const std::string& path) {
  boost::system::error_code error;
  const json::value whole(message);
  const json::value* found = whole.find_pointer("/" + path, error);
  return found == nullptr ? json::value() : *found;
}

/// The same as text: JSON of what is none.
inline std::string text_at_path(const json::object& message, const std::string& path) {
  const json::value value = at(message, path);
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

template <class Env>
class ServerBench {
 public:
  explicit ServerBench(mcp::ServerLimits limits = {}) : server(env, fixtures, limits), peer(server.meet()) {
    fixtures.server = &server;
    peer->set_outlet(general);
  }
  ~ServerBench() {
    server.leave(peer);
    run(env, server.stop(milliseconds{1}));
  }

  void greet(json::object capabilities = {}, std::string_view version = "2025-11-25") {
    const json::object answer = call("initialize", {{"protocolVersion", version},
                                                    {"capabilities", std::move(capabilities)},
                                                    {"clientInfo", {{"name", "test"}, {"version", "1"}}}});
    agreed = text_at_path(answer, "result/protocolVersion");
    server.take(peer, mcp::Notification{"notifications/initialized", {}}, nullptr);
  }

  /// Sends a request; what answers it is collected.
  std::shared_ptr<Collector> send(std::string method, json::object params = {}) {
    auto outlet = std::make_shared<Collector>();
    last_id = next_id++;
    server.take(peer, mcp::Request{last_id, std::move(method), std::move(params)}, outlet);
    return outlet;
  }
  /// Sends it and waits for the answer.
  json::object call(std::string method, json::object params = {}) {
    return answer_of(send(std::move(method), std::move(params)));
  }
  json::object answer_of(const std::shared_ptr<Collector>& outlet) {
    until(env, [&] { return !outlet->messages.empty() && is_answer(outlet->messages.back()); });
    return outlet->messages.back();
  }
  json::object call_tool(std::string_view name, json::object arguments = {}) {
    return call("tools/call", {{"name", name}, {"arguments", std::move(arguments)}});
  }
  /// The same of a modern client.
  json::object modern(std::string method, json::object params = {}, json::object capabilities = {}) {
    params["_meta"] = modern_meta(std::move(capabilities));
    return call(std::move(method), std::move(params));
  }
  json::object modern_tool(std::string_view name, json::object more = {}, json::object capabilities = {}) {
    more["name"] = name;
    if (!more.contains("arguments")) more["arguments"] = json::object();
    return modern("tools/call", std::move(more), std::move(capabilities));
  }
  static bool is_answer(const json::object& message) { return !message.contains("method"); }

  Env env;
  Fixtures fixtures;
  mcp::Server server;
  std::shared_ptr<mcp::ServerPeer> peer;
  std::shared_ptr<Collector> general = std::make_shared<Collector>();
  std::string agreed;
  std::int64_t next_id = 1;
  std::int64_t last_id = 0;
};

}  // namespace sennit::testing
