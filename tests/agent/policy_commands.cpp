// Rules on command lines: what only a shell can know fits all that denies, and is allowed by nothing.
#include "agent/policy_call.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace sennit;
using namespace sennit::testing;

namespace {

PolicyCall command(std::string_view given, bool script = false) {
  PolicyCall call = with("line", "command", json::value(given));
  if (script) call.facets.emplace("=true", "script");
  return call;
}

}  // namespace

TEST_CASE("a command that is allowed is not the beginning of another one") {
  CHECK(allows("command", {"git status*"}, command("git status -s")));
  CHECK(allows("command", {"git status*"}, command("git status -s", true)));
  for (const char* more : {"git status; rm -rf ~", "git status && rm x", "git status | sh", "git status\nrm x",
                           "git status `rm x`", "git status $(rm x)", "git status > ~/.profile", "git status & rm x",
                           "git status <(rm x)", "git status \\\nrm"}) {
    INFO(more);
    CHECK_FALSE(allows("command", {"git status*"}, command(more, true)));
  }
  CHECK(denies("command", {"*rm -rf*"}, command("ls; rm -rf ~", true)));
  CHECK_FALSE(denies("command", {"rm *"}, command("ls rm", false)));
}

TEST_CASE("a command is denied wherever it stands in a script, and however it is written") {
  const Patterns dangerous{"rm *", "git push*"};
  for (const char* line : {"ls; rm -rf x",
                           " rm -rf x",
                           "\trm  -rf x",
                           "ls && rm x",
                           "ls || rm x",
                           "ls | rm x",
                           "ls & rm x",
                           "ls\nrm x",
                           "git  push",
                           "git \"push\"",
                           "git p\"\"ush",
                           "git p''ush",
                           "git pu\\sh",
                           "git pu\\\nsh",
                           "/bin/rm -rf x",
                           "../../bin/rm x",
                           "\"rm\" x",
                           "'/bin/rm' x",
                           "A=rm; $A x",
                           "X=1 rm x",
                           "eval rm x",
                           "command rm x",
                           "if rm x; then :; fi",
                           "! rm x",
                           "{ rm x; }",
                           "(rm x)",
                           "`rm x`",
                           "$(rm x)",
                           "echo \"$(rm x)\"",
                           "git pus[h]",
                           "git pu*",
                           "git >x push",
                           "g{it,} push",
                           "r\\m x",
                           "ls 'x",
                           "ls \"x",
                           "cat <<E\nE\nrm x",
                           "$'rm' x",
                           "~/rm x",
                           "ls # '\nrm x\n# '"}) {
    INFO(line);
    CHECK(denies("command", dangerous, command(line, true)));
    CHECK_FALSE(allows("command", {"*", "!rm *", "!git push*"}, command(line, true)));
  }
}

TEST_CASE("a script that can be read is not denied for another command") {
  for (const char* line : {"git commit -m \"rm x\"", "ls -l; make test", "echo 'git push; rm x' | cat",
                           "cd src && git status", "git diff HEAD~1", "rmdir x", "make CC=gcc # as usual",
                           "echo \"it's\"", "ls # it's `this`; rm x", "grep \\; x", ""}) {
    INFO(line);
    CHECK_FALSE(denies("command", {"rm *", "git push*"}, command(line, true)));
  }
}

TEST_CASE("an argument in quotes, and one blank more, keep no command from being allowed") {
  for (const char* line : {"git commit -m \"x  y\"", "git commit -m 'x'", "  git \t commit  "}) {
    INFO(line);
    CHECK(allows("command", {"git *"}, command(line, true)));
    CHECK(allows("command", {"git *", "!git push*"}, command(line, true)));
  }
  CHECK_FALSE(allows("command", {"git commit -m x"}, command("git commit -m \"x\"", true)));
  CHECK_FALSE(allows("command", {"!git push*"}, command("ls; make", true)));
  CHECK_FALSE(allows("command", {"git status*"}, command("/tmp/git status", true)));
}

TEST_CASE("of what is allowed otherwise no script is left that only begins so") {
  CHECK(denies("command", {"!git status*"}, command("git status; rm x", true)));
  CHECK(denies("command", {"!git status*"}, command("git status $(rm x)", true)));
  CHECK_FALSE(denies("command", {"!git status*"}, command("git status -s", true)));
}

TEST_CASE("of words that no shell reads each is what it is") {
  CHECK(denies("command", {"rm *"}, command("/bin/rm -rf x")));
  CHECK(denies("command", {"git commit *"}, command("git commit -m 'a b'")));
  CHECK_FALSE(denies("command", {"rm *"}, command("echo 'a;' 'rm x' '$y' '*'")));
  CHECK_FALSE(denies("command", {"*DROP *"}, command("SELECT count(*) FROM t WHERE a = 'x'")));
}

TEST_CASE("an argument called command may be read by a shell: nobody says that it is not") {
  const auto plain = [](json::value line) { return PolicyCall{.arguments = {{"command", std::move(line)}}}; };
  CHECK(allows("command", {"git *"}, plain("git status")));
  CHECK_FALSE(allows("command", {"git *"}, plain("git status; rm x")));
  CHECK(denies("command", {"rm *"}, plain("ls; rm x")));
  CHECK(denies("command", {"rm *"}, plain(json::array{"/bin/rm", "-rf", "x"})));
  CHECK(denies("command", {"rm *"}, plain(json::array{"ls", "rm -rf x"})));
  CHECK_FALSE(allows("command", {"git *"}, plain(json::array{"git x", "rm -rf x"})));
  CHECK_FALSE(denies("command", {"rm *"}, plain(json::array{"git", "rm", "x"})));
}
