// The tool `shell` as a model meets it. Attempts to get out of its sandbox are in escapes.cpp.
#include "support/http_server.hpp"
#include "support/need_sandbox.hpp"
#include "tools/tool_call.hpp"
#include <sennit/agent/definition.hpp>
#include <sennit/agent/io/sandbox.hpp>
#include <sennit/agent/registry.hpp>
#include <sennit/agent/sandbox_box.hpp>
#include <sennit/tools/shell.hpp>
#include <sennit/tools/shell_child.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>
#include <cstdlib>
#include <string>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace fs = std::filesystem;

namespace {

Tools shell_of(const TempDir& folder, const json::object& options) {
  Definition definition;
  definition.file = folder / "agent.yaml";
  const Registry registry;
  return make_shell(options, PartContext{definition, registry, folder / "state"});
}

ToolOutput script(TestEnvironment& env, const Tools& tools, std::string text) {
  return call_output(env, tools, "shell", {{"script", std::move(text)}});
}

std::vector<std::string> facet(const Tools& tools, std::string_view name, const json::object& arguments) {
  std::vector<std::string> values;
  for (const Facet& one : tool_named(tools, "shell").facets(arguments)) {
    if (one.name == name) values.push_back(one.value);
  }
  return values;
}

}  // namespace

TEST_CASE("shell runs a program by its words, and a script by a shell") {
  NEED_SANDBOX();
  TestEnvironment env;
  const TempDir folder;
  const Tools tools = shell_of(folder, {});
  CHECK(call(env, tools, "shell", {{"argv", {"printf", "%s|", "a b", "$HOME", "*"}}}) == "a b|$HOME|*|");
  CHECK(call(env, tools, "shell", {{"script", "read x; echo $((x + 1)) | tr 2 3"}, {"input", "11\n"}}) == "13\n");
  CHECK(script(env, tools, ":").content == "[no output, exit status 0]");
}

TEST_CASE("shell tells the model what went wrong") {
  NEED_SANDBOX();
  TestEnvironment env;
  const TempDir folder;
  const Tools tools = shell_of(folder, {{"timeout", "300ms"}});
  const ToolOutput failed = script(env, tools, "echo out; echo err >&2; exit 7");
  CHECK(failed.is_error);
  CHECK(failed.content == "out\n[standard error]\nerr\n[exit status 7]");
  CHECK_THAT(script(env, tools, "sleep 20").content, ContainsSubstring("ended after 0.3 seconds"));
  CHECK_THAT(script(env, tools, "kill -SEGV $$").content, ContainsSubstring("(signal 11)"));
  const ToolOutput missing = call_output(env, tools, "shell", {{"argv", {"no-such-program"}}});
  CHECK(missing.is_error);
  CHECK_THAT(missing.content, ContainsSubstring("no-such-program"));
  for (const json::object& wrong : {json::object{}, json::object{{"argv", json::array{}}}, json::object{{"script", ""}},
                                    json::object{{"argv", {"a"}}, {"script", "b"}}}) {
    CHECK(call_error(env, tools, "shell", wrong).code() == errc::invalid_argument);
  }
}

TEST_CASE("a script longer than a command's word is refused in words") {
  NEED_SANDBOX();
  TestEnvironment env;
  const TempDir folder;
  const Tools tools = shell_of(folder, {});
  const Error error = call_error(env, tools, "shell", {{"script", std::string(child::kMaxSource + 1, ' ')}});
  CHECK(error.code() == errc::too_large);
  CHECK(call(env, tools, "shell", {{"script", "echo ok #" + std::string(child::kMaxSource - 9, 'x')}}) == "ok\n");
}

TEST_CASE("shell works in its folder, changes it, and not the agent's own files there") {
  NEED_SANDBOX();
  TestEnvironment env;
  const TempDir folder;
  folder.write("agent.yaml", "name: a");
  folder.write("state/sennit.db", "db");
  folder.write(".git/hooks/pre-commit", "hook");
  folder.write("sub/x", "");
  const Tools tools = shell_of(folder, {{"write", {"."}}});
  CHECK(script(env, tools, "pwd; echo made > made").content == folder.path().string() + "\n");
  CHECK(read_file(folder / "made") == "made\n");
  CHECK(call(env, tools, "shell", {{"argv", {"pwd"}}, {"directory", "sub"}}) == (folder / "sub").string() + "\n");
  const ToolOutput denied =
      script(env, tools,
             "for f in agent.yaml state/sennit.db state/new .git/hooks/pre-commit .git/config; do "
             "echo evil > $f; rm -f $f; done; mv state s2; mv .git g2; true");
  CHECK(read_file(folder / "agent.yaml") == "name: a");
  CHECK(read_file(folder / "state/sennit.db") == "db");
  CHECK(read_file(folder / ".git/hooks/pre-commit") == "hook");
  CHECK_FALSE(fs::exists(folder / "state/new"));
  CHECK_FALSE(fs::exists(folder / ".git/config"));
  CHECK_THAT(denied.content, ContainsSubstring("Read-only"));
}

TEST_CASE("the option git leaves the folder's repository open, and only that") {
  NEED_SANDBOX();
  TestEnvironment env;
  const TempDir folder;
  folder.write("agent.yaml", "name: a");
  fs::create_directory(folder / ".git");
  const Tools tools = shell_of(folder, {{"write", {"."}}, {"git", true}});
  (void)script(env, tools, "echo x > .git/config; echo x > agent.yaml; true");
  CHECK(read_file(folder / ".git/config") == "x\n");
  CHECK(read_file(folder / "agent.yaml") == "name: a");
}

TEST_CASE("shell changes no repository in its folder, however deep, and may make new ones") {
  NEED_SANDBOX();
  TestEnvironment env;
  const TempDir folder;
  folder.write("agent.yaml", "name: a");
  folder.write("vendor/one/.git/config", "as it was");
  folder.write("vendor/two/.git", "gitdir: ../one/.git");  // as of a submodule
  const Tools tools = shell_of(folder, {{"write", {"."}}});
  (void)script(env, tools,
               "for f in vendor/one/.git/config vendor/two/.git; do echo evil > $f; rm -f $f; done; mv vendor v2; "
               "mv vendor/one vendor/three; mkdir -p new/.git; echo x > new/.git/config; echo x > vendor/one/file");
  CHECK(read_file(folder / "vendor/one/.git/config") == "as it was");
  CHECK(read_file(folder / "vendor/two/.git") == "gitdir: ../one/.git");
  CHECK(read_file(folder / "new/.git/config") == "x\n");
  CHECK(read_file(folder / "vendor/one/file") == "x\n");
}

TEST_CASE("shell cannot change what a sub-agent's or a parent's hook runs") {
  NEED_SANDBOX();
  TestEnvironment env;
  const TempDir folder;
  folder.write("sub/hooks/check.py", "as it was");
  folder.write("sub/sub.yaml", "sennit: 1\nhooks: [{run: [python3, hooks/check.py], on: before_tool}]\n");
  folder.write("agent.yaml", "sennit: 1\nagents: [sub/sub.yaml]\n");
  const Definition definition = read_definition(folder / "agent.yaml");
  const Registry registry;
  const Tools tools = make_shell({{"write", {"."}}}, PartContext{definition, registry, folder / "state"});
  (void)script(env, tools, "cd sub/hooks; echo evil > check.py; echo evil > json.py; cd ..; mv hooks h2; true");
  CHECK(read_file(folder / "sub/hooks/check.py") == "as it was");
  CHECK_FALSE(fs::exists(folder / "sub/hooks/json.py"));
}

TEST_CASE("a directory that a model names cannot lead out") {
  NEED_SANDBOX();
  TestEnvironment env;
  const TempDir folder;
  const TempDir outside;
  fs::create_directory_symlink(outside.path(), folder / "link");
  const Tools tools = shell_of(folder, {{"write", {"."}}});
  for (const std::string& directory :
       {std::string("/"), std::string("/etc"), std::string(".."), std::string("a/../../b"), outside.path().string()}) {
    INFO(directory);
    CHECK(call_error(env, tools, "shell", {{"script", "touch x"}, {"directory", directory}}).code() == errc::denied);
  }
  const ToolOutput linked = call_output(env, tools, "shell", {{"script", "touch x"}, {"directory", "link"}});
  CHECK(linked.is_error);
  CHECK(fs::is_empty(outside.path()));
}

TEST_CASE("variables reach a child only by name, and secrets only as what they stand for") {
  NEED_SANDBOX();
  TestEnvironment env;
  const TempDir folder;
  ::setenv("SENNIT_TEST_A", "let through", 1);
  ::setenv("SENNIT_TEST_B", "kept", 1);
  const Tools tools =
      shell_of(folder, {{"allow_env", {"SENNIT_TEST_A"}}, {"env", {{"TOKEN", "is ${env:SENNIT_TEST_B}"}}}});
  const std::string text = script(env, tools, "env").content;
  ::unsetenv("SENNIT_TEST_A");
  ::unsetenv("SENNIT_TEST_B");
  CHECK_THAT(text, ContainsSubstring("SENNIT_TEST_A=let through") && ContainsSubstring("TOKEN=is kept") &&
                       !ContainsSubstring("SENNIT_TEST_B"));
}

TEST_CASE("shell has no network, or that of its hosts alone") {
  NEED_SANDBOX();
  TestEnvironment env;
  const TempDir folder;
  const HttpServer server(Reply::text("from the server"));
  const std::string authority = "127.0.0.1:" + std::to_string(server.port());
  const std::string get =
      "no_proxy= /usr/bin/python3 -c \"import urllib.request as u; print(u.build_opener(u.ProxyHandler("
      "{'http': 'http://127.0.0.1:3128'})).open('http://" +
      authority + "/').read().decode())\"";
  if (!fs::exists("/usr/bin/python3")) SKIP("python3 is not installed");
  SECTION("none") {
    const ToolOutput output = script(env, shell_of(folder, {}), get);
    CHECK(output.is_error);
    CHECK(server.connections() == 0);
  }
  SECTION("a host that is listed") {
    const Tools tools = shell_of(folder, {{"hosts", {authority}}, {"allow_private", true}});
    CHECK_THAT(script(env, tools, get).content, ContainsSubstring("from the server"));
  }
  SECTION("a host that is not") {
    const Tools tools = shell_of(folder, {{"hosts", {"example.com"}}, {"allow_private", true}});
    const ToolOutput output = script(env, tools, get);
    CHECK_THAT(output.content,
               ContainsSubstring("403") && ContainsSubstring("[it was not let through to " + authority));
    CHECK(server.connections() == 0);
  }
  SECTION("a host that is listed, at an address of this machine") {
    const ToolOutput output = script(env, shell_of(folder, {{"hosts", {authority}}}), get);
    CHECK_THAT(output.content, ContainsSubstring("403"));
    CHECK(server.connections() == 0);
  }
}

TEST_CASE("shell declares what it touches by what it was given") {
  NEED_SANDBOX();
  const TempDir folder;
  const Touches none = tool_named(shell_of(folder, {}), "shell").spec().touches;
  CHECK(none == Touches{.process = true});
  const Touches read = tool_named(shell_of(folder, {{"read", {"."}}}), "shell").spec().touches;
  CHECK(read == Touches{.read = true, .process = true});
  const Tools all = shell_of(folder, {{"write", {"."}}, {"hosts", {"example.com"}}});
  CHECK(tool_named(all, "shell").spec().touches ==
        Touches{.read = true, .write = true, .network = true, .process = true});
  CHECK(tool_named(all, "shell").spec().gives.untrusted == std::vector<std::string>{"process:shell"});
  CHECK(tool_named(all, "shell").spec().gives.confidential == std::vector<std::string>{"process:shell"});
  CHECK(tool_named(shell_of(folder, {}), "shell").spec().gives.empty());
  CHECK_THAT(tool_named(all, "shell").spec().description.description,
             ContainsSubstring("example.com") && ContainsSubstring("It may change: '.'"));
}

TEST_CASE("a policy sees the command as one text, and whether it is a script") {
  NEED_SANDBOX();
  const TempDir folder;
  const Tools tools = shell_of(folder, {{"hosts", {"*.example.com"}}});
  CHECK(facet(tools, "command", {{"argv", {"git", "log", "a b", "it's"}}}) ==
        std::vector<std::string>{R"(git log 'a b' 'it'\''s')"});
  CHECK(facet(tools, "script", {{"argv", {"git"}}}).empty());
  CHECK(facet(tools, "command", {{"script", "rm -r x"}}) == std::vector<std::string>{"rm -r x"});
  CHECK(facet(tools, "script", {{"script", "rm -r x"}}) == std::vector<std::string>{"true"});
  CHECK(facet(tools, "path", {{"script", "x"}, {"directory", "a/../b"}}) == std::vector<std::string>{"b"});
  CHECK(facet(tools, "path", {{"script", "x"}, {"directory", "b/"}}) == std::vector<std::string>{"b"});
  CHECK(facet(tools, "host", {{"script", "x"}}) == std::vector<std::string>{"*.example.com"});
}

TEST_CASE("options of shell that are wrong say what to write instead") {
  NEED_SANDBOX();
  const TempDir folder;
  const auto message = [&](const json::object& options) {
    const Error error = error_of([&] { (void)shell_of(folder, options); });
    CHECK(error.code() == errc::config);
    return error.message();
  };
  CHECK_THAT(message({{"host", json::array{}}}), ContainsSubstring("did you mean 'hosts'"));
  CHECK_THAT(message({{"memory", "lots"}}), ContainsSubstring("shell: memory"));
  CHECK_THAT(message({{"timeout", 0}}), ContainsSubstring("shell: timeout"));
  CHECK_THAT(message({{"write", {"no-such-folder"}}}), ContainsSubstring("no-such-folder"));
  CHECK_THAT(message({{"write", {"/"}}}), ContainsSubstring("whole system"));
  CHECK_THAT(message({{"hosts", {"https://example.com"}}}), ContainsSubstring("without http://"));
}

TEST_CASE("sizes are read with their units") {
  CHECK(read_bytes(1024, "x") == 1024);
  CHECK(read_bytes("10", "x") == 10);
  CHECK(read_bytes("3K", "x") == 3072);
  CHECK(read_bytes("64MiB", "x") == 64 << 20);
  CHECK(read_bytes("2GB", "x") == 2LL << 30);
  for (const json::value& wrong : {json::value(-1), json::value("1X"), json::value("M"), json::value("9999999999T"),
                                   json::value("-1M"), json::value(1.5), json::value("1 M"), json::value(true)}) {
    CHECK(error_of([&] { (void)read_bytes(wrong, "x"); }).code() == errc::config);
  }
}

TEST_CASE("without walls shell says so, and what it then touches") {
  TestEnvironment env;
  const TempDir folder;
  sandbox::Settings open;
  open.walls = false;
  open.write = {folder.path()};
  child::Settings settings;
  settings.box = std::make_shared<const sandbox::Box>(open);
  settings.timeout = milliseconds{5'000};
  CHECK_THAT(child::description_of(settings), ContainsSubstring("NOT in a sandbox"));
  CHECK(child::traits_of(settings, "shell").touches ==
        Touches{.read = true, .write = true, .network = true, .process = true});
  const ToolOutput output = run(env, child::perform(std::make_shared<const child::Settings>(settings),
                                                    {"/bin/sh", "-c", "pwd; ulimit -c"}, "", "", env));
  CHECK(output.content == folder.path().string() + "\n0\n");
}
