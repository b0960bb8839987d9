#include <sennit/agent/definition.hpp>

#include <catch2/catch_test_macros.hpp>

namespace sennit {
namespace {

TEST_CASE("a complete agent file is read into a definition") {
  const ParsedDefinition parsed = parse_definition(R"(
sennit: 1
name: assistant
description: Helps.
model:
  provider: deepseek
  id: deepseek-flash
  api_key: ${env:KEY}
  options: {temperature: 0.5, max_tokens: 100, stop: END}
  prices: {input: 0.15, output: 0.6}
  timeouts: {connect: 5s, first_token: 1h30m, idle: 250ms}
instructions: Be brief.
tools:
  - calculator
  - files: {roots: [.]}
agents:
  - research.yaml
  - {file: maths.yaml, name: maths}
memory: {recall_limit: 3}
planner: tool-loop
limits: {steps: 20, time: 90, cost: 0.5}
policy: {ask: files_write, deny: [http_*]}
inputs:
  topic: {description: What about, required: true}
  depth: {type: number, default: 2}
output: {type: object, properties: {answer: {type: string}}}
intents:
  - match: remember [that] {note}
    steps: [{call: remember, with: {text: "{note}"}}]
    say: Noted.
)", "dir/assistant.yaml");
  for (const Diagnostic& d : parsed.diagnostics) UNSCOPED_INFO(format_diagnostic("f", d));
  REQUIRE(parsed.diagnostics.empty());
  CHECK(parsed.definition.model.name == "deepseek/deepseek-flash");
}

}  // namespace
}  // namespace sennit
