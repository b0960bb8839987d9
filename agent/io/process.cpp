// Our side of a child: pipes, the socket to its keeper, and the keeper's pidfd.
#include <sennit/agent/io/process.hpp>
#include <sennit/agent/io/process_command.hpp>
#include <sennit/agent/io/process_ending.hpp>
#include <sennit/agent/io/process_errors.hpp>
#include <sennit/agent/io/process_keeper.hpp>
#include <sennit/agent/io/process_pipes.hpp>

#include <boost/asio/this_coro.hpp>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

namespace sennit {

using process::Descriptor;
using process::Pair;
using process::Stream;

struct Process::State {
  State(const asio::any_io_executor& executor, std::string name)
      : program(std::move(name)),
        input(executor),
        output(executor),
        errors(executor),
        control(executor),
        keeper(executor) {}
  ~State() { end(); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void launch(const Command& command);
  asio::awaitable<void> begun(std::string directory);
  void receive_listener();
  void collect();
  void end() noexcept;

  // Nothing if nothing has come, or nothing will.
  std::optional<keeper::Message> receive() {
    keeper::Message message{};
    ssize_t size = 0;
    do {  // a reset means that the keeper has not read all of ours: what it wrote comes after that
      size = ::recv(control.native_handle(), &message, sizeof message, MSG_DONTWAIT);
    } while (size < 0 && (errno == EINTR || errno == ECONNRESET));
    if (size == sizeof message) return message;
    silent = size >= 0 || errno != EAGAIN;
    return std::nullopt;
  }

  [[nodiscard]] Error lost() const {
    return Error(errc::io, "lost " + program + ": the process that keeps it was killed; look for what it left running");
  }

  const std::string program;
  Stream input;
  Stream output;
  Stream errors;
  Stream control;
  Stream keeper;        // a pidfd
  Descriptor network;   // where the listening socket comes from
  Descriptor listener;  // that socket
  int id = 0;
  int keeper_id = 0;
  std::optional<ExitStatus> status;
  bool taken_in = false;
  bool silent = false;  // the keeper will say nothing more
};

void Process::State::launch(const Command& command) {
  process::take_in_leftovers();
  const process::Words packed(command, process::find_program(command));

  Pair in = process::make_pipe(program);
  Pair out = process::make_pipe(program);
  Pair err = process::make_pipe(program);
  Pair execute = process::make_pipe(program);
  Pair sockets = process::make_sockets(program);
  Descriptor self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  if (self.get() < 0) throw process::scarce(program, errno);
  self = process::above_standard(program, std::move(self));
  Pair network;
  if (command.listen) network = process::make_sockets(program);
  for (const Descriptor* ours : {&in.second, &out.first, &err.first}) process::do_not_block(*ours);
  // Before the fork: from then on nothing may fail.
  process::hand_over(sockets.first, control);
  process::hand_over(in.second, input);
  process::hand_over(out.first, output);
  process::hand_over(err.first, errors);

  keeper::Plan plan{.program = packed.program,
                    .arguments = packed.arguments,
                    .environment = packed.environment,
                    .directory = packed.directory,
                    .words = packed.all(),
                    .input = in.first.get(),
                    .output = out.second.get(),
                    .errors = err.second.get(),
                    .control = sockets.second.get(),
                    .execute_read = execute.first.get(),
                    .execute_write = execute.second.get(),
                    .host = self.get(),
                    .descriptors = {},
                    .descriptor_count = 0,
                    .limits = {},
                    .limit_count = 0,
                    .groups = {},
                    .group_count = 0,
                    .network = network.second.get(),
                    .port = command.listen.value_or(0)};
  for (const int descriptor : command.descriptors) plan.descriptors[plan.descriptor_count++] = descriptor;
  for (const int group : command.groups) plan.groups[plan.group_count++] = group;
  for (const auto& [resource, bound] : command.limits) plan.limits[plan.limit_count++] = {resource, bound};
  this->network = std::move(network.first);
  const keeper::Launched launched = keeper::launch(plan);
  if (launched.pidfd < 0) throw process::failure_to_start(program, {}, keeper::Step::fork, launched.error);
  Descriptor pidfd(launched.pidfd);
  keeper_id = launched.id;
  try {
    process::hand_over(pidfd, keeper);
  } catch (...) {
    control.close();
    const process::Ending waited(std::move(pidfd));
    throw current_error();
  }
}

asio::awaitable<void> Process::State::begun(std::string directory) {
  std::optional<keeper::Message> message;
  while (!message) {
    // May be meant for what had this number before: a loop tells of a closed descriptor's news as well.
    co_await process::ready(control, Stream::wait_read);
    message = receive();
    if (!message && silent) throw lost();
  }
  if (message->kind == keeper::Kind::failed) {
    throw process::failure_to_start(program, directory, static_cast<keeper::Step>(message->detail), message->value);
  }
  id = message->value;
  if (network.get() >= 0) receive_listener();
}

// It was sent before the command was executed, so it is here.
void Process::State::receive_listener() {
  char byte = 0;
  iovec piece{.iov_base = &byte, .iov_len = 1};
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = room;
  message.msg_controllen = sizeof room;
  const ssize_t size = ::recvmsg(network.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  const cmsghdr* header = size == 1 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) {
    throw Error(errc::io, "cannot start " + program + ": its network was not set up");
  }
  int socket = -1;
  std::memcpy(&socket, CMSG_DATA(header), sizeof socket);
  listener = Descriptor(socket);
  network = Descriptor();
}

// The keeper has ended, it seems: what did it say?
void Process::State::collect() {
  if (!taken_in) taken_in = process::take_in(keeper.native_handle());
  if (!taken_in) return;
  while (const auto message = receive()) {
    if (message->kind != keeper::Kind::ended) continue;
    ExitStatus result;
    if (WIFSIGNALED(message->value)) result.signal = WTERMSIG(message->value);
    if (WIFEXITED(message->value)) result.code = WEXITSTATUS(message->value);
    result.survivors = message->detail;
    status = result;
  }
  if (!status) throw lost();
}

void Process::State::end() noexcept {
  boost::system::error_code ignored;
  input.close(ignored);
  output.close(ignored);
  errors.close(ignored);
  control.close(ignored);  // the keeper's sign
  if (!keeper.is_open()) return;
  const asio::any_io_executor executor = keeper.get_executor();
  Descriptor pidfd(keeper.release());
  if (taken_in) return;
  process::end_on(executor, process::Ending(std::move(pidfd)));
}

Process::Process(std::shared_ptr<State> state) : state_(std::move(state)) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this == &other) return *this;
  abandon();
  state_ = std::move(other.state_);
  return *this;
}

Process::~Process() {
  abandon();
}

void Process::abandon() noexcept {
  if (const std::shared_ptr<State> state = std::exchange(state_, nullptr)) state->end();
}

asio::awaitable<Process> Process::start(Command command) {
  process::check(command);
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const auto state = std::make_shared<State>(executor, command.arguments.front());
  state->launch(command);
  Process process(state);
  co_await state->begun(command.directory.string());
  co_return process;
}

int Process::id() const noexcept {
  return state_->id;
}

int Process::keeper() const noexcept {
  return state_->keeper_id;
}

int Process::listener() noexcept {
  return state_->listener.release();
}

asio::awaitable<std::size_t> Process::read_output(std::span<char> buffer) {
  const std::shared_ptr<State> state = state_;
  co_return co_await process::read_some(state->output, buffer, state->program);
}

asio::awaitable<std::size_t> Process::read_errors(std::span<char> buffer) {
  const std::shared_ptr<State> state = state_;
  co_return co_await process::read_some(state->errors, buffer, state->program);
}

std::optional<std::size_t> Process::try_read_output(std::span<char> buffer) {
  if (!state_->output.is_open()) return std::nullopt;
  return process::try_read(state_->output, buffer, state_->program);
}

asio::awaitable<void> Process::write(std::string bytes) {
  const std::shared_ptr<State> state = state_;
  if (!state->input.is_open()) throw Error(errc::invalid_argument, "the input of " + state->program + " is closed");
  co_await process::write_all(state->input, bytes, state->program);
}

void Process::close_input() {
  boost::system::error_code ignored;
  state_->input.close(ignored);
}

void Process::terminate(std::chrono::milliseconds grace) {
  constexpr std::chrono::milliseconds::rep kLongest = std::numeric_limits<std::int32_t>::max();
  const keeper::Message message{
      .kind = keeper::Kind::terminate,
      .value = static_cast<std::int32_t>(std::clamp<decltype(kLongest)>(grace.count(), 0, kLongest)),
      .detail = 0};
  // It has ended if this fails, or has heard it hundreds of times.
  [[maybe_unused]] const ssize_t sent =
      ::send(state_->control.native_handle(), &message, sizeof message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void Process::kill() {
  ::shutdown(state_->control.native_handle(), SHUT_WR);
}

asio::awaitable<ExitStatus> Process::wait() {
  const std::shared_ptr<State> state = state_;
  while (!state->status) {
    if (state->taken_in) throw state->lost();
    co_await process::ready(state->keeper, Stream::wait_read);
    state->collect();
  }
  co_return *state->status;
}

}  // namespace sennit
