// Private: what stands behind a Server: its peers, the requests under way, and those that wait for a modern client to
// come back. Everything happens on the server's shard.
#pragma once

#include <sennit/agent/io/signal.hpp>
#include <sennit/mcp/server/seal.hpp>
#include <sennit/mcp/server/served_call.hpp>
#include <sennit/mcp/server/server.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace sennit::mcp {

/// What a modern client listens for, on one stream.
struct Listening {
  std::shared_ptr<Outlet> outlet;
  std::set<std::string, std::less<>> kinds;      ///< methods of notifications
  std::set<std::string, std::less<>> addresses;  ///< of resources
};

struct Peer final : ServerPeer {
  void set_outlet(std::shared_ptr<Outlet> given) override { outlet = std::move(given); }
  [[nodiscard]] bool is_greeted() const override { return greeted; }
  [[nodiscard]] const ClientFacts& caller() const override { return who; }
  [[nodiscard]] std::size_t calls() const override { return under_way.size(); }
  asio::awaitable<void> settled() override {
    while (!under_way.empty()) co_await quiet.wait();
  }
  void forget(const Id& id) {
    under_way.erase(id);
    if (under_way.empty()) quiet.notify();
  }

  ClientFacts who;
  bool greeted = false;
  std::shared_ptr<Outlet> outlet;
  std::string level = "info";                  // of log messages, to a legacy client
  std::set<std::string, std::less<>> watched;  // resources, by a legacy client
  std::map<Id, std::shared_ptr<ServedCall>> under_way;
  std::map<Id, Listening> listening;
  std::map<std::int64_t, ServedCall::Asked> asked;  // requests of ours, to a legacy client
  std::int64_t next_request = 1;
  Signal quiet;  // nothing is under way
};

struct Server::State : std::enable_shared_from_this<Server::State> {
  State(Environment& shard, Service& offered, ServerLimits server_limits)
      : environment(shard), service(offered), limits(server_limits), seal(shard) {}

  // ---- messages (server.cpp) ----
  void take(const std::shared_ptr<Peer>& peer, Request request, const std::shared_ptr<Outlet>& outlet);
  void take(Peer& peer, const Notification& notification);
  void take(Peer& peer, const Answer& answer);
  /// Who asks. Throws Rejection where that cannot be told.
  [[nodiscard]] ClientFacts identify(const Peer& peer, const Request& request) const;

  // ---- requests (requests.cpp) ----
  /// The result, where it takes no waiting. Throws Rejection.
  [[nodiscard]] std::optional<json::object> answer_now(Peer& peer, const ClientFacts& who, const Request& request);
  /// The result of what may take its time.
  [[nodiscard]] asio::awaitable<json::object> answer_later(std::shared_ptr<ServedCall> call);
  /// Adds what every result of this era has.
  [[nodiscard]] json::object finished(const ClientFacts& who, const std::string& method, json::object result) const;
  [[nodiscard]] json::object initialize(Peer& peer, const Request& request) const;
  [[nodiscard]] json::object discover() const;
  [[nodiscard]] json::object page(json::array entries, const char* key, const json::object& params) const;
  void listen(Peer& peer, const Request& request, const std::shared_ptr<Outlet>& outlet) const;

  // ---- the life of a request (served_call.cpp) ----
  void begin(std::shared_ptr<ServedCall> call);
  /// Throws Rejection where there are too many requests under way for one more.
  void check_room(const Peer& peer, const ClientFacts& who) const;
  static asio::awaitable<void> perform(std::shared_ptr<State> self, std::shared_ptr<ServedCall> call);
  /// The client is to come back for it. What it has to bring.
  [[nodiscard]] std::string park(const std::shared_ptr<ServedCall>& call);
  /// It has come back. Throws Rejection.
  void come_back(const std::shared_ptr<Peer>& peer, const ClientFacts& who, Request request,
                 const std::shared_ptr<Outlet>& outlet);
  void ended(const std::shared_ptr<ServedCall>& call);

  // ---- tasks (tasks.cpp) ----
  /// The result of tasks/get, tasks/update and tasks/cancel. Throws Rejection.
  [[nodiscard]] json::object answer_task(const ClientFacts& who, const Request& request);

  /// Tells all who want to know. `uri`: of a resource; else empty.
  void tell(const std::string& method, const std::string& uri);
  void end_listening(Peer& peer);

  Environment& environment;
  Service& service;
  const ServerLimits limits;
  const Seal seal;
  std::vector<std::weak_ptr<Peer>> peers;
  std::set<std::shared_ptr<ServedCall>> calls;
  std::map<std::string, std::shared_ptr<ServedCall>> parked;
  std::map<std::string, std::shared_ptr<ServedCall>> tasks;
  std::vector<std::string> parking_order;  // oldest first; some may have left
  Signal idle;
  bool stopping = false;
};

/// Whether capabilities name the tasks extension.
[[nodiscard]] bool has_tasks(const json::object& capabilities);

/// The JSON text of an answer, and of nothing else.
[[nodiscard]] json::object answer_to(const Id& id, json::object result);
[[nodiscard]] json::object answer_to(const std::optional<Id>& id, Fault fault);

}  // namespace sennit::mcp
