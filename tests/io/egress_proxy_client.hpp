// An egress proxy on a real socket, and somebody who talks to it.
#pragma once

#include "support/fixtures.hpp"
#include <sennit/agent/io/egress_proxy.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <utility>

namespace sennit::testing {

class ProxyUnderTest {
 public:
  ProxyUnderTest(TestEnvironment& environment, EgressProxy::Rules rules) : environment_(environment) {
    asio::ip::tcp::acceptor acceptor(environment.executor(), {asio::ip::address_v4::loopback(), 0});
    port_ = acceptor.local_endpoint().port();
    proxy_.emplace(environment, acceptor.release(), std::move(rules));
  }

  /// Sends `bytes` and gives all that comes back until the proxy closes.
  std::string talk(std::string bytes) { return run(environment_, exchange(port_, std::move(bytes))); }
  [[nodiscard]] EgressProxy& proxy() { return *proxy_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  void end() { proxy_.reset(); }

  static asio::awaitable<std::string> exchange(std::uint16_t port, std::string bytes) {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    asio::ip::tcp::socket socket(executor);
    const asio::ip::tcp::endpoint there(asio::ip::address_v4::loopback(), port);
    co_await socket.async_connect(there, asio::use_awaitable);
    co_await asio::async_write(socket, asio::buffer(bytes), asio::use_awaitable);
    std::string all;
    std::array<char, 4096> buffer{};
    for (;;) {
      const auto [failed, size] =
          co_await socket.async_read_some(asio::buffer(buffer), asio::as_tuple(asio::use_awaitable));
      all.append(buffer.data(), size);
      if (failed) co_return all;
    }
  }

 private:
  TestEnvironment& environment_;
  std::uint16_t port_ = 0;
  std::optional<EgressProxy> proxy_;
};

}  // namespace sennit::testing
