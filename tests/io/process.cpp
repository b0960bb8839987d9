#include "support/fixtures.hpp"
#include <sennit/agent/io/process.hpp>

#include <catch2/catch_test_macros.hpp>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

using namespace sennit;
using namespace sennit::testing;
using namespace std::chrono_literals;

namespace fs = std::filesystem;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SENNIT_TEST_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SENNIT_TEST_SANITIZED
#endif
#endif

namespace {

constexpr const char* kMark = "SENNIT_TEST_MARK";

/// A word that is in the environment of one test's children, and of nobody else.
std::string fresh_mark() {
  static int count = 0;
  return std::to_string(::getpid()) + "." + std::to_string(++count);
}

Process::Command command(std::vector<std::string> arguments, const std::string& mark = "none") {
  Process::Command made;
  made.arguments = std::move(arguments);
  made.environment = {{"PATH", "/usr/bin:/bin"}, {kMark, mark}};
  made.directory = "/";
  return made;
}

Process::Command shell(const std::string& script, const std::string& mark = "none") {
  return command({"sh", "-c", script}, mark);
}

std::string content(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::vector<int> numbered(const fs::path& folder) {
  std::vector<int> numbers;
  std::error_code gone;
  for (fs::directory_iterator entry(folder, gone), end; !gone && entry != end; entry.increment(gone)) {
    const std::string name = entry->path().filename().string();
    if (std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      numbers.push_back(std::stoi(name));
    }
  }
  return numbers;
}

/// The processes with the mark.
std::vector<int> marked(const std::string& mark) {
  const std::string wanted = std::string(kMark) + "=" + mark + std::string(1, '\0');
  std::vector<int> found;
  for (const int id : numbered("/proc")) {
    if (content("/proc/" + std::to_string(id) + "/environ").find(wanted) != std::string::npos) found.push_back(id);
  }
  return found;
}

/// State and parent, from /proc.
std::pair<char, int> state_of(int id) {
  const std::string stat = content("/proc/" + std::to_string(id) + "/stat");
  const std::size_t end = stat.rfind(") ");
  if (end == std::string::npos) return {'X', 0};
  return {stat[end + 2], std::stoi(stat.substr(end + 4))};
}

/// Our children, zombies included.
std::size_t children() {
  const std::vector<int> all = numbered("/proc");
  return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [](int id) { return state_of(id).second == ::getpid(); }));
}

std::size_t descriptors() {
  return numbered("/proc/self/fd").size();
}

asio::awaitable<std::string> read_all_output(Process& process) {
  std::string all;
  char buffer[4096];
  while (const std::size_t length = co_await process.read_output(buffer)) all.append(buffer, length);
  co_return all;
}

asio::awaitable<std::string> read_all_errors(Process& process) {
  std::string all;
  char buffer[4096];
  while (const std::size_t length = co_await process.read_errors(buffer)) all.append(buffer, length);
  co_return all;
}

struct Result {
  std::string output;
  std::string errors;
  ExitStatus status;
};

asio::awaitable<Result> finish(Process::Command what) {
  Process process = co_await Process::start(std::move(what));
  process.close_input();
  Result result;
  result.output = co_await read_all_output(process);
  result.errors = co_await read_all_errors(process);
  result.status = co_await process.wait();
  co_return result;
}

asio::awaitable<Process> start_and_hear(Process::Command what, std::string words) {
  Process process = co_await Process::start(std::move(what));
  std::string heard;
  char buffer[256];
  while (heard.find(words) == std::string::npos) {
    const std::size_t length = co_await process.read_output(buffer);
    if (length == 0) throw Error(errc::truncated, "heard only: " + heard);
    heard.append(buffer, length);
  }
  co_return process;
}

/// A command that has a child in its group, one in a session of its own, and a daemon of nobody's. Says "up" when all
/// of them are.
std::string family(const std::string& then) {
  return "sleep 1000 & setsid sleep 1000 & (setsid sh -c '(trap \"\" TERM HUP; echo up; exec sleep 1000) &' &) ; " +
         then;
}

}  // namespace

TEST_CASE("a command gets its arguments as they are and its output is read", "[process]") {
  TestEnvironment env;
  const Result result = run(env, finish(command({"printf", "%s|", "a b", "$HOME", "", "*"})));
  CHECK(result.output == "a b|$HOME||*|");
  CHECK(result.errors.empty());
  CHECK(result.status == ExitStatus{});
  CHECK(result.status.success());
}

TEST_CASE("standard error is a stream of its own", "[process]") {
  TestEnvironment env;
  const Result result = run(env, finish(shell("echo out; echo err >&2; exit 7")));
  CHECK(result.output == "out\n");
  CHECK(result.errors == "err\n");
  CHECK(result.status.code == 7);
  CHECK(result.status.signal == 0);
  CHECK_FALSE(result.status.success());
}

TEST_CASE("a signal that killed a command is told from an exit code", "[process]") {
  TestEnvironment env;
  const Result result = run(env, finish(shell("kill -USR1 $$")));
  CHECK(result.status == ExitStatus{.code = 0, .signal = SIGUSR1, .survivors = 0});
}

TEST_CASE("a command sees the environment and the folder that it was given, and nothing else", "[process]") {
  TestEnvironment env;
  const TempDir folder;
  ::setenv("SENNIT_TEST_SECRET", "of the host", 1);
  Process::Command what = command({"env"});
  what.environment = {{"PATH", "/usr/bin:/bin"}, {"A", "1=2 3"}};
  CHECK(run(env, finish(what)).output == "A=1=2 3\nPATH=/usr/bin:/bin\n");
  what.environment.clear();
  CHECK(run(env, finish(what)).output.empty());
  what.arguments = {"pwd", "-P"};
  what.directory = folder.path();
  CHECK(run(env, finish(what)).output == fs::canonical(folder.path()).string() + "\n");
  ::unsetenv("SENNIT_TEST_SECRET");
}

TEST_CASE("a command inherits no descriptor", "[process]") {
  TestEnvironment env;
  const TempDir folder;
  const int left_open = ::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY);  // not close-on-exec
  const int high = ::fcntl(left_open, F_DUPFD, 200);
  auto other = run(env, Process::start(command({"cat"})));
  // The shell expands the pattern itself: what it opens for that is closed again.
  const Result result =
      run(env, finish(shell("cd /proc/$$/fd; for i in *; do readlink $i >/dev/null && echo $i; done")));
  CHECK(result.output == "0\n1\n2\n");
  ::close(left_open);
  ::close(high);
}

TEST_CASE("a command has the default signals, a session and a group of its own", "[process]") {
  TestEnvironment env;
  struct sigaction ignored{};
  struct sigaction before{};
  ignored.sa_handler = SIG_IGN;
  ::sigaction(SIGUSR2, &ignored, &before);
  sigset_t blocked;
  sigset_t mask;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &blocked, &mask);
  const Result result = run(env, finish(command({"cat", "/proc/self/status", "/proc/self/stat"})));
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, &mask, &after);
  ::sigaction(SIGUSR2, &before, nullptr);
  CHECK(sigismember(&after, SIGUSR1) == 1);  // ours were left alone
  CHECK(result.output.find("SigBlk:\t0000000000000000\n") != std::string::npos);
  CHECK(result.output.find("SigIgn:\t0000000000000000\n") != std::string::npos);
  std::istringstream stat(result.output.substr(result.output.rfind(") ") + 2));
  const int id = std::stoi(result.output.substr(result.output.find("\nPid:\t") + 6));
  std::string state;
  int parent = 0;
  int group = 0;
  int session = 0;
  stat >> state >> parent >> group >> session;
  CHECK(group == id);
  CHECK(session == id);
}

TEST_CASE("a command works where the host has closed its own standard streams", "[process]") {
  TestEnvironment env;
  run(env, finish(command({"true"})));  // the loop has made its own descriptors
  int kept[3];
  for (int i = 0; i < 3; ++i) kept[i] = ::fcntl(i, F_DUPFD_CLOEXEC, 10);
  for (int i = 0; i < 3; ++i) ::close(i);
  auto task = start(env, finish(shell("cat; echo out; echo err >&2")));
  std::string output;
  std::string errors;
  try {
    Result result = task.get();
    output = result.output;
    errors = result.errors;
  } catch (...) {
    output = current_error().describe();
  }
  for (int i = 0; i < 3; ++i) {
    ::dup2(kept[i], i);
    ::close(kept[i]);
  }
  CHECK(output == "out\n");
  CHECK(errors == "err\n");
}

TEST_CASE("what cannot be started is named, with what to do", "[process]") {
  TestEnvironment env;
  const TempDir folder;
  const auto failure = [&](Process::Command what) { return run_error(env, Process::start(std::move(what))); };
  const std::string data = folder.write("data", "just text\n").string();

  Error error = failure(command({"sennit-no-such-program"}));
  CHECK(error.code() == errc::not_found);
  CHECK(error.message() ==
        "cannot start sennit-no-such-program: no such program in /usr/bin:/bin: install it, or give its path");
  error = failure(command({"/no/such/program"}));
  CHECK(error.code() == errc::not_found);
  CHECK(error.message().find("cannot start /no/such/program: there is no such file") == 0);
  error = failure(command({data}));
  CHECK(error.code() == errc::io);
  CHECK(error.message().find("chmod +x") != std::string::npos);
  fs::permissions(data, fs::perms::owner_all);
  error = failure(command({data}));
  CHECK(error.code() == errc::io);
  CHECK(error.message().find("#!") != std::string::npos);
  error = failure(command({"true", std::string(1U << 20U, 'x')}));
  CHECK(error.code() == errc::io);
  CHECK(error.message().find("too long") != std::string::npos);

  Process::Command nowhere = command({"true"});
  nowhere.directory = folder / "missing";
  error = failure(nowhere);
  CHECK(error.code() == errc::not_found);
  CHECK(error.message().find((folder / "missing").string() + " does not exist") != std::string::npos);

  // A folder that somebody else fills is no place to look for programs.
  const fs::path planted = folder.write("planted", "#!/bin/sh\necho planted\n");
  fs::permissions(planted, fs::perms::owner_all);
  Process::Command relative = command({"planted"});
  relative.environment["PATH"] = ".::/usr/bin:";
  relative.directory = folder.path();
  CHECK(failure(relative).code() == errc::not_found);
  relative.arguments = {"./planted"};
  CHECK(run(env, finish(relative)).output == "planted\n");

  CHECK(failure(command({})).code() == errc::invalid_argument);
  CHECK(failure(command({""})).code() == errc::invalid_argument);
  CHECK(failure(command({"true", std::string("a\0b", 3)})).code() == errc::invalid_argument);
  Process::Command variable = command({"true"});
  variable.environment["A=B"] = "c";
  CHECK(failure(variable).code() == errc::invalid_argument);
  until(env, [] { return children() == 0; });
}

TEST_CASE("a command without descriptors left for it is refused and leaves none behind", "[process]") {
#if defined(SENNIT_TEST_SANITIZED)
  SKIP("UBSan's check of virtual tables needs descriptors of its own");
#endif
  TestEnvironment env;
  run(env, finish(command({"true"})));
  const std::size_t before = descriptors();
  std::vector<int> taken;
  for (int room = 0; room < 12; ++room) {
    rlimit old{};
    ::getrlimit(RLIMIT_NOFILE, &old);
    rlimit low = old;
    low.rlim_cur = before + static_cast<std::size_t>(room);  // the one for reading /proc/self/fd is counted
    ::setrlimit(RLIMIT_NOFILE, &low);
    auto task = start(env, finish(command({"echo", "x"})));
    std::optional<Error> error;
    try {
      task.get();
    } catch (...) {
      error = current_error();
    }
    ::setrlimit(RLIMIT_NOFILE, &old);
    INFO(room);
    if (error) {
      CHECK(error->code() == errc::io);
      CHECK(error->message().find("echo") != std::string::npos);
      CHECK(error->message().find("ulimit -n") != std::string::npos);
    } else {
      CHECK(room > 3);
    }
    until(env, [&] { return descriptors() == before; });
  }
  until(env, [] { return children() == 0; });
}

namespace {

asio::awaitable<std::string> echo(Process& process, std::string bytes) {
  co_await process.write(std::move(bytes));
  process.close_input();
  co_return co_await read_all_output(process);
}

asio::awaitable<void> write_all(Process& process, std::string bytes, bool& written) {
  co_await process.write(std::move(bytes));
  written = true;
  process.close_input();
}

}  // namespace

TEST_CASE("a command's input is written and closed", "[process]") {
  TestEnvironment env;
  Process process = run(env, Process::start(command({"tr", "a-z", "A-Z"})));
  CHECK(run(env, echo(process, "hello")) == "HELLO");
  CHECK(run(env, process.wait()).success());
  CHECK(run_error(env, process.write("more")).code() == errc::invalid_argument);
}

TEST_CASE("more input than a pipe holds waits for the command to read", "[process]") {
  TestEnvironment env;
  Process process = run(env, Process::start(command({"cat"})));
  std::string much(1U << 20U, 'x');
  bool written = false;
  auto writing = start(env, write_all(process, much, written));
  for (int i = 0; i < 20; ++i) env.turn();
  CHECK_FALSE(written);  // nobody reads what cat writes
  CHECK(run(env, read_all_output(process)) == much);
  writing.get();
  CHECK(run(env, process.wait()).success());
}

TEST_CASE("writing to a command that does not read fails, and raises no signal", "[process]") {
  TestEnvironment env;
  Process process = run(env, start_and_hear(shell("exec 0<&-; echo up; exec sleep 1000"), "up"));
  const Error error = run_error(env, process.write("hello"));
  CHECK(error.code() == errc::io);
  CHECK(error.message() == "sh does not read its input any more");
}

TEST_CASE("a command whose output is not read stands still, and loses nothing", "[process]") {
  TestEnvironment env;
  const TempDir folder;
  constexpr std::size_t kMuch = 10U << 20U;
  Process::Command what = shell("head -c " + std::to_string(kMuch) + " /dev/zero | tr '\\0' x; echo >done");
  what.directory = folder.path();
  Process process = run(env, Process::start(what));
  std::string buffer(1000, ' ');
  std::size_t length = run(env, process.read_output(buffer));
  CHECK(length > 0);
  for (int i = 0; i < 20; ++i) env.turn();
  CHECK_FALSE(fs::exists(folder / "done"));
  CHECK(length + run(env, read_all_output(process)).size() == kMuch);
  CHECK(run(env, process.wait()).success());
  CHECK(fs::exists(folder / "done"));
}

TEST_CASE("what has come can be read without waiting, beside a reader that waits", "[process]") {
  TestEnvironment env;
  Process process = run(env, Process::start(shell("read line; echo $line")));
  std::string buffer(100, ' ');
  CHECK_FALSE(process.try_read_output(buffer));
  std::string waits(100, ' ');
  auto reading = start(env, process.read_output(waits));
  env.turn();
  run(env, process.write("hello\n"));
  std::optional<std::size_t> length;
  while (!length) length = process.try_read_output(buffer);
  CHECK(buffer.substr(0, *length) == "hello\n");
  CHECK(reading.get() == 0);
  CHECK(process.try_read_output(buffer) == 0U);
}

TEST_CASE("a cancelled read, write or wait leaves the process to its owner", "[process]") {
  TestEnvironment env;
  Process process = run(env, Process::start(shell("read line; echo $line; exit 3")));
  std::string buffer(100, ' ');
  auto reading = start(env, process.read_output(buffer));
  auto errors = start(env, process.read_errors(buffer));
  auto waiting = start(env, process.wait());
  auto waiting_too = start(env, process.wait());
  for (int i = 0; i < 3; ++i) env.turn();
  reading.cancel();
  errors.cancel();
  waiting.cancel();
  CHECK(reading.error().code() == errc::cancelled);
  CHECK(errors.error().code() == errc::cancelled);
  CHECK(waiting.error().code() == errc::cancelled);
  CHECK(run(env, echo(process, "still here\n")) == "still here\n");
  CHECK(waiting_too.get().code == 3);
  CHECK(run(env, process.wait()).code == 3);
}

TEST_CASE("a start that is cancelled leaves nothing", "[process]") {
  TestEnvironment env;
  const std::string mark = fresh_mark();
  for (int turns = 0; turns < 6; ++turns) {
    auto starting = start(env, Process::start(command({"sleep", "1000"}, mark)));
    for (int i = 0; i < turns; ++i) env.loop().poll_one();
    starting.cancel();
    until(env, [&] { return starting.done(); });
  }
  until(env, [&] { return children() == 0; });
  CHECK(marked(mark).empty());
}

TEST_CASE("killing a process kills its whole tree", "[process]") {
  TestEnvironment env;
  const std::string mark = fresh_mark();
  std::optional<Process> process = run(env, start_and_hear(shell(family("wait"), mark), "up"));
  until(env, [&] { return marked(mark).size() == 4; });
  SECTION("at once") {
    process->kill();
    CHECK(run(env, process->wait()) == ExitStatus{.code = 0, .signal = SIGKILL, .survivors = 0});
  }
  SECTION("after what its leader calls the end") {
    ::kill(process->id(), SIGTERM);
    CHECK(run(env, process->wait()).signal == SIGTERM);
  }
  SECTION("by its destruction") {
    process.reset();
    until(env, [&] { return children() == 0; });
  }
  SECTION("by the assignment of another") {
    *process = run(env, Process::start(command({"true"})));
    until(env, [&] { return marked(mark).empty(); });
  }
  CHECK(marked(mark).empty());
}

TEST_CASE("a command that ends leaves nobody behind", "[process]") {
  TestEnvironment env;
  const std::string mark = fresh_mark();
  // The end of its output comes with theirs.
  Process process = run(env, Process::start(shell(family("sleep 0.1; exit 5"), mark)));
  CHECK(run(env, process.wait()).code == 5);
  CHECK(marked(mark).empty());
  CHECK(run(env, read_all_output(process)) == "up\n");
}

TEST_CASE("orphans are taken in while the command runs", "[process]") {
  TestEnvironment env;
  const std::string mark = fresh_mark();
  Process process =
      run(env, start_and_hear(shell("for i in 1 2 3 4 5; do (setsid true &); done; echo up; exec cat", mark), "up"));
  const int keeper = state_of(process.id()).second;
  until(env, [&] {
    const std::vector<int> all = numbered("/proc");
    return std::count_if(all.begin(), all.end(), [&](int id) { return state_of(id).second == keeper; }) == 1;
  });
  process.close_input();
  CHECK(run(env, process.wait()).success());
}

TEST_CASE("those who multiply are caught up with", "[process]") {
  TestEnvironment env;
  const std::string mark = fresh_mark();
  // Each generation leaves its session and its parent behind.
  const std::string script =
      "trap '' TERM; i=0; while [ $i -lt 200 ]; do (setsid sh -c 'setsid sleep 1000 & sleep 1000' &); i=$((i+1)); [ $i "
      "= 50 ] && echo up; done; wait; sleep 1000";
  Process process = run(env, start_and_hear(shell(script, mark), "up"));
  process.kill();
  CHECK(run(env, process.wait()).signal == SIGKILL);
  CHECK(marked(mark).empty());
}

TEST_CASE("a process that is asked to end may do so in peace", "[process]") {
  TestEnvironment env;
  const std::string mark = fresh_mark();
  SECTION("it does") {
    const std::string script = "trap 'echo bye; exit 4' TERM; echo up; while :; do sleep 0.02; done";
    Process process = run(env, start_and_hear(shell(script, mark), "up"));
    for (int i = 0; i < 100; ++i) process.terminate(30s);
    CHECK(run(env, read_all_output(process)) == "bye\n");
    CHECK(run(env, process.wait()).code == 4);
    process.terminate(30s);
    process.kill();
    CHECK(run(env, process.wait()).code == 4);
  }
  SECTION("it hears it even when it is stopped") {
    Process process =
        run(env, start_and_hear(shell("trap 'exit 4' TERM; echo up; kill -STOP $$; sleep 1000", mark), "up"));
    until(env, [&] { return state_of(process.id()).first == 'T'; });
    process.terminate(30s);
    CHECK(run(env, process.wait()).code == 4);
  }
  SECTION("it does not, and is killed after its grace") {
    const std::string script = "trap '' TERM; " + family("while :; do sleep 1000; done");
    Process process = run(env, start_and_hear(shell(script, mark), "up"));
    const SteadyTime begin = env.now();
    process.terminate(50ms);
    process.terminate(30s);  // later, so it changes nothing
    CHECK(run(env, process.wait()).signal == SIGKILL);
    CHECK(env.now() - begin >= 50ms);
  }
  CHECK(marked(mark).empty());
}

TEST_CASE("a keeper that is killed is an error, and takes its command along", "[process]") {
  TestEnvironment env;
  const std::string mark = fresh_mark();
  Process process = run(env, start_and_hear(shell("echo up; exec sleep 1000", mark), "up"));
  ::kill(state_of(process.id()).second, SIGKILL);
  for (int i = 0; i < 2; ++i) {
    const Error error = run_error(env, process.wait());
    CHECK(error.code() == errc::io);
    CHECK(error.message().find("lost sh") == 0);
  }
  until(env, [&] { return marked(mark).empty() && children() == 0; });
}

namespace {

asio::awaitable<void> hold(Process process, std::string& buffer) {
  co_await process.read_output(buffer);
}

}  // namespace

TEST_CASE("a process goes with the loop that it is on", "[process]") {
  const std::string mark = fresh_mark();
  std::string buffer(10, ' ');
  std::optional<TestEnvironment> env(std::in_place);
  std::optional<Process> process;
  SECTION("destroyed in a coroutine that nobody ends") {
    Process held = run(*env, start_and_hear(shell(family("wait"), mark), "up"));
    auto task = start(*env, hold(std::move(held), buffer));
    for (int i = 0; i < 3; ++i) env->turn();
    env.reset();
  }
  SECTION("destroyed just before its loop") {
    process = run(*env, start_and_hear(shell(family("wait"), mark), "up"));
    process.reset();
    env.reset();
  }
  SECTION("destroyed while its loop waits for its end") {
    process = run(*env, start_and_hear(shell(family("wait"), mark), "up"));
    ::kill(state_of(process->id()).second, SIGSTOP);
    const int keeper = state_of(process->id()).second;
    process.reset();
    env->loop().poll();
    ::kill(keeper, SIGCONT);
    env.reset();
  }
  CHECK(marked(mark).empty());
  CHECK(children() == 0);
}

TEST_CASE("a keeper that outlives its loop is taken in later", "[process]") {
  const std::string mark = fresh_mark();
  std::optional<TestEnvironment> env(std::in_place);
  std::optional<Process> process = run(*env, Process::start(command({"sleep", "1000"}, mark)));
  const int keeper = state_of(process->id()).second;
  ::kill(keeper, SIGSTOP);  // as if it could not get its work done
  process.reset();
  env.reset();
  CHECK(children() == 1);
  ::kill(keeper, SIGCONT);
  TestEnvironment later;
  until(later, [&] { return state_of(keeper).first == 'Z'; });
  CHECK(run(later, finish(command({"true"}))).status.success());
  CHECK(children() == 0);
  CHECK(marked(mark).empty());
}

TEST_CASE("a host program's waitpid and SIGCHLD see nothing of a process", "[process]") {
  TestEnvironment env;
  static std::atomic<int> signals{0};
  struct sigaction counted{};
  struct sigaction before{};
  counted.sa_handler = [](int) { ++signals; };
  ::sigaction(SIGCHLD, &counted, &before);
  Process process = run(env, Process::start(command({"cat"})));
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
  process.close_input();
  CHECK(run(env, process.wait()).success());
  ::sigaction(SIGCHLD, &before, nullptr);
  CHECK(signals == 0);
}

TEST_CASE("a process starts while other threads allocate and start others", "[process]") {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&stop] {
      while (!stop) std::make_unique<std::string>(1000, 'x');
    });
  }
  std::vector<int> good(2);
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&good, i] {
      TestEnvironment env;
      for (int n = 0; n < 20; ++n)
        good[static_cast<std::size_t>(i)] += run(env, finish(command({"echo", "x"}))).output == "x\n";
    });
  }
  threads[2].join();
  threads[3].join();
  stop = true;
  threads[0].join();
  threads[1].join();
  CHECK(good == std::vector<int>{20, 20});
}

TEST_CASE("starting and killing leaves no descriptor and no zombie", "[process]") {
  TestEnvironment env;
  const std::string mark = fresh_mark();
  run(env, finish(command({"true"})));
  const std::size_t before = descriptors();
  for (int i = 0; i < 200; ++i) {
    Process process = run(env, Process::start(command({"sleep", "1000"}, mark)));
    if (i % 4 == 1) process.kill();
    if (i % 4 == 2) process.terminate(1s);
    if (i % 4 == 3) {
      process.kill();
      run(env, process.wait());
    }
  }
  until(env, [] { return children() == 0; });
  until(env, [&] { return descriptors() == before; });
  CHECK(marked(mark).empty());
}

TEST_CASE("a keeper does not hold on to the host's memory", "[process]") {
#if defined(SENNIT_TEST_SANITIZED)
  SKIP("a sanitizer's own memory is not let go of");
#endif
  TestEnvironment env;
  const std::vector<char> much(200U << 20U, 'x');
  Process process = run(env, Process::start(command({"cat"})));
  const auto resident = [&] {
    std::istringstream pages(content("/proc/" + std::to_string(state_of(process.id()).second) + "/statm"));
    std::size_t all = 0;
    std::size_t here = 0;
    pages >> all >> here;
    return here * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  };
  CHECK(resident() < 50U << 20U);
  CHECK(run(env, echo(process, "still there")) == "still there");
  CHECK(run(env, process.wait()).success());
  CHECK(much.back() == 'x');
}

// The host of the next test: this program, run by it.
TEST_CASE("a host that will be killed", "[.process-host]") {
  TestEnvironment env;
  const char* mark = std::getenv("SENNIT_TEST_HOST_MARK");
  if (mark == nullptr) SKIP("only for the test of a host's death");
  Process process = run(env, start_and_hear(shell(family("wait"), mark), "up"));
  std::cout << "ready" << std::endl;
  ::pause();
}

TEST_CASE("what a host has started dies with it", "[process]") {
  TestEnvironment env;
  const std::string mark = fresh_mark();
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  std::string program = "/proc/self/exe";
  std::string test = "[.process-host]";
  std::string variable = "SENNIT_TEST_HOST_MARK=" + mark;
  char* const arguments[] = {program.data(), test.data(), nullptr};
  char* const environment[] = {variable.data(), nullptr};
  pid_t host = 0;
  REQUIRE(::posix_spawn(&host, program.c_str(), &actions, nullptr, arguments, environment) == 0);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  std::string heard;
  char buffer[256];
  while (heard.find("ready") == std::string::npos) {
    const ssize_t length = ::read(ends[0], buffer, sizeof buffer);
    if (length <= 0) break;
    heard.append(buffer, static_cast<std::size_t>(length));
  }
  CHECK(heard.find("ready") != std::string::npos);
  until(env, [&] { return marked(mark).size() == 4; });
  ::kill(host, SIGKILL);
  ::waitpid(host, nullptr, 0);
  const SteadyTime died = env.now();
  until(env, [&] { return marked(mark).empty(); });
  CHECK(env.now() - died < 1s);
  ::close(ends[0]);
}
