#include "crash/trial.hpp"

#include "app/model_server.hpp"
#include "support/store_runs.hpp"
#include "support/world.hpp"

#include <algorithm>
#include <csignal>
#include <mutex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace sennit::testing {
namespace {

constexpr std::string_view kReplayed = "= ";
constexpr std::string_view kPoint = "point ";

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (!in.eof()) lines.push_back(line);  // without its end a line was not told
  }
  return lines;
}

std::string name_of(const std::string& line) {
  return std::string(find_string(json::parse(line), "event"));
}

/// Events that stand for a boundary: what was told of them is on disk, or is told again in the same words.
bool is_promise(const std::string& line) {
  static const std::set<std::string> kKinds{"run_started",  "step_started",       "step_finished",
                                            "tool_started", "tool_finished",      "delegated",
                                            "in_doubt",     "approval_requested", "run_finished"};
  return kKinds.contains(name_of(line));
}

void remove_times(json::value& value) {
  if (auto* object = value.if_object()) {
    object->erase("duration_ms");
    if (object->contains("run")) (*object)["run"] = "RUN";
    for (auto& member : *object) remove_times(member.value());
  }
}

/// What does not depend on when, and in what order, things that ran side by side ended.
std::vector<std::string> essence(const std::vector<std::string>& events) {
  std::vector<std::string> told;
  for (const std::string& line : events) {
    if (!is_promise(line) || name_of(line) == "in_doubt") continue;
    json::value event = json::parse(line);
    remove_times(event);
    told.push_back(json::serialize(event));
  }
  std::sort(told.begin(), told.end());
  return told;
}

/// A reader who is slow gets deltas merged: that is no difference.
std::vector<std::string> merged(const std::vector<std::string>& lines) {
  std::vector<Event> events;
  for (const std::string& line : lines) append_merged(events, event_from_json(json::parse(line)));
  std::vector<std::string> result;
  for (const Event& event : events) result.push_back(json::serialize(to_json(event)));
  return result;
}

std::string first_difference(const std::vector<std::string>& was, const std::vector<std::string>& is) {
  for (std::size_t i = 0; i < std::max(was.size(), is.size()); ++i) {
    const std::string left = i < was.size() ? was[i] : "(none)";
    const std::string right = i < is.size() ? is[i] : "(none)";
    if (left != right) return "\n- " + left + "\n+ " + right;
  }
  return {};
}

}  // namespace

std::string conversation_in(const TempDir& folder, std::string& wrong) {
  TestEnvironment env;
  Store store(folder / "state");
  const std::vector<Message> messages = run(env, store.messages("s"));
  wrong = ill_formed(messages);
  std::string text;
  for (const Message& message : messages) text += json::serialize(to_json(message)) + "\n";
  return text;
}

namespace {

/// What was done to the world, by which call.
std::string ledger_of(const TempDir& folder) {
  const std::string id = query(folder / "state" / "sennit.db", "SELECT id FROM runs");
  std::string rows =
      query(folder / "ledger.db",
            "SELECT group_concat(row, ' ') FROM (SELECT tool || '=' || key AS row FROM ledger ORDER BY row)");
  for (auto at = rows.find(id); at != std::string::npos; at = rows.find(id)) rows.replace(at, id.size(), "RUN");
  return rows;
}

Answer step_of_main(std::size_t step) {
  if (step == 0) return Answer().text("step one").call("credit", "{}").call("book", "{}");
  if (step == 1) return Answer().text("step two").call("pay", "{}");
  if (step == 2) return Answer().text("step three").call("helper", R"({"task":"send the mail"})");
  return Answer().text("step four, ").text("the end");
}

Answer step_of_helper(std::size_t step) {
  if (step == 0) return Answer().text("step five").call("mail", "{}");
  return Answer().text("step six, ").text("sent");
}

Answer step_of_poison(std::size_t step) {
  if (step == 0) return Answer().text("here it comes").call("bomb", "{}");
  return Answer().text("alive");
}

Answer next_step(const HttpRequest& request) {
  const json::value body = json::parse(request.body);
  std::size_t answers = 0;
  std::string asked;
  bool helper = false;
  for (const json::value& message : body.at("messages").as_array()) {
    const std::string_view role = find_string(message, "role");
    const std::string_view content = find_string(message, "content");
    if (role == "system") helper = content.find("helper") != std::string_view::npos;
    if (role == "assistant") ++answers;
    if (role != "user") continue;
    asked = content;
    answers = 0;
  }
  if (helper) return step_of_helper(answers);
  return asked == "poison" ? step_of_poison(answers) : step_of_main(answers);
}

}  // namespace

bool Life::killed() const {
  return status == 128 + SIGKILL;
}

void Tally::add(const Tally& other) {
  trials += other.trials;
  kills += other.kills;
  doubts += other.doubts;
  forced += other.forced;
  survived += other.survived;
  constexpr std::size_t kEnoughToRead = 20'000;
  if (faults.size() < kEnoughToRead) faults += other.faults;
}

Trial::Trial(std::chrono::milliseconds pace, Silence silence)
    : pace_(pace), silence_(silence), server_([this](const HttpRequest& request) { return answer(request); }) {
  folder_.write("agent.yaml", agent_for(server_,
                                        "instructions: You do what you are told.\ntools: [credit, book, pay, bomb]\n"
                                        "agents: [{name: helper, file: helper.yaml}]\nmemory: true\n"
                                        "policy: {allow: [\"*\"], ask: [pay]}\n"));
  folder_.write("helper.yaml",
                agent_for(server_, "instructions: You are the helper.\ntools: [mail]\npolicy: {allow: [\"*\"]}\n"));
  tally_.trials = 1;
}

Reply Trial::answer(const HttpRequest& request) {
  if (++asked_ == silence_.request) {
    silent_.set_value();
    return silence_.within ? next_step(request).silence() : Reply::text("").stall();
  }
  return next_step(request).reply().after(pace_).every(pace_);
}

void Trial::wait_for_silence() {
  if (silent_.get_future().wait_for(kPatience) != std::future_status::ready) {
    throw std::runtime_error("the model is not asked so often");
  }
}

std::unique_ptr<Program> Trial::start(const std::vector<std::string>& options) const {
  std::vector<std::string> arguments{folder_.path().string()};
  arguments.insert(arguments.end(), options.begin(), options.end());
  return std::make_unique<Program>(arguments,
                                   Program::Options{.folder = folder_.path(), .input = {}, .environment = {}});
}

Life Trial::end(Program& worker) {
  const Ended ended = worker.wait();
  Life life;
  life.status = ended.status;
  for (const std::string& line : lines_of(ended.out)) {
    if (line.starts_with(kReplayed)) {
      life.replayed.push_back(line.substr(kReplayed.size()));
    } else if (line.starts_with('{')) {
      life.events.push_back(line);
    }
  }
  for (const std::string& line : lines_of(ended.err)) {
    if (line.starts_with(kPoint)) {
      life.points.push_back(line.substr(kPoint.size()));
    } else if (line == "forced") {
      life.forced = true;
    } else {
      life.errors += line + "\n";
    }
  }
  history_ += "; status " + std::to_string(life.status) + " after " + std::to_string(life.points.size()) + " points" +
              (life.points.empty() ? "" : " (" + life.points.back() + ")");
  if (life.killed()) ++tally_.kills;
  if (life.forced) ++tally_.forced;
  if (life.status != 0) {
    // How a life that was cut short saw the run end is not how it ended.
    const auto promised = [&](const std::string& line) {
      return is_promise(line) && (life.killed() || name_of(line) != "run_finished");
    };
    std::copy_if(life.events.begin(), life.events.end(), std::back_inserter(promised_), promised);
  }
  return life;
}

Life Trial::live(const std::vector<std::string>& options) {
  const std::unique_ptr<Program> worker = start(options);
  return end(*worker);
}

void Trial::conclude(const std::vector<std::string>& options) {
  if (tally_.kills == 0) ++tally_.survived;
  check(live(options));
}

void Trial::check(const Life& last) {
  if (last.status != 0) return fault("the last program ended with " + std::to_string(last.status) + ": " + last.errors);
  check_told(last);
  check_store();
  check_ledger();
}

void Trial::check_told(const Life& last) {
  const auto ends = std::count_if(last.events.begin(), last.events.end(),
                                  [](const std::string& line) { return name_of(line) == "run_finished"; });
  if (ends != 1 || name_of(last.events.back()) != "run_finished") fault("not one end");
  for (const std::string& line : promised_) {
    if (std::find(last.events.begin(), last.events.end(), line) == last.events.end()) fault("lost: " + line);
  }
  if (const auto wrong = first_difference(undisturbed().told, essence(last.events)); !wrong.empty()) {
    fault("told otherwise than without a kill:" + wrong);
  }
  if (const auto wrong = first_difference(merged(last.events), merged(last.replayed)); !wrong.empty()) {
    fault("replayed otherwise than told:" + wrong);
  }
}

void Trial::check_store() {
  {
    TestEnvironment env;
    Store store(folder_ / "state");
    const std::vector<RunRecord> runs = run(env, store.runs({}));
    if (runs.size() != 1) return fault(std::to_string(runs.size()) + " runs");
    if (runs[0].phase != RunPhase::ended) fault("the run is " + std::string(to_string(runs[0].phase)));
    if (outcome_from_json(runs[0].outcome).ending != Ending::completed) fault("the run did not complete");
  }
  std::string wrong;
  const std::string conversation = conversation_in(folder_, wrong);
  if (!wrong.empty()) fault("the conversation: " + wrong);
  const auto difference = first_difference(lines_of(undisturbed().conversation), lines_of(conversation));
  if (!difference.empty()) fault("another conversation:" + difference);
}

void Trial::check_ledger() {
  const auto ask = [&](const char* sql) { return std::stoi(query(folder_ / "ledger.db", sql)); };
  if (const std::string rows = ledger_of(folder_); rows != undisturbed().ledger) fault("the ledger has " + rows);
  tally_.doubts = ask("SELECT count(*) FROM answers");
  const int tried = ask("SELECT count(*) FROM attempts WHERE tool = 'pay'");
  const int allowed = 1 + ask("SELECT count(*) FROM answers WHERE said = 'not done'");
  if (tried > allowed) {
    fault(std::to_string(tried) + " payments were begun, and " + std::to_string(allowed) + " allowed");
  }
}

void Trial::fault(const std::string& what) {
  tally_.faults += (history_.starts_with("; ") ? history_.substr(2) : history_) + ": " + what + "\n";
}

std::string Trial::fingerprint() const {
  const auto state = [&](const char* sql) { return query(folder_ / "state" / "sennit.db", sql); };
  return state("SELECT group_concat(effect || kind || boundary || at || data) FROM journal") +
         state("SELECT group_concat(position || body) FROM messages") +
         state("SELECT group_concat(ifnull(ended, '') || ifnull(outcome, '') || waits_for) FROM runs") +
         query(folder_ / "ledger.db", "SELECT group_concat(tool || key) FROM ledger");
}

const Undisturbed& undisturbed() {
  static const Undisturbed once = [] {
    Trial trial;
    const Life life = trial.live();
    if (life.status != 0) throw std::runtime_error("the worker does not work: " + life.errors);
    std::string wrong;
    Undisturbed known{essence(life.events), conversation_in(trial.folder(), wrong), ledger_of(trial.folder()),
                      life.points};
    if (!wrong.empty()) throw std::runtime_error("an undisturbed run's conversation: " + wrong);
    return known;
  }();
  return once;
}

Tally try_all(std::size_t count, const std::function<Tally(std::size_t)>& trial) {
  (void)undisturbed();
  Tally tally;
  std::mutex mutex;
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < count; i = next++) {
      Tally one;
      try {
        one = trial(i);
      } catch (const std::exception& error) {
        one.faults = "trial " + std::to_string(i) + ": " + error.what() + "\n";
      }
      const std::lock_guard lock(mutex);
      tally.add(one);
    }
  };
  std::vector<std::thread> threads;
  const unsigned processors = std::max(1U, std::thread::hardware_concurrency());
  for (unsigned i = 0; i < processors; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  return tally;
}

}  // namespace sennit::testing
