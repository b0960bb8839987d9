// Private: one server and everything that is said to it: it is started when it is first needed, started again when it
// died, and asked in the era that it speaks. A call is never said twice.
#pragma once

#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/mcp_settings.hpp>
#include <sennit/mcp/client/caller.hpp>
#include <sennit/mcp/client/link.hpp>
#include <sennit/mcp/client/lock.hpp>
#include <sennit/mcp/client/loop_end.hpp>
#include <sennit/mcp/client/watch.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sennit::mcp {

inline constexpr int kMaxStarts = 3;                ///< tries to start a server before a call gives up
inline constexpr std::uint32_t kMaxDeaths = 5;      ///< in a row, without an answer between them
inline constexpr int kMaxRounds = 10;               ///< of questions that one call may ask
inline constexpr std::size_t kMostInputs = 16;      ///< questions of one round; of an older server: open at a time
inline constexpr std::size_t kMostReplies = 1'000;  ///< under way, beside the answers of a call
inline constexpr std::size_t kMaxPages = 100;       ///< of a list
inline constexpr std::size_t kMaxListed = 5'000;    ///< entries of a list
inline constexpr int kLongestCall = 10;             ///< times the timeout, for a call that shows progress
inline constexpr milliseconds kFirstPause{250};     ///< before a server is started again; doubled each time
inline constexpr milliseconds kLongestPause{30'000};
inline constexpr milliseconds kMostForDiscovery{5'000};  ///< for a child that does not answer what it does not know

/// Told that a person is waited for, and that this is over: no deadline counts meanwhile. May be called late.
using Pause = std::function<void(bool waits)>;

/// Makes a link of each kind. `sse`: the transport of 2024-11-05.
struct LinkFactory {
  std::function<std::shared_ptr<Link>(Inbox&)> child;  ///< empty: a remote server
  std::function<std::shared_ptr<Link>(Inbox&, Pause)> http;
  std::function<std::shared_ptr<Link>(Inbox&, Pause)> sse;
};

/// Lives on the shard of its Environment: everything but executor() and gone() is called there. Others come by hop().
class Connection final : public Inbox, public std::enable_shared_from_this<Connection> {
 public:
  Connection(Environment& environment, McpServer server, LinkFactory links);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] asio::any_io_executor executor() const { return executor_; }
  /// Its loop is no more: it must not be used. [thread-safe]
  [[nodiscard]] bool gone() const { return gone_->load(); }

  /// Connects where that is not done yet, and gives what the server said about itself. Throws Error. Bounded by
  /// start_timeout. Cancellation: terminal.
  [[nodiscard]] asio::awaitable<ServerFacts> ready();
  /// Asks and gives the result. `caller` may be null: then the server can ask nothing back. Throws Error: errc::tool
  /// where the server refused, errc::timeout, errc::truncated (it may have taken effect); NotTaken of a tool's call
  /// that nobody took, as the server that is met next may have other tools. Cancellation: terminal, the server is told.
  [[nodiscard]] asio::awaitable<json::object> request(std::string method, json::object params,
                                                      std::shared_ptr<Caller> caller,
                                                      std::vector<http::Header> headers = {});
  /// All pages of a list. Bounded by twice start_timeout as a whole.
  [[nodiscard]] asio::awaitable<std::vector<json::object>> list(std::string method, std::string member);

  /// Says that a new run begins: a server that died too often is tried again.
  void forgive() { deaths_ = 0; }
  /// Grows with each start of the server, and whenever it says that its tools have changed: what was listed at another
  /// number has to be listed again.
  [[nodiscard]] std::uint64_t tools_version() const { return tools_version_; }
  /// Ends the server in good order, in the background.
  void close();

  void notified(Notification notification, std::optional<std::int64_t> during) override;
  void asked(Request request, std::optional<std::int64_t> during) override;
  void warned(std::string what) override;

 private:
  /// A request under way.
  struct Call {
    std::shared_ptr<Caller> caller;
    std::shared_ptr<Watch> watch;
    TaskScope* answers = nullptr;
    double progress = -1;
    std::size_t shown = 0;
    std::size_t asked = 0;
  };

  // connection_start.cpp
  asio::awaitable<void> start();
  asio::awaitable<void> start_child();
  asio::awaitable<void> start_remote();
  asio::awaitable<ServerFacts> detect(Link& link);
  asio::awaitable<ServerFacts> meet_child(std::shared_ptr<Link> link);
  asio::awaitable<ServerFacts> initialize(Link& link);
  asio::awaitable<Discovery> discover(Link& link);
  asio::awaitable<void> pause_before_start();
  void adopt(std::shared_ptr<Link> link, ServerFacts facts);
  void drop();
  void prepare();
  [[nodiscard]] json::object capabilities() const;

  asio::awaitable<Answer> exchange(std::string method, json::object params, std::shared_ptr<Caller> caller,
                                   std::vector<http::Header> headers);
  asio::awaitable<Answer> exchange_once(std::string method, json::object params, std::shared_ptr<Caller> caller,
                                        std::vector<http::Header> headers);
  asio::awaitable<json::object> ask_all(const json::object& requests, std::shared_ptr<Caller> caller);
  asio::awaitable<json::object> answer_of(std::string method, json::object params, std::shared_ptr<Caller> caller);
  static asio::awaitable<void> serve(std::shared_ptr<Connection> self, std::shared_ptr<Link> link, Request request,
                                     std::shared_ptr<Caller> caller, std::shared_ptr<Watch> watch);
  static asio::awaitable<void> reply(std::shared_ptr<Connection> self, std::shared_ptr<Link> link, Answer answer);
  void in_background(asio::awaitable<void> replying);
  [[nodiscard]] Pause pause();
  void tell_cancelled(const std::shared_ptr<Link>& link, std::int64_t id, const Error& error);
  void show_progress(const json::object& params);
  void log_message(const json::object& params);
  [[nodiscard]] Call* call_for(std::optional<std::int64_t> during);
  [[nodiscard]] bool several_runs() const;
  [[nodiscard]] json::object roots() const;

  Environment& environment_;
  const asio::any_io_executor executor_;
  const McpServer server_;
  const LinkFactory links_;
  const std::shared_ptr<std::atomic<bool>> gone_ = std::make_shared<std::atomic<bool>>(false);
  const std::unique_ptr<LoopEndEntry> at_end_;
  std::unique_ptr<LoopEndEntry> drop_at_end_;
  Lock starting_;
  std::shared_ptr<Link> link_;
  ServerFacts facts_;
  std::optional<Era> era_;  // known from an earlier start
  std::uint32_t deaths_ = 0;
  std::string last_failure_;  // of a start that is tried again
  SteadyTime not_before_{};
  std::int64_t last_id_ = 0;
  std::map<std::int64_t, Call*> calls_;
  Watch* start_watch_ = nullptr;           // while it is started
  std::unique_ptr<TaskScope> background_;  // from the first start on
  std::uint64_t tools_version_ = 0;
};

/// What a server refused with, as an Error.
[[nodiscard]] Error to_error(const Fault& fault, const std::string& server);

}  // namespace sennit::mcp
