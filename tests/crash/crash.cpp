// kill -9 at every boundary and at random instants, and what must be true afterwards: nothing that was told is lost,
// no keyed effect happens twice, no unsafe one is repeated silently, and there is an end.
//
//   SENNIT_CRASH=2000 test_crash        the full form: so many random instants, all pairs of boundaries, all stops
//   SENNIT_CRASH_SEED=7                 other instants
#include "crash/trial.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <stdexcept>
#include <thread>

using namespace sennit;
using namespace sennit::testing;

namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// 0: the short form.
int full_form() {
  const char* count = std::getenv("SENNIT_CRASH");
  return count == nullptr ? 0 : std::atoi(count);
}

unsigned seed() {
  const char* given = std::getenv("SENNIT_CRASH_SEED");
  return given == nullptr ? 1U : static_cast<unsigned>(std::atoi(given));
}

void report(const char* what, const Tally& tally, Clock::time_point since) {
  const std::chrono::duration<double> took = Clock::now() - since;
  std::printf("%s: %d trials, %d kills, %d without one; a person looked %d times; %d out of quarantine; %.1f s\n", what,
              tally.trials, tally.kills, tally.survived, tally.doubts, tally.forced, took.count());
  std::fflush(stdout);
}

std::vector<std::string> dying_at(const std::string& point) {
  return {"--die-at", point};
}
std::vector<std::string> dying_at(std::size_t point) {
  return dying_at(std::to_string(point));
}

}  // namespace

TEST_CASE("killed at any boundary, a run goes on to its end") {
  const auto begun = Clock::now();
  // What runs side by side may share commits or not: the last points are not reached each time.
  constexpr std::size_t kMoreOrLess = 6;
  const std::size_t points = undisturbed().points.size();
  constexpr std::size_t kAtLeast = 40;
  REQUIRE(points > kAtLeast);
  const Tally tally = try_all(points + kMoreOrLess, [&](std::size_t i) {
    Trial trial;
    if (trial.live(dying_at(i + 1)).killed() || i < points - kMoreOrLess) trial.conclude();
    return trial.tally();
  });
  report("boundaries", tally, begun);
  CHECK(tally.faults == "");
  CHECK(tally.kills >= static_cast<int>(points - kMoreOrLess));
  CHECK(tally.doubts > 0);
  CHECK(tally.forced == 0);
}

TEST_CASE("killed at any boundary, and again when it was resumed") {
  const auto begun = Clock::now();
  constexpr std::size_t kSample = 16;
  const std::size_t points = undisturbed().points.size();
  std::vector<std::pair<std::string, std::size_t>> pairs;
  if (full_form() > 0) {
    for (std::size_t first = 1; first <= points; ++first) {
      for (std::size_t second = 1; second + first <= points + 12; ++second) {
        pairs.emplace_back(std::to_string(first), second);
      }
    }
  } else {
    // The unsafe effect in full, the others by lot.
    for (std::size_t second = 1; second <= 12; ++second) pairs.emplace_back("before pay", second);
    std::mt19937 random(seed());
    for (std::size_t i = 0; i < kSample; ++i)
      pairs.emplace_back(std::to_string(1 + random() % points), 1 + random() % 20);
  }
  const Tally tally = try_all(pairs.size(), [&](std::size_t i) {
    Trial trial;
    trial.live(dying_at(pairs[i].first));
    trial.live(dying_at(pairs[i].second));
    trial.conclude();
    return trial.tally();
  });
  report("pairs of boundaries", tally, begun);
  CHECK(tally.faults == "");
  CHECK(tally.forced == 0);
}

TEST_CASE("killed while the model is asked, and while it answers") {
  const auto begun = Clock::now();
  constexpr int kRequests = 6;
  static constexpr const char* kWords[kRequests] = {"step one",  "step two", "step three",
                                                    "step five", "step six", "step four"};
  const Tally tally = try_all(2 * kRequests, [](std::size_t i) {
    const int request = static_cast<int>(i / 2) + 1;
    Trial trial(milliseconds(0), {request, i % 2 == 1});
    const auto worker = trial.start();
    trial.wait_for_silence();
    if (i % 2 == 1) worker->until_out(kWords[i / 2]);
    worker->signal(SIGKILL);
    trial.end(*worker);
    trial.conclude();
    return trial.tally();
  });
  report("model", tally, begun);
  CHECK(tally.faults == "");
  CHECK(tally.kills == 2 * kRequests);
}

TEST_CASE("killed at random instants") {
  const auto begun = Clock::now();
  constexpr int kShort = 32;
  constexpr milliseconds kPace{2};
  const std::size_t count = static_cast<std::size_t>(full_form() > 0 ? full_form() : kShort);
  // How long an undisturbed one takes, from its first word to its last.
  std::chrono::duration<double, std::milli> whole{0};
  {
    const Trial trial(kPace);
    const auto worker = trial.start();
    worker->until_out("ready");
    const auto ready = Clock::now();
    worker->until_out("run_finished");
    whole = Clock::now() - ready;
  }
  const Tally tally = try_all(count, [&](std::size_t i) {
    std::mt19937_64 random(seed() * 1'000'003ULL + i);
    Trial trial(kPace);
    bool again = true;
    while (again) {
      const auto worker = trial.start({"--force"});
      worker->until_out("ready");
      std::this_thread::sleep_for(whole * std::uniform_real_distribution<>(0, 1)(random));
      worker->signal(SIGKILL);
      again = trial.end(*worker).killed() && random() % 3 == 0;
    }
    trial.conclude({"--force"});
    return trial.tally();
  });
  std::printf("seed %u, an undisturbed run takes %.0f ms\n", seed(), whole.count());
  report("random instants", tally, begun);
  CHECK(tally.faults == "");
}

TEST_CASE("killed while it is cancelled, a run ends as cancelled or goes on") {
  const auto begun = Clock::now();
  // From the beginning of the tools to the run's end.
  constexpr std::size_t kFirst = 9;
  constexpr std::size_t kPoints = 15;
  const Tally tally = try_all(kPoints, [](std::size_t i) {
    Trial trial;
    std::vector<std::string> options = dying_at(kFirst + i);
    options.emplace_back("--cancel");
    trial.live(options);
    Tally tally = trial.tally();
    const Life last = trial.live();
    std::string wrong;
    (void)conversation_in(trial.folder(), wrong);
    if (last.status != 0 && last.status != 2) wrong += " ended with " + std::to_string(last.status) + last.errors;
    if (last.replayed != last.events) wrong += " replayed otherwise";
    if (!wrong.empty()) tally.faults = std::to_string(kFirst + i) + ": " + wrong + "\n";
    return tally;
  });
  report("cancelled", tally, begun);
  CHECK(tally.faults == "");
}

TEST_CASE("a run that closed what an interrupted one left open is resumed itself") {
  const std::vector<std::string> next{"--anew", "--say", "and now"};
  const auto conversation = [&](const std::vector<std::string>& more) {
    Trial trial;
    CHECK(trial.live(dying_at("before pay")).killed());
    std::vector<std::string> options = next;
    options.insert(options.end(), more.begin(), more.end());
    const bool killed = trial.live(options).killed();
    CHECK(killed == !more.empty());
    if (killed) {
      const Life resumed = trial.live();
      CHECK(resumed.errors == "");
      CHECK(resumed.replayed == resumed.events);
    }
    std::string wrong;
    std::string text = conversation_in(trial.folder(), wrong);
    CHECK(wrong == "");
    return text;
  };
  const std::string undisturbed = conversation({});
  for (const char* point : {"8", "before book", "after pay"}) CHECK(conversation(dying_at(point)) == undisturbed);
}

TEST_CASE("a run that takes its program down three times without getting further is left alone, until it is forced") {
  Trial trial;
  const std::vector<std::string> poison{"--say", "poison"};
  // The first life got as far as the model's answer: that counts as progress, once.
  for (int life = 0; life < 4; ++life) {
    INFO(life);
    CHECK(trial.live(poison).status == 128 + SIGABRT);
  }
  const Life refused = trial.live(poison);
  CHECK(refused.status == 4);
  CHECK(refused.errors.find("quarantine") != std::string::npos);
  CHECK(trial.live({"--say", "poison", "--force"}).status == 128 + SIGABRT);
  const Life forced = trial.live({"--say", "poison", "--force", "--tame"});
  CHECK(forced.status == 0);
  REQUIRE_FALSE(forced.events.empty());
  CHECK(forced.events.back().find("\"text\":\"alive\"") != std::string::npos);
  CHECK(forced.replayed == forced.events);
}

namespace {

/// Waits until the worker, which has said who it is, was stopped.
void wait_for_stop(Program& worker) {
  worker.until_out("\n");
  const std::string id = worker.out().substr(6, worker.out().find('\n') - 6);
  const auto deadline = Clock::now() + kPatience;
  while (Clock::now() < deadline) {
    std::ifstream file("/proc/" + id + "/stat");
    std::string stat;
    std::getline(file, stat);
    if (const auto end = stat.rfind(')'); end != std::string::npos && stat.substr(end + 2, 1) == "T") return;
    std::this_thread::sleep_for(milliseconds(2));
  }
  throw std::runtime_error("the worker does not stop");
}

/// A worker stops at a point, another goes on with its run, and the first one wakes up.
Tally overtaken(const std::string& point, bool may_have_ended) {
  const std::vector<std::string> soon{"--lease", "300", "--wait", "--nobody"};
  Trial trial;
  const auto stopped = trial.start({"--lease", "300", "--stop-at", point});
  wait_for_stop(*stopped);
  const Life other = trial.live(soon);
  const std::string before = trial.fingerprint();
  stopped->signal(SIGCONT);
  const Life woken = trial.end(*stopped);
  Tally extra;
  if (other.status == 0) {
    if (trial.fingerprint() != before) extra.faults += "who was overtaken changed something\n";
  } else if (other.status != 3) {
    extra.faults += "who overtook ended with " + std::to_string(other.status) + ": " + other.errors + "\n";
  }
  if (!(woken.status == 0 && may_have_ended) &&
      (woken.status != 1 || woken.errors.find("was taken by another program") == std::string::npos)) {
    extra.faults += "stopped at " + point + ", who was overtaken ended with " + std::to_string(woken.status) + ": " +
                    woken.errors + "\n";
  }
  trial.conclude();
  Tally tally = trial.tally();
  tally.add(extra);
  return tally;
}

}  // namespace

TEST_CASE("who was stopped and overtaken gets nothing in any more") {
  const auto begun = Clock::now();
  std::vector<std::string> stops{"5", "before book", "before pay", "after pay", "before mail"};
  const std::size_t points = undisturbed().points.size();
  for (std::size_t point = 3; full_form() > 0 && point < points; ++point) stops.push_back(std::to_string(point));
  constexpr std::size_t kLast = 6;  // of them may come after the run's end
  const Tally tally = try_all(
      stops.size(), [&](std::size_t i) { return overtaken(stops[i], full_form() > 0 && i + kLast > stops.size()); });
  report("stops", tally, begun);
  CHECK(tally.faults == "");
}
