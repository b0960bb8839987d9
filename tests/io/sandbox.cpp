// What a sandbox shows, keeps and ends. Attempts to get out of it are in tests/tools/escapes.cpp.
#include "support/fixtures.hpp"
#include "support/need_sandbox.hpp"
#include <sennit/agent/io/sandbox_groups.hpp>
#include <sennit/agent/io/sandbox_run.hpp>
#include <sennit/agent/io/sandbox_support.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <thread>
#include <vector>

using namespace sennit;
using namespace sennit::testing;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace fs = std::filesystem;

namespace {

sandbox::Work script(const std::string& text) {
  sandbox::Work work;
  work.command.arguments = {"/bin/sh", "-c", text};
  return work;
}

sandbox::Result run_in(TestEnvironment& env, sandbox::Settings settings, sandbox::Work work) {
  return run(env, sandbox::run(env, std::make_shared<const sandbox::Box>(std::move(settings)), std::move(work)));
}

std::string output_of(TestEnvironment& env, sandbox::Settings settings, const std::string& text) {
  const sandbox::Result result = run_in(env, std::move(settings), script(text));
  INFO(result.errors.text());
  CHECK(result.ending.status.code == 0);
  return result.output.text();
}

sandbox::Settings with_folder(const TempDir& folder) {
  sandbox::Settings settings;
  settings.write = {folder.path()};
  return settings;
}

/// Processes of ours whose command line holds `mark`.
int running(const std::string& mark) {
  int count = 0;
  std::error_code gone;
  for (fs::directory_iterator entry("/proc", gone), end; !gone && entry != end; entry.increment(gone)) {
    std::ifstream stream(entry->path() / "cmdline", std::ios::binary);
    std::string line((std::istreambuf_iterator<char>(stream)), {});
    count += line.find(mark) != std::string::npos ? 1 : 0;
  }
  return count;
}

}  // namespace

TEST_CASE("a machine says whether it can shut programs in, and what bounds them") {
  const sandbox::Support& support = sandbox::support();
  CHECK(support.possible == support.obstacle.empty());
  CHECK_FALSE(support.bounds.empty());
  WARN("sandbox: " << (support.possible ? "possible; " : support.obstacle + "; ") << support.bounds);
}

TEST_CASE("a sandboxed program has its words, its input, its outputs and its status") {
  NEED_SANDBOX();
  TestEnvironment env;
  sandbox::Work work = script("cat; echo err >&2; echo \"$1\"; exit 3");
  work.command.arguments.insert(work.command.arguments.end(), {"sh", "a word"});
  work.input = "hello\n";
  const sandbox::Result result = run_in(env, {}, work);
  CHECK(result.output.text() == "hello\na word\n");
  CHECK(result.errors.text() == "err\n");
  CHECK(result.ending.status.code == 3);
  CHECK(result.ending.bound == sandbox::Bound::none);
  CHECK_FALSE(result.timed_out);
}

TEST_CASE("a sandboxed program gets the environment that it was given and a home, and nothing of ours") {
  NEED_SANDBOX();
  TestEnvironment env;
  ::setenv("SENNIT_TEST_SECRET", "do-not-tell", 1);
  sandbox::Work work = script("env; echo; tr '\\0' '\\n' < /proc/1/environ; tr '\\0' ' ' < /proc/1/cmdline");
  work.command.environment = {{"GIVEN", "yes"}};
  const std::string text = run_in(env, {}, work).output.text();
  ::unsetenv("SENNIT_TEST_SECRET");
  CHECK_THAT(text, ContainsSubstring("GIVEN=yes") && ContainsSubstring("HOME=/home/sandbox") &&
                       !ContainsSubstring("do-not-tell"));
  // Who is before it in the tree shows neither paths nor variables.
  const std::string first = text.substr(text.find("\n\n"));
  CHECK_THAT(first, !ContainsSubstring("GIVEN") && !ContainsSubstring("--bind") && !ContainsSubstring("PATH"));
}

TEST_CASE("only the folders that were named are there, each as it was named") {
  NEED_SANDBOX();
  TestEnvironment env;
  const TempDir read;
  const TempDir write;
  const TempDir other;
  read.write("a", "to read");
  other.write("c", "hidden");
  sandbox::Settings settings;
  settings.read = {read.path()};
  settings.write = {write.path()};
  const std::string text =
      output_of(env, settings,
                "pwd; cat " + (read / "a").string() + "; echo new > b; echo x > " + (read / "a").string() +
                    " || echo refused; ls " + other.path().string() + " 2>&1 || true");
  CHECK_THAT(text, ContainsSubstring(write.path().string()) && ContainsSubstring("to read") &&
                       ContainsSubstring("refused") && ContainsSubstring("No such file"));
  CHECK(read_file(write / "b") == "new\n");
  CHECK(read_file(read / "a") == "to read");
}

TEST_CASE("a folder to read inside one to write stays as it is, and cannot be moved away") {
  NEED_SANDBOX();
  TestEnvironment env;
  const TempDir root;
  root.write("deep/inner/file", "old");
  sandbox::Settings settings = with_folder(root);
  settings.read = {root / "deep/inner"};
  (void)output_of(
      env, settings,
      "echo new > deep/inner/file; mv deep/inner away; mv deep moved; rm -rf deep/inner; echo ok > deep/ok; "
      "true");
  CHECK(read_file(root / "deep/inner/file") == "old");
  CHECK(read_file(root / "deep/ok") == "ok\n");
  CHECK_FALSE(fs::exists(root / "moved"));
}

TEST_CASE("what is kept cannot be changed, moved, or made where it is not yet") {
  NEED_SANDBOX();
  TestEnvironment env;
  const TempDir root;
  root.write("agents/agent.yaml", "rules");
  sandbox::Settings settings = with_folder(root);
  settings.keep = {root / "agents/agent.yaml", root / "agents/later.yaml", root / "new/folder/conf.yaml",
                   root / ".git"};
  (void)output_of(
      env, settings,
      "for f in agents/agent.yaml agents/later.yaml new/folder/conf.yaml .git/config; do mkdir -p $(dirname $f); echo "
      "evil > $f; rm -rf $f; mv agents gone; ln -sf /tmp $f; done 2>/dev/null; rm -rf new .git agents; mkdir .git; "
      "echo "
      "fine > agents/other; ls agents");
  CHECK(read_file(root / "agents/agent.yaml") == "rules");
  CHECK(read_file(root / "agents/other") == "fine\n");
  // What stood in its place has gone as well.
  for (const char* name : {"agents/later.yaml", "new", ".git", "gone"}) {
    INFO(name);
    CHECK_FALSE(fs::exists(fs::symlink_status(root / name)));
  }
}

TEST_CASE("two children share what stands for a file that neither may make") {
  NEED_SANDBOX();
  TestEnvironment env;
  const TempDir root;
  sandbox::Settings settings = with_folder(root);
  settings.keep = {root / "conf.yaml"};
  const auto box = std::make_shared<const sandbox::Box>(settings);
  auto first = start(env, sandbox::run(env, box,
                                       script("touch up; while [ ! -e go ]; do sleep 0.01; done; rm -f "
                                              "conf.yaml; echo evil > conf.yaml")));
  until(env, [&] { return fs::exists(root / "up"); });
  (void)run(env, sandbox::run(env, box, script("echo evil > conf.yaml")));
  CHECK(fs::exists(root / "conf.yaml"));  // the first still needs it
  root.write("go", "");
  (void)first.get();
  CHECK_FALSE(fs::exists(root / "conf.yaml"));
}

TEST_CASE("what a killed program left standing for a file is taken over and removed") {
  NEED_SANDBOX();
  TestEnvironment env;
  const TempDir root;
  sandbox::Settings settings = with_folder(root);
  settings.keep = {root / "conf.yaml"};
  std::string left;
  {
    const auto box = std::make_shared<const sandbox::Box>(settings);
    auto child = start(env, sandbox::run(env, box, script("touch up; sleep 1000")));
    until(env, [&] { return fs::exists(root / "up"); });
    left = read_file(root / "conf.yaml");
    child.cancel();
    CHECK(child.error().code() == errc::cancelled);
  }
  CHECK_FALSE(fs::exists(root / "conf.yaml"));
  root.write("conf.yaml", left);
  (void)output_of(env, settings, "true");
  CHECK_FALSE(fs::exists(root / "conf.yaml"));
}

TEST_CASE("what is kept behind a link that a child could replace is refused") {
  NEED_SANDBOX();
  const TempDir root;
  root.write("real/agent.yaml", "rules");
  fs::create_symlink("real", root / "link");
  fs::create_symlink("real/agent.yaml", root / "agent.yaml");
  for (const char* name : {"link/agent.yaml", "agent.yaml"}) {
    sandbox::Settings settings = with_folder(root);
    settings.keep = {root / name};
    const Error error = error_of([&] { const sandbox::Box box(settings); });
    CHECK(error.code() == errc::config);
    CHECK_THAT(error.message(), ContainsSubstring("link"));
  }
}

TEST_CASE("a folder that was replaced since the agent was loaded is not shown") {
  NEED_SANDBOX();
  TestEnvironment env;
  const TempDir root;
  const TempDir outside;
  outside.write("secret", "s");
  fs::create_directory(root / "data");
  sandbox::Settings settings;
  settings.write = {root / "data"};
  const auto box = std::make_shared<const sandbox::Box>(settings);
  fs::remove(root / "data");
  SECTION("by a link") {
    fs::create_symlink(outside.path(), root / "data");
  }
  SECTION("by another folder") {
    fs::create_directory(root / "data2");
    fs::rename(root / "data2", root / "data");
  }
  const Error error = run_error(env, sandbox::run(env, box, script("cat secret")));
  CHECK(error.code() == errc::denied);
  CHECK_THAT(error.message(), ContainsSubstring("not what it was"));
}

TEST_CASE("folders that would give the system away are refused, and bounds that are none") {
  NEED_SANDBOX();
  for (const char* path : {"/", "/proc", "/proc/self", "/sys", "/dev", "/dev/shm", "/usr", "/usr/bin", "/etc", "/run",
                           "/does/not/exist"}) {
    INFO(path);
    sandbox::Settings settings;
    settings.write = {path};
    CHECK(error_of([&] { const sandbox::Box box(settings); }).code() == errc::config);
  }
  for (const char* path : {"/", "/proc/1", "/sys/kernel", "/dev/sda", "/run"}) {
    INFO(path);
    sandbox::Settings settings;
    settings.read = {path};
    CHECK(error_of([&] { const sandbox::Box box(settings); }).code() == errc::config);
  }
  sandbox::Settings settings;
  settings.memory = 1;
  CHECK_THAT(error_of([&] { const sandbox::Box box(settings); }).message(), ContainsSubstring("memory"));
  settings = {};
  settings.processes = 0;
  CHECK_THAT(error_of([&] { const sandbox::Box box(settings); }).message(), ContainsSubstring("processes"));
  settings = {};
  settings.hosts = {"http://example.com"};
  CHECK_THAT(error_of([&] { const sandbox::Box box(settings); }).message(), ContainsSubstring("without http://"));
}

TEST_CASE("time, output and cancellation end the whole tree") {
  NEED_SANDBOX();
  TestEnvironment env;
  const std::string mark = "98765." + std::to_string(::getpid());
  sandbox::Work work = script("setsid sleep " + mark + " & (setsid sh -c 'sleep " + mark + " &' &); sleep " + mark);
  SECTION("time") {
    work.time = 200ms;
    const sandbox::Result result = run_in(env, {}, work);
    CHECK(result.timed_out);
    CHECK_FALSE(result.ending.status.success());
  }
  SECTION("output") {
    work.flood = 1U << 20U;
    work.output = 1000;
    work.command.arguments[2] = "setsid sleep " + mark + " & yes";
    const sandbox::Result result = run_in(env, {}, work);
    CHECK(result.flooded);
    CHECK(result.output.text().size() < 1200);
    CHECK_THAT(result.output.text(), ContainsSubstring("bytes are left out"));
  }
  SECTION("cancellation") {
    auto child = start(env, sandbox::run(env, std::make_shared<const sandbox::Box>(sandbox::Settings{}), work));
    until(env, [&] { return running(mark) >= 3; });
    child.cancel();
    CHECK(child.error().code() == errc::cancelled);
  }
  CHECK(running(mark) == 0);
}

TEST_CASE("processes and memory are bounded for the whole tree, by control groups or by looking") {
  NEED_SANDBOX();
  TestEnvironment env;
  sandbox::Settings settings;
  settings.groups = GENERATE(true, false);
  INFO("groups: " << settings.groups);
  settings.processes = 20;
  settings.memory = 96LL << 20U;
  sandbox::Result result{{}, false, false, sandbox::Captured(0), sandbox::Captured(0)};
  sandbox::Bound bound = sandbox::Bound::none;
  SECTION("processes") {
    sandbox::Work work = script("i=0; while [ $i -lt 100 ]; do sleep 20 & i=$((i+1)); done; wait");
    work.time = 20s;
    result = run_in(env, settings, work);
    bound = sandbox::Bound::processes;
  }
  SECTION("memory, each process less than all of it") {
    sandbox::Work work = script(
        "for i in 1 2 3; do /usr/bin/python3 -c 'x = bytearray(48 << 20); import time; time.sleep(3)' & done; wait");
    work.time = 20s;
    result = run_in(env, settings, work);
    bound = sandbox::Bound::memory;
    if (!fs::exists("/usr/bin/python3")) SKIP("python3 is not installed");
  }
  INFO(result.errors.text());
  CHECK(result.ending.bound == bound);
}

TEST_CASE("control groups leave nothing behind") {
  const sandbox::GroupPlaces& places = sandbox::group_places();
  if (places.memory.empty() && places.processes.empty()) SKIP("no control groups can be made here");
  NEED_SANDBOX();
  TestEnvironment env;
  (void)output_of(env, {}, "true");
  (void)output_of(env, {}, "true");
  const std::string ours = "sennit-" + std::to_string(::getpid()) + "-";
  for (const fs::path& place : {places.memory, places.processes}) {
    if (place.empty()) continue;
    for (const fs::directory_entry& entry : fs::directory_iterator(place)) {
      CHECK_FALSE(entry.path().filename().string().starts_with(ours));
    }
  }
}

TEST_CASE("a tree that nobody can measure any more is ended, and one whose measuring fails once goes on") {
  NEED_SANDBOX();
  TestEnvironment env(1);
  std::atomic<bool> over = false;
  std::vector<Started<void>> jobs;
  const auto fill = [&] {
    for (std::size_t i = 0; i < Pool::kDefaultQueue + 2; ++i) {
      auto wait = [&over] {
        while (!over) std::this_thread::yield();
      };
      jobs.push_back(start(env, env.pool().run(std::move(wait))));
    }
  };
  sandbox::Settings settings;
  settings.groups = false;
  fill();
  const auto end = [&] {
    over = true;
    for (Started<void>& job : jobs) until(env, [&] { return job.done(); });
  };
  SECTION("for good") {
    const sandbox::Result result = run_in(env, settings, script("sleep 60"));
    CHECK(result.ending.bound == sandbox::Bound::unwatched);
    CHECK_FALSE(result.timed_out);
    end();
  }
  SECTION("for a moment") {
    const auto timer = env.call_at(env.now() + 200ms, [&] { over = true; });
    settings.processes = 8;
    const sandbox::Result result =
        run_in(env, settings, script("sleep 1; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 60 & done; wait"));
    CHECK(result.ending.bound == sandbox::Bound::processes);
    end();
  }
}

TEST_CASE("without walls there are still bounds and a closed environment") {
  TestEnvironment env;
  const TempDir folder;
  sandbox::Settings settings = with_folder(folder);
  settings.walls = false;
  settings.disk = 2 << 20U;
  const std::string text =
      output_of(env, settings, "pwd; env; ulimit -c; head -c 8000000 /dev/zero > big; stat -c %s big; true");
  CHECK_THAT(text, ContainsSubstring(folder.path().string()) && !ContainsSubstring("HOME=") &&
                       ContainsSubstring("\n0\n2097152\n"));
}

TEST_CASE("what is captured keeps both ends") {
  sandbox::Captured captured(8);
  captured.add("abc");
  captured.add("defg");
  CHECK(captured.text() == "abcdefg");
  captured.add("hijklmnop");
  CHECK(captured.total() == 16);
  CHECK(captured.dropped() == 8);
  CHECK_THAT(captured.text(),
             ContainsSubstring("abcd\n[") && ContainsSubstring(" 8 bytes") && ContainsSubstring("]\nmnop"));
}
