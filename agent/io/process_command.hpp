// Private: what is to be executed for a Process::Command.
#pragma once

#include <sennit/agent/io/process.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::process {

/// Throws Error(errc::invalid_argument) if the kernel could not be told it.
void check(const Process::Command& command);

/// The path of its program. Throws Error(errc::not_found).
[[nodiscard]] std::string find_program(const Process::Command& command);

/// What the command gets, in one piece of memory: the lists of pointers, then the words.
class Words {
 public:
  /// `file`: the program's path
  Words(const Process::Command& command, const std::string& file);
  [[nodiscard]] std::span<const char> all() const noexcept { return memory_; }

  char** arguments = nullptr;  ///< ends with a null pointer, as the next
  char** environment = nullptr;
  const char* program = nullptr;
  const char* directory = nullptr;  ///< null: ours

 private:
  char* add(std::string_view word);

  std::vector<char> memory_;
  char* next_ = nullptr;
};

}  // namespace sennit::process
