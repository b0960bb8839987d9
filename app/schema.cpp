#include <sennit/agent/definition.hpp>
#include <sennit/app/output.hpp>
#include <sennit/app/schema.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>
#include <string>

namespace sennit::app {
namespace {

/// Indented by two; lists of plain values stay on one line.
void append_pretty(std::string& out, const json::value& value, std::size_t indent) {
  const std::string line = "\n" + std::string(indent + 2, ' ');
  const auto close = [&](char bracket) { out.append("\n").append(indent, ' ').push_back(bracket); };
  const auto is_plain = [](const json::value& element) { return element.is_primitive(); };
  if (const auto* map = value.if_object(); map != nullptr && !map->empty()) {
    out += '{';
    for (const auto& [key, element] : *map) {
      out.append(out.back() == '{' ? "" : ",").append(line).append(json::serialize(json::value(key))).append(": ");
      append_pretty(out, element, indent + 2);
    }
    return close('}');
  }
  const auto* list = value.if_array();
  if (list == nullptr || std::ranges::all_of(*list, is_plain)) {
    out += json::serialize(value);
    return;
  }
  out += '[';
  for (const json::value& element : *list) {
    out.append(&element == list->begin() ? "" : ",").append(line);
    append_pretty(out, element, indent + 2);
  }
  close(']');
}

}  // namespace

void add_schema(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("schema", "Print the format of agent files as JSON Schema, for editors");
  auto markdown = std::make_shared<bool>(false);
  command->add_flag("--markdown", *markdown, "Print the reference of the format instead");
  command->footer(
      "Exit status: 0 where it was printed, 1 where it could not be, 2 where the command was used wrongly.\n");
  command->callback([markdown, &exit_code] {
    std::string text;
    if (*markdown) {
      text = definition_reference();
    } else {
      append_pretty(text, definition_schema(), 0);
      text += '\n';
    }
    exit_code = print(text);
  });
}

}  // namespace sennit::app
