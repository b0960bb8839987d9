// What an agent must not change of itself.
#include "support/world.hpp"
#include <sennit/agent/guards.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>

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

TEST_CASE("with the program of a command its folder is guarded, unless it is the agent's own") {
  const TempDir folder;
  folder.write("hooks/check.py", "");
  folder.write("own.py", "");
  folder.write("servers/data.txt", "");
  folder.write("servers/run.py", "");
  const ParsedDefinition parsed = parse_definition(R"(sennit: 1
hooks: [{run: [python3, -u, hooks/check.py], on: before_tool}, {run: [python3, own.py], on: after_tool}]
mcp: {s: {command: [python3, run.py, data.txt], directory: servers}}
)",
                                                   folder.path() / "agent.yaml");
  REQUIRE(parsed.ok());
  const Registry registry;
  const Guards found = guards_of(PartContext{parsed.definition, registry, {}});
  CHECK(guards(found.folders, folder / "hooks"));
  CHECK(guards(found.folders, folder / "servers"));
  CHECK_FALSE(guards(found.folders, folder.path()));
  CHECK(guards(found.files, folder / "own.py"));
}

TEST_CASE("what a secret comes from is guarded wherever the agent file refers to it") {
  const TempDir folder;
  const ParsedDefinition parsed = parse_definition(R"(sennit: 1
model:
  provider: deepseek
  api_key: "${file:key.txt}"
  base_url: "https://example.com/${file:url.txt}"
  headers: {X-One: "${file:header.txt}"}
  ca_file: authorities.pem
  fallback: [{provider: openai, api_key: "${cmd:./token.sh --now}"}]
hooks: [{run: [sh, -c, ":"], on: before_tool, env: {A: "${file:hook.txt}"}}]
mcp: {s: {url: "https://example.com/${file:mcp.txt}", auth: oauth, client_id: a, issuer: "https://example.com",
          client_secret: "${file:client.txt}"}}
tools: [{http: {headers: {B: "Bearer ${file:~/tool.txt}"}}}]
)",
                                                   folder.path() / "agent.yaml");
  for (const Diagnostic& diagnostic : parsed.diagnostics) UNSCOPED_INFO(diagnostic.message);
  REQUIRE(parsed.ok());
  const Registry registry;
  const Guards found = guards_of(PartContext{parsed.definition, registry, {}});
  for (const char* name :
       {"key.txt", "url.txt", "header.txt", "authorities.pem", "hook.txt", "mcp.txt", "client.txt"}) {
    INFO(name);
    CHECK(guards(found.files, folder / name));
  }
  CHECK(guards(found.files, std::filesystem::current_path() / "token.sh"));
  CHECK(guards(found.files, std::filesystem::path(std::getenv("HOME")) / "tool.txt"));
}

TEST_CASE("every agent of a tree guards what all of them are made of") {
  const TempDir folder;
  folder.write("hooks/top.sh", "exit 0");
  folder.write("left/hooks/left.sh", "exit 0");
  folder.write("left/deep/deep.sh", "exit 0");
  const auto top = folder.write("top.yaml", R"(sennit: 1
name: top
model: scripted
tools: [probe]
agents: [left/left.yaml, right.yaml]
hooks: [{run: [sh, hooks/top.sh], on: before_tool}]
)");
  folder.write("left/left.yaml", R"(sennit: 1
name: left
model: scripted
tools: [probe]
agents: [deep.yaml]
hooks: [{run: [sh, hooks/left.sh], on: before_tool}]
)");
  folder.write("left/deep.yaml", R"(sennit: 1
name: deep
model: scripted
tools: [probe]
hooks: [{run: [sh, deep/deep.sh], on: before_tool}]
)");
  folder.write("right.yaml", "sennit: 1\nname: right\nmodel: scripted\ntools: [probe]\n");
  std::map<std::string, Guards> seen;
  World world(says(""), {}, [&](Registry& registry) {
    registry.add_tool("probe", [&](const json::object&, const PartContext& context) {
      seen[context.definition.name] = guards_of(context);
      return std::vector<std::shared_ptr<Tool>>{};
    });
  });
  (void)world.agent(read_definition(top));
  REQUIRE(seen.size() == 4);
  for (const auto& [name, found] : seen) {
    for (const char* file : {"top.yaml", "left/left.yaml", "left/deep.yaml", "right.yaml", "hooks/top.sh",
                             "left/hooks/left.sh", "left/deep/deep.sh"}) {
      INFO(name << " " << file);
      CHECK(guards(found.files, folder / file));
    }
    for (const char* inner : {"hooks", "left/hooks", "left/deep"}) CHECK(guards(found.folders, folder / inner));
  }
}

TEST_CASE("agents that name each other, or cannot be read, are looked at once") {
  const TempDir folder;
  const auto top = folder.write("top.yaml", "sennit: 1\nagents: [other.yaml, missing.yaml, wrong.yaml]\n");
  folder.write("other.yaml", "sennit: 1\nagents: [top.yaml]\nhooks: [{run: [./other.sh], on: before_tool}]\n");
  folder.write("wrong.yaml", "sennit: 1\nno: [\n");
  const std::vector<std::filesystem::path> found = parts_of_tree(read_definition(top));
  for (const char* name : {"top.yaml", "other.yaml", "missing.yaml", "wrong.yaml", "other.sh"}) {
    INFO(name);
    CHECK(guards(found, folder / name));
  }
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
