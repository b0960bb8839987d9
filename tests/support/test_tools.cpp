#include "support/test_tools.hpp"

#include <sennit/agent/io/signal.hpp>
#include <sennit/agent/typed_tool.hpp>

namespace sennit::testing {

struct EchoArgs {
  std::string text;
};
SENNIT_DESCRIBE(EchoArgs, (text, "what to say"))

struct ShoutArgs {
  std::string text;
  int times = 2;
};
SENNIT_DESCRIBE(ShoutArgs, (text, "what to say"), (times, "how often", {.minimum = 1, .maximum = 5}))

struct FailArgs {
  std::string message;
};
SENNIT_DESCRIBE(FailArgs, (message, "the failure's words"))

struct NapArgs {
  int milliseconds;
};
SENNIT_DESCRIBE(NapArgs, (milliseconds, "how long", {.minimum = 0}))

struct BigArgs {
  int bytes;
};
SENNIT_DESCRIBE(BigArgs, (bytes, "how many", {.minimum = 0, .maximum = 100000}))

struct PayArgs {
  double amount;
};
SENNIT_DESCRIBE(PayArgs, (amount, "how much"))

namespace {

asio::awaitable<std::string> echo(EchoArgs args) {
  co_return args.text;
}

asio::awaitable<std::string> shout(ShoutArgs args, ToolContext& context) {
  std::string all;
  for (int i = 0; i < args.times; ++i) {
    context.progress(args.text + "!");
    all += args.text + "!";
  }
  co_return all;
}

asio::awaitable<std::string> fail(FailArgs args) {
  throw Error(errc::tool, args.message);
  co_return "";
}

asio::awaitable<ToolOutput> refuse() {
  co_return ToolOutput{"no", true};
}

asio::awaitable<std::string> nap(NapArgs args, ToolContext& context) {
  co_await context.environment().sleep(milliseconds(args.milliseconds));
  co_return "slept " + std::to_string(args.milliseconds) + " ms";
}

std::string big(BigArgs args) {
  return std::string(static_cast<std::size_t>(args.bytes), 'x');
}

asio::awaitable<std::string> pay(PayArgs args) {
  co_return "paid " + std::to_string(static_cast<int>(args.amount));
}

asio::awaitable<std::string> question(EchoArgs args, ToolContext& context) {
  std::string answer = co_await context.ask(args.text);
  co_return "they said " + answer;
}

asio::awaitable<std::string> hang() {
  Signal never;
  co_await never.wait();
  co_return "";
}

asio::awaitable<std::string> curse() {
  throw 42;
  co_return "";
}

asio::awaitable<std::string> stubborn(ToolContext& context) {
  context.progress("begun");
  Signal never;
  try {
    co_await never.wait();
  } catch (const Error&) {  // it had begun, and cannot be stopped
  }
  co_return "done all the same";
}

std::string fail_at_length() {
  throw Error(errc::tool, std::string(5000, 'x'));
}

std::string garble(EchoArgs args) {
  if (args.text == "fail")
    throw Error(errc::tool,
                "a\xff"
                "b");
  return "a\xff"
         "b";
}

}  // namespace

void add_test_tools(Registry& registry) {
  const ToolTraits harmless{.repeat = Repeat::idempotent};
  registry.add_tool("echo", "Says it again", echo, harmless);
  registry.add_tool("shout", "Says it loudly", shout, harmless);
  registry.add_tool("fail", "Fails", fail, harmless);
  registry.add_tool("refuse", "Gives an error", refuse, harmless);
  registry.add_tool("nap", "Sleeps", nap, ToolTraits{.repeat = Repeat::idempotent, .timeout = milliseconds(200)});
  registry.add_tool("big", "Gives much", big, ToolTraits{.repeat = Repeat::idempotent, .output_limit = 1000});
  registry.add_tool("pay", "Pays", pay, ToolTraits{.touches = {.money = true}});
  registry.add_tool("save", "Saves", echo, ToolTraits{.touches = {.write = true}});
  registry.add_tool("question", "Asks the person", question, ToolTraits{.timeout = milliseconds(0)});
  registry.add_tool("hang", "Never ends", hang, ToolTraits{.timeout = milliseconds(0)});
  registry.add_tool("stubborn", "Ends well in spite of all", stubborn, ToolTraits{.timeout = milliseconds(0)});
  registry.add_tool("fail_at_length", "Fails in many words", fail_at_length,
                    ToolTraits{.repeat = Repeat::idempotent, .output_limit = 1000});
  registry.add_tool("garble", "Gives no text", garble, harmless);
  registry.add_tool("curse", "Throws a number", curse, harmless);
}

}  // namespace sennit::testing
