// A service with its own io_context. A client sends lines; each is a question, and its answer comes as events, one JSON
// object a line:      embed ../assistant.yaml 8080 &      (echo 'What is 18% of 240?'; sleep 1) | nc 127.0.0.1 8080
#include <sennit/agent/agent.hpp>
#include <sennit/plugins/builtin.hpp>

#include <boost/asio.hpp>

#include <iostream>

namespace asio = boost::asio;
using asio::ip::tcp;

asio::awaitable<void> converse(sennit::Agent agent, tcp::socket client) {
  sennit::Session session = agent.session();
  std::string in;
  std::string out;
  while (true) {
    auto line = asio::dynamic_buffer(in, 64U << 10U);  // a longer line is an error, which ends the connection
    std::size_t size = co_await asio::async_read_until(client, line, '\n', asio::use_awaitable);
    sennit::Run run = session.start(in.substr(0, size - 1));
    in.erase(0, size);
    while (auto events = co_await run.next()) {  // a batch: one write serves all that has arrived
      for (const sennit::Event& event : *events) out += sennit::json::serialize(to_json(event)) + "\n";
      co_await asio::async_write(client, asio::buffer(out), asio::use_awaitable);
      out.clear();
    }
  }
}  // a client that leaves makes a read or write throw: `run` is destroyed, and with it all that it started

asio::awaitable<void> serve(sennit::Agent agent, tcp::acceptor& acceptor) {
  while (true) {
    tcp::socket client = co_await acceptor.async_accept(asio::use_awaitable);
    asio::co_spawn(acceptor.get_executor(), converse(agent, std::move(client)), [](std::exception_ptr) {});
  }
}

asio::awaitable<void> stop_on_signal(sennit::Runtime& runtime, asio::io_context& io) {
  asio::signal_set signals(io, SIGINT, SIGTERM);
  co_await signals.async_wait(asio::use_awaitable);
  co_await runtime.shutdown(std::chrono::seconds(5));  // running answers may finish
  io.stop();
}

int main(int count, char** arguments) try {
  if (count != 3) throw std::invalid_argument("usage: embed AGENT.yaml PORT");
  asio::io_context io;
  sennit::Runtime runtime(sennit::builtin(), {.executor = io.get_executor()});
  tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(std::stoi(arguments[2]))});
  std::cout << "listening on " << acceptor.local_endpoint().port() << std::endl;
  asio::co_spawn(io, stop_on_signal(runtime, io), asio::detached);
  asio::co_spawn(io, serve(sennit::load(runtime, arguments[1]), acceptor), asio::detached);
  io.run();
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
