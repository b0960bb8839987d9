#include <sennit/agent/schema/validate.hpp>
#include <sennit/app/exit_code.hpp>
#include <sennit/app/watch.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <unistd.h>

#include <chrono>
#include <csignal>

namespace sennit::app {
namespace {

/// A cancelled run that has not ended by then gets a line of its own, so that the person knows it was heard.
constexpr std::chrono::milliseconds kStillStopping{150};
/// After SIGTERM nobody presses Ctrl-C a second time.
constexpr std::chrono::seconds kTermination{5};

[[noreturn]] void leave_at_once(int signal) {
  Terminal::restore_now();
  ::_exit(128 + signal);
}

}  // namespace

void Watch::draw(Run& run, const Event& event) {
  if (screen_.view != nullptr) {
    screen_.view->show(event);
  } else {
    screen_.out.buffer() += json_text(to_json(event)) + "\n";
  }
  note_request(run, event);
}

void Watch::note_request(Run& run, const Event& event) {
  const auto* finished = std::get_if<ToolFinished>(&event.data);
  if (finished != nullptr || std::holds_alternative<StepStarted>(event.data)) {
    const std::string place = event.path + "/" + (finished != nullptr ? finished->result.call_id : std::string());
    finished_.insert(place);
    std::erase_if(requests_, [&](const Request& request) { return request.place == place; });
  }
  if (const auto* approval = std::get_if<ApprovalRequested>(&event.data)) {
    if (settled_.contains(approval->id)) return;
    if (screen_.standing) return run.approve(approval->id, *screen_.standing);
    if (screen_.person != nullptr) requests_.push_back({event.path + "/" + approval->call.id, *approval});
  }
  if (screen_.person == nullptr) return;
  if (const auto* question = std::get_if<QuestionAsked>(&event.data)) {
    if (!settled_.contains(question->id)) requests_.push_back({event.path + "/", *question});
  }
  if (const auto* doubt = std::get_if<InDoubt>(&event.data)) {
    if (!settled_.contains(doubt->id)) requests_.push_back({event.path + "/" + doubt->call.id, *doubt});
  }
}

asio::awaitable<void> Watch::pull(Run& run) {
  bool writing = true;
  while (const auto events = co_await run.next()) {
    if (!writing) continue;
    try {
      for (const Event& event : *events) {
        // Where somebody sees both, what happened first stands first.
        Output& earlier = screen_.err.buffer().empty() ? screen_.out : screen_.err;
        draw(run, event);
        if (waiting_ && !screen_.out.buffer().empty()) waiting_->begin();
        if (!screen_.out.buffer().empty() && !screen_.err.buffer().empty()) co_await earlier.flush();
      }
      co_await screen_.out.flush();
      co_await screen_.err.flush();
    } catch (const Error& error) {
      writing = false;
      if (!screen_.out.closed() && !screen_.err.closed()) unwritable_ = error;
    }
    if (!writing) stop(run, SIGPIPE, "the output was closed");
  }
}

void Watch::stop(Run& run, int signal, const char* reason) {
  signal_ = signal;
  // Who ends the program does not mean the run: it can be resumed, where it is kept.
  if (signal == SIGTERM || signal == SIGHUP) return run.suspend(reason);
  run.cancel(reason);
}

void Watch::on_signal(Run& run, int signal) {
  if (signal == SIGWINCH) return;
  if (signal_ != 0) leave_at_once(signal);
  stop(run, signal, signal == SIGINT ? "interrupt" : signal == SIGHUP ? "the terminal was closed" : "terminated");
}

/// Shows the first open request, unless it was settled meanwhile.
void Watch::ask(Run& run) {
  const Request request = std::move(requests_.front());
  requests_.pop_front();
  finished_.clear();
  const auto settled = [&] { return done_ || signal_ != 0 || finished_.contains(request.place); };

  Output& shown = screen_.view != nullptr && screen_.out.is_terminal() ? screen_.out : screen_.err;
  screen_.view->pause();
  if (waiting_) waiting_->pause();
  screen_.out.flush_now();
  screen_.err.flush_now();
  shown.hold(true);
  if (const auto* approval = std::get_if<ApprovalRequested>(&request.asked)) {
    if (const auto answer = screen_.person->approve(*approval, settled)) run.approve(approval->id, *answer);
  } else if (const auto* doubt = std::get_if<InDoubt>(&request.asked)) {
    if (auto answer = screen_.person->settle(*doubt, settled)) run.answer(doubt->id, std::move(*answer));
  } else {
    const auto& question = std::get<QuestionAsked>(request.asked);
    if (auto answer = screen_.person->answer(question, settled)) run.answer(question.id, std::move(*answer));
  }
  shown.hold(false);
  shown.flush_now();
  if (waiting_) waiting_->begin();
  if (screen_.person->interrupted()) stop(run, SIGINT, "interrupt");
}

Outcome Watch::follow(Run run, std::set<std::string> settled) {
  settled_ = std::move(settled);
  done_ = false;
  signal_ = 0;
  unwritable_.reset();
  requests_.clear();
  const Signals::Handler before = signals_.handle([&](int signal) { on_signal(run, signal); });
  if (screen_.view != nullptr) screen_.view->begin(run.id());
  const Page* page = screen_.view == nullptr ? nullptr : screen_.view->live_page();
  if (page != nullptr && page->options().colour && screen_.out.is_terminal()) {
    waiting_.emplace(loop_, screen_.out, *page);
    waiting_->begin();
  }
  std::exception_ptr failure;
  asio::co_spawn(loop_, pull(run), [&](std::exception_ptr thrown) {
    failure = std::move(thrown);
    done_ = true;
  });
  using Clock = std::chrono::steady_clock;
  asio::steady_timer patience(loop_);
  Clock::time_point stopped;
  if (loop_.stopped()) loop_.restart();
  while (!done_) {
    if (!requests_.empty() && signal_ == 0) {
      ask(run);
      continue;
    }
    if (signal_ != 0 && stopped == Clock::time_point{}) {
      stopped = Clock::now();
      patience.expires_after(kStillStopping);
      patience.async_wait([&](boost::system::error_code error) {
        if (error || done_ || signal_ == SIGPIPE) return;
        if (waiting_) waiting_->pause();
        screen_.err.say("stopping … (Ctrl-C again leaves at once)\n");
        patience.expires_at(stopped + kTermination);
        patience.async_wait([&](boost::system::error_code late) {
          if (!late && !done_ && signal_ != SIGINT) leave_at_once(signal_);
        });
      });
    }
    loop_.run_one();
  }
  patience.cancel();
  if (waiting_) waiting_->pause();
  loop_.poll();  // the timers' handlers refer to this frame
  waiting_.reset();
  signals_.handle(before);
  if (failure) std::rethrow_exception(failure);
  screen_.out.flush_now();
  screen_.err.flush_now();
  return run.outcome();
}

}  // namespace sennit::app
