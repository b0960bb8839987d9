// Private: One libcurl multi handle on one shard.
//
// curl's sockets live in an epoll set of their own and Asio waits for that one descriptor. So many ready sockets cost
// one wake-up, nothing needs re-arming for each read, and no pending Asio operation can outlive a socket that curl
// has closed. A *turn* is one handler: tell curl what happened, collect what finished, then resume the readers, with
// no curl function on the stack. curl is never called from its own callbacks.
#pragma once

#include <sennit/agent/io/environment.hpp>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <curl/curl.h>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace sennit::http {

class Transfer;

struct EasyCleanup {
  void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};
using EasyHandle = std::unique_ptr<CURL, EasyCleanup>;

namespace intrusive = boost::intrusive;
using LiveHook =
    intrusive::list_base_hook<intrusive::tag<struct LiveTag>, intrusive::link_mode<intrusive::auto_unlink>>;
using ReadyHook =
    intrusive::list_base_hook<intrusive::tag<struct ReadyTag>, intrusive::link_mode<intrusive::auto_unlink>>;
using DeadlineQueue = std::multimap<SteadyTime, Transfer*>;

class Engine : public std::enable_shared_from_this<Engine> {
 public:
  /// `idle_connections`: how many may stay open while there is no transfer.
  Engine(const asio::any_io_executor& executor, std::size_t idle_connections, LogSink log);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// A fresh or reused easy handle, with every option at its default.
  [[nodiscard]] EasyHandle take_handle();
  /// Begins a configured transfer. REQUIRES: !closed().
  void start(Transfer& transfer);
  /// Takes a transfer off curl, whatever state it is in. Not from curl's callbacks.
  void stop(Transfer& transfer);
  /// Resumes the transfer's reader at the end of this turn.
  void wake(Transfer& transfer);
  /// Goes on reading from the connection of a live transfer that paused itself. Not from curl's callbacks.
  void resume(Transfer& transfer);
  /// The transfer's deadline may have come nearer. (A later one needs no call: it is looked up when the old one is
  /// due.)
  void rearm(Transfer& transfer);
  /// Fails every live transfer and starts no more.
  void close();
  void log_failure(const Error& error) const;
  [[nodiscard]] bool closed() const noexcept { return closed_; }
  [[nodiscard]] std::size_t active() const noexcept { return active_; }

  /// curl's open-socket and close-socket callbacks.
  [[nodiscard]] curl_socket_t open_socket(const curl_sockaddr& address) noexcept;
  static int close_socket(void* engine, curl_socket_t socket) noexcept;

 private:
  void make_multi();
  static int on_socket_change(CURL* easy, curl_socket_t socket, int what, void* engine, void* known) noexcept;
  static int on_timer_change(CURLM* multi, long timeout_ms, void* engine) noexcept;

  void on_sockets();
  void on_timer();
  void on_kick();
  void poll_sockets();
  void run_due();
  void expire_deadlines();
  void collect();
  void finish_turn();
  void flush();
  void trim();
  void watch();
  void schedule();
  void kick();

  asio::any_io_executor executor_;
  const std::size_t idle_connections_;
  const LogSink log_;
  // Until close(): a Response, which keeps this, may outlive the loop.
  std::optional<asio::posix::basic_stream_descriptor<asio::any_io_executor>> set_;  // the epoll set
  std::optional<asio::basic_waitable_timer<std::chrono::steady_clock>> timer_;
  CURLM* multi_ = nullptr;
  intrusive::list<Transfer, intrusive::base_hook<LiveHook>, intrusive::constant_time_size<false>> live_;
  intrusive::list<Transfer, intrusive::base_hook<ReadyHook>, intrusive::constant_time_size<false>> ready_;
  DeadlineQueue deadlines_;
  std::vector<EasyHandle> spare_;
  SteadyTime curl_due_ = SteadyTime::max();
  SteadyTime fires_at_ = SteadyTime::max();  // when timer_ fires; later needs are looked at then
  std::size_t active_ = 0;
  std::size_t open_sockets_ = 0;
  bool watching_ = false;
  bool kicked_ = false;
  bool in_turn_ = false;  // curl may be on the stack
  bool closed_ = false;
};

}  // namespace sennit::http
