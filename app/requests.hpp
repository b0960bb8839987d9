// What a run asks of a person (approvals, questions, doubts), out of its journal.
#pragma once

#include <sennit/agent/event.hpp>
#include <sennit/agent/run_record.hpp>

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::app {

struct Request {
  enum class Kind { approval, question, doubt };
  Kind kind = Kind::question;
  std::string id;        ///< its effect: "2.1.approval"
  ToolCall call;         ///< of an approval or a doubt
  std::string rule;      ///< of an approval: why it asks
  std::string question;  ///< of a question
  std::string digest;    ///< of what an answer is an answer to
  WallTime asked{};
  bool settled = false;  ///< the run went on with an answer, or without one
};

/// What a run that is not at work waits for.
struct Requests {
  std::vector<Request> open{};  ///< nobody has answered yet
  bool answered = false;        ///< there were some, and all are answered
};

/// In the order in which they were asked.
[[nodiscard]] std::vector<Request> requests_of(const std::vector<JournalEntry>& journal);

/// The answer that counts for a request, of those that were given; nothing: it is open.
[[nodiscard]] const Answer* answer_to(const Request& request, const std::vector<Answer>& answers);

/// A person's words as the answer that they mean ("yes" is "once"). Throws Error(errc::invalid_argument), with the
/// words that there are.
[[nodiscard]] std::string meaning_of(const Request& request, std::string_view words);

/// "approval of http_send"
[[nodiscard]] std::string wants(const Request& request);

/// "once, always, never": what can be said to it.
[[nodiscard]] std::string_view choices_for(const Request& request);

/// On one line: "Allow http_send(url: …)? (policy.ask)"
[[nodiscard]] std::string describe(const Request& request);

/// How to answer the open ones, a paragraph each, with all that is to be known of them.
[[nodiscard]] std::string how_to_answer(const std::string& run, const std::vector<Request>& open);

}  // namespace sennit::app
