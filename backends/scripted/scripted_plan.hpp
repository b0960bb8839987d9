// Private: What the scripted backend says next: a pure function of the intents and the conversation.
//
// Nothing is kept between turns. The plan is made anew from the last thing that the person said, what has been called
// since is found in the conversation, and so the next turn is known. That is what makes it replayable.
#pragma once

#include <sennit/agent/backend.hpp>
#include <sennit/agent/definition.hpp>
#include <sennit/backends/scripted/pattern.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace sennit::intents {

inline constexpr std::size_t kMaxInputBytes = 8'192;  ///< longer inputs are not understood
inline constexpr std::size_t kMaxClauses = 12;        ///< of a sentence; further separators do not separate

/// An intent with its patterns compiled.
struct Rule {
  const Intent* intent = nullptr;
  std::vector<Pattern> patterns;
  std::vector<std::optional<Pattern>> takes;  ///< one for each step
};

/// Throws Error(errc::config) naming the intent whose pattern is wrong. `intents` must outlive the result.
[[nodiscard]] std::vector<Rule> compile(const std::vector<Intent>& intents);

/// One wish found in an input.
struct Wish {
  const Rule* rule = nullptr;  ///< null: not understood
  Captures captures;
  std::string text;          ///< the words themselves
  std::size_t sentence = 0;  ///< wishes of one sentence are carried out side by side, sentences in order
};

/// Divides an input into wishes: as few words as possible are left over, and of that as many wishes as possible.
[[nodiscard]] std::vector<Wish> understand(const std::vector<Rule>& rules, std::string_view input);

/// The beginning of a text, on one line, to quote it.
[[nodiscard]] std::string excerpt(std::string_view text);

/// Either tool calls or an answer.
struct Turn {
  std::vector<ToolCall> calls;
  std::string answer;
};

[[nodiscard]] Turn next_turn(const std::vector<Rule>& rules, const CompletionRequest& request);

}  // namespace sennit::intents
