// Private: one request under way, with what its handler tells and asks meanwhile. Of a modern client it may leave its
// stream and go on under another id: see Exchange::ask().
#pragma once

#include <sennit/agent/io/signal.hpp>
#include <sennit/mcp/server/outlet.hpp>
#include <sennit/mcp/server/server.hpp>

#include <boost/asio/cancellation_signal.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sennit::mcp {

struct Peer;

class ServedCall final : public Exchange, public std::enable_shared_from_this<ServedCall> {
 public:
  /// Requests to the client that one ask() waits for.
  struct Round {
    ClientRequests requests;
    ClientReplies replies;
    std::optional<Error> failure;
    Signal changed;
    [[nodiscard]] bool is_over() const { return failure.has_value() || replies.size() == requests.size(); }
  };
  /// A request of ours that a legacy client has to answer.
  struct Asked {
    std::weak_ptr<ServedCall> call;
    Round* round = nullptr;
    std::string key;
  };

  ServedCall(Server::State& server, std::shared_ptr<Peer> peer, ClientFacts who, Request request,
             std::shared_ptr<Outlet> outlet);

  Environment& environment() override;
  const ClientFacts& caller() const override { return who_; }
  void require(std::string_view capability) const override;
  void progress(double value, std::optional<double> total, std::string message) override;
  void log(std::string_view level, std::string logger, json::value data) override;
  asio::awaitable<ClientReplies> ask(ClientRequests requests) override;
  void let_poll() override;
  bool become_task() override;

  [[nodiscard]] const Request& request() const { return request_; }
  [[nodiscard]] const std::shared_ptr<Peer>& peer() const { return peer_; }
  [[nodiscard]] bool is_parked() const { return outlet_ == nullptr; }
  /// Stops it: its answer is not wanted any more.
  void cancel();
  [[nodiscard]] bool is_cancelled() const { return cancelled_; }
  /// The handler has ended.
  void finish(json::object answer);
  void finish_unanswered();
  /// The client came back, with another id and the replies.
  void come_back(std::shared_ptr<Peer> peer, ClientFacts who, Request request, std::shared_ptr<Outlet> outlet);
  /// DetailedTask: how a task stands. REQUIRES: become_task().
  [[nodiscard]] json::object describe_task() const;
  /// What a client brings to a task. Throws Rejection.
  void update_task(const json::object& params);
  /// A legacy client's answer.
  static void settle(const Asked& asked, const Answer& answer);

  asio::cancellation_signal stop;
  // ---- while it is parked ----
  std::string parking{};    // its place; empty before the first time
  std::uint32_t round = 0;  // how often it was parked
  std::unique_ptr<Alarm> expiry{};

 private:
  struct Waiting;
  struct Task {
    std::string id;
    WallTime created;
    WallTime updated;
    std::string words{};  // what it told last
    std::unique_ptr<Alarm> expiry{};
  };

  /// `keep`: also those that nobody asks for yet.
  void take_replies(const json::object& params, bool keep);
  [[nodiscard]] json::object open_questions() const;
  [[nodiscard]] json::object task_facts() const;
  void send_questions(Round& round, std::vector<std::int64_t>& ids);
  /// Lets a modern client know, soon, what is asked: several may ask at once.
  void ask_soon();
  void ask_now();

  Server::State& server_;
  std::shared_ptr<Peer> peer_;
  ClientFacts who_;
  Request request_;
  std::shared_ptr<Outlet> outlet_;    // null while it is parked
  std::optional<json::object> late_;  // the answer, come while it was parked
  std::set<Round*> rounds_;
  ClientReplies given_;  // by a modern client, not asked for yet
  std::optional<Task> task_;
  bool asking_soon_ = false;
  bool cancelled_ = false;
  bool done_ = false;
};

/// The object at params._meta; an empty one if there is none.
[[nodiscard]] const json::object& meta_of(const json::object& params);

}  // namespace sennit::mcp
