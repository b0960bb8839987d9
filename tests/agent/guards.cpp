// What an agent must not change of itself.
#include "support/fixtures.hpp"
#include <sennit/agent/guards.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <fstream>

using namespace sennit;
using namespace sennit::testing;

namespace {

bool guards(const std::vector<std::filesystem::path>& paths, const std::filesystem::path& wanted) {
  return std::any_of(paths.begin(), paths.end(), [&](const std::filesystem::path& path) {
    return path.lexically_normal() == wanted.lexically_normal();
  });
}

}  // namespace

TEST_CASE("the programs, documents and secrets that an agent file names are guarded like the file") {
  const TempDir folder;
  std::ofstream(folder.path() / "guard") << "#!/bin/sh\n";
  const ParsedDefinition parsed = parse_definition(R"(sennit: 1
hooks: [{run: [sh, guard.sh], on: before_tool}, {run: [guard], on: after_tool}]
guardrails: {output: [{run: [python3, rail.py]}]}
mcp: {s: {command: [node, server/index.js, --verbose], env: {KEY: "${file:key.txt}"}}}
tools: [{openapi: {document: api.yaml, operations: [get]}}]
)",
                                                   folder.path() / "agent.yaml");
  REQUIRE(parsed.ok());
  const Registry registry;
  const PartContext context{parsed.definition, registry, folder.path() / "state"};
  const Guards found = guards_of(context);
  for (const char* name : {"agent.yaml", "guard.sh", "guard", "rail.py", "server/index.js", "key.txt", "api.yaml"}) {
    INFO(name);
    CHECK(guards(found.files, folder.path() / name));
  }
  CHECK_FALSE(guards(found.files, folder.path() / "sh"));
  CHECK(guards(found.folders, folder.path() / "state"));
  CHECK(guards(found.folders, "/etc/sennit"));
}

TEST_CASE("an agent's word on trust counts only where the deployment has no rule") {
  const Definition definition;
  const Registry registry;
  PolicySettings deployment;
  const PartContext context{definition, registry, {}, {}, &deployment};
  CHECK(context.may_trust());
  CHECK(context.may_publish());
  deployment.flow.untrusted = Verdict::deny;
  CHECK_FALSE(context.may_trust());
  CHECK(context.may_publish());
  deployment.flow = {};
  deployment.flow.both = Verdict::ask;
  CHECK_FALSE(context.may_trust());
  CHECK_FALSE(context.may_publish());
}
