// What a stranger's program looks like: an agent made in C++, run on the program's own loop.
#include <sennit/agent/agent.hpp>
#include <sennit/plugins/builtin.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <iostream>
#include <string>

namespace asio = boost::asio;

static asio::awaitable<void> converse(sennit::Runtime& runtime, int& status) {
  sennit::Definition definition;
  definition.model.name = "scripted";
  definition.intents.push_back({.match = {"hello, I am {name}"}, .steps = {}, .say = "Hello, {name}!"});
  sennit::Agent agent(runtime, definition);
  sennit::Run run = agent.session().start("Hello, I am Mei");
  sennit::Outcome outcome = co_await run.wait();
  std::cout << outcome.text << '\n';
  status = outcome.ending == sennit::Ending::completed && outcome.text == "Hello, Mei!" ? 0 : 1;
  co_await runtime.shutdown();
}

int main() {
  asio::io_context io;
  int status = 1;
  sennit::RuntimeOptions options;
  options.executor = io.get_executor();
  sennit::Runtime runtime(sennit::builtin(), options);
  asio::co_spawn(io, converse(runtime, status), [](std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
  });
  io.run();
  return status;
}
