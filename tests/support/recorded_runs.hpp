// What tests of runs that outlive their programs share: agents whose tools need no approval, models that play turns,
// and ways to compare what was told with what is told again.
#pragma once

#include "support/fixtures.hpp"
#include "support/world.hpp"
#include <sennit/agent/registry.hpp>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace sennit::testing {

[[nodiscard]] Definition with_tools(std::vector<std::string> tools);

[[nodiscard]] Turn text(std::vector<std::string> pieces);
[[nodiscard]] Turn calling(std::vector<EventData> calls);
[[nodiscard]] Turn stalling();

/// Plays turns and counts how often it was asked.
struct Model {
  std::deque<Turn> turns;
  int asked = 0;
  [[nodiscard]] Play play();
};

/// Starts a run that stalls at its last turn, and lets its program end there. The run's id.
[[nodiscard]] std::string interrupted(const TempDir& folder, Definition definition, std::vector<Turn> turns,
                                      const std::string& session = {}, const std::function<void(Registry&)>& more = {});

[[nodiscard]] RecordedRun recorded(World& world, const std::string& run);
/// Empty: the events are the same, byte for byte. Otherwise the first line that differs.
[[nodiscard]] std::string difference(const std::vector<Event>& was, const std::vector<Event>& is);
/// REQUIRES: the last event is RunFinished.
[[nodiscard]] Outcome outcome_in(const std::vector<Event>& events);

/// Adds the planner "fickle", which says `words`, whatever they are by then, and ends with what the model answers.
void add_fickle_planner(Registry& registry, const std::string& words);

/// Cancels a run while one of its commits is at work; the commit goes on once the run has heard of it.
class CancelInCommit {
 public:
  /// For RuntimeOptions::on_commit.
  [[nodiscard]] std::function<void(bool done)> hook();
  /// The run's commit `number`, from 1, counted from now on.
  void arm(int number);
  /// Once arm() was called. Waits until the commit has come. The world has one shard.
  void cancel(World& world, Run& run);

 private:
  void commit();

  std::mutex mutex_;
  std::condition_variable changed_;
  int left_ = 0;        // until the commit comes; zero: it came, or none is wanted
  bool waits_ = false;  // the store's thread
  bool let_go_ = false;
};

}  // namespace sennit::testing
