// What a child prints of the secrets that it was given.
#include "support/forgetting.hpp"
#include "tools/tool_call.hpp"
#include <sennit/agent/io/secrets.hpp>
#include <sennit/tools/shell_child.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr const char* kToken = "tok-0123456789-abcdefghijklmnopqrstuvwxyz";

/// In no sandbox: what is shown is the same.
std::string said(TestEnvironment& env, child::Settings settings, const std::string& script) {
  const TempDir folder;
  sandbox::Settings open;
  open.walls = false;
  open.write = {folder.path()};
  settings.box = std::make_shared<const sandbox::Box>(open);
  settings.timeout = milliseconds{20'000};
  auto shared = std::make_shared<const child::Settings>(std::move(settings));
  return run(env, child::perform(std::move(shared), {"/bin/sh", "-c", script}, "", "", env)).content;
}

}  // namespace

TEST_CASE("a variable that is let through is a secret like any other") {
  const Forgetting forgetting;
  TestEnvironment env;
  ::setenv("SENNIT_TEST_TOKEN", kToken, 1);
  child::Settings settings;
  ::setenv("SENNIT_TEST_FOLDER", "/opt/some/folder", 1);
  settings.allow_env = {"SENNIT_TEST_TOKEN", "SENNIT_TEST_FOLDER"};
  const std::string text = said(env, settings, "echo \"<$SENNIT_TEST_TOKEN> $SENNIT_TEST_FOLDER\"");
  ::unsetenv("SENNIT_TEST_TOKEN");
  ::unsetenv("SENNIT_TEST_FOLDER");
  CHECK(text == "<***> /opt/some/folder\n");
  CHECK(secrets::redact(kToken) == "***");
}

TEST_CASE("of a secret where an output is cut nothing is left") {
  const Forgetting forgetting;
  TestEnvironment env;
  ::setenv("SENNIT_TEST_TOKEN", kToken, 1);
  child::Settings settings;
  settings.env = {{"TOKEN", "${env:SENNIT_TEST_TOKEN}"}};
  const std::string text = said(env, settings,
                                "head -c 32750 /dev/zero | tr '\\0' .; printf %s \"$TOKEN\"; "
                                "head -c 60000 /dev/zero | tr '\\0' .; printf %s \"$TOKEN\"; "
                                "head -c 32750 /dev/zero | tr '\\0' .");
  ::unsetenv("SENNIT_TEST_TOKEN");
  CHECK_THAT(text, ContainsSubstring("bytes are left out"));
  CHECK_THAT(text, !ContainsSubstring("tok") && !ContainsSubstring("xyz") && ContainsSubstring("***"));
}
