// Private: what text has to pass, ready to be used: patterns that are compiled, commands that know where they live.
#pragma once

#include <sennit/agent/hook_program.hpp>
#include <sennit/agent/hook_settings.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

namespace sennit {

struct Definition;

/// A stretch of a text.
struct Match {
  std::size_t begin = 0;
  std::size_t end = 0;
  friend bool operator==(const Match&, const Match&) = default;
};

/// One guardrail. Immutable. [thread-safe]
class Guardrail {
 public:
  /// Throws Error(errc::config) for a pattern that cannot be used.
  Guardrail(const GuardrailSpec& spec, const std::string& fallback_name, std::filesystem::path directory);
  ~Guardrail();
  Guardrail(const Guardrail&) = delete;
  Guardrail& operator=(const Guardrail&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::string& say() const noexcept { return say_; }
  [[nodiscard]] bool redacts() const noexcept { return redacts_; }
  [[nodiscard]] bool is_command() const noexcept { return pattern_ == nullptr; }

  /// Of a pattern: the first match that is not empty, begins at `from` or behind and ends at `until` or before. What
  /// lies around that is seen by `^`, `$` and `\b`, and nothing else. False: there is none.
  [[nodiscard]] bool find(std::string_view text, std::size_t from, std::size_t until, Match& match) const;

  /// Of a command: why the text must not pass; empty: it may. What cannot be asked lets nothing pass. Cancellation:
  /// terminal.
  [[nodiscard]] asio::awaitable<std::string> ask(Environment& environment, json::object question) const;

 private:
  std::string name_;
  std::string say_;
  bool redacts_ = false;
  std::unique_ptr<re2::RE2> pattern_;  // null: a command
  HookProgram program_;
  milliseconds timeout_;
};

/// Those of an agent. Immutable. [thread-safe]
struct Guardrails {
  std::vector<std::shared_ptr<const Guardrail>> input;
  std::vector<std::shared_ptr<const Guardrail>> output;
  std::size_t window = 0;
};

/// Throws Error(errc::config).
[[nodiscard]] Guardrails make_guardrails(const Definition& definition);

/// Stands in the place of what a guardrail redacts.
inline constexpr std::string_view kGuardrailMask = "***";

/// `text` with the mask in the place of what patterns that redact match.
[[nodiscard]] std::string redact_by(const std::vector<std::shared_ptr<const Guardrail>>& rails, std::string text);

}  // namespace sennit
