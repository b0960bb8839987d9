// The program that the crash harness kills: it embeds the library as a service would. At its start it goes on with the
// run that its state folder holds, or begins one; each event is a line on standard output, written at once: whoever
// reads it has been told. The world outside is a ledger, an SQLite file of its own.
//
//   crash_worker FOLDER [OPTION…]      FOLDER holds agent.yaml, and gets state/ and ledger.db
//     --say WORDS      what a new run is told                --die-at P    SIGKILL at a fail point: a number or a name
//     --anew           begins one in any case                --stop-at P   SIGSTOP at one; not within a commit
//     --force          takes its run out of quarantine       --lease MS    RuntimeOptions::lease
//     --nobody         no person is there                    --tame        the tool `bomb` does no harm
//     --wait           until nobody else works on the run    --cancel      cancels the run when `book` begins
//
// It ends with 0 (completed), 2 (cancelled), 3 (suspended), 4 (its run is in quarantine) or 1. What was completed or
// cancelled it tells once more, from its record, in lines that begin with "= ".
#include <sennit/agent/agent.hpp>
#include <sennit/agent/io/database.hpp>
#include <sennit/agent/memory.hpp>
#include <sennit/agent/store.hpp>
#include <sennit/agent/typed_tool.hpp>
#include <sennit/plugins/builtin.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

using namespace sennit;

namespace {

struct Settings {
  std::filesystem::path folder;
  std::string say = "go";
  std::string die_at;
  std::string stop_at;
  milliseconds lease{10'000};
  bool anew = false;
  bool force = false;
  bool nobody = false;
  bool wait = false;
  bool tame = false;
  bool cancel = false;
};

Settings read_settings(int count, char** words) {
  Settings settings;
  const auto next = [&](int& at) {
    if (++at >= count) throw std::invalid_argument("a value is missing");
    return std::string(words[at]);
  };
  for (int at = 1; at < count; ++at) {
    const std::string word = words[at];
    if (word == "--say") {
      settings.say = next(at);
    } else if (word == "--die-at") {
      settings.die_at = next(at);
    } else if (word == "--stop-at") {
      settings.stop_at = next(at);
    } else if (word == "--lease") {
      settings.lease = milliseconds(std::stoi(next(at)));
    } else if (word == "--anew") {
      settings.anew = true;
    } else if (word == "--force") {
      settings.force = true;
    } else if (word == "--nobody") {
      settings.nobody = true;
    } else if (word == "--wait") {
      settings.wait = true;
    } else if (word == "--cancel") {
      settings.cancel = true;
    } else if (word == "--tame") {
      settings.tame = true;
    } else {
      settings.folder = word;
    }
  }
  return settings;
}

/// In one piece, past all buffers.
void write_line(int file, std::string line) {
  line += '\n';
  if (::write(file, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::_Exit(5);
}

/// Where the program may die: both sides of each commit, and of each effect on the world. Each is a line on standard
/// error.
class FailPoints {
 public:
  explicit FailPoints(const Settings& settings) : settings_(settings) {}

  void pass(const std::string& name) {
    const std::string number = std::to_string(++passed_);
    write_line(STDERR_FILENO, "point " + name);
    const auto is_here = [&](const std::string& point) { return point == name || point == number; };
    if (is_here(settings_.die_at)) ::kill(::getpid(), SIGKILL);
    if (is_here(settings_.stop_at)) stops_ = true;
    // Who is stopped in a commit holds SQLite's lock, and everybody waits for him.
    if (name != "commit" && stops_.exchange(false)) ::kill(::getpid(), SIGSTOP);
  }

 private:
  const Settings& settings_;
  std::atomic<int> passed_{0};
  std::atomic<bool> stops_{false};
};

/// What the tools did to the world, and how often they tried.
class Ledger {
 public:
  Ledger(const std::filesystem::path& file, FailPoints& points) : database_(file), points_(points) {
    database_.migrate("ledger", {"CREATE TABLE ledger(tool TEXT, key TEXT, at INTEGER);"
                                 "CREATE UNIQUE INDEX once ON ledger(key) WHERE tool <> 'pay';"
                                 "CREATE TABLE attempts(tool TEXT, key TEXT);"
                                 "CREATE TABLE answers(said TEXT);"});
  }

  void write(const std::string& tool, const std::string& key) {
    points_.pass("before " + tool);
    {
      Transaction transaction(database_);
      database_.prepare("INSERT INTO attempts VALUES(?1, ?2)").bind(1, tool).bind(2, key).run();
      const bool keyed = tool != "pay";
      database_
          .prepare(keyed ? "INSERT OR IGNORE INTO ledger VALUES(?1, ?2, unixepoch())"
                         : "INSERT INTO ledger VALUES(?1, ?2, unixepoch())")
          .bind(1, tool)
          .bind(2, key)
          .run();
      transaction.commit();
    }
    points_.pass("after " + tool);
  }

  /// Looks what became of a payment, as a person would, and says so.
  std::string look() {
    Statement query = database_.prepare("SELECT 1 FROM ledger WHERE tool = 'pay'");
    std::string said = query.step() ? "done:paid 100" : "not done";
    query.reset();
    database_.prepare("INSERT INTO answers VALUES(?1)").bind(1, said).run();
    return said;
  }

 private:
  Database database_;
  FailPoints& points_;
};

Registry make_registry(Ledger& ledger, const Settings& settings) {
  Registry registry = builtin();
  const auto writes = [&](const std::string& tool, const std::string& result, milliseconds time) {
    const bool is_stubborn = settings.cancel && tool == "book";
    return [&ledger, tool, result, time, is_stubborn](ToolContext& context) -> asio::awaitable<std::string> {
      if (is_stubborn) co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
      context.progress("at work");
      co_await context.environment().sleep(time);
      ledger.write(tool, context.effect_id());
      co_return result;
    };
  };
  // The second of two calls ends first.
  const ToolTraits keyed{.repeat = Repeat::keyed};
  registry.add_tool("credit", "", writes("credit", "credited 10", milliseconds(4)), keyed);
  registry.add_tool("book", "", writes("book", "booked 7", milliseconds(1)), keyed);
  registry.add_tool("mail", "", writes("mail", "mailed", milliseconds(1)), keyed);
  registry.add_tool("pay", "", writes("pay", "paid 100", milliseconds(1)));
  registry.add_tool(
      "bomb", "",
      [&settings](ToolContext& context) -> asio::awaitable<std::string> {
        co_await context.environment().sleep(milliseconds(1));
        if (!settings.tame) std::abort();
        co_return "defused";
      },
      ToolTraits{.repeat = Repeat::idempotent});
  return registry;
}

asio::awaitable<std::optional<RunRecord>> find_run(Store& store, bool wait) {
  while (true) {
    const std::vector<RunRecord> runs = co_await store.runs({});
    if (runs.empty()) co_return std::nullopt;
    if (!wait || runs.front().phase != RunPhase::running) co_return runs.front();
    asio::steady_timer timer(co_await asio::this_coro::executor, milliseconds(20));
    co_await timer.async_wait(asio::use_awaitable);
  }
}

asio::awaitable<void> tell(Run& run, std::string_view before, Ledger* ledger, bool cancels) {
  while (auto events = co_await run.next()) {
    for (const Event& event : *events) {
      write_line(STDOUT_FILENO, std::string(before) + json::serialize(to_json(event)));
      if (ledger == nullptr) continue;
      const auto* began = std::get_if<ToolStarted>(&event.data);
      if (cancels && began != nullptr && began->call.name == "book") run.cancel("enough");
      if (const auto* asks = std::get_if<ApprovalRequested>(&event.data)) run.approve(asks->id, Approval::once);
      if (const auto* asks = std::get_if<InDoubt>(&event.data)) run.answer(asks->id, ledger->look());
    }
  }
}

int status_of(const Outcome& outcome) {
  if (outcome.ending == Ending::completed) return 0;
  write_line(STDERR_FILENO, std::string(to_string(outcome.ending)) + ": " + outcome.detail + " " +
                                (outcome.error ? outcome.error->describe() : ""));
  if (outcome.ending == Ending::cancelled) return 2;
  if (outcome.ending == Ending::suspended) return 3;
  return outcome.error && outcome.error->code() == errc::denied ? 4 : 1;
}

asio::awaitable<int> live(Runtime& runtime, const Settings& settings, Ledger& ledger) {
  const Agent agent = load(runtime, settings.folder / "agent.yaml");
  Store& store = *runtime.store();
  std::optional<RunRecord> known;
  if (!settings.anew) known = co_await find_run(store, settings.wait);
  ResumeOptions options;
  options.run.questions = !settings.nobody;
  std::optional<Run> run;
  if (!known) {
    co_await agent.memory()->remember(runtime.shard(), "Words like go are for the impatient.");
    run = agent.session("s").start(settings.say, options.run);
  } else if (known->phase == RunPhase::ended) {
    run = agent.replay(co_await store.recorded(known->id));
  } else {
    options.force = settings.force && known->phase == RunPhase::quarantined;
    if (options.force) write_line(STDERR_FILENO, "forced");
    run = agent.resume(known->id, options);
  }
  co_await tell(*run, "", &ledger, settings.cancel);
  const int status = status_of(run->outcome());
  if (status == 0 || status == 2) {
    Run again = agent.replay(co_await store.recorded(run->id()));
    co_await tell(again, "= ", nullptr, false);
  }
  co_await runtime.shutdown();
  co_return status;
}

}  // namespace

int main(int count, char** words) try {
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  const Settings settings = read_settings(count, words);
  FailPoints points(settings);
  write_line(STDOUT_FILENO, "ready " + std::to_string(::getpid()));
  Ledger ledger(settings.folder / "ledger.db", points);
  asio::io_context io(1);
  Runtime runtime(make_registry(ledger, settings),
                  {.executor = io.get_executor(),
                   .state = settings.folder / "state",
                   .lease = settings.lease,
                   .on_commit = [&points](bool done) { points.pass(done ? "committed" : "commit"); }});
  int status = 1;
  asio::co_spawn(io, live(runtime, settings, ledger), [&](const std::exception_ptr& failure, int ended) {
    status = ended;
    io.stop();
    if (failure) std::rethrow_exception(failure);
  });
  io.run();
  return status;
} catch (const std::exception& error) {
  write_line(STDERR_FILENO, error.what());
  return 1;
}
