#include <sennit/app/assistant.hpp>

namespace sennit::app {
namespace {

constexpr char kAssistant[] = R"yaml(sennit: 1
name: assistant
description: A helpful assistant with a calculator, a clock and notes.
model: auto
instructions: |
  You are a helpful assistant at a terminal. Answer briefly, in Markdown.
tools: [calculator, clock]
memory: true
)yaml";

}  // namespace

Definition assistant() {
  ParsedDefinition parsed = parse_definition(kAssistant);
  return std::move(parsed.definition);
}

}  // namespace sennit::app
