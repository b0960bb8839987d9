// The person at the terminal, asked in the middle of a run: one key for an approval, a line for a question.
#pragma once

#include <sennit/agent/event.hpp>
#include <sennit/agent/run.hpp>
#include <sennit/app/editor.hpp>
#include <sennit/app/output.hpp>
#include <sennit/app/style.hpp>
#include <sennit/app/terminal.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sennit::app {

class Person {
 public:
  /// Everything must outlive it. `screen` is where questions appear.
  Person(Terminal& terminal, Editor& editor, Output& screen, bool colour)
      : terminal_(terminal), editor_(editor), screen_(screen), colour_(colour) {}

  /// `stop` is asked now and then whether the question still matters. Nothing: it does not any more, or the person
  /// pressed Ctrl-C (see interrupted()).
  [[nodiscard]] std::optional<Approval> approve(const ApprovalRequested& request, const std::function<bool()>& stop);
  [[nodiscard]] std::optional<std::string> answer(const QuestionAsked& question, const std::function<bool()>& stop);
  /// What became of a call: "done", "not done" or "abort". The view has said what is not known.
  [[nodiscard]] std::optional<std::string> settle(const InDoubt& doubt, const std::function<bool()>& stop);
  [[nodiscard]] bool interrupted() const { return interrupted_; }

 private:
  /// The arguments in full, where the line of the call could not show them: nobody should approve half a command.
  [[nodiscard]] std::string details(const ToolCall& call) const;
  [[nodiscard]] std::string question(const ApprovalRequested& request) const;
  [[nodiscard]] std::string styled(std::string_view text, const Style& style) const;
  /// Shows a question and waits for one of the keys `known`, in either case. Nothing: as approve().
  [[nodiscard]] std::optional<char> key(const std::string& shown, std::string_view known,
                                        const std::function<bool()>& stop);

  Terminal& terminal_;
  Editor& editor_;
  Output& screen_;
  bool colour_;
  bool interrupted_ = false;
};

}  // namespace sennit::app
