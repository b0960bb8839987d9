// Follows one run to its end: draws its events, asks the person, turns signals into cancellation.
#pragma once

#include <sennit/agent/run.hpp>
#include <sennit/app/output.hpp>
#include <sennit/app/person.hpp>
#include <sennit/app/signals.hpp>
#include <sennit/app/view.hpp>
#include <sennit/app/waiting.hpp>

#include <boost/asio/io_context.hpp>

#include <deque>
#include <optional>
#include <set>
#include <string>
#include <variant>

namespace sennit::app {

/// Where a run is shown. `view` null: as JSON, one event a line, on `out`.
struct Screen {
  Output& out;
  Output& err;
  View* view = nullptr;
  Person* person = nullptr;  ///< null: nobody can be asked
  /// What is said to every call that asks, where that was said beforehand. (A new one is settled by the run's own
  /// options; one that was open when the run was resumed is not.)
  std::optional<Approval> standing{};
};

class Watch {
 public:
  Watch(asio::io_context& loop, Signals& signals, Screen screen) : loop_(loop), signals_(signals), screen_(screen) {}

  /// Runs the loop until the run has ended. SIGINT cancels it; SIGTERM and SIGHUP suspend it (or
  /// cancel it, where it is not kept); a second one leaves the program at once.
  /// `settled`: requests that the run tells again, to which the answer is known.
  Outcome follow(Run run, std::set<std::string> settled = {});
  /// The signal that stopped the run (SIGPIPE: the output was closed); 0: none did.
  [[nodiscard]] int signal() const { return signal_; }
  /// Why what the run said could not be written (a full disk; not: a reader that is gone). It was cancelled then.
  [[nodiscard]] const std::optional<Error>& unwritable() const { return unwritable_; }

 private:
  struct Request {
    std::string place;  // what ends it: its call, with its path; of a question the agent's next step
    std::variant<ApprovalRequested, QuestionAsked, InDoubt> asked;
  };

  asio::awaitable<void> pull(Run& run);
  void draw(Run& run, const Event& event);
  void note_request(Run& run, const Event& event);
  void on_signal(Run& run, int signal);
  void ask(Run& run);
  void stop(Run& run, int signal, const char* reason);

  asio::io_context& loop_;
  Signals& signals_;
  Screen screen_;
  std::deque<Request> requests_;
  std::set<std::string> finished_;  // places, while a request is open
  std::set<std::string> settled_;
  std::optional<Error> unwritable_;
  std::optional<Waiting> waiting_;
  bool done_ = false;
  int signal_ = 0;
};

}  // namespace sennit::app
