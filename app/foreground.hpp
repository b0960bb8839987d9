// A run in the foreground: its events on the screen or in the pipe, the person at the terminal asked, signals heeded,
// and how the program ends. The same for a run that begins, goes on, or is told again.
#pragma once

#include <sennit/agent/run.hpp>
#include <sennit/app/output.hpp>
#include <sennit/app/person.hpp>
#include <sennit/app/signals.hpp>
#include <sennit/app/view.hpp>

#include <boost/asio/io_context.hpp>

#include <memory>
#include <optional>
#include <set>
#include <string>

namespace CLI {
class App;
}

namespace sennit::app {

struct ForegroundSettings {
  bool json = false;
  bool quiet = false;
  bool yes = false;
  bool no = false;
  bool suspend = false;
  bool park = false;  ///< as `suspend`, where nobody is there to be asked and nothing was said beforehand
};

/// --json, --quiet.
void add_output_options(CLI::App& command, ForegroundSettings& settings);
/// --yes, --no, --suspend.
void add_approval_options(CLI::App& command, ForegroundSettings& settings);

class Foreground {
 public:
  /// Everything must outlive it.
  Foreground(asio::io_context& loop, Signals& signals, const ForegroundSettings& settings);
  ~Foreground();
  Foreground(const Foreground&) = delete;
  Foreground& operator=(const Foreground&) = delete;

  /// A person is there, and may be asked.
  [[nodiscard]] bool can_ask() const { return can_ask_; }
  /// Who decides where a person must: what the settings say, else who is there.
  [[nodiscard]] RunOptions options() const;
  /// Follows a run to its end. `settled`: requests that it tells again, to which the answer is known.
  Outcome follow(Run run, std::set<std::string> settled = {});
  /// What follows tells what was: there is nothing to ask.
  void ask_nobody() { leave(); }
  /// Gives the terminal back.
  void leave();
  /// The program's exit status after `outcome`, the last that follow() gave; what could not be written is reported.
  [[nodiscard]] int status(const Outcome& outcome) const;
  /// A signal, or an output that takes nothing more: no further run is to be followed.
  [[nodiscard]] bool stopped() const { return signal_ != 0 || unwritable_; }

 private:
  struct Desk;

  /// Where a person must decide the run is suspended.
  [[nodiscard]] bool parks() const;

  asio::io_context& loop_;
  Signals& signals_;
  const ForegroundSettings settings_;
  Output out_;
  Output err_;
  bool can_ask_;
  Page page_;
  View view_;
  std::unique_ptr<Desk> desk_;
  std::optional<Error> unwritable_;
  int signal_ = 0;
};

}  // namespace sennit::app
