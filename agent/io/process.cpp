// Our side of a child: pipes, the socket to its keeper, and the keeper's pidfd, all of them waited for with Asio and
// then read or written by hand, so that one piece of code decides about every byte.
#include <sennit/agent/io/process.hpp>
#include <sennit/agent/io/process_keeper.hpp>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

namespace sennit {
namespace {

using Stream = asio::posix::stream_descriptor;

// How long the end of a loop waits for a keeper that has been told to end. Killing a tree takes milliseconds.
constexpr int kLastWait = 1'000;

std::string words(int error) {
  return std::strerror(error);
}

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      reset();
      number_ = other.release();
    }
    return *this;
  }
  ~Descriptor() { reset(); }

  [[nodiscard]] int get() const noexcept { return number_; }
  [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }
  void reset() noexcept {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

 private:
  int number_;
};

Error scarce(const std::string& program, int error) {
  return Error(errc::io, "cannot start " + program + ": " + words(error) +
                             ": end some of what runs, or raise the limits (ulimit -n, ulimit -u)")
      .retry();
}

// Above the three standard ones, which the child has yet to fill. Ours may be closed.
Descriptor above_standard(const std::string& program, Descriptor descriptor) {
  if (descriptor.get() > STDERR_FILENO) return descriptor;
  const int copy = ::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (copy < 0) throw scarce(program, errno);
  return Descriptor(copy);
}

struct Pair {
  Descriptor first;   // of a pipe: to read
  Descriptor second;  // of a pipe: to write
};

Pair make_pair(const std::string& program, int made, const int (&ends)[2]) {
  if (made != 0) throw scarce(program, errno);
  Descriptor first(ends[0]);
  Descriptor second(ends[1]);
  Pair pair;
  pair.first = above_standard(program, std::move(first));
  pair.second = above_standard(program, std::move(second));
  return pair;
}

Pair make_pipe(const std::string& program) {
  int ends[2];
  const int made = ::pipe2(ends, O_CLOEXEC);
  return make_pair(program, made, ends);
}

Pair make_sockets(const std::string& program) {
  int ends[2];
  const int made = ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
  return make_pair(program, made, ends);
}

// Each end of a pipe has its own flag: the child's stays as programs expect it.
void do_not_block(const Descriptor& descriptor) {
  ::fcntl(descriptor.get(), F_SETFL, ::fcntl(descriptor.get(), F_GETFL) | O_NONBLOCK);
}

// ---- what is to be executed ----

bool has_zero(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

void check(const Process::Command& command) {
  if (command.arguments.empty() || command.arguments.front().empty()) {
    throw Error(errc::invalid_argument, "a command needs at least the name of its program");
  }
  const auto refuse = [&](const std::string& what) {
    throw Error(errc::invalid_argument, "cannot start " + command.arguments.front() + ": " + what);
  };
  if (has_zero(command.arguments.front())) {
    throw Error(errc::invalid_argument, "the name of a program cannot hold a zero byte");
  }
  for (const std::string& argument : command.arguments) {
    if (has_zero(argument)) refuse("an argument cannot hold a zero byte");
  }
  for (const auto& [name, value] : command.environment) {
    if (name.empty() || has_zero(name) || name.find('=') != std::string::npos) {
      refuse("the name of a variable cannot be empty or hold '=' or a zero byte");
    }
    if (has_zero(value)) refuse("the variable " + name + " cannot hold a zero byte");
  }
  if (has_zero(command.directory.native())) refuse("the name of its folder cannot hold a zero byte");
}

bool is_executable(const std::string& file) {
  struct stat status{};
  return ::stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::access(file.c_str(), X_OK) == 0;
}

// Relative folders of a PATH are left out: the working directory may be one that a model has chosen and filled.
std::string find_program(const Process::Command& command) {
  const std::string& name = command.arguments.front();
  if (name.find('/') != std::string::npos) return name;
  const auto variable = command.environment.find("PATH");
  const std::string path = variable == command.environment.end() ? "/usr/bin:/bin" : variable->second;
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
    if (!folder.starts_with('/')) continue;
    std::string file = std::string(folder) + "/" + name;
    if (is_executable(file)) return file;
  }
  throw Error(errc::not_found, "cannot start " + name + ": no such program in " +
                                   (path.empty() ? "an empty PATH" : path) + ": install it, or give its path");
}

Error failure_to_start(const std::string& program, const std::string& directory, keeper::Step step, int error) {
  const std::string cannot = "cannot start " + program + ": ";
  switch (step) {
    case keeper::Step::fork:
      return scarce(program, error);
    case keeper::Step::session:
    case keeper::Step::descriptors:
      return Error(errc::io, cannot + "its process cannot be prepared: " + words(error) +
                                 (error == ENOSYS ? " (Linux 5.11 or later is needed)" : ""));
    case keeper::Step::directory:
      if (error == ENOENT || error == ENOTDIR) {
        return Error(errc::not_found,
                     cannot + "the folder " + directory + " does not exist: make it, or choose another");
      }
      return Error(errc::io, cannot + "the folder " + directory + " cannot be entered: " + words(error));
    case keeper::Step::program:
      break;
  }
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return Error(errc::not_found, cannot +
                                        "there is no such file, or what should interpret it is missing (its first "
                                        "line, or its loader): check the path, or install it");
    case EACCES:
      return Error(errc::io, cannot +
                                 "it may not be executed: check its mode (chmod +x), that of the folders above, "
                                 "and that its file system is not mounted noexec");
    case ENOEXEC:
      return Error(errc::io, cannot + "it is neither a program for this machine nor a script that begins with #!");
    case E2BIG:
      return Error(errc::io, cannot +
                                 "its arguments and environment are too long for the system: pass them through its "
                                 "input or a file");
    case ETXTBSY:
      return Error(errc::io, cannot + "somebody is writing to it: try again later").retry();
    default:
      return Error(errc::io, cannot + words(error));
  }
}

// What the command gets, in one piece of memory: the lists of pointers, then the words.
class Words {
 public:
  Words(const Process::Command& command, const std::string& file) {
    const std::size_t pointers = command.arguments.size() + command.environment.size() + 2;
    std::size_t size = pointers * sizeof(char*) + file.size() + command.directory.native().size() + 2;
    for (const std::string& argument : command.arguments) size += argument.size() + 1;
    for (const auto& [name, value] : command.environment) size += name.size() + value.size() + 2;
    memory_.resize(size);
    next_ = memory_.data() + pointers * sizeof(char*);

    arguments = reinterpret_cast<char**>(memory_.data());
    environment = arguments + command.arguments.size() + 1;
    std::size_t count = 0;
    for (const std::string& argument : command.arguments) arguments[count++] = add(argument);
    count = 0;
    for (const auto& [name, value] : command.environment) {
      environment[count++] = add(name);
      next_[-1] = '=';
      add(value);
    }
    program = add(file);
    if (!command.directory.empty()) directory = add(command.directory.native());
  }
  [[nodiscard]] std::span<const char> all() const noexcept { return memory_; }

  char** arguments = nullptr;
  char** environment = nullptr;
  const char* program = nullptr;
  const char* directory = nullptr;

 private:
  // The zero after it is there already, as is the null pointer after each list.
  char* add(std::string_view word) {
    char* const place = next_;
    std::copy(word.begin(), word.end(), place);
    next_ += word.size() + 1;
    return place;
  }

  std::vector<char> memory_;
  char* next_ = nullptr;
};

// ---- keepers that nobody waits for any more ----

// True once it is no child of ours: taken in here, or by the kernel or the host program in our place.
bool take_in(int pidfd) {
  siginfo_t information{};
  int result = 0;
  do {
    result = ::waitid(P_PIDFD, static_cast<id_t>(pidfd), &information, WEXITED | WNOHANG | __WALL);
  } while (result != 0 && errno == EINTR);
  return result != 0 || information.si_pid != 0;
}

// Those that did not end within kLastWait of the end of their loop. Looked at with each start.
class Leftovers {
 public:
  static Leftovers& all() {
    static auto* const leftovers = new Leftovers;  // used by destructors: must outlive all of them
    return *leftovers;
  }
  void add(Descriptor pidfd) {
    const std::lock_guard lock(mutex_);
    pidfds_.push_back(std::move(pidfd));
  }
  void look() {
    const std::lock_guard lock(mutex_);
    std::erase_if(pidfds_, [](const Descriptor& pidfd) { return take_in(pidfd.get()); });
  }

 private:
  std::mutex mutex_;
  std::vector<Descriptor> pidfds_;
};

// A keeper on its way out. Destroyed when it has ended, or together with a loop that will not tell us: then it is
// waited for here.
class Ending {
 public:
  explicit Ending(Descriptor pidfd) : pidfd_(std::move(pidfd)) {}
  Ending(Ending&&) noexcept = default;
  Ending& operator=(Ending&&) = delete;
  ~Ending() {
    if (pidfd_.get() < 0 || take_in(pidfd_.get())) return;
    pollfd ended{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
    ::poll(&ended, 1, kLastWait);
    if (!take_in(pidfd_.get())) Leftovers::all().add(std::move(pidfd_));
  }
  [[nodiscard]] int pidfd() const noexcept { return pidfd_.get(); }

 private:
  Descriptor pidfd_;
};

// Waits for the end on the loop. Holds nothing of Asio before it runs there: an Ending may be posted to a loop that is
// being destroyed.
class WaitForEnd {
 public:
  WaitForEnd(asio::any_io_executor executor, Ending ending)
      : executor_(std::move(executor)), ending_(std::move(ending)) {}
  void operator()() {
    struct Waiting {
      Waiting(const asio::any_io_executor& executor, Ending keeper) : ending(std::move(keeper)), stream(executor) {}
      Ending ending;
      Stream stream;
    };
    // The stream closes what it is given, and the Ending must have one left when the stream has gone.
    Descriptor copy(::fcntl(ending_.pidfd(), F_DUPFD_CLOEXEC, 0));
    if (copy.get() < 0) return;  // out of descriptors: our Ending waits
    try {
      const auto waiting = std::make_shared<Waiting>(executor_, std::move(ending_));
      waiting->stream.assign(copy.get());
      static_cast<void>(copy.release());
      waiting->stream.async_wait(Stream::wait_read, [waiting](const boost::system::error_code&) {});
    } catch (...) {  // out of something else: it has waited
    }
  }

 private:
  asio::any_io_executor executor_;
  Ending ending_;
};

// ---- waiting, reading, writing ----

asio::awaitable<void> ready(Stream& stream, Stream::wait_type what) {
  try {
    co_await stream.async_wait(what, asio::use_awaitable);
  } catch (...) {
    throw current_error();
  }
  // The news of its readiness may have been on its way when the Process was destroyed.
  if (!stream.is_open()) throw Error(errc::cancelled, "cancelled");
}

// Before each read the loop has its turn: a child that writes without pause must not keep it from other work.
asio::awaitable<std::size_t> read_some(Stream& stream, std::span<char> buffer, const std::string& program) {
  if (buffer.empty()) throw Error(errc::invalid_argument, "reading from " + program + " needs room");
  for (;;) {
    co_await ready(stream, Stream::wait_read);
    const ssize_t length = ::read(stream.native_handle(), buffer.data(), buffer.size());
    if (length >= 0) co_return static_cast<std::size_t>(length);
    if (errno != EAGAIN && errno != EINTR) {
      throw Error(errc::io, "cannot read from " + program + ": " + words(errno));
    }
  }
}

// write() to a pipe that nobody reads, without the SIGPIPE: it is for the writing thread, and is taken back from it.
ssize_t write_quietly(int pipe, std::string_view bytes) {
  sigset_t broken;
  sigset_t before;
  sigset_t pending;
  sigemptyset(&broken);
  sigaddset(&broken, SIGPIPE);
  sigpending(&pending);
  pthread_sigmask(SIG_BLOCK, &broken, &before);
  const ssize_t written = ::write(pipe, bytes.data(), bytes.size());
  const int error = errno;
  if (written < 0 && error == EPIPE && sigismember(&pending, SIGPIPE) == 0) {
    const timespec at_once{};
    while (sigtimedwait(&broken, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return written;
}

}  // namespace

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
  Stream keeper;  // a pidfd
  int id = 0;
  std::optional<ExitStatus> status;
  bool taken_in = false;
};

void Process::State::launch(const Command& command) {
  Leftovers::all().look();
  const Words packed(command, find_program(command));

  Pair in = make_pipe(program);
  Pair out = make_pipe(program);
  Pair err = make_pipe(program);
  Pair execute = make_pipe(program);
  Pair sockets = make_sockets(program);
  Descriptor self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  if (self.get() < 0) throw scarce(program, errno);
  self = above_standard(program, std::move(self));
  for (const Descriptor* ours : {&in.second, &out.first, &err.first}) do_not_block(*ours);
  // Before the fork: from then on nothing may fail.
  control.assign(sockets.first.get());
  static_cast<void>(sockets.first.release());
  input.assign(in.second.get());
  static_cast<void>(in.second.release());
  output.assign(out.first.get());
  static_cast<void>(out.first.release());
  errors.assign(err.first.get());
  static_cast<void>(err.first.release());

  const keeper::Plan plan{.program = packed.program,
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
                          .host = self.get()};
  const keeper::Launched launched = keeper::launch(plan);
  if (launched.pidfd < 0) throw failure_to_start(program, {}, keeper::Step::fork, launched.error);
  Descriptor pidfd(launched.pidfd);
  try {
    keeper.assign(pidfd.get());
    static_cast<void>(pidfd.release());
  } catch (...) {
    control.close();
    const Ending waited(std::move(pidfd));
    throw current_error();
  }
}

asio::awaitable<void> Process::State::begun(std::string directory) {
  co_await ready(control, Stream::wait_read);
  const std::optional<keeper::Message> message = receive();
  if (!message) throw lost();
  if (message->kind == keeper::Kind::failed) {
    throw failure_to_start(program, directory, static_cast<keeper::Step>(message->detail), message->value);
  }
  id = message->value;
}

// The keeper has ended, it seems: what did it say?
void Process::State::collect() {
  if (!taken_in) taken_in = take_in(keeper.native_handle());
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
  Ending ending(std::move(pidfd));
  try {
    asio::post(executor, WaitForEnd(executor, std::move(ending)));
  } catch (...) {  // no memory: the Ending has waited
  }
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
  check(command);
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

asio::awaitable<std::size_t> Process::read_output(std::span<char> buffer) {
  const std::shared_ptr<State> state = state_;
  co_return co_await read_some(state->output, buffer, state->program);
}

asio::awaitable<std::size_t> Process::read_errors(std::span<char> buffer) {
  const std::shared_ptr<State> state = state_;
  co_return co_await read_some(state->errors, buffer, state->program);
}

asio::awaitable<void> Process::write(std::string bytes) {
  const std::shared_ptr<State> state = state_;
  if (!state->input.is_open()) throw Error(errc::invalid_argument, "the input of " + state->program + " is closed");
  std::string_view rest = bytes;
  while (!rest.empty()) {
    co_await ready(state->input, Stream::wait_write);
    const ssize_t length = write_quietly(state->input.native_handle(), rest);
    if (length >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(length));
    } else if (errno == EPIPE) {
      throw Error(errc::io, state->program + " does not read its input any more");
    } else if (errno != EAGAIN && errno != EINTR) {
      throw Error(errc::io, "cannot write to " + state->program + ": " + words(errno));
    }
  }
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
    co_await ready(state->keeper, Stream::wait_read);
    state->collect();
  }
  co_return *state->status;
}

}  // namespace sennit
