// Whether the programs that an agent starts are there. Warnings: the file may be meant for another machine.
#include <sennit/agent/io/sandbox.hpp>
#include <sennit/app/check_parts.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>

namespace sennit::app {
namespace {

using Environment = std::map<std::string, std::string>;

struct Started {
  std::string path;  ///< of the command in the file
  const std::vector<std::string>& command;
  std::filesystem::path directory;  ///< from where it is started
  const Environment& environment;
  bool in_sandbox = false;
};

std::string our_path() {
  const char* const path = std::getenv("PATH");
  return path == nullptr ? "/usr/bin:/bin" : path;
}

bool is_program(const std::filesystem::path& file) {
  std::error_code failed;
  return std::filesystem::is_regular_file(file, failed) && ::access(file.c_str(), X_OK) == 0;
}

/// The program in one of the absolute folders of a PATH; empty: there is none.
std::filesystem::path look_up(std::string_view path, const std::string& name) {
  while (!path.empty()) {
    const std::filesystem::path folder = path.substr(0, path.find(':'));
    path.remove_prefix(std::min(path.size(), folder.native().size() + 1));
    if (folder.is_absolute() && is_program(folder / name)) return folder / name;
  }
  return {};
}

/// What is wrong with the program; empty: nothing.
std::string complaint(const Started& started) {
  const std::string& program = started.command.front();
  if (program.find('/') != std::string::npos) {
    const std::filesystem::path file = started.directory / program;
    std::error_code failed;
    if (is_program(file)) return {};
    if (std::filesystem::is_regular_file(file, failed)) {
      return fmt::format("`{}` cannot be started: it may not be executed; see `chmod +x`", program);
    }
    return fmt::format("there is no program `{}`{}: install it, or mend the path", program,
                       file == program ? "" : fmt::format(" in `{}`", started.directory.string()));
  }
  std::string path = started.in_sandbox ? sandbox::kPath : our_path();
  if (const auto own = started.environment.find("PATH"); own != started.environment.end()) path = own->second;
  if (path.find("${") != std::string::npos || !look_up(path, program).empty()) return {};
  const std::filesystem::path hidden = started.in_sandbox ? look_up(our_path(), program) : std::filesystem::path();
  if (!hidden.empty()) {
    return fmt::format(
        "`{}` is not looked for in `{}` from a sandbox: write `{}`, and show what it needs by `sandbox: {{read: "
        "[...]}}`",
        program, hidden.parent_path().string(), hidden.string());
  }
  return fmt::format("there is no program `{}` in {}: install it, or give its path", program,
                     path.empty() ? "an empty PATH" : path);
}

void look_at(const Started& started, Findings& findings) {
  if (started.command.empty() || started.command.front().empty()) return;  // reported by the reader
  if (const std::string wrong = complaint(started); !wrong.empty()) {
    findings.warning(started.path, fmt::format("`{}`: {}", started.path, wrong));
  }
}

}  // namespace

void check_programs(const Definition& definition, Findings& findings) {
  const std::filesystem::path folder = definition.directory();
  for (const McpServer& server : definition.mcp) {
    look_at({fmt::format("mcp.{}.command", server.name), server.command, folder / server.directory, server.env,
             server.sandbox.enabled},
            findings);
  }
  for (std::size_t i = 0; i < definition.hooks.size(); ++i) {
    look_at({fmt::format("hooks[{}].run", i), definition.hooks[i].run, folder, definition.hooks[i].env}, findings);
  }
  const Environment none;
  const auto look_at_all = [&](std::string_view key, const std::vector<GuardrailSpec>& rails) {
    for (std::size_t i = 0; i < rails.size(); ++i) {
      look_at({fmt::format("guardrails.{}[{}].run", key, i), rails[i].run, folder, none}, findings);
    }
  };
  look_at_all("input", definition.guardrails.input);
  look_at_all("output", definition.guardrails.output);
}

}  // namespace sennit::app
