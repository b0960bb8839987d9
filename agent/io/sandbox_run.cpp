#include <sennit/agent/io/sandbox_run.hpp>
#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/io/secrets.hpp>

#include <boost/asio/this_coro.hpp>

#include <array>
#include <optional>
#include <utility>

namespace sennit::sandbox {
namespace {

// What the coroutines that serve one child share.
struct Running {
  Running(Environment& environment, Child started, const Work& work)
      : child(std::move(started)),
        flood(work.flood),
        output(work.output),
        errors(work.output),
        tasks(environment.executor(), [](const Error&) {}) {}

  Child child;
  std::size_t flood;
  Captured output;
  Captured errors;
  bool flooded = false;
  bool timed_out = false;
  TaskScope tasks;
};
using RunningPointer = std::shared_ptr<Running>;

asio::awaitable<void> drain(RunningPointer running, bool errors) {
  Captured& captured = errors ? running->errors : running->output;
  std::array<char, 16U << 10U> buffer{};
  secrets::Stream clean;  // before it is cut: of a secret at the edge most would be left
  for (;;) {
    asio::awaitable<std::size_t> reading =
        errors ? running->child.process().read_errors(buffer) : running->child.process().read_output(buffer);
    const std::size_t size = co_await std::move(reading);
    captured.add(size == 0 ? clean.finish() : clean.push({buffer.data(), size}));
    if (size == 0) co_return;
    if (captured.total() <= running->flood) continue;
    running->flooded = true;
    running->child.process().kill();
    co_return;
  }
}

asio::awaitable<void> feed(RunningPointer running, std::string input) {
  if (!input.empty()) {
    asio::awaitable<void> writing = running->child.process().write(std::move(input));
    co_await std::move(writing);
  }
  running->child.process().close_input();
}

asio::awaitable<Ending> wait_for_end(RunningPointer running) {
  asio::awaitable<Ending> waiting = running->child.wait();
  co_return co_await std::move(waiting);
}

asio::awaitable<void> kill_and_wait(RunningPointer running) {
  running->child.process().kill();
  asio::awaitable<Ending> waiting = running->child.wait();
  co_await std::move(waiting);
}

}  // namespace

void Captured::add(std::string_view bytes) {
  total_ += bytes.size();
  const std::size_t room = half_ - std::min(half_, head_.size());
  head_ += bytes.substr(0, room);
  bytes.remove_prefix(std::min(room, bytes.size()));
  if (bytes.size() >= half_) {
    tail_ = bytes.substr(bytes.size() - half_);
    return;
  }
  const std::size_t kept = half_ - bytes.size();
  if (tail_.size() > kept) tail_.erase(0, tail_.size() - kept);
  tail_ += bytes;
}

std::string Captured::text() const {
  if (dropped() == 0) return head_ + tail_;
  return head_ + "\n[… " + std::to_string(dropped()) + " bytes are left out here …]\n" + tail_;
}

asio::awaitable<Result> run(Environment& environment, std::shared_ptr<const Box> box, Work work) {
  asio::awaitable<Child> starting = Child::start(environment, std::move(box), work.command);
  Child child = co_await std::move(starting);
  const auto running = std::make_shared<Running>(environment, std::move(child), work);
  for (const bool errors : {false, true}) {
    asio::awaitable<void> draining = drain(running, errors);
    running->tasks.spawn(std::move(draining));
  }
  asio::awaitable<void> feeding = feed(running, std::move(work.input));
  running->tasks.spawn(std::move(feeding));
  const std::unique_ptr<Alarm> alarm = environment.call_at(environment.now() + work.time, [running] {
    running->timed_out = true;
    running->child.process().kill();
  });
  std::optional<Ending> ending;
  std::exception_ptr stopped;
  try {
    asio::awaitable<Ending> waiting = wait_for_end(running);
    ending = co_await std::move(waiting);
    // Everybody who could write has ended: what is left in the pipes is all there is.
    asio::awaitable<void> joining = running->tasks.join();
    co_await std::move(joining);
  } catch (...) {
    stopped = std::current_exception();
  }
  if (stopped) {
    co_await asio::this_coro::throw_if_cancelled(false);
    asio::awaitable<void> killing = kill_and_wait(running);
    asio::awaitable<std::optional<Error>> shield = shielded(std::move(killing));
    co_await std::move(shield);
    running->tasks.cancel();
    co_await asio::this_coro::throw_if_cancelled(true);
    std::rethrow_exception(stopped);
  }
  co_return Result{std::move(*ending), running->timed_out, running->flooded, std::move(running->output),
                   std::move(running->errors)};
}

}  // namespace sennit::sandbox
