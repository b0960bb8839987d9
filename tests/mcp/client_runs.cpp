// Servers in runs: shared by shards, found when a run begins, and gone when the program ends.
#include "mcp/source.hpp"
#include "support/recorded_runs.hpp"
#include "support/test_hooks.hpp"
#include "support/world.hpp"

#include <boost/asio/use_future.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <thread>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A loop with a thread of its own.
struct Shard {
  asio::io_context loop{1};
  asio::executor_work_guard<asio::io_context::executor_type> keep{loop.get_executor()};
  Pool pool{1};
  LoopEnvironment environment{loop.get_executor(), pool};
  std::thread thread{[this] { loop.run(); }};

  Shard() = default;
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  ~Shard() {
    keep.reset();
    asio::post(loop, [this] { environment.close(); });
    thread.join();
  }
};

class Asker final : public ToolContext {
 public:
  explicit Asker(Environment& environment) : environment_(environment) {}
  Environment& environment() override { return environment_; }
  const std::string& effect_id() const override { return nothing_; }
  const std::string& session() const override { return nothing_; }
  Memory* memory() override { return nullptr; }
  const Labels& labels() const override { return labels_; }
  void progress(std::string /*text*/) override {
    if (std::this_thread::get_id() == thread) ++told;
  }
  asio::awaitable<std::string> ask(std::string /*question*/) override {
    if (std::this_thread::get_id() == thread) ++asked;
    co_return std::string("Ada");
  }
  asio::awaitable<Outcome> delegate(const Agent& /*agent*/, std::string /*task*/) override {
    throw Error(errc::denied, "no");
  }

  std::thread::id thread;
  int told = 0;
  int asked = 0;

 private:
  Environment& environment_;
  std::string nothing_;
  Labels labels_;
};

/// Lists, then calls again and again; gives how many calls went well.
asio::awaitable<int> work(ToolSource& source, Environment& environment, int calls) {
  auto listing = source.tools(environment);
  const Tools tools = co_await std::move(listing);
  Asker person(environment);
  person.thread = std::this_thread::get_id();
  int well = 0;
  for (int i = 0; i < calls; ++i) {
    auto echoing = tool_named(tools, "test_echo").call({{"text", std::to_string(i)}}, person);
    const ToolOutput output = co_await std::move(echoing);
    well += output.content == std::to_string(i) ? 1 : 0;
  }
  auto counting = tool_named(tools, "test_count").call({{"to", 2}}, person);
  const ToolOutput counted = co_await std::move(counting);
  well += counted.content == "counted to 2" ? 1 : 0;
  well += person.told == 2 ? 1 : 0;
  co_return well;
}

asio::awaitable<int> ask(ToolSource& source, Environment& environment) {
  auto listing = source.tools(environment);
  const Tools tools = co_await std::move(listing);
  Asker person(environment);
  person.thread = std::this_thread::get_id();
  auto asking = tool_named(tools, "test_ask").call({}, person);
  (void)co_await std::move(asking);
  co_return person.asked;
}

Agent with_server(World& world, const McpServer& server) {
  Definition definition;
  definition.mcp = {server};
  definition.policy.allow = {"test_*"};
  definition.policy.flow.untrusted = Verdict::allow;  // what the server says of its tools is text from outside
  definition.policy.unsandboxed = true;
  return world.agent(definition);
}

ToolResult result_in(const std::vector<Event>& events) {
  for (const Event& event : events) {
    if (const auto* finished = std::get_if<ToolFinished>(&event.data)) return finished->result;
  }
  return {};
}

}  // namespace

TEST_CASE("a connection is shared by shards: each hears its own answers on its own thread") {
  const Source source(test_server());
  Shard first;
  Shard second;
  Shard third;
  std::vector<std::future<int>> results;
  for (int i = 0; i < 3; ++i) {
    for (Shard* shard : {&first, &second, &third}) {
      results.push_back(asio::co_spawn(shard->loop, work(*source, shard->environment, 20), asio::use_future));
    }
  }
  for (auto& result : results) CHECK(result.get() == 22);
  // The server asks back, and is answered where the call came from.
  CHECK(asio::co_spawn(third.loop, ask(*source, third.environment), asio::use_future).get() == 4);
}

TEST_CASE("a run finds a server's tools, is asked to approve none, and uses them") {
  int turn = 0;
  World world([&turn](const CompletionRequest& request) {
    if (turn++ == 0) {
      CHECK(
          std::any_of(request.tools.begin(), request.tools.end(), [](const auto& t) { return t.name == "test_echo"; }));
      return Turn{{calls(0, "c1", "test_echo", R"({"text":"hello"})")}};
    }
    return Turn{{TextDelta{"done"}}};
  });
  McpServer server = test_server();
  server.reviewed = true;
  const Agent agent = with_server(world, server);
  Run run = agent.session().start("go");
  const std::vector<Event> events = elsewhere(read_all(run));
  bool heard = false;
  for (const Event& event : events) {
    if (const auto* finished = std::get_if<ToolFinished>(&event.data)) heard = finished->result.content == "hello";
  }
  CHECK(heard);
}

TEST_CASE(
    "what an agent says of its servers counts for nothing where the deployment has a rule for text from outside") {
  World world(plays({calling({calls(0, "c1", "test_echo", R"({"text":"hello"})")}), text({"done"})}),
              {.policy = {.flow = {.untrusted = Verdict::deny}}});
  McpServer server = test_server();
  server.reviewed = true;
  Run run = with_server(world, server).session().start("go");
  CHECK_THAT(result_in(elsewhere(read_all(run))).content,
             ContainsSubstring("not allowed (deployment policy.flow.untrusted"));
}

TEST_CASE("what was reviewed is a tool as it was pinned, and not what it has become") {
  const TempDir state;
  std::vector<Event> events;
  for (const char* tools : {"", "changed"}) {
    CAPTURE(tools);
    World world(plays({calling({calls(0, "c1", "test_count", R"({"to":1})")}), text({"done"})}),
                {.state = state.path()});
    McpServer server = test_server();
    server.reviewed = true;
    server.env["SENNIT_TEST_TOOLS"] = tools;
    Definition definition;
    definition.mcp = {server};
    definition.policy.allow = {"test_*"};
    definition.policy.flow.untrusted = Verdict::deny;
    definition.policy.unsandboxed = true;
    Run run = world.agent(definition).session().start("go");
    events = elsewhere(read_all(run));
    // A tool that is as it was, and a conversation that has read of one that is not.
    const std::string said = result_in(events).content;
    CHECK_THAT(said, ContainsSubstring(*tools == '\0' ? "counted to 1" : "not allowed (policy.flow.untrusted"));
  }
  const bool told = std::any_of(events.begin(), events.end(), [](const Event& event) {
    const auto* notice = std::get_if<Notice>(&event.data);
    return notice != nullptr && notice->message.find("changed its tool 'echo'") != std::string::npos;
  });
  CHECK(told);
}

TEST_CASE("what a server asks of the model passes the hooks of the agent that called it") {
  const auto hook = std::make_shared<TestHook>("watch", HookPoint::before_model, [](const HookQuestion& question) {
    const bool asked_by_server = json::serialize(question.view).find("what now") != std::string::npos;
    return asked_by_server ? blocks("a server has nothing to ask") : HookAnswer{};
  });
  World world(plays({calling({calls(0, "c1", "test_think", R"({"text":"what now"})")}), text({"done"})}), {},
              [&](Registry& registry) { registry.add_hook(hook); });
  McpServer server = test_server();
  server.sampling = Verdict::allow;
  Run run = with_server(world, server).session().start("go");
  const std::vector<Event> events = elsewhere(read_all(run));
  CHECK(hook->asked >= 2);
  CHECK_THAT(result_in(events).content, ContainsSubstring("a server has nothing to ask"));
}

TEST_CASE("a server that cannot be had costs a notice, or the run") {
  for (const bool required : {false, true}) {
    World world(says("hello"));
    McpServer server = test_server({"initialize=die"});
    server.required = required;
    Run run = with_server(world, server).session().start("go");
    const Outcome outcome = elsewhere(run.wait());
    CHECK(outcome.ending == (required ? Ending::failed : Ending::completed));
    if (required)
      CHECK_THAT(outcome.detail + (outcome.error ? outcome.error->describe() : ""), ContainsSubstring("test"));
  }
}

TEST_CASE("the end of a runtime does not wait for a server that does not end") {
  const auto begin = std::chrono::steady_clock::now();
  {
    World world(says("hello"));
    const Agent agent = with_server(world, test_server({"start=stubborn"}));
    Run run = agent.session().start("go");
    CHECK(elsewhere(run.wait()).ending == Ending::completed);
  }
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
}
