// Private: what the hooks of one point say together.
#pragma once

#include <sennit/agent/hook.hpp>
#include <sennit/agent/policy.hpp>
#include <sennit/agent/schema/validate.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sennit {

struct HookAnswers {
  Decision decision{};                    ///< its rule: "hook check.sh: not on Fridays"
  std::optional<json::object> arguments;  ///< as the last hook that changed them left them
  std::optional<std::string> result;
  std::string text;                  ///< a paragraph a hook
  std::vector<std::string> notices;  ///< notes, changes and failures, for the person

  /// Nothing was said that anybody has to know.
  [[nodiscard]] bool is_plain() const {
    return decision.verdict == Verdict::allow && !arguments && !result && text.empty() && notices.empty();
  }
};

/// Asks one after the other: each sees what those before it have changed; none is asked after one that blocks.
/// `schema`: that changed arguments have to fit. Never throws what a hook does; Error(errc::cancelled) where the caller
/// is cancelled. All arguments outlive it.
[[nodiscard]] asio::awaitable<HookAnswers> ask_hooks(Environment& environment,
                                                     const std::vector<std::shared_ptr<Hook>>& hooks,
                                                     HookQuestion question, const Validator* schema);

/// The journal's form.
[[nodiscard]] json::object to_json(const HookAnswers& answers);
[[nodiscard]] HookAnswers hook_answers_from_json(const json::value& value);

}  // namespace sennit
