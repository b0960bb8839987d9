#include "support/fixtures.hpp"
#include <sennit/agent/session_locks.hpp>

#include <catch2/catch_test_macros.hpp>
#include <sys/wait.h>
#include <unistd.h>

using namespace sennit;
using namespace sennit::testing;

TEST_CASE("a session has one owner in a program") {
  const TempDir folder;
  SessionLocks locks(folder.path());
  CHECK(locks.acquire("a"));
  CHECK_FALSE(locks.acquire("a"));
  CHECK(locks.acquire("b"));
  locks.release("a");
  CHECK(locks.acquire("a"));
}

TEST_CASE("a session has one owner among all who share the folder") {
  const TempDir folder;
  SessionLocks mine(folder.path());
  SessionLocks theirs(folder.path());
  REQUIRE(mine.acquire("a"));
  CHECK_FALSE(theirs.acquire("a"));
  CHECK(theirs.acquire("b"));
  mine.release("a");
  CHECK(theirs.acquire("a"));
}

TEST_CASE("a program that dies leaves no session locked") {
  const TempDir folder;
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const pid_t child = fork();
  if (child == 0) {
    SessionLocks locks(folder.path());
    const char word = locks.acquire("a") ? 'y' : 'n';
    if (write(ready[1], &word, 1) == 1) pause();
    _exit(1);
  }
  char word = 0;
  REQUIRE(read(ready[0], &word, 1) == 1);
  CHECK(word == 'y');
  SessionLocks locks(folder.path());
  CHECK_FALSE(locks.acquire("a"));
  kill(child, SIGKILL);
  REQUIRE(waitpid(child, nullptr, 0) == child);
  CHECK(locks.acquire("a"));
  close(ready[0]);
  close(ready[1]);
}

TEST_CASE("a folder that is not there is an error with its name") {
  const Error error = error_of([] { SessionLocks locks("/nowhere/at/all"); });
  CHECK(error.code() == errc::storage);
  CHECK(error.where() == "/nowhere/at/all/sessions.lock");
}
