#include "injection_case.hpp"

#include "support/fixtures.hpp"

#include <algorithm>
#include <array>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace sennit::testing {
namespace {

/// "page http://x/" -> {"page", "http://x/"}; of a few kinds the name has two words.
CaseBlock block_of(std::string_view head) {
  constexpr std::string_view kRedirect = "open redirect ";
  if (head.starts_with(kRedirect)) return {"open redirect", std::string(head.substr(kRedirect.size())), ""};
  const std::size_t space = head.find(' ');
  if (space == std::string_view::npos) return {std::string(head), "", ""};
  return {std::string(head.substr(0, space)), std::string(head.substr(space + 1)), ""};
}

class Reader {
 public:
  explicit Reader(const std::filesystem::path& file) : file_(file), text_(read_file(file)) {
    read_.name = file.stem().string();
  }

  InjectionFile read() {
    while (std::getline(text_, line_)) {
      ++number_;
      if (number_ == 1) {
        read_.title = line_.substr(line_.find_first_not_of("# "));
      } else if (line_.starts_with("== ")) {
        begin_section(std::string_view(line_).substr(3));
      } else if (line_.starts_with("-- ")) {
        if (blocks_ == nullptr) fail("a block outside of a section that has some");
        blocks_->push_back(block_of(std::string_view(line_).substr(3)));
        into_ = &blocks_->back().text;
      } else if (into_ != nullptr && !(line_.starts_with("# ") && into_->empty())) {
        *into_ += line_ + "\n";
      }
    }
    for (InjectionCase& one : read_.cases) tidy(one.blocks);
    tidy(read_.setup);
    return std::move(read_);
  }

 private:
  void begin_section(std::string_view head) {
    blocks_ = nullptr;
    into_ = nullptr;
    if (head == "agent" || head.starts_with("agent ")) {
      read_.agents.push_back({head == "agent" ? "agent.yaml" : std::string(head.substr(6)), "", ""});
      into_ = &read_.agents.back().text;
    } else if (head == "setup") {
      blocks_ = &read_.setup;
    } else if (head.starts_with("attack ") || head.starts_with("task ")) {
      const bool attack = head.starts_with("attack ");
      read_.cases.push_back({attack, read_.title, std::string(head.substr(attack ? 7 : 5)), number_, {}});
      blocks_ = &read_.cases.back().blocks;
    } else {
      fail("an unknown section");
    }
  }

  /// Blank lines between blocks are for the eye.
  static void tidy(std::vector<CaseBlock>& blocks) {
    for (CaseBlock& block : blocks) {
      const std::size_t end = block.text.find_last_not_of('\n');
      block.text.resize(end == std::string::npos ? 0 : end + 1);
    }
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error(file_.string() + ":" + std::to_string(number_) + ": " + what + ": " + line_);
  }

  const std::filesystem::path file_;
  std::istringstream text_;
  std::string line_;
  int number_ = 0;
  InjectionFile read_;
  std::vector<CaseBlock>* blocks_ = nullptr;
  std::string* into_ = nullptr;
};

}  // namespace

InjectionFile read_injection_file(const std::filesystem::path& file) {
  return Reader(file).read();
}

std::vector<InjectionFile> injection_files() {
  std::vector<std::filesystem::path> paths;
  const std::filesystem::path folder = std::filesystem::path(SENNIT_SOURCE_DIR) / "tests/safety/injection";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".txt") paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  std::vector<InjectionFile> files;
  for (const std::filesystem::path& path : paths) files.push_back(read_injection_file(path));
  return files;
}

}  // namespace sennit::testing
