// An error that nobody caught is told without its secrets, and the program ends as crashed.
#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/secrets.hpp>
#include <sennit/app/discretion.hpp>

#include <catch2/catch_test_macros.hpp>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>
#include <thread>

namespace {

using namespace sennit;

/// What nobody may look into dies of an error; its words go to `errors`.
[[noreturn]] void die(int errors) {
  ::dup2(errors, STDERR_FILENO);
  const int nowhere = ::open("/dev/null", O_WRONLY);
  if (nowhere < 0 || ::dup2(nowhere, STDOUT_FILENO) < 0) ::_exit(3);
  std::signal(SIGABRT, SIG_DFL);  // the test's own handler would report
  app::keep_secrets_in();
  if (::prctl(PR_GET_DUMPABLE) != 0) ::_exit(1);
  secrets::add("uncaught-secret-1");
  std::thread([] { throw Error(errc::io, "the key uncaught-secret-1 broke"); }).join();
  ::_exit(2);
}

}  // namespace

TEST_CASE("an uncaught error is told without secrets") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) die(ends[1]);
  ::close(ends[1]);
  std::string said;
  std::array<char, 1024> buffer{};
  for (ssize_t got = 0; (got = ::read(ends[0], buffer.data(), buffer.size())) > 0;) {
    said.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT));
  CHECK(said == "sennit: a bug: an error that nobody caught: the key *** broke\n");
}
