// What docs/policy.md shows is what the program prints.
#include "app/program.hpp"
#include "support/fixtures.hpp"

#include <catch2/catch_test_macros.hpp>

#include <sstream>
#include <string>
#include <vector>

using namespace sennit::testing;

namespace {

struct Page {
  std::vector<std::pair<std::string, std::string>> files;     ///< name and text
  std::vector<std::pair<std::string, std::string>> commands;  ///< line and output
};

Page read_page() {
  Page page;
  std::istringstream text(read_file(SENNIT_SOURCE_DIR "/docs/policy.md"));
  std::string language;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("```")) {
      language = line.substr(3);
    } else if (language == "yaml") {
      if (line.starts_with("# ")) page.files.emplace_back(line.substr(2), "");
      page.files.back().second += line + "\n";
    } else if (language == "console") {
      if (line.starts_with("$ ")) {
        page.commands.emplace_back(line.substr(2), "");
      } else {
        page.commands.back().second += line + "\n";
      }
    }
  }
  return page;
}

}  // namespace

TEST_CASE("the page on policies shows what is printed") {
  const Page page = read_page();
  CHECK(page.files.size() >= 2);
  CHECK(page.commands.size() >= 6);
  const TempDir folder;
  for (const auto& [name, text] : page.files) (void)folder.write(name, text);
  Program::Options options;
  options.folder = folder.path();
  for (const auto& [command, output] : page.commands) {
    INFO(command);
    const std::string function = "sennit() { \"" SENNIT_PROGRAM "\" \"$@\"; }; ";
    const Ended ended = run_shell(function + command, options);
    CHECK(ended.err == "");
    CHECK(ended.out == output);
  }
}
