#include <sennit/app/exit_code.hpp>
#include <sennit/app/foreground.hpp>
#include <sennit/app/program.hpp>
#include <sennit/app/watch.hpp>

#include <CLI/CLI.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace sennit::app {
namespace {

/// Whether what is written to both is read as one text (`2>&1`).
bool same_place(int one, int other) {
  struct stat first{};
  struct stat second{};
  return ::fstat(one, &first) == 0 && ::fstat(other, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

/// Where what happens is shown, if it is shown apart from the answer.
int screen_of(const Output& out) {
  return out.is_terminal() ? STDOUT_FILENO : STDERR_FILENO;
}

bool is_together(const Output& out) {
  return out.is_terminal() || same_place(STDOUT_FILENO, STDERR_FILENO);
}

Page::Options page_options(const Output& out, const Output& err) {
  const Output& screen = is_together(out) ? out : err;
  return {.width = screen.is_terminal() ? Terminal::width(screen_of(out)) : 0, .colour = wants_colour(screen_of(out))};
}

}  // namespace

/// Asks at the terminal.
struct Foreground::Desk {
  Desk(asio::io_context& loop, Output& screen, bool colour)
      : terminal(loop), editor(terminal, {}, colour), person(terminal, editor, screen, colour) {}
  Terminal terminal;
  Editor editor;
  Person person;
};

void add_output_options(CLI::App& command, ForegroundSettings& settings) {
  CLI::Option* json = command.add_flag("--json", settings.json, "Print events as JSON, one a line; not with --quiet");
  command.add_flag("-q,--quiet", settings.quiet, "Print the final answer only")->excludes(json);
}

void add_approval_options(CLI::App& command, ForegroundSettings& settings) {
  CLI::Option* yes = command.add_flag("-y,--yes", settings.yes, "Approve every call that asks");
  CLI::Option* no =
      command.add_flag("-n,--no", settings.no, "Decline every call that asks; not with --yes")->excludes(yes);
  command
      .add_flag("--suspend", settings.suspend,
                "Where a person must decide, suspend the run instead of declining; answer with `sennit runs answer`")
      ->excludes(yes)
      ->excludes(no);
}

Foreground::Foreground(asio::io_context& loop, Signals& signals, const ForegroundSettings& settings)
    : loop_(loop),
      signals_(signals),
      settings_(settings),
      out_(loop.get_executor(), STDOUT_FILENO),
      err_(loop.get_executor(), STDERR_FILENO),
      can_ask_(!settings.json && !settings.suspend && Terminal::interactive(screen_of(out_))),
      page_((is_together(out_) ? out_ : err_).buffer(), page_options(out_, err_)),
      view_(page_, {.answer = is_together(out_) && !settings.quiet ? nullptr : &out_.buffer(),
                    .beside = err_.is_terminal(),
                    .quiet = settings.quiet,
                    .hint_approvals = !settings.yes && !settings.no && !parks() && !can_ask_,
                    .say_rules = !can_ask_}) {
  if (!can_ask_) return;
  desk_ = std::make_unique<Desk>(loop, is_together(out_) ? out_ : err_, page_.options().colour);
  desk_->terminal.original();
}

Foreground::~Foreground() = default;

bool Foreground::parks() const {
  return settings_.suspend || (settings_.park && !can_ask_ && !settings_.yes && !settings_.no);
}

RunOptions Foreground::options() const {
  RunOptions options;
  if (parks()) {
    options.approvals = Approvals::suspend;
  } else if (settings_.yes || settings_.no || !can_ask_) {
    options.approvals = settings_.yes ? Approvals::allow : Approvals::deny;
  }
  options.questions = can_ask_ || parks();
  return options;
}

Outcome Foreground::follow(Run run, std::set<std::string> settled) {
  Screen screen{out_, err_, settings_.json ? nullptr : &view_, desk_ ? &desk_->person : nullptr};
  if (settings_.yes) screen.standing = Approval::once;
  if (settings_.no) screen.standing = Approval::never;
  Watch watch(loop_, signals_, screen);
  Outcome outcome = watch.follow(std::move(run), std::move(settled));
  unwritable_ = watch.unwritable();
  signal_ = watch.signal();
  return outcome;
}

void Foreground::leave() {
  desk_.reset();
}

int Foreground::status(const Outcome& outcome) const {
  if (unwritable_) return report(*unwritable_);
  return signal_ != 0 ? 128 + signal_ : exit_code_of(outcome);
}

}  // namespace sennit::app
