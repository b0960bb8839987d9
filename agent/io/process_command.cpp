// Commands are checked and their programs looked for here, before there is a process that could say what is wrong.
#include <sennit/agent/io/process_command.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

namespace sennit::process {
namespace {

bool has_zero(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

bool is_executable(const std::string& file) {
  struct stat status{};
  return ::stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::access(file.c_str(), X_OK) == 0;
}

}  // namespace

void check(const Process::Command& command) {
  if (command.arguments.empty() || command.arguments.front().empty()) {
    throw Error(errc::invalid_argument, "a command needs at least the name of its program");
  }
  const auto refuse = [&](const std::string& what) {
    throw Error(errc::invalid_argument, "cannot start " + command.arguments.front() + ": " + what);
  };
  if (has_zero(command.arguments.front())) {
    throw Error(errc::invalid_argument, "the name of a program cannot hold a zero byte");
  }
  for (const std::string& argument : command.arguments) {
    if (has_zero(argument)) refuse("an argument cannot hold a zero byte");
  }
  for (const auto& [name, value] : command.environment) {
    if (name.empty() || has_zero(name) || name.find('=') != std::string::npos) {
      refuse("the name of a variable cannot be empty or hold '=' or a zero byte");
    }
    if (has_zero(value)) refuse("the variable " + name + " cannot hold a zero byte");
  }
  if (has_zero(command.directory.native())) refuse("the name of its folder cannot hold a zero byte");
  if (command.descriptors.size() > Process::kMostDescriptors || command.limits.size() > Process::kMostLimits ||
      command.groups.size() > Process::kMostGroups) {
    refuse("more descriptors, limits or control groups than a process can be given here");
  }
}

// Relative folders of a PATH are left out: the working directory may be one that a model has chosen and filled.
std::string find_program(const Process::Command& command) {
  const std::string& name = command.arguments.front();
  if (name.find('/') != std::string::npos) return name;
  const auto variable = command.environment.find("PATH");
  const std::string path = variable == command.environment.end() ? "/usr/bin:/bin" : variable->second;
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
    if (!folder.starts_with('/')) continue;
    std::string file = std::string(folder) + "/" + name;
    if (is_executable(file)) return file;
  }
  throw Error(errc::not_found, "cannot start " + name + ": no such program in " +
                                   (path.empty() ? "an empty PATH" : path) + ": install it, or give its path");
}

Words::Words(const Process::Command& command, const std::string& file) {
  const std::size_t pointers = command.arguments.size() + command.environment.size() + 2;
  std::size_t size = pointers * sizeof(char*) + file.size() + command.directory.native().size() + 2;
  for (const std::string& argument : command.arguments) size += argument.size() + 1;
  for (const auto& [name, value] : command.environment) size += name.size() + value.size() + 2;
  memory_.resize(size);
  next_ = memory_.data() + pointers * sizeof(char*);

  arguments = reinterpret_cast<char**>(memory_.data());
  environment = arguments + command.arguments.size() + 1;
  std::size_t count = 0;
  for (const std::string& argument : command.arguments) arguments[count++] = add(argument);
  count = 0;
  for (const auto& [name, value] : command.environment) {
    environment[count++] = add(name);
    next_[-1] = '=';
    add(value);
  }
  program = add(file);
  if (!command.directory.empty()) directory = add(command.directory.native());
}

// The zero after it is there already, as is the null pointer after each list.
char* Words::add(std::string_view word) {
  char* const place = next_;
  std::copy(word.begin(), word.end(), place);
  next_ += word.size() + 1;
  return place;
}

}  // namespace sennit::process
