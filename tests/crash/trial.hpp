// One run of the crash harness and its programs: a model server, a folder with state and ledger, workers that are
// killed and started again, and what must be true in the end.
#pragma once

#include "app/program.hpp"
#include "support/http_server.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::testing {

/// What one worker left behind.
struct Life {
  int status = 0;
  std::vector<std::string> events;    ///< JSON, as they were told
  std::vector<std::string> replayed;  ///< the same run, told again from its record
  std::vector<std::string> points;    ///< fail points that it passed: "commit", "committed", "before pay" …
  bool forced = false;
  std::string errors;
  [[nodiscard]] bool killed() const;
};

/// What a number of trials came to.
struct Tally {
  int trials = 0;
  int kills = 0;
  int doubts = 0;  ///< where a person had to look
  int forced = 0;
  int survived = 0;    ///< trials without a kill
  std::string faults;  ///< what must not be
  void add(const Tally& other);
};

/// Where the model falls silent: at its `request`th request (from 1; 0: nowhere), before the answer or within it.
struct Silence {
  int request = 0;
  bool within = false;
};

/// The agent recalls a note; its script is: `credit` and `book` side by side, `pay` (with an approval), a helper that
/// calls `mail`, the end. Told "poison", it calls `bomb`. It is decided by the conversation alone, so that it outlives
/// each worker.
class Trial {
 public:
  explicit Trial(std::chrono::milliseconds pace = std::chrono::milliseconds(0), Silence silence = {});

  /// Starts a worker.
  [[nodiscard]] std::unique_ptr<Program> start(const std::vector<std::string>& options = {}) const;
  /// Lets it end. What a killed one had told has to be told again by those who follow.
  Life end(Program& worker);
  Life live(const std::vector<std::string>& options = {});
  /// The last life, and whatever is wrong after it goes into tally().faults.
  void conclude(const std::vector<std::string>& options = {});

  /// Blocks until the model has fallen silent.
  void wait_for_silence();
  [[nodiscard]] const TempDir& folder() const { return folder_; }
  /// All that the store has of the run and its conversation, and the ledger without its attempts.
  [[nodiscard]] std::string fingerprint() const;
  [[nodiscard]] Tally tally() const { return tally_; }

 private:
  Reply answer(const HttpRequest& request);
  void check(const Life& last);
  void check_told(const Life& last);
  void check_store();
  void check_ledger();
  void fault(const std::string& what);

  TempDir folder_;
  std::chrono::milliseconds pace_;
  Silence silence_;
  std::atomic<int> asked_{0};
  std::promise<void> silent_;
  std::vector<std::string> promised_;  // events that were told by lives that ended before their run
  std::string history_;                // of the trial, for whoever reads a fault
  Tally tally_;
  HttpServer server_;
};

/// A run that nobody disturbed.
struct Undisturbed {
  std::vector<std::string> told;  ///< its events, without times and ids; deltas left out
  std::string conversation;
  std::string ledger;  ///< "book=RUN/4.2 …"
  std::vector<std::string> points;
};
[[nodiscard]] const Undisturbed& undisturbed();

/// The messages of the session, a line each; and why no provider would take them, if so.
[[nodiscard]] std::string conversation_in(const TempDir& folder, std::string& wrong);

/// Trials 0 … count-1, on all processors.
[[nodiscard]] Tally try_all(std::size_t count, const std::function<Tally(std::size_t)>& trial);

}  // namespace sennit::testing
