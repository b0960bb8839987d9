// `sennit runs`: what becomes of a run whose program was killed, or that waits for a person, from the command line.
#include "app/conversation.hpp"
#include "app/kept.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <atomic>
#include <csignal>
#include <future>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::Matches;

namespace {

std::string writes(std::string_view file) {
  return R"({"path":")" + std::string(file) + R"(","content":"hi\n"})";
}

Reply answer(const HttpRequest& request) {
  const auto [role, text] = last_message(request);
  if (role == "tool") return Answer().text("The tool said: ").text(text).reply();
  if (text == "add") return Answer().text("Let me see.").call("calculator", R"({"expression":"17*23"})").reply();
  if (text == "write") return Answer().call("files_write", writes("note.txt")).reply();
  if (text == "both") return Answer().call("files_write", writes("a.txt")).call("files_write", writes("b.txt")).reply();
  if (text == "ask") return Answer().call("ask", R"({"question":"Which colour?"})").reply();
  return Answer().text("<" + text + ">").reply();
}

struct Office : Kept {
  Office() { folder.write("agent.yaml", agent_for(server, "tools: [calculator, ask, {files: {write: true}}]\n")); }
  HttpServer server{answer};
};

}  // namespace

TEST_CASE("a run whose program was killed in an answer is listed, shown, and gone on with") {
  std::atomic<bool> stalls{true};
  HttpServer server([&](const HttpRequest& request) {
    const auto [role, text] = last_message(request);
    if (role == "user") return Answer().text("Let me see.").call("calculator", R"({"expression":"17*23"})").reply();
    return stalls ? Answer().text("I begin").silence() : Answer().text("It is ").text(text).reply();
  });
  Kept kept;
  kept.folder.write("agent.yaml", agent_for(server, "tools: [calculator]\n"));
  {
    Program program({"run", "--session", "s", "agent.yaml", "add"}, kept.options());
    program.until_out("I begin");
    program.signal(SIGKILL);
    REQUIRE(program.wait().status == 128 + SIGKILL);
  }
  stalls = false;
  const Ended listed = kept.runs({"list"});
  CHECK(listed.status == 0);
  CHECK_THAT(listed.out, Matches("ID +STARTED +AGENT +SESSION +STATE +INPUT\n"
                                 "[0-9a-z]{10} +20..-..-.. ..:.. +tester +s +interrupted +add\n"));
  const Ended shown = kept.runs({"show", "last"});
  CHECK_THAT(shown.out, ContainsSubstring("state       interrupted\n") &&
                            ContainsSubstring("calculator(expression: \"17*23\") → “391”") &&
                            ContainsSubstring("“Let me see.” → calculator"));
  const std::string id = kept.newest();
  const Ended resumed = kept.runs({"resume", id.substr(0, 12)});
  CHECK(resumed.status == 0);
  CHECK(resumed.out == "Let me see.\nIt is 391\n");
  CHECK_THAT(kept.runs({"list"}).out, ContainsSubstring("completed"));
  CHECK(server.requests().size() == 3);  // the first answer was not asked for again
  const Ended again = kept.runs({"resume", id});
  CHECK(again.status == 2);
  CHECK_THAT(again.err, ContainsSubstring("has ended"));
}

TEST_CASE("without an id all interrupted runs go on") {
  std::atomic<bool> stalls{true};
  HttpServer server([&](const HttpRequest& request) {
    if (stalls) return Answer().text("I begin").silence();
    return Answer().text("<" + last_message(request).second + ">").reply();
  });
  Kept kept;
  kept.folder.write("agent.yaml", agent_for(server));
  CHECK_THAT(kept.runs({"resume"}).err, ContainsSubstring("No run was interrupted"));
  for (const char* input : {"one", "two"}) {
    Program program({"run", "agent.yaml", input}, kept.options());
    program.until_out("I begin");
    program.signal(SIGKILL);
    REQUIRE(program.wait().status == 128 + SIGKILL);
  }
  stalls = false;
  const Ended resumed = kept.runs({"resume"});
  CHECK(resumed.status == 0);
  CHECK(resumed.out == "<one>\n<two>\n");
  CHECK_THAT(resumed.err, ContainsSubstring("resuming " + kept.newest() + " · tester · two\n"));
}

TEST_CASE("an approval waits in the store, is answered from elsewhere, and the run goes on") {
  Office office;
  const Ended suspended = office.run({"--suspend", "agent.yaml", "write"});
  CHECK(suspended.status == 5);
  const std::string id = office.newest();
  CHECK_THAT(suspended.err, ContainsSubstring("suspended: waits for approval of files_write\n  sennit runs answer " +
                                              id + " …\n  sennit runs resume " + id + "\n"));
  CHECK_THAT(office.runs({"list", "--waiting"}).out, ContainsSubstring("waiting for approval of files_write"));
  const Ended nameless = office.runs({"resume", ""});
  CHECK(nameless.status == 2);
  CHECK_THAT(nameless.err, ContainsSubstring("the run's id is empty"));
  const Ended early = office.runs({"resume", id});
  CHECK(early.status == 5);
  CHECK_THAT(early.err, ContainsSubstring("sennit runs answer " + id + " ANSWER"));
  const Ended open = office.runs({"answer", id});
  CHECK(open.status == 0);
  CHECK_THAT(open.out, ContainsSubstring("4.1.approval: Allow files_write?") &&
                           ContainsSubstring("    path: note.txt\n    content: hi\n") &&
                           ContainsSubstring("once (yes), always, never (no)"));
  const Ended wrong = office.runs({"answer", id, "perhaps"});
  CHECK(wrong.status == 2);
  CHECK_THAT(wrong.err, ContainsSubstring("'perhaps' is no answer to 4.1.approval; known: once (yes), always, never"));
  CHECK_FALSE(std::filesystem::exists(office.folder / "note.txt"));
  const Ended answered = office.runs({"answer", id, "yes"});
  CHECK(answered.out == "answered 4.1.approval: once\nGo on with: sennit runs resume " + id + "\n");
  CHECK_THAT(office.runs({"show", id}).out, ContainsSubstring("answered: resume it") &&
                                                ContainsSubstring("4.1.approval asked") &&
                                                ContainsSubstring("\n  sennit runs resume " + id + "\n"));
  CHECK(office.runs({"list", "--waiting"}).out == "No run waits for a person.\n");
  CHECK_THAT(office.runs({"answer", id, "no"}).out, ContainsSubstring("4.1.approval: never (instead of 'once')\n"));
  CHECK_THAT(office.runs({"answer", id, "yes"}).out, ContainsSubstring("4.1.approval: once (instead of 'never')\n"));
  const Ended resumed = office.runs({"resume", id});
  CHECK(resumed.status == 0);
  CHECK_THAT(resumed.out, ContainsSubstring("The tool said: "));
  CHECK(read_file(office.folder / "note.txt") == "hi\n");
  CHECK_THAT(office.runs({"show", id}).out, ContainsSubstring("→ “once”"));
  CHECK(office.runs({"list", "--waiting"}).out == "No run waits for a person.\n");
  CHECK(office.runs({"answer", id, "yes"}).status == 2);
}

TEST_CASE("two approvals side by side have an id each") {
  Office office;
  REQUIRE(office.run({"--suspend", "agent.yaml", "both"}).status == 5);
  const std::string id = office.newest();
  const Ended which = office.runs({"answer", "last", "once"});
  CHECK(which.status == 2);
  CHECK_THAT(which.err, ContainsSubstring("several requests are open") && ContainsSubstring("4.1.approval: Allow") &&
                            ContainsSubstring("b.txt"));
  CHECK_THAT(office.runs({"answer", id, "9.9.approval", "once"}).err, ContainsSubstring("does not wait for"));
  CHECK_THAT(office.runs({"answer", id, "4.1.approval", "never"}).out,
             ContainsSubstring("still open:\n4.2.approval: "));
  CHECK(office.runs({"resume", id}).status == 5);  // one of them is still open
  const Ended resumed = office.runs({"answer", id, "4.2.approval", "once", "--resume"});
  CHECK(resumed.status == 0);
  CHECK_FALSE(std::filesystem::exists(office.folder / "a.txt"));
  CHECK(read_file(office.folder / "b.txt") == "hi\n");
}

TEST_CASE("what was open is settled beforehand by --yes and --no") {
  Office office;
  REQUIRE(office.run({"--suspend", "agent.yaml", "write"}).status == 5);
  const bool yes = GENERATE(true, false);
  const Ended resumed = office.runs({"resume", yes ? "--yes" : "--no", "last"});
  CHECK(resumed.status == 0);
  CHECK(std::filesystem::exists(office.folder / "note.txt") == yes);
}

TEST_CASE("a question waits in the store and takes any words") {
  Office office;
  REQUIRE(office.run({"--suspend", "agent.yaml", "ask"}).status == 5);
  CHECK_THAT(office.runs({"answer", "last"}).out, ContainsSubstring(": Which colour?\n"));
  const Ended resumed = office.runs({"answer", "last", "sky", "blue", "--resume"});
  CHECK(resumed.status == 0);
  CHECK_THAT(resumed.out, ContainsSubstring("sky blue"));
}

TEST_CASE("a waiting run is cancelled") {
  Office office;
  REQUIRE(office.run({"--suspend", "agent.yaml", "ask"}).status == 5);
  const std::string id = office.newest();
  CHECK(office.runs({"cancel", id, "not needed"}).out == "cancelled " + id + "\n");
  CHECK_THAT(office.runs({"show", id}).out, ContainsSubstring("cancelled: not needed"));
  CHECK_THAT(office.runs({"cancel", id}).err, ContainsSubstring("has ended"));
}

TEST_CASE("of a call that the program was killed in, a person says what became of it") {
  std::atomic<bool> stalls{true};
  std::atomic<int> paid{0};
  std::promise<void> paying;
  std::string url;
  HttpServer server([&](const HttpRequest& request) {
    if (request.target == "/pay") {
      ++paid;
      if (!stalls) return Reply::text("receipt 18");
      paying.set_value();
      return Reply::text("").stall();
    }
    const auto [role, text] = last_message(request);
    if (role == "tool") return Answer().text("So: ").text(text).reply();
    return Answer().call("http_send", R"({"method":"POST","url":")" + url + R"(","body":"100"})").reply();
  });
  url = server.url("/pay");
  Kept kept;
  kept.folder.write("agent.yaml",
                    agent_for(server, "tools: [{http: {allow_private: true}}]\npolicy: {allow: [\"*\"]}\n"));
  {
    Program program({"run", "agent.yaml", "pay"}, kept.options());
    REQUIRE(paying.get_future().wait_for(kPatience) == std::future_status::ready);
    program.signal(SIGKILL);
    REQUIRE(program.wait().status == 128 + SIGKILL);
  }
  stalls = false;
  const Ended parked = kept.runs({"resume", "last"});
  CHECK(parked.status == 5);
  CHECK_THAT(parked.err, ContainsSubstring("? It is not known whether http_send(") &&
                             ContainsSubstring("suspended: waits for what became of http_send"));
  CHECK(paid == 1);
  CHECK_THAT(kept.runs({"answer", "last", "perhaps"}).err, ContainsSubstring("\"done: RESULT\", \"not done\", abort"));
  SECTION("it was not done") {
    CHECK_THAT(kept.runs({"answer", "last", "not done"}).out, ContainsSubstring("answered 4.1.doubt: not done\n"));
    const Ended resumed = kept.runs({"resume", "last"});
    CHECK(resumed.status == 0);
    CHECK_THAT(resumed.out, ContainsSubstring("receipt 18"));
    CHECK(paid == 2);
  }
  SECTION("it was done, and gave this") {
    const Ended resumed = kept.runs({"answer", "last", "done: receipt 17", "--resume"});
    CHECK(resumed.status == 0);
    CHECK(resumed.out == "So: receipt 17\n");
    CHECK(paid == 1);
  }
  SECTION("nobody wants to go on") {
    const Ended resumed = kept.runs({"answer", "last", "abort", "--resume"});
    CHECK(resumed.status == 130);
    CHECK_THAT(resumed.err, ContainsSubstring("cancelled: a person aborted the run"));
    CHECK(paid == 1);
  }
  SECTION("a person at the terminal is asked") {
    NEEDS_TMUX;
    const Tmux terminal(kept.folder.path(), std::string(SENNIT_PROGRAM) + " runs resume last; echo [status $?]");
    CHECK_THAT(terminal.until("[d]one  [n]ot done  [a]bort"),
               ContainsSubstring("? It is not known whether http_send(method: \"POST\""));
    terminal.press({"N"});
    CHECK_THAT(terminal.until("[status 0]"),
               ContainsSubstring("[a]bort  not done\n") && ContainsSubstring("receipt 18"));
    CHECK(paid == 2);
  }
}

TEST_CASE("at a terminal a waiting run simply asks", "[tmux]") {
  NEEDS_TMUX;
  Office office;
  REQUIRE(office.run({"--suspend", "agent.yaml", "both"}).status == 5);
  REQUIRE(office.runs({"answer", "last", "4.1.approval", "once"}).status == 0);
  const Tmux terminal(office.folder.path(), std::string(SENNIT_PROGRAM) + " runs resume last; echo [status $?]");
  const std::string screen = terminal.until("[y] once");
  CHECK_THAT(screen, ContainsSubstring("b.txt"));
  terminal.press({"n"});
  terminal.until("[status 0]");
  CHECK(std::filesystem::exists(office.folder / "a.txt"));
  CHECK_FALSE(std::filesystem::exists(office.folder / "b.txt"));
}

TEST_CASE("a conversation's runs know where their agent came from", "[tmux]") {
  NEEDS_TMUX;
  const Kept kept;
  {
    const Tmux terminal(kept.folder.path(), std::string(SENNIT_PROGRAM) + " -m scripted");
    terminal.until("›");
    terminal.type("what is 17*23");
    terminal.press({"Enter"});
    terminal.until("17*23 is 391.");
  }
  CHECK_THAT(kept.runs({"list", "--json"}).out,
             ContainsSubstring(R"("origin":{"builtin":"assistant","model":"scripted"})"));
  CHECK(kept.runs({"replay", "last"}).out == "17*23 is 391.\n");
}

TEST_CASE("a run waits for its session if it is told to") {
  std::atomic<bool> stalls{true};
  HttpServer server([&](const HttpRequest& request) {
    if (stalls.exchange(false)) return Answer().text("I begin").silence();
    return Answer().text(std::to_string(message_count(request))).reply();
  });
  Kept kept;
  kept.folder.write("agent.yaml", agent_for(server));
  Program first({"run", "--session", "s", "agent.yaml", "one"}, kept.options());
  first.until_out("I begin");
  const Ended refused = kept.run({"--session", "s", "agent.yaml", "two"});
  CHECK(refused.status == 1);
  CHECK_THAT(refused.err, ContainsSubstring("has a run already"));
  CHECK(kept.run({"--session", "s", "--wait=50ms", "agent.yaml", "two"}).status == 1);
  CHECK(kept.run({"--session", "s", "--wait=soon", "agent.yaml", "two"}).status == 2);
  Program second({"run", "--session", "s", "--wait", "10m", "agent.yaml", "two"}, kept.options());
  first.signal(SIGINT);
  CHECK(first.wait().status == 130);
  CHECK(second.wait().out == "3\n");
}

TEST_CASE("wrong ids and words are told from each other") {
  Office office;
  CHECK(office.runs({"list"}).out == "There are no runs.\n");
  CHECK(office.runs({}).out == "There are no runs.\n");
  CHECK_THAT(office.runs({"show", "last"}).err, ContainsSubstring("there is no run yet"));
  CHECK(office.run({"agent.yaml", "hello"}).status == 0);
  for (const char* command : {"show", "resume", "cancel", "replay", "export"}) {
    const Ended unknown = office.runs({command, "zzzz"});
    CHECK(unknown.status == 2);
    CHECK_THAT(unknown.err, ContainsSubstring("there is no run 'zzzz'"));
  }
  CHECK_THAT(office.runs({"lst"}).err, ContainsSubstring("did you mean `sennit runs list`?"));
  CHECK_THAT(office.runs({"show", "--jsn", "last"}).err,
             ContainsSubstring("did you mean --json?") && ContainsSubstring("See `sennit runs show --help`"));
  CHECK_THAT(office.runs({"replay", "no/such.run.jsonl"}).err, ContainsSubstring("there is no such file"));
  CHECK_THAT(office.runs({"answer", "last", "yes"}).err, ContainsSubstring("waits for no answer"));
  CHECK(run_program({"--no-store", "runs", "list"}, office.options()).status == 2);
  Program::Options lease = office.options();
  lease.environment["SENNIT_LEASE"] = "soon";
  const Ended wrong = run_program({"runs", "list"}, lease);
  CHECK(wrong.status == 2);
  CHECK_THAT(wrong.err, ContainsSubstring("SENNIT_LEASE is 'soon'; a duration is wanted"));
  lease.environment["SENNIT_LEASE"] = "2s";
  CHECK(run_program({"runs", "list"}, lease).status == 0);
}

TEST_CASE("prune deletes what is old and ended, and exports it first") {
  Office office;
  CHECK(office.run({"--session", "s", "agent.yaml", "one"}).status == 0);
  CHECK(office.run({"agent.yaml", "two"}).status == 0);
  CHECK(office.run({"--suspend", "agent.yaml", "ask"}).status == 5);
  CHECK(office.runs({"prune", "--older-than", "never"}).status == 2);
  CHECK(office.runs({"prune", "--older-than", "30"}).status == 2);  // seconds? days?
  CHECK_THAT(office.runs({"prune", "--older-than", "1d"}).out, ContainsSubstring("deleted nothing"));
  CHECK_THAT(office.runs({"prune", "--older-than", "0s", "--dry-run", "--export", "old"}).out,
             Matches("would delete 2 runs, [0-9.]+ (KiB|bytes)\n"));
  CHECK_FALSE(std::filesystem::exists(office.folder / "old"));
  const Ended pruned = office.runs({"prune", "--older-than", "0s", "--export", "old"});
  CHECK(pruned.status == 0);
  CHECK_THAT(pruned.out, Matches("deleted 2 runs, [0-9.]+ (KiB|bytes)\nsennit.db: .* → .*\n"));
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(office.folder / "old")) {
    CHECK(office.runs({"replay", entry.path().string()}).status == 0);
    ++files;
  }
  CHECK(files == 2);
  const std::string left = office.runs({"list"}).out;
  CHECK_THAT(left, ContainsSubstring("waiting for an answer") && !ContainsSubstring("completed"));
  CHECK(office.run({"--session", "s", "agent.yaml", "three"}).out == "<three>\n");
}
