// kill -9 at the moments that matter: what the next run of the session is told of the calls that were left open.
#include "app/model_server.hpp"
#include "app/program.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <csignal>
#include <future>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

enum class Moment { answering, paying, paid };

/// A model that pays when it is told to, and the till that it pays at. At `moment` silence falls, and `reached` tells.
struct Shop {
  explicit Shop(Moment when) : moment(when) {
    folder.write("agent.yaml", agent_for(server, "tools: [{http: {allow_private: true}}]\npolicy: {allow: [\"*\"]}\n"));
  }

  Reply answer(const HttpRequest& request) {
    if (request.target == "/pay") {
      if (moment != Moment::paying) return Reply::text("receipt 17");
      reached.set_value();
      return Reply::text("").stall();
    }
    const auto [role, text] = last_message(request);
    if (text.ends_with("again")) return Answer().text("ready").reply();
    if (role == "user" && moment != Moment::answering) {
      const std::string arguments = R"({"method":"POST","url":")" + server.url("/pay") + R"(","body":"100"})";
      return Answer().call("http_send", arguments).reply();
    }
    reached.set_value();
    return Reply::text("").stall();
  }

  Program::Options options() const { return {.folder = folder.path(), .input = {}, .environment = {}}; }

  /// Kills a run at the moment; what the next one asks the model.
  std::string killed_and_continued() {
    {
      Program program({"run", "--session", "s", "agent.yaml", "pay"}, options());
      REQUIRE(reached.get_future().wait_for(kPatience) == std::future_status::ready);
      program.signal(SIGKILL);
      REQUIRE(program.wait().status == 128 + SIGKILL);
    }
    const Ended next = run_program({"run", "--session", "s", "agent.yaml", "again"}, options());
    REQUIRE(next.out == "ready\n");
    CHECK_THAT(next.err, ContainsSubstring("was interrupted, and is ended by this one"));
    // That is told again as well.
    CHECK_THAT(run_program({"runs", "replay", "last"}, options()).err,
               ContainsSubstring("was interrupted, and is ended by this one"));
    return server.requests().back().body;
  }

  const Moment moment;
  std::promise<void> reached;
  TempDir folder;
  HttpServer server{[this](const HttpRequest& request) { return answer(request); }};
};

}  // namespace

TEST_CASE("a call that was done before the program was killed is not called undone") {
  const std::string request = Shop(Moment::paid).killed_and_continued();
  CHECK_THAT(request, ContainsSubstring("receipt 17") && !ContainsSubstring("not done"));
}

TEST_CASE("of a call that the program was killed in, nobody claims to know") {
  const std::string request = Shop(Moment::paying).killed_and_continued();
  CHECK_THAT(request, ContainsSubstring("it is not known whether it was done") && !ContainsSubstring("not done"));
}

TEST_CASE("what a person said is kept, though the program was killed before the answer") {
  CHECK_THAT(Shop(Moment::answering).killed_and_continued(), ContainsSubstring("pay\\n"));
}
