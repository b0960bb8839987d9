// The real program as a child process: its arguments, its standard streams as pipes, signals, its exit status.
#pragma once

#include "support/fixtures.hpp"

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::testing {

struct Ended {
  int status = 0;  ///< as a shell has it: 128 + N after signal N
  std::string out;
  std::string err;
};

/// `sennit ARGS…` with a state folder and an environment of its own. Killed with the object.
class Program {
 public:
  struct Options {
    std::filesystem::path folder;  ///< working directory; state is kept in `folder`/state
    std::string input;             ///< standard input, then its end
    std::map<std::string, std::string> environment;
    bool merged = false;  ///< `2>&1`
    bool nobody = false;  ///< as a user who owns nothing, where the test's own user is root
  };

  Program(const std::vector<std::string>& arguments, const Options& options);
  /// Another program, by its path.
  Program(std::string path, const std::vector<std::string>& arguments, const Options& options);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// Reads until standard output contains `text`. Throws std::runtime_error after kPatience, or if the program ends.
  void until_out(std::string_view text);
  void signal(int signal) const;
  [[nodiscard]] pid_t id() const noexcept { return child_; }
  /// Nobody reads its standard output any more.
  void close_out();
  [[nodiscard]] Ended wait();
  [[nodiscard]] const std::string& out() const { return ended_.out; }

 private:
  bool read_some(std::chrono::steady_clock::time_point deadline);

  pid_t child_ = -1;
  int out_ = -1;
  int err_ = -1;
  Ended ended_;
};

[[nodiscard]] inline Ended run_program(const std::vector<std::string>& arguments, const Program::Options& options) {
  return Program(arguments, options).wait();
}

/// What a shell makes of `script`.
[[nodiscard]] inline Ended run_shell(const std::string& script, const Program::Options& options) {
  return Program("/bin/sh", {"-c", script}, options).wait();
}

}  // namespace sennit::testing
