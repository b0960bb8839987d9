// A folder with runs that were kept, and the commands on them.
#pragma once

#include "app/program.hpp"
#include <sennit/agent/io/json.hpp>

#include <string>
#include <utility>
#include <vector>

namespace sennit::testing {

struct Kept {
  TempDir folder;

  [[nodiscard]] Program::Options options() const { return {.folder = folder.path(), .input = {}, .environment = {}}; }
  [[nodiscard]] Ended run(std::vector<std::string> arguments) const { return command("run", std::move(arguments)); }
  [[nodiscard]] Ended runs(std::vector<std::string> arguments) const { return command("runs", std::move(arguments)); }
  /// The newest run's id.
  [[nodiscard]] std::string newest() const {
    const std::string line = runs({"list", "-n", "1", "--json"}).out;
    return std::string(json::parse(line.substr(0, line.find('\n'))).at("id").as_string());
  }

 private:
  [[nodiscard]] Ended command(const std::string& name, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), name);
    return run_program(arguments, options());
  }
};

}  // namespace sennit::testing
