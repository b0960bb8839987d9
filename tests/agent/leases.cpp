// One run at a time has a session, whoever shares the folder: living, dead, stopped, or at the same moment.
#include "support/fixtures.hpp"
#include "support/store_runs.hpp"

#include <catch2/catch_test_macros.hpp>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <stdexcept>
#include <thread>

using namespace sennit;
using namespace sennit::testing;

namespace {

/// Another program, which says a letter and hears one.
class Program {
 public:
  struct Line {
    int in;
    int out;
    void say(char word) const {
      if (write(out, &word, 1) != 1) throw std::runtime_error("the other side has gone");
    }
    [[nodiscard]] char hear() const {
      constexpr int kPatienceMs = 60'000;
      pollfd ready{in, POLLIN, 0};
      char word = '-';
      if (poll(&ready, 1, kPatienceMs) != 1 || read(in, &word, 1) != 1) throw std::runtime_error("nothing is said");
      return word;
    }
  };

  template <class Life>
  explicit Program(const Life& life) {
    std::array<int, 2> to{};
    std::array<int, 2> from{};
    if (pipe(to.data()) != 0 || pipe(from.data()) != 0) throw std::runtime_error("no pipes");
    pid_ = fork();
    if (pid_ == 0) {
      int status = 1;
      try {
        life(Line{to[0], from[1]});
        status = 0;
      } catch (...) {
        status = 2;
      }
      _exit(status);
    }
    close(to[0]);
    close(from[1]);
    line = {from[0], to[1]};
  }
  ~Program() {
    if (pid_ > 0) send(SIGKILL), wait();
    close(line.in);
    close(line.out);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  void send(int signal) const { kill(pid_, signal); }
  int wait() {
    int status = -1;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return status;
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

  Line line{};

 private:
  pid_t pid_ = -1;
};

/// Begins and stays.
void hold(const Program::Line& line, const std::filesystem::path& folder, milliseconds lease) {
  TestEnvironment env;
  Store store(folder, {.lease = lease});
  const OpenedRun alone = begin(env, store, "alone", "");
  const OpenedRun opened = begin(env, store, "r1", "s");
  alone.log->append(start_entry("1", "complete"));
  opened.log->append(start_entry("1", "complete"));
  run(env, opened.log->committed());
  line.say('b');
  (void)line.hear();
  // Goes on as if nothing had been.
  opened.log->append(end_entry("1", "complete"));
  bool refused = false;
  try {
    run(env, opened.log->committed());
  } catch (const Error& error) {
    refused = error.code() == errc::busy && error.message().find("was taken by another program") != std::string::npos;
  }
  line.say(refused ? 'r' : 'w');
  (void)line.hear();
}

std::string fence_of(const TempDir& folder, const std::string& key) {
  return query(folder / "sennit.db", ("SELECT fence FROM leases WHERE key = '" + key + "'").c_str());
}

constexpr milliseconds kLong{600'000};

}  // namespace

TEST_CASE("a session has one run at a time in a program") {
  const TempDir folder;
  TestEnvironment env;
  Store store(folder.path());
  OpenedRun opened = begin(env, store, "r1", "a");
  const Error busy = run_error(env, store.begin(record_of("r2", "a"), {}));
  CHECK(busy.code() == errc::busy);
  CHECK(busy.retryable());
  CHECK(busy.message() == "the session 'a' has a run already, here or in another program (r1); wait for its end");
  const OpenedRun other = begin(env, store, "r3", "b");
  SECTION("the run ends") {
    opened.log->end({}, {}, 1'000);
    run(env, opened.log->committed());
  }
  SECTION("the run is left") {
    opened.log.reset();
  }
  const OpenedRun next = begin(env, store, "r4", "a");
  CHECK(fence_of(folder, "s:a") == "2");
}

TEST_CASE("a session has one run at a time among all who share the folder") {
  const TempDir folder;
  TestEnvironment env;
  Store mine(folder.path());
  Store theirs(folder.path());
  OpenedRun opened = begin(env, mine, "r1", "a");
  CHECK(run_error(env, theirs.begin(record_of("r2", "a"), {})).code() == errc::busy);
  const OpenedRun other = begin(env, theirs, "r3", "b");
  opened.log->end({}, {}, 1'000);
  run(env, opened.log->committed());
  const OpenedRun next = begin(env, theirs, "r4", "a");
}

TEST_CASE("a run that is left without its end is free for others soon, and at once when its store goes") {
  const TempDir folder;
  TestEnvironment env;
  auto mine = std::make_unique<Store>(folder.path(), StoreOptions{.lease = kLong});
  Store theirs(folder.path());
  OpenedRun left = begin(env, *mine, "r1", "a");
  const OpenedRun stays = begin(env, *mine, "r2", "b");
  left.log.reset();
  const auto phase_of = [&](const std::string& id) { return run(env, theirs.recorded(id)).record.phase; };
  until(env, [&] { return phase_of("r1") == RunPhase::interrupted; });
  CHECK(phase_of("r2") == RunPhase::running);
  mine.reset();
  CHECK(phase_of("r2") == RunPhase::interrupted);
  CHECK(query(folder / "sennit.db", "SELECT count(*) FROM holders") == "0");
}

TEST_CASE("the leases of a program that died are free at once") {
  const TempDir folder;
  Program program([&](const Program::Line& line) { hold(line, folder.path(), kLong); });
  REQUIRE(program.line.hear() == 'b');
  const pid_t pid = program.pid();
  TestEnvironment env;
  Store store(folder.path(), {.lease = kLong});
  const RunRecord lives = run(env, store.recorded("r1")).record;
  CHECK(lives.phase == RunPhase::running);
  CHECK(lives.process == pid);
  CHECK(run_error(env, store.begin(record_of("r2", "s"), {})).code() == errc::busy);
  CHECK(run_error(env, store.resume("alone", false)).code() == errc::busy);
  CHECK(run_error(env, store.abandon("r1", "no")).code() == errc::busy);
  CHECK(run_error(env, store.undo("s")).code() == errc::busy);
  program.send(SIGKILL);
  program.wait();
  CHECK(run(env, store.recorded("r1")).record.phase == RunPhase::interrupted);
  const OpenedRun next = begin(env, store, "r2", "s");
  const auto entries = run(env, store.journal_of("r1"));
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].effect == "1");
  const RunRecord first = run(env, store.recorded("r1")).record;
  CHECK(first.phase == RunPhase::ended);
  CHECK(outcome_from_json(first.outcome).ending == Ending::cancelled);
  CHECK(outcome_from_json(first.outcome).detail == "the session went on without it (run r2)");
  CHECK(fence_of(folder, "s:s") == "2");
  const OpenedRun resumed = run(env, store.resume("alone", false));
  CHECK(resumed.recorded.record.attempts == 2);
  CHECK(resumed.recorded.journal.size() == 1);
  CHECK(fence_of(folder, "r:alone") == "2");
  Store third(folder.path());
  const OpenedRun another = begin(env, third, "r3", "another");
  CHECK(query(folder / "sennit.db", "SELECT count(*) FROM holders") == "2");  // the dead one's row is gone
}

TEST_CASE("a program that was stopped loses its leases after their time, and gets nothing in any more") {
  constexpr milliseconds kLease{300};
  const TempDir folder;
  Program program([&](const Program::Line& line) { hold(line, folder.path(), kLease); });
  REQUIRE(program.line.hear() == 'b');
  program.send(SIGSTOP);
  TestEnvironment env;
  Store store(folder.path(), {.lease = kLease});
  std::optional<OpenedRun> next;
  until(env, [&] {
    auto beginning = start(env, store.begin(record_of("r2", "s"), {}));
    try {
      next = beginning.get();
    } catch (const Error& error) {
      if (error.code() != errc::busy) throw;
    }
    return next.has_value();
  });
  next->log->append(start_entry("1", "complete"));
  run(env, next->log->committed());
  program.send(SIGCONT);
  program.line.say('g');
  CHECK(program.line.hear() == 'r');
  CHECK(run(env, store.journal_of("r1")).size() == 1);
  // Nobody took that one.
  until(env, [&] { return run(env, store.recorded("alone")).record.phase == RunPhase::running; });
  next->log->append(end_entry("1", "complete"));
  next->log->end({}, {}, 1'000);
  run(env, next->log->committed());
  CHECK(run(env, store.journal_of("r2")).size() == 2);
}

TEST_CASE("a lease is renewed while its holder lives, also where its row was taken away") {
  constexpr milliseconds kLease{200};
  const TempDir folder;
  TestEnvironment env;
  Store mine(folder.path(), {.lease = kLease});
  Store theirs(folder.path());
  const OpenedRun opened = begin(env, mine, "r1", "s");
  const auto end = std::chrono::steady_clock::now() + 5 * kLease;
  while (std::chrono::steady_clock::now() < end) {
    CHECK(run_error(env, theirs.begin(record_of("r2", "s"), {})).code() == errc::busy);
    std::this_thread::sleep_for(milliseconds(10));
  }
  meddle(folder / "sennit.db", "DELETE FROM holders WHERE expires = (SELECT min(expires) FROM holders)");
  until(env, [&] { return run(env, theirs.recorded("r1")).record.phase == RunPhase::running; });
  opened.log->append(start_entry("1", "complete"));
  run(env, opened.log->committed());
}

TEST_CASE("a store that was idle for longer than its lease takes leases that last") {
  constexpr milliseconds kLease{60};
  const TempDir folder;
  TestEnvironment env;
  Store mine(folder.path(), {.lease = kLease});
  Store theirs(folder.path());
  whole_run(env, mine, "r1", "s", {"one"});
  std::this_thread::sleep_for(3 * kLease);  // nothing is renewed meanwhile: there is no lease
  const OpenedRun opened = begin(env, mine, "r2", "s");
  CHECK(run_error(env, theirs.begin(record_of("r3", "s"), {})).code() == errc::busy);
}

TEST_CASE("of two programs that want a session at the same moment one gets it") {
  constexpr int kRounds = 100;
  const TempDir folder;
  const auto race = [&](const std::string& name) {
    return [&folder, name](const Program::Line& line) {
      TestEnvironment env;
      Store store(folder.path());
      line.say('b');
      for (int round = 0; round < kRounds; ++round) {
        (void)line.hear();
        OpenedRun opened;
        char got = 'y';
        try {
          opened = begin(env, store, name + std::to_string(round), "s");
        } catch (const Error& error) {
          got = error.code() == errc::busy ? 'n' : 'e';
        }
        line.say(got);
        (void)line.hear();
        if (opened.log) {
          opened.log->end({}, {}, 1'000);
          run(env, opened.log->committed());
        }
        line.say('d');
      }
    };
  };
  Program one(race("one"));
  Program two(race("two"));
  const std::array<Program*, 2> both{&one, &two};
  for (Program* program : both) REQUIRE(program->line.hear() == 'b');
  for (int round = 0; round < kRounds; ++round) {
    std::string got;
    for (Program* program : both) program->line.say('g');
    for (Program* program : both) got += program->line.hear();
    CHECK((got == "yn" || got == "ny"));
    CHECK(fence_of(folder, "s:s") == std::to_string(round + 1));
    for (Program* program : both) program->line.say('g');
    for (Program* program : both) CHECK(program->line.hear() == 'd');
  }
  CHECK(one.wait() == 0);
  CHECK(two.wait() == 0);
}

TEST_CASE("a folder whose leases cannot be told apart is an error with the file's name") {
  const TempDir folder;
  TestEnvironment env;
  Store store(folder.path());
  std::filesystem::create_directory(folder / "holders.lock");
  const Error error = run_error(env, store.begin(record_of("r1", "s"), {}));
  CHECK(error.code() == errc::storage);
  CHECK(error.where() == (folder / "holders.lock").string());
}
