// What is asked before and after a model or a tool does something, and what text has to pass before anybody sees it, as
// data: the `hooks:` and `guardrails:` of an agent file.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace sennit {

/// A command that is asked at some points of a run: one JSON object on its standard input, one on its output.
struct HookSpec {
  std::vector<std::string> run;            ///< the program and its arguments; relative to the agent file
  std::vector<std::string> on;             ///< "before_model", "after_model", "before_tool", "after_tool"
  std::string tools = "*";                 ///< pattern: of which tools' calls
  std::map<std::string, std::string> env;  ///< values may refer to secrets
  std::chrono::milliseconds timeout{10'000};
  bool required = true;  ///< where it fails, what it was asked about does not happen; false: it goes on
  friend bool operator==(const HookSpec&, const HookSpec&) = default;
};

/// Something that text must not hold, or a command that says whether it may pass. One of `pattern` and `run`.
struct GuardrailSpec {
  std::string name;               ///< for people
  std::string pattern;            ///< RE2
  std::vector<std::string> run;   ///< gets {"text":…}, answers {"pass":true} or {"pass":false,"reason":…}
  std::string action = "refuse";  ///< "refuse" ends the run, "redact" puts `***` in the place of what matched
  std::string say;                ///< to the person, where it refuses
  std::chrono::milliseconds timeout{10'000};
  friend bool operator==(const GuardrailSpec&, const GuardrailSpec&) = default;
};

struct GuardrailSettings {
  std::vector<GuardrailSpec> input;   ///< what the person says
  std::vector<GuardrailSpec> output;  ///< what the model says
  /// Bytes of the answer that are held back until they passed; 0: the whole answer.
  std::size_t window = 400;
  friend bool operator==(const GuardrailSettings&, const GuardrailSettings&) = default;
};

}  // namespace sennit
