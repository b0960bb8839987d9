// Attempts to get out of a sandbox, run for real, and judged by what happened outside of it.
#include "tools/escapes.hpp"

#include <catch2/catch_test_macros.hpp>
#include <unistd.h>

#include <algorithm>
#include <set>

using namespace sennit;
using namespace sennit::testing;

namespace {

#define NEED_WORLD() \
  if (const std::string why = World::obstacle(); !why.empty()) SKIP(why)

void all_fail(const std::vector<Attempt>& attempts, bool groups = true) {
  World world;
  sandbox::Settings settings = world.settings();
  settings.groups = groups;
  for (const Attempt& attempt : attempts) {
    INFO(attempt.name);
    CHECK(world.try_out(attempt, settings) == "");
  }
}

const Attempt& named(const std::vector<Attempt>& attempts, std::string_view name) {
  const auto found =
      std::find_if(attempts.begin(), attempts.end(), [&](const Attempt& one) { return one.name == name; });
  REQUIRE(found != attempts.end());
  return *found;
}

}  // namespace

TEST_CASE("there are at least a hundred and fifty different attempts to escape") {
  std::set<std::string> names;
  std::set<std::string> sources;
  for (const auto* attempts : {&network_attempts(), &file_attempts(), &process_attempts(), &kernel_attempts()}) {
    for (const Attempt& attempt : *attempts) {
      names.insert(attempt.name);
      sources.insert(attempt.source);
    }
  }
  CHECK(names.size() >= 150);
  CHECK(names.size() == sources.size());
}

TEST_CASE("no attempt to reach the network or somebody's socket succeeds") {
  NEED_WORLD();
  all_fail(network_attempts());
}

TEST_CASE("no attempt to reach files that were not given, or to change what is kept, succeeds") {
  NEED_WORLD();
  all_fail(file_attempts());
}

TEST_CASE("no attempt to reach other processes, to live on or to take more than was given succeeds") {
  NEED_WORLD();
  all_fail(process_attempts());
}

TEST_CASE("the same without control groups") {
  NEED_WORLD();
  std::vector<Attempt> greedy;
  for (const char* name : {"a fork bomb", "a bomb of threads", "take all memory by many", "live on as a daemon",
                           "live on while it forks"}) {
    greedy.push_back(named(process_attempts(), name));
  }
  // What is looked at twenty times a second takes more for a moment, and is then ended: that is what counts here.
  for (Attempt& attempt : greedy) {
    if (attempt.dies) attempt.source = "print('tried to the end')\n" + attempt.source;
    for (std::size_t at; (at = attempt.source.find("escaped(")) != std::string::npos;)
      attempt.source.replace(at, 8, "print(");
  }
  all_fail(greedy, false);
}

TEST_CASE("no attempt to get through the kernel succeeds") {
  NEED_WORLD();
  all_fail(kernel_attempts());
}

namespace {

/// Exchanges a folder with a link to `target`, again and again.
sandbox::Work swapping(const std::string& folder, const std::string& target) {
  sandbox::Work work;
  work.command.arguments = {"/usr/bin/python3",
                            "-I",
                            "-c",
                            "import ctypes, os, sys\n"
                            "folder, target = sys.argv[1:]\n"
                            "os.symlink(target, folder + '.link')\n"
                            "swap = ctypes.CDLL(None).renameat2\n"
                            "a, b = folder.encode(), (folder + '.link').encode()\n"
                            "while True: swap(-100, a, -100, b, 2)\n",
                            folder,
                            target};
  return work;
}

}  // namespace

TEST_CASE("what another child puts in the place of a folder is not shown, whenever it does") {
  NEED_WORLD();
  TestEnvironment env;
  const TempDir root;
  const TempDir hidden;
  hidden.write("file", "TOP-SECRET");
  root.write("swapped/file", "free");
  sandbox::Settings attacker;
  attacker.write = {root.path()};
  sandbox::Settings victim;
  bool kept = false;
  SECTION("a folder that is given") {
    victim.read = {root / "swapped"};
  }
  SECTION("a folder that is kept in one that is given") {
    victim.write = {root.path()};
    victim.keep = {root / "swapped"};
    kept = true;
  }
  const auto box = std::make_shared<const sandbox::Box>(victim);
  auto attack = start(env, sandbox::run(env, std::make_shared<const sandbox::Box>(attacker),
                                        swapping(root / "swapped", hidden.path().string())));
  until(env, [&] { return std::filesystem::exists(std::filesystem::symlink_status(root / "swapped.link")); });
  for (int i = 0; i < 60; ++i) {
    sandbox::Work look;
    look.command.arguments = {"/bin/cat", root / "swapped/file", root / "swapped.link/file"};
    look.command.directory = "/";
    auto looking = start(env, sandbox::run(env, box, std::move(look)));
    until(env, [&] { return looking.done(); });
    try {
      const sandbox::Result result = looking.get();
      CHECK(result.output.text().find("TOP-SECRET") == std::string::npos);
    } catch (const Error& error) {
      INFO(error.message());
      CHECK((error.code() == errc::denied || (kept && error.code() == errc::config)));
    }
  }
  CHECK(read_file(hidden / "file") == "TOP-SECRET");
  attack.cancel();
  CHECK(attack.error().code() == errc::cancelled);
}

TEST_CASE("the same attempts succeed where there are no walls, and that is noticed") {
  NEED_WORLD();
  World world;
  sandbox::Settings open = world.settings();
  open.walls = false;
  const auto succeeds = [&](const std::vector<Attempt>& attempts, std::string_view name) {
    INFO(name);
    CHECK(world.try_out(named(attempts, name), open) != "");
  };
  succeeds(network_attempts(), "connect to a server on this machine");
  succeeds(network_attempts(), "send a datagram");
  succeeds(network_attempts(), "connect to an abstract socket");
  succeeds(network_attempts(), "connect to a socket in a hidden folder");
  succeeds(file_attempts(), "read a file by its path");
  succeeds(file_attempts(), "read it through its own root");
  succeeds(file_attempts(), "change the agent's file");
  succeeds(file_attempts(), "make a configuration that is not there");
  succeeds(file_attempts(), "leave a program that runs with its owner's rights");
  succeeds(file_attempts(), "leave a hook for somebody's next commit");
  succeeds(process_attempts(), "read others' environment");
  succeeds(process_attempts(), "see who else runs");
  succeeds(file_attempts(), "make a file outside");  // the last: it stays
}
