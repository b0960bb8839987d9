// Private: One question to a command: a JSON object on its standard input, a JSON object on its standard output. It is
// trusted code of whoever wrote the agent, so it runs without a sandbox, but bounded: in what it says and in time, and
// its whole tree ends with the question.
#pragma once

#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/io/json.hpp>

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sennit {

struct HookProgram {
  static constexpr std::size_t kMaxOutput = 1ULL << 20U;  ///< bytes of an answer
  static constexpr std::size_t kMaxErrors = 4ULL << 10U;  ///< kept of what it says on its standard error

  std::vector<std::string> run;
  std::filesystem::path directory;         ///< where it works, and what a relative program is relative to
  std::map<std::string, std::string> env;  ///< beside PATH, HOME and LANG; values may refer to secrets
};

/// What came of it.
struct HookReply {
  bool refused = false;               ///< it exited with 2, as commands do that say no in words
  std::string words;                  ///< of that, from its standard error
  std::optional<json::value> answer;  ///< nothing where it said nothing and succeeded
};

/// Throws Error: what Process::start() throws, errc::config for a secret that is not there, errc::too_large,
/// errc::protocol for an answer that is no JSON, errc::io where it exits with anything but 0 and 2.
/// Cancellation: terminal; what was started is killed. The caller sets the deadline.
[[nodiscard]] asio::awaitable<HookReply> ask_program(Environment& environment, HookProgram program,
                                                     json::value question);

/// For people: the program's own name, and that of its script: "check", "python3 check.py".
[[nodiscard]] std::string name_of_program(const std::vector<std::string>& run);

}  // namespace sennit
