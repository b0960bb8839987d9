// Code that is asked before and after a model or a tool does something: it can block, change and annotate. A hook never
// relaxes a policy: what it changes is judged like any other call.
//
// A hook is a command (`hooks:` of an agent file), which speaks JSON, or C++ (Registry::add_hook).
#pragma once

#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/io/json.hpp>
#include <sennit/agent/policy_settings.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sennit {

struct Definition;
struct HookSpec;

enum class HookPoint {
  before_model,  ///< before each completion, whatever it takes to get it
  after_model,   ///< once an answer has come, before it is kept and before its calls are made
  before_tool,   ///< of a call that exists and fits its schema, before the policy judges it
  after_tool,    ///< before the model, the person and the journal get what the tool gave
};

[[nodiscard]] std::string_view to_string(HookPoint point) noexcept;

struct HookQuestion {
  HookPoint point = HookPoint::before_tool;
  std::string tool;   ///< its name; empty where a model is asked
  json::object view;  ///< what there is to see, without secrets, in the form that commands get (docs/hooks.md)
};

struct HookAnswer {
  Verdict verdict = Verdict::allow;       ///< deny: block it; ask: a person decides (before_tool alone)
  std::string reason;                     ///< of deny and ask: for the model, or whoever reads how the run ended
  std::optional<json::object> arguments;  ///< before_tool: to be used instead
  std::optional<std::string> result;      ///< after_tool: given to the model instead
  std::string text;                       ///< before_model: for the model; after_model: put behind its answer
  std::string note;                       ///< for the person
};

/// Shared by runs on several shards. [thread-safe]
class Hook {
 public:
  virtual ~Hook() = default;
  /// For people and the journal.
  [[nodiscard]] virtual const std::string& name() const = 0;
  /// Whether it wants to be asked. Quick. `tool`: see HookQuestion.
  [[nodiscard]] virtual bool concerns(HookPoint point, std::string_view tool) const = 0;
  /// Called on the run's shard; calls of one step ask side by side. Whatever is thrown is a failure. Cancellation:
  /// terminal, with the run and at timeout().
  [[nodiscard]] virtual asio::awaitable<HookAnswer> ask(HookQuestion question, Environment& environment) = 0;
  /// Where it fails, what it was asked about does not happen. Otherwise the person is told, and it goes on.
  [[nodiscard]] virtual bool required() const { return true; }
  /// For one answer. Zero: none.
  [[nodiscard]] virtual milliseconds timeout() const { return milliseconds{10'000}; }
};

/// {"action":"allow"|"block"|"ask"?, "reason"?, "arguments"?, "result"?, "text"?, "note"?}. Throws
/// Error(errc::protocol) for anything else, and for what makes no sense at `point`.
[[nodiscard]] HookAnswer hook_answer_of(const json::value& answer, HookPoint point);

/// The command of an agent file. What it needs (the program, its secrets) is looked for when it is asked.
[[nodiscard]] std::shared_ptr<Hook> make_command_hook(const HookSpec& spec, const Definition& definition);

}  // namespace sennit
