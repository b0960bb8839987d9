// A service of our own: its io_context, its sockets; each request runs an agent, whose events go out as they happen.
//   embed ../assistant.yaml 8080 &    curl -N 127.0.0.1:8080 -d 'What is 18% of 240?'
#include <sennit/agent/agent.hpp>
#include <sennit/plugins/builtin.hpp>

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include <iostream>

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace asio::experimental::awaitable_operators;

/// The body of one HTTP request of at most 64 KiB.
asio::awaitable<std::string> read_question(tcp::socket& socket) {
  std::string request;
  auto buffer = asio::dynamic_buffer(request, 64U << 10U);
  std::size_t head = co_await asio::async_read_until(socket, buffer, "\r\n\r\n", asio::use_awaitable);
  std::size_t field = request.find("Content-Length: ");
  std::size_t size = head + (field < head ? std::strtoul(request.c_str() + field + 16, nullptr, 10) : 0);
  if (size > request.size()) {
    auto rest = asio::transfer_exactly(size - request.size());
    co_await asio::async_read(socket, buffer, rest, asio::use_awaitable);
  }
  co_return request.substr(head, size - head);
}

asio::awaitable<void> answer(sennit::Agent agent, tcp::socket socket) {
  asio::steady_timer patience(socket.get_executor(), std::chrono::seconds(10));
  auto question = co_await (read_question(socket) || patience.async_wait(asio::use_awaitable));
  if (question.index() == 1) co_return;
  sennit::Run run = agent.session().start(std::get<0>(std::move(question)));
  std::string out = "HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
  while (auto events = co_await run.next()) {  // a batch: one write serves all that has arrived
    for (const sennit::Event& event : *events) out += "data: " + sennit::json::serialize(to_json(event)) + "\n\n";
    co_await asio::async_write(socket, asio::buffer(out), asio::use_awaitable);
    out.clear();
  }
}  // a client that leaves makes a write throw: `run` is destroyed, and with it all that it started

void report(std::exception_ptr failure) try {
  if (failure) std::rethrow_exception(failure);
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
}

asio::awaitable<void> serve(sennit::Agent agent, tcp::acceptor& acceptor) {
  while (acceptor.is_open()) {
    auto [failed, socket] = co_await acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
    if (!failed) asio::co_spawn(acceptor.get_executor(), answer(agent, std::move(socket)), report);
  }
}

asio::awaitable<void> stop_on_signal(sennit::Runtime& runtime, tcp::acceptor& acceptor) {
  asio::signal_set signals(acceptor.get_executor(), SIGINT, SIGTERM);
  co_await signals.async_wait(asio::use_awaitable);
  acceptor.close();
  co_await runtime.shutdown(std::chrono::seconds(5));
}

int main(int count, char** arguments) try {
  if (count != 3) throw std::invalid_argument("usage: embed AGENT.yaml PORT");
  asio::io_context io;
  sennit::RuntimeOptions options;
  options.executor = io.get_executor();
  sennit::Runtime runtime(sennit::builtin(), options);
  sennit::Agent agent = sennit::load(runtime, arguments[1]);
  tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(std::stoi(arguments[2]))});
  std::cout << "listening on " << acceptor.local_endpoint().port() << std::endl;
  asio::co_spawn(io, serve(agent, acceptor), report);
  asio::co_spawn(io, stop_on_signal(runtime, acceptor), report);
  io.run();  // until the listener is closed and the last answer is out
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
