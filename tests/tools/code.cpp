#include "tools/tool_call.hpp"
#include <sennit/agent/definition.hpp>
#include <sennit/agent/io/sandbox.hpp>
#include <sennit/agent/registry.hpp>
#include <sennit/tools/code.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <filesystem>
#include <string>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

#define NEED(PROGRAM)                                                  \
  if (!sandbox::support().possible) SKIP(sandbox::support().obstacle); \
  if (!std::filesystem::exists("/usr/bin/" PROGRAM)) SKIP(PROGRAM " is not installed")

Tools code_of(const json::object& options = {}) {
  Definition definition;
  definition.file = "/agents/agent.yaml";
  const Registry registry;
  return make_code(options, PartContext{definition, registry, {}});
}

ToolOutput python(TestEnvironment& env, const std::string& source, const json::object& options = {}) {
  return call_output(env, code_of(options), "code", {{"language", "python"}, {"source", source}});
}

}  // namespace

TEST_CASE("code runs Python") {
  NEED("python3");
  TestEnvironment env;
  const ToolOutput output =
      python(env, "import sys\nprint(sum(range(10)))\nopen('f', 'w').write('x')\nprint(open('f').read())");
  CHECK(output.content == "45\nx\n");
  CHECK_FALSE(output.is_error);
  const ToolOutput failed = python(env, "1/0");
  CHECK(failed.is_error);
  CHECK_THAT(failed.content, ContainsSubstring("ZeroDivisionError") && ContainsSubstring("[exit status 1]"));
}

TEST_CASE("code runs JavaScript") {
  NEED("node");
  TestEnvironment env;
  const ToolOutput output =
      call_output(env, code_of(), "code",
                  {{"language", "javascript"}, {"source", "console.log([1, 2].map(x => x * 2), process.argv.length)"}});
  CHECK_THAT(output.content, ContainsSubstring("[ 2, 4 ]"));
  CHECK_FALSE(output.is_error);
}

TEST_CASE("code keeps nothing from one call to the next, and sees no folder of ours") {
  NEED("python3");
  TestEnvironment env;
  (void)python(env, "open('/tmp/kept', 'w').write('x'); open('kept', 'w').write('x')");
  CHECK(
      python(env, "import os; print(os.path.exists('/tmp/kept'), os.listdir('.'), os.path.exists('/root'))").content ==
      "False [] False\n");
}

TEST_CASE("code hears what bound it met") {
  NEED("python3");
  TestEnvironment env;
  const ToolOutput memory = python(env, "x = bytearray(1 << 30)", {{"memory", "64M"}});
  CHECK(memory.is_error);
  CHECK_THAT(memory.content, ContainsSubstring("MemoryError"));
  const ToolOutput time = python(env, "while True: pass", {{"timeout", "300ms"}});
  CHECK_THAT(time.content, ContainsSubstring("ended after 0.3 seconds"));
  const ToolOutput cpu = python(env, "while True: pass", {{"cpu", "1s"}});
  CHECK_THAT(cpu.content, ContainsSubstring("(signal 9)"));
}

TEST_CASE("a policy sees the source of code as its command") {
  NEED("python3");
  const json::object arguments{{"language", "python"}, {"source", "print(1)"}};
  const Tools tools = code_of();
  const std::vector<Facet> facets = tool_named(tools, "code").facets(arguments);
  CHECK(facets == std::vector<Facet>{{"language", "python"}, {"command", "print(1)"}, {"script", "true"}});
  CHECK(tool_named(tools, "code").spec().touches == Touches{.process = true});
}
