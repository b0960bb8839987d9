// The reference of the format in Markdown (docs/agents.md): made from the tables that parse it.
#include <sennit/agent/definition/shape.hpp>

#include <fmt/format.h>

namespace sennit::format {
namespace {

constexpr std::string_view kOpening = R"(# Agent files

One YAML file describes an agent. This page is made by `sennit schema --markdown`, from the same table that reads the
files; `sennit schema` prints it as JSON Schema. An editor with a YAML language server completes and checks the keys if
the file begins with

```yaml
# yaml-language-server: $schema=./sennit.schema.json
```

`sennit check FILE…` reports everything that is wrong in a file, with line and column.

```yaml
sennit: 1
name: assistant
model: auto
instructions: You are a helpful assistant. Answer briefly.
tools:
  - calculator
  - files: {roots: [.], write: true}
memory: true
limits: {steps: 20, time: 5m, tokens: 200000}
policy:
  ask: files_write
```
)";

constexpr std::string_view kNotations = R"(
## Notations

* **Durations** are numbers with units, `30s`, `5m`, `1h30m`, `250ms`, `2d`, or a plain number of seconds.
* **Sizes** are numbers with a unit of 1024, `64K`, `512M`, `2G`, `1T`, or a plain number of bytes.
* **Secrets** are named, never written down ([secrets.md](secrets.md)): `${env:NAME}` is replaced by the environment
  variable NAME, `${file:PATH}` by the text of a file, `${cmd:pass show x}` by what a program prints, in
  `model.api_key`, `model.base_url`, `model.proxy`, the values of `model.headers`, what `mcp` and `hooks` send and set,
  and options of tools that say so (`headers` of `http`). The value is known to sockets and children alone: it appears
  in no event, log, tool output or journal.
* **Files** are relative to the agent file that names them.
* Of **YAML**, everything is understood but merge keys (`<<`), tags (`!x`) and several documents in one file. A key that
  stands twice is an error. A file has at most 1 MiB, 32 levels, 20,000 values and 4 MiB of text, what anchors and
  aliases repeat counted in.
)";

/// The cells of a Markdown table cannot hold a bare bar.
std::string cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string row(const Field& field) {
  std::string key = fmt::format("`{}`", field.key);
  for (const std::string_view synonym : field.synonyms) key += fmt::format(", `{}`", synonym);
  const std::string preset = show(field.shape, field.fallback);
  const std::string fallback = field.required ? "**required**" : preset.empty() ? "" : fmt::format("`{}`", preset);
  return fmt::format("| {} | {} | {} | {} |\n", key, cell(describe(field.shape)), cell(fallback), cell(field.about));
}

std::string section(const Table& table) {
  std::string text =
      fmt::format("\n## {}\n\n{}\n\n", table.path.empty() ? "The file" : fmt::format("`{}`", table.path), table.about);
  text += "| key | takes | default | what it means |\n|---|---|---|---|\n";
  for (const Field& field : table.fields) text += row(field);
  return text;
}

}  // namespace
}  // namespace sennit::format

namespace sennit {

std::string definition_reference() {
  std::string text(format::kOpening);
  for (const format::Table* table : format::all_tables()) text += format::section(*table);
  text += format::kNotations;
  return text;
}

}  // namespace sennit
