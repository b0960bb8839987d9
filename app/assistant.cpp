#include "assistant_yaml.hpp"
#include <sennit/app/assistant.hpp>

#include <utility>

namespace sennit::app {

std::string_view assistant_text() {
  return kAssistant;
}

Definition assistant() {
  ParsedDefinition parsed = parse_definition(kAssistant);
  return std::move(parsed.definition);
}

}  // namespace sennit::app
