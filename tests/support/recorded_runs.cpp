#include "support/recorded_runs.hpp"

#include <sennit/agent/effects.hpp>
#include <sennit/agent/planner.hpp>

#include <algorithm>
#include <future>
#include <memory>
#include <stdexcept>
#include <utility>

namespace sennit::testing {
namespace {

std::vector<std::string> lines_of(const std::vector<Event>& events) {
  std::vector<std::string> lines;
  for (const Event& event : events) lines.push_back(json::serialize(to_json(event)));
  return lines;
}

class Fickle final : public Planner {
 public:
  explicit Fickle(const std::string& words) : words_(words) {}
  int version() const override { return 1; }
  asio::awaitable<Outcome> plan(Effects& effects) const override {
    co_await effects.say(user_message(words_));
    const Completion completion = co_await effects.complete(CompletionChange{});
    Outcome outcome;
    outcome.text = completion.message.text();
    co_return outcome;
  }

 private:
  const std::string& words_;
};

}  // namespace

Definition with_tools(std::vector<std::string> tools) {
  Definition definition;
  definition.name = "main";
  definition.instructions = "You help.\nAlways.";
  for (std::string& tool : tools) definition.tools.push_back({std::move(tool), {}});
  definition.policy.allow = {"*"};
  return definition;
}

Turn text(std::vector<std::string> pieces) {
  Turn turn;
  for (std::string& piece : pieces) turn.events.emplace_back(TextDelta{std::move(piece)});
  return turn;
}

Turn calling(std::vector<EventData> calls) {
  return {std::move(calls), false};
}

Turn stalling() {
  return {{}, true};
}

Play Model::play() {
  return [this](const CompletionRequest&) {
    ++asked;
    if (turns.empty()) throw Error(errc::server, "no turn is left");
    Turn turn = std::move(turns.front());
    turns.pop_front();
    return turn;
  };
}

std::string interrupted(const TempDir& folder, Definition definition, std::vector<Turn> turns,
                        const std::string& session, const std::function<void(Registry&)>& more) {
  Model model{{turns.begin(), turns.end()}};
  std::string id;
  {
    World world(model.play(), {.state = folder.path()}, more);
    Run run = world.agent(std::move(definition)).session(session).start("go");
    id = run.id();
    world.wait_for_stall();
    run.detach();
  }
  return id;
}

RecordedRun recorded(World& world, const std::string& run) {
  return elsewhere(world.runtime.store()->recorded(run));
}

std::string difference(const std::vector<Event>& was, const std::vector<Event>& is) {
  const std::vector<std::string> old_lines = lines_of(was);
  const std::vector<std::string> new_lines = lines_of(is);
  for (std::size_t i = 0; i < std::max(old_lines.size(), new_lines.size()); ++i) {
    const std::string old_line = i < old_lines.size() ? old_lines[i] : "(none)";
    const std::string new_line = i < new_lines.size() ? new_lines[i] : "(none)";
    if (old_line != new_line) return std::to_string(i) + "\n- " + old_line + "\n+ " + new_line;
  }
  return {};
}

Outcome outcome_in(const std::vector<Event>& events) {
  return std::get<RunFinished>(events.back().data).outcome;
}

void add_fickle_planner(Registry& registry, const std::string& words) {
  registry.add_planner("fickle",
                       [&words](const json::object&, const PartContext&) { return std::make_shared<Fickle>(words); });
}

std::function<void(bool done)> CancelInCommit::hook() {
  return [this](bool done) {
    if (!done) commit();
  };
}

void CancelInCommit::arm(int number) {
  const std::lock_guard lock(mutex_);
  left_ = number;
}

void CancelInCommit::commit() {
  std::unique_lock lock(mutex_);
  if (left_ == 0 || --left_ > 0) return;
  waits_ = true;
  changed_.notify_all();
  changed_.wait_for(lock, kPatience, [this] { return let_go_; });
}

void CancelInCommit::cancel(World& world, Run& run) {
  {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kPatience, [this] { return waits_; })) {
      throw std::runtime_error("the commit did not come");
    }
  }
  run.cancel("enough");
  // Behind the cancellation on the run's own loop.
  std::promise<void> heard;
  asio::post(world.runtime.shard().executor(), [&heard] { heard.set_value(); });
  heard.get_future().wait();
  const std::lock_guard lock(mutex_);
  let_go_ = true;
  changed_.notify_all();
}

}  // namespace sennit::testing
