#include "app/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace sennit::testing {
namespace {

using Clock = std::chrono::steady_clock;

int timeout_of(Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return left < 0 ? 0 : static_cast<int>(left);
}

[[noreturn]] void become(std::string program, const std::vector<std::string>& arguments,
                         const Program::Options& options) {
  if (::chdir(options.folder.c_str()) != 0) ::_exit(120);
  for (const char* name : {"DEEPSEEK_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "SENNIT_LOG", "NO_COLOR"})
    ::unsetenv(name);
  ::setenv("SENNIT_STATE", (options.folder / "state").c_str(), 1);
  for (const auto& [name, value] : options.environment) ::setenv(name.c_str(), value.c_str(), 1);
  constexpr uid_t kNobody = 65534;
  if (options.nobody && ::geteuid() == 0 && (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0)) ::_exit(122);
  std::vector<char*> argv{program.data()};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::setsid();  // without a controlling terminal
  ::execv(program.c_str(), argv.data());
  ::_exit(121);
}

}  // namespace

Program::Program(const std::vector<std::string>& arguments, const Options& options)
    : Program(SENNIT_PROGRAM, arguments, options) {}

Program::Program(std::string path, const std::vector<std::string>& arguments, const Options& options) {
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  std::array<int, 2> err{};
  if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0 ||
      ::pipe2(err.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error("no pipes");
  }
  child_ = ::fork();
  if (child_ == 0) {
    ::dup2(in[0], STDIN_FILENO);
    ::dup2(out[1], STDOUT_FILENO);
    ::dup2(options.merged ? out[1] : err[1], STDERR_FILENO);
    become(std::move(path), arguments, options);
  }
  ::close(in[0]);
  ::close(out[1]);
  ::close(err[1]);
  out_ = out[0];
  err_ = err[0];
  std::signal(SIGPIPE, SIG_IGN);
  const ssize_t written = ::write(in[1], options.input.data(), options.input.size());  // fits into the pipe
  ::close(in[1]);
  if (written != static_cast<ssize_t>(options.input.size())) throw std::runtime_error("the input was not taken");
}

Program::~Program() {
  close_out();
  if (err_ >= 0) ::close(err_);
  if (child_ < 0) return;
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
}

/// Takes what has come. False: both streams have ended.
bool Program::read_some(Clock::time_point deadline) {
  std::array<pollfd, 2> streams{{{out_, POLLIN, 0}, {err_, POLLIN, 0}}};
  if (out_ < 0 && err_ < 0) return false;
  if (::poll(streams.data(), streams.size(), timeout_of(deadline)) <= 0)
    throw std::runtime_error("the program hangs; so far: " + ended_.out + ended_.err);
  for (const auto& [stream, text] : {std::pair{&out_, &ended_.out}, std::pair{&err_, &ended_.err}}) {
    const short events = streams[stream == &out_ ? 0 : 1].revents;
    if (*stream < 0 || events == 0) continue;
    std::array<char, 4096> bytes{};
    const ssize_t count = ::read(*stream, bytes.data(), bytes.size());
    if (count > 0) {
      text->append(bytes.data(), static_cast<std::size_t>(count));
    } else {
      ::close(*stream);
      *stream = -1;
    }
  }
  return true;
}

void Program::until_out(std::string_view text) {
  const auto deadline = Clock::now() + kPatience;
  while (ended_.out.find(text) == std::string::npos) {
    if (!read_some(deadline))
      throw std::runtime_error("the program ended before it said it: " + ended_.out + ended_.err);
  }
}

void Program::signal(int signal) const {
  ::kill(child_, signal);
}

void Program::close_out() {
  if (out_ >= 0) ::close(out_);
  out_ = -1;
}

Ended Program::wait() {
  const auto deadline = Clock::now() + kPatience;
  while (read_some(deadline)) {
  }
  int status = 0;
  ::waitpid(child_, &status, 0);
  child_ = -1;
  ended_.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ended_;
}

}  // namespace sennit::testing
