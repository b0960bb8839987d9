// The one way out of a sandbox: a small HTTP proxy (CONNECT, and GET http://…) that connects to listed hosts only.
//
// Names are checked against the list, then resolved once, and each address is checked where it is connected to: a name
// that resolves to something else the second time (DNS rebinding) gains nothing, for there is no second time.
#pragma once

#include <sennit/agent/io/environment.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

struct sockaddr;

namespace sennit {

class EgressProxy {
 public:
  static constexpr std::size_t kMostConnections = 64;   ///< at a time; more wait
  static constexpr std::size_t kMostHead = 16U << 10U;  ///< bytes of a request line and its headers
  static constexpr milliseconds kHeadTime{10'000};      ///< for them to come
  static constexpr milliseconds kConnectTime{10'000};   ///< to find and reach a host
  static constexpr milliseconds kIdleTime{120'000};     ///< without a byte either way
  static constexpr std::size_t kMostRefused = 16;       ///< names that are remembered

  struct Rules {
    /// egress_hosts.hpp. One without a port permits 80 and 443 alone: there are other services at a web server's
    /// address.
    std::vector<std::string> hosts;
    std::function<bool(const sockaddr&)> allow_address{};  ///< empty: is_public_address
    std::uint64_t bytes = 4ULL << 30U;                     ///< of all connections, both ways
    /// The numeric addresses of a host; may block, called on the pool. Empty: the system's resolver.
    std::function<std::vector<std::string>(const std::string& host)> resolve{};
  };

  /// Accepts on `listener` (owned from now on) until it is destroyed. On the shard of `environment`, which must outlive
  /// it. Throws Error(errc::io).
  EgressProxy(Environment& environment, int listener, Rules rules);
  ~EgressProxy();  ///< drops every connection
  EgressProxy(const EgressProxy&) = delete;
  EgressProxy& operator=(const EgressProxy&) = delete;

  /// What was asked for and refused, `host:port`, each once.
  [[nodiscard]] const std::vector<std::string>& refused() const noexcept;
  [[nodiscard]] std::uint64_t bytes() const noexcept;  ///< relayed so far

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sennit
