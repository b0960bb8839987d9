// The server that the protocol's conformance scenarios are run against: `mcp_conformance_server` prints its address and
// serves until it is interrupted; `mcp_conformance_server --stdio` serves its standard streams.
#include "mcp/conformance/server/fixtures.hpp"
#include <sennit/agent/io/loop_environment.hpp>
#include <sennit/mcp/server/http_endpoint.hpp>
#include <sennit/mcp/server/stdio_endpoint.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string_view>

namespace {

using namespace sennit;

asio::awaitable<void> stop_both(http::Server& front, mcp::Server& server) {
  co_await server.stop(milliseconds{100});
  co_await front.stop(milliseconds{100});
}

int serve(bool over_stdio, std::uint16_t port) {
  asio::io_context loop(1);
  Pool pool(1);
  LoopEnvironment environment(loop.get_executor(), pool, [](const LogRecord& record) {
    std::cerr << record.component << ": " << record.message << '\n';
  });
  testing::Fixtures fixtures;
  mcp::Server server(environment, fixtures);
  fixtures.server = &server;
  if (over_stdio) {
    asio::co_spawn(loop, mcp::serve_stdio(server, STDIN_FILENO, STDOUT_FILENO), [](const std::exception_ptr&) {});
    loop.run();
    return 0;
  }
  mcp::HttpEndpoint endpoint(server, {});
  http::Server front(environment, {.port = port}, [&](http::ServerRequest request, http::ServerAnswer& answer) {
    return endpoint.handle(std::move(request), answer);
  });
  std::cout << "http://127.0.0.1:" << front.port() << "/mcp" << std::endl;
  asio::signal_set signals(loop, SIGINT, SIGTERM);
  signals.async_wait([&](boost::system::error_code, int) {
    asio::co_spawn(loop, stop_both(front, server), [&](const std::exception_ptr&) { loop.stop(); });
  });
  loop.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const std::string_view first = argc > 1 ? argv[1] : "";
    return serve(first == "--stdio",
                 first == "--stdio" || first.empty() ? 0 : static_cast<std::uint16_t>(std::atoi(argv[1])));
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
