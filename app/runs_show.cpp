// `sennit runs show`: one run, from its beginning to its end.
#include <sennit/agent/journal.hpp>
#include <sennit/agent/schema/validate.hpp>
#include <sennit/app/attachments.hpp>
#include <sennit/app/figures.hpp>
#include <sennit/app/kept_runs.hpp>
#include <sennit/app/output.hpp>
#include <sennit/app/requests.hpp>
#include <sennit/app/run_tree.hpp>
#include <sennit/app/run_words.hpp>
#include <sennit/app/runs.hpp>
#include <sennit/app/style.hpp>
#include <sennit/app/terminal.hpp>
#include <sennit/app/unicode.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>

namespace sennit::app {
namespace {

struct ShowSettings {
  std::string id;
  bool json = false;
};

constexpr std::size_t kWidthOfFiles = 160;

std::string to_json_text(const RecordedRun& run, const std::vector<Answer>& given) {
  json::array entries;
  for (const JournalEntry& entry : run.journal) {
    entries.push_back({{"effect", entry.effect},
                       {"kind", entry.kind},
                       {"boundary", to_string(entry.boundary)},
                       {"at", timestamp(entry.at)},
                       {"data", parse_entry(entry)}});
  }
  json::array answers;
  for (const Answer& answer : given) {
    answers.push_back({{"request", answer.request}, {"text", answer.text}, {"at", timestamp(answer.at)}});
  }
  return json_text(json::object{
             {"record", to_json(run.record)}, {"entries", std::move(entries)}, {"answers", std::move(answers)}}) +
         "\n";
}

class Head {
 public:
  explicit Head(bool colour) : colour_(colour) {}
  void row(std::string_view name, const std::string& value) {
    if (value.empty()) return;
    const std::string label = fmt::format("{:<12}", name);
    text_ += "  " + (colour_ ? sgr(kDim) + label + sgr(kPlain) : label) + value + "\n";
  }
  void title(const std::string& words) { text_ += (colour_ ? sgr(kBold) + words + sgr(kPlain) : words) + "\n"; }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  bool colour_;
  std::string text_;
};

std::string figures_of(const Outcome& outcome) {
  std::vector<std::string> parts;
  parts.push_back(fmt::format("{} step{}", outcome.steps, outcome.steps == 1 ? "" : "s"));
  parts.push_back(fmt::format("{} tool call{}", outcome.tool_calls, outcome.tool_calls == 1 ? "" : "s"));
  if (const std::string count = tokens(outcome.usage); !count.empty()) parts.push_back(count);
  if (outcome.cost) parts.push_back(money(*outcome.cost));
  return fmt::format("{}", fmt::join(parts, " · "));
}

std::string head_of(const RunRecord& record, const Requests& requests, std::size_t width, bool colour) {
  Head head(colour);
  head.title("run " + one_line(record.id));
  const auto outcome = outcome_of(record);
  std::string state = state_of(record, requests);
  if (outcome && !outcome->detail.empty()) state += ": " + one_line(outcome->detail);
  if (record.phase == RunPhase::running && record.process != 0) state += fmt::format(" (process {})", record.process);
  head.row("state", state);
  head.row("agent", one_line(record.agent));
  head.row("from", one_line(find_string(record.origin, "file")));
  head.row("model", one_line(record.model));
  head.row("session", one_line(record.session));
  head.row("input", clip(one_line(record.input), width - 14));
  for (const Blob& file : record.attachments)
    head.row("attached", clip(one_line(describe_attachment(file)), width - 14));
  if (!record.tags.empty()) head.row("tags", one_line(fmt::format("{}", fmt::join(record.tags, ", "))));
  if (!record.inputs.empty()) head.row("inputs", clip(one_line(json::serialize(record.inputs)), width - 14));
  head.row("started", when(record.started));
  if (record.ended) {
    // What a person waited for; an outcome has the time that was worked.
    head.row("took", duration(std::chrono::duration_cast<std::chrono::microseconds>(*record.ended - record.started)));
  }
  if (outcome) head.row("used", figures_of(*outcome));
  head.row("forked from", one_line(record.forked_from));
  if (record.attempts > 1) head.row("attempts", fmt::format("{}", record.attempts));
  return head.take();
}

/// The commands that take the run further.
std::string how_to_go_on(const RunRecord& record, const std::vector<Request>& open) {
  if (record.ended || record.phase == RunPhase::running) return {};
  if (!open.empty() && record.phase != RunPhase::quarantined) {
    const std::string or_resume =
        record.phase == RunPhase::interrupted
            ? "or, to be asked there:\n  sennit runs resume " + shell_word(one_line(record.id)) + "\n"
            : std::string();
    return how_to_answer(record.id, open) + or_resume;
  }
  const std::string id = shell_word(one_line(record.id));
  if (record.phase != RunPhase::quarantined) return "  sennit runs resume " + id + "\n";
  return fmt::format("It took its program down {} times without getting further.\n", record.attempts) +
         "  sennit runs resume --force " + id + "\n  sennit runs cancel " + id + "\n";
}

int show(const ShowSettings& settings, const CommonOptions& common) {
  KeptRuns runs(common);
  const RecordedRun run = runs.recorded(settings.id);
  if (settings.json) return print(to_json_text(run, runs.answers(run.record.id)));
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  const std::size_t width = terminal ? std::max<std::size_t>(Terminal::width(STDOUT_FILENO), 40) : kWidthOfFiles;
  const bool colour = wants_colour(STDOUT_FILENO);
  const Requests requests = runs.requests(run);
  std::string text = head_of(run.record, requests, width, colour) + "\n";
  text += draw_tree(tree_of(run, runs.answers(run.record.id)), width - 2, colour);
  if (const std::string next = how_to_go_on(run.record, requests.open); !next.empty()) text += "\n" + next;
  return print(text);
}

}  // namespace

void add_runs_show(CLI::App& runs, CommonOptions& common, int& exit_code) {
  const auto settings = std::make_shared<ShowSettings>();
  CLI::App* command = runs.add_subcommand("show", "Show what a run did, effect by effect");
  command->add_option("ID", settings->id, "The run")->required()->type_name("");
  command->add_flag("--json", settings->json, "Print record and journal as one JSON document");
  add_state_options(*command, common);
  command->callback([settings, &common, &exit_code] { exit_code = show(*settings, common); });
}

}  // namespace sennit::app
