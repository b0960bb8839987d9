// `sennit runs list`: which runs there are, a line each.
#include <sennit/agent/schema/validate.hpp>
#include <sennit/app/figures.hpp>
#include <sennit/app/kept_runs.hpp>
#include <sennit/app/output.hpp>
#include <sennit/app/run_words.hpp>
#include <sennit/app/runs.hpp>
#include <sennit/app/style.hpp>
#include <sennit/app/terminal.hpp>
#include <sennit/app/unicode.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string>

namespace sennit::app {
namespace {

struct ListSettings {
  std::string session;
  bool waiting = false;
  bool json = false;
  std::size_t number = 20;
};

constexpr std::size_t kColumns = 7;
using Row = std::array<std::string, kColumns>;
constexpr std::array<std::string_view, kColumns> kHeads{"ID", "STARTED", "AGENT", "SESSION", "STATE", "USED", "INPUT"};
constexpr std::size_t kWidestCell = 40;
constexpr std::size_t kInputWidth = 60;

/// So much of an id that those that are listed can be told apart, and new ones hardly begin like it.
std::size_t id_width(const std::vector<RunRecord>& records) {
  constexpr std::size_t kLeast = 10;  // what an id has of the time, in milliseconds
  for (std::size_t width = kLeast;; ++width) {
    std::set<std::string> seen;
    bool longer = false;
    const bool distinct = std::all_of(records.begin(), records.end(), [&](const RunRecord& record) {
      longer = longer || record.id.size() > width;
      return seen.insert(record.id.substr(0, width)).second;
    });
    if (distinct || !longer) return width;
  }
}

std::string used_by(const RunRecord& record) {
  const auto outcome = outcome_of(record);
  if (!outcome) return {};
  std::string words = fmt::format("{} step{}", outcome->steps, outcome->steps == 1 ? "" : "s");
  if (outcome->tool_calls > 0) {
    words += fmt::format(" · {} tool{}", outcome->tool_calls, outcome->tool_calls == 1 ? "" : "s");
  }
  const std::int64_t all = outcome->usage.input.value_or(0) + outcome->usage.output.value_or(0);
  if (all > 0) words += " · " + grouped(all) + " tokens";
  if (outcome->cost && outcome->cost->amount > 0) words += " · " + money(*outcome->cost);
  return words;
}

std::string table(const std::vector<Row>& rows, std::size_t width, bool colour) {
  std::array<std::size_t, kColumns> widths{};
  for (std::size_t column = 0; column < kColumns; ++column) {
    bool used = false;
    for (const Row& row : rows) {
      used = used || !row.at(column).empty();
      widths.at(column) = std::max(widths.at(column), columns(std::string_view(row.at(column))));
    }
    widths.at(column) = used ? std::max(widths.at(column), kHeads.at(column).size()) : 0;
  }
  std::string text;
  const auto line = [&](const auto& cells) {
    std::string words;
    for (std::size_t column = 0; column < kColumns; ++column) {
      if (widths.at(column) == 0) continue;
      const std::string_view cell = cells.at(column);
      words += cell;
      words += std::string(widths.at(column) - columns(cell) + 2, ' ');
    }
    while (words.ends_with(' ')) words.pop_back();
    return width == 0 ? words : clip(words, width);
  };
  text += (colour ? sgr(kDim) + line(kHeads) + sgr(kPlain) : line(kHeads)) + "\n";
  for (const Row& row : rows) text += line(row) + "\n";
  return text;
}

/// What a run waits for that is not at work.
Requests requests_in(KeptRuns& runs, const RunRecord& record) {
  const bool rests = record.phase == RunPhase::waiting || record.phase == RunPhase::interrupted;
  return rests ? runs.requests(runs.recorded(record.id)) : Requests{};
}

std::string to_lines(const std::vector<RunRecord>& records) {
  std::string text;
  for (const RunRecord& record : records) text += json_text(to_json(record)) + "\n";
  return text;
}

int list(const ListSettings& settings, const CommonOptions& common) {
  KeptRuns runs(common);
  RunFilter filter{.session = settings.session, .limit = settings.number};
  if (settings.waiting) {
    filter.ended = false;
    filter.limit = RunFilter{}.limit;
  }
  std::vector<RunRecord> records = runs.list(filter);
  if (settings.waiting) {
    std::erase_if(records, [&](const RunRecord& record) { return requests_in(runs, record).open.empty(); });
    records.resize(std::min(records.size(), settings.number));
  }
  if (settings.json) return print(to_lines(records));
  if (records.empty()) return print(settings.waiting ? "No run waits for a person.\n" : "There are no runs.\n");
  const std::size_t width = id_width(records);
  std::vector<Row> rows;
  for (const RunRecord& record : records) {
    rows.push_back({one_line(record.id).substr(0, width), when(record.started), clip(one_line(record.agent), 20),
                    clip(one_line(record.session), 20), clip(state_of(record, requests_in(runs, record)), kWidestCell),
                    used_by(record), clip(one_line(record.input), kInputWidth)});
  }
  const std::size_t screen = ::isatty(STDOUT_FILENO) == 1 ? Terminal::width(STDOUT_FILENO) : 0;
  return print(table(rows, screen, wants_colour(STDOUT_FILENO)));
}

}  // namespace

int list_runs(const CommonOptions& common) {
  return list({}, common);
}

void add_runs_list(CLI::App& runs, CommonOptions& common, int& exit_code) {
  const auto settings = std::make_shared<ListSettings>();
  CLI::App* command = runs.add_subcommand("list", "List the newest runs, and what they came to or wait for");
  command->add_option("-s,--session", settings->session, "Of this conversation only")->type_name("NAME");
  command->add_flag("--waiting", settings->waiting, "Those that wait for a person only");
  command->add_option("-n,--number", settings->number, "At most so many (20)")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N");
  command->add_flag("--json", settings->json, "Print a JSON object a line");
  add_state_options(*command, common);
  command->callback([settings, &common, &exit_code] { exit_code = list(*settings, common); });
}

}  // namespace sennit::app
