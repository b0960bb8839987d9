// `sennit runs cost`: what a run's tokens would have cost elsewhere, and what all runs cost together.
#include <sennit/agent/io/error.hpp>
#include <sennit/agent/schema/validate.hpp>
#include <sennit/app/exit_code.hpp>
#include <sennit/app/figures.hpp>
#include <sennit/app/kept_runs.hpp>
#include <sennit/app/models_table.hpp>
#include <sennit/app/output.hpp>
#include <sennit/app/run_costs.hpp>
#include <sennit/app/run_words.hpp>
#include <sennit/app/runs.hpp>
#include <sennit/app/unicode.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sennit::app {
namespace {

struct CostSettings {
  std::string run;
  std::vector<std::string> on;
  std::string at;
  std::string by;
  bool all = false;
  bool json = false;
};

constexpr std::size_t kWidestName = 48;
constexpr std::size_t kMostRuns = 1'000'000;

std::string name(std::string_view text) {
  return text.empty() ? std::string("(none)") : clip(one_line(text), kWidestName);
}

// ---- one run ----

/// Its model; one that is not of the catalogue (a script, a recording) has no prices.
KnownModel own_model(const Catalogue& catalogue, const std::string& model) {
  const std::string_view provider = std::string_view(model).substr(0, model.find('/'));
  if (catalogue.provider(provider) != nullptr) return known_model(catalogue, model);
  KnownModel unknown;
  unknown.id = model;
  return unknown;
}

std::vector<KnownModel> others(const Catalogue& catalogue, const CostSettings& settings, const Outcome& outcome,
                               WallTime at) {
  if (settings.on.empty() && !settings.all) {
    return usual_comparison(catalogue, outcome.usage, outcome.tool_calls > 0, at);
  }
  if (settings.on.empty()) {
    std::vector<KnownModel> known = known_models(catalogue);
    std::erase_if(known, [&](const KnownModel& model) {
      return !model.entry.prices_at(at) || model.entry.can(Ability::embeddings);
    });
    return known;
  }
  std::vector<KnownModel> chosen;
  for (const std::string& pattern : settings.on) {
    for (KnownModel& model : models_meant(catalogue, pattern)) {
      const bool there = std::ranges::any_of(chosen, [&](const KnownModel& one) { return one.id == model.id; });
      if (!there) chosen.push_back(std::move(model));
    }
  }
  return chosen;
}

std::string factor(double times) {
  if (times >= 100) return fmt::format("×{:.0f}", times);
  if (times >= 10) return fmt::format("×{:.1f}", times);
  return fmt::format("×{:.2f}", times);
}

std::string table_of(const Usage& usage, const std::vector<ModelCost>& rows) {
  Table table(
      {{"MODEL"}, {"INPUT", true}, {"CACHED", true}, {"WRITTEN", true}, {"OUTPUT", true}, {"COST", true}, {""}});
  for (const ModelCost& row : rows) {
    std::vector<std::string> cells{name(row.model),
                                   "",
                                   "",
                                   "",
                                   "",
                                   row.cost ? money(*row.cost) : "not known",
                                   row.own      ? "this run"
                                   : row.factor ? factor(*row.factor)
                                                : ""};
    if (row.prices) {
      const CostParts parts = parts_of(usage, *row.prices);
      const auto cell = [&](double amount) {
        return amount > 0 ? money({amount, row.prices->currency}) : std::string();
      };
      cells[1] = cell(parts.input);
      cells[2] = cell(parts.cached);
      cells[3] = cell(parts.written);
      cells[4] = cell(parts.output);
    }
    table.row(std::move(cells));
  }
  return table.draw();
}

json::value to_json(const ModelCost& row) {
  json::object out{{"model", row.model}, {"own", row.own}};
  out["cost"] = row.cost ? json::value(row.cost->amount) : json::value();
  if (row.cost) out["currency"] = row.cost->currency;
  if (row.factor) out["factor"] = *row.factor;
  return out;
}

int compare(const CostSettings& settings, const CommonOptions& common) {
  const RunRecord record = KeptRuns(common).recorded(settings.run).record;
  const auto outcome = outcome_of(record);
  if (!outcome) throw Error(errc::invalid_argument, "the run has not ended: what it takes is not known yet");
  if (outcome->usage.total() == 0) throw Error(errc::invalid_argument, "the run took no tokens, or none were counted");
  const std::shared_ptr<const Catalogue> known = catalogue();
  const WallTime at = settings.at.empty() ? record.started : read_moment("--at", settings.at);
  const KnownModel own = own_model(*known, record.model);
  // With another day's prices the run's own reckoning does not compare, unless its prices never were the catalogue's.
  const bool as_reckoned = settings.at.empty() || !own.entry.prices_at(at);
  const std::optional<Cost> recorded = as_reckoned ? outcome->cost : std::nullopt;
  const std::vector<ModelCost> rows =
      compare_costs(outcome->usage, own, recorded, others(*known, settings, *outcome, at), at);
  if (settings.json) {
    json::array list;
    for (const ModelCost& row : rows) list.push_back(to_json(row));
    return print(json_text(json::object{{"run", record.id},
                                        {"at", timestamp(at)},
                                        {"usage", sennit::to_json(outcome->usage)},
                                        {"models", std::move(list)}}) +
                 "\n");
  }
  const std::string head = fmt::format("run {} · {}\n\n", one_line(record.id), tokens(outcome->usage));
  return print(head + table_of(outcome->usage, rows) +
               fmt::format("\nPrices of {}; catalogue of {}.\n", day_of(at), one_line(known->version())));
}

// ---- all runs ----

std::string all_money(const CostTotal& total) {
  std::string words;
  for (const auto& [currency, amount] : total.money) {
    words.append(words.empty() ? "" : " + ").append(money({amount, currency}));
  }
  if (total.unknown > 0) words += fmt::format("{}{} not known", words.empty() ? "" : ", ", total.unknown);
  return words.empty() ? "nothing" : words;
}

std::string table_of(std::string_view head, const std::map<std::string, CostTotal>& totals) {
  Table table({{head}, {"RUNS", true}, {"INPUT", true}, {"CACHED", true}, {"OUTPUT", true}, {"COST"}});
  for (const auto& [key, total] : totals) {
    table.row({name(key), grouped(static_cast<std::int64_t>(total.runs)), grouped(total.usage.input.value_or(0)),
               cached_share(total.usage), grouped(total.usage.output.value_or(0)), all_money(total)});
  }
  return table.draw();
}

json::object to_json(const std::map<std::string, CostTotal>& totals) {
  json::object out;
  for (const auto& [key, total] : totals) {
    json::object sums;
    for (const auto& [currency, amount] : total.money) sums[currency] = amount;
    out[key] = {{"runs", total.runs},
                {"cost_unknown", total.unknown},
                {"usage", sennit::to_json(total.usage)},
                {"cost", std::move(sums)}};
  }
  return out;
}

/// What the tables do not count, in words.
std::string left_out(const std::vector<RunRecord>& records) {
  std::size_t open = 0;
  std::size_t unknown = 0;
  for (const RunRecord& record : records) {
    const auto outcome = outcome_of(record);
    if (!outcome) ++open;
    if (outcome && !outcome->cost && outcome->usage.total() > 0) ++unknown;
  }
  std::string text;
  const auto runs = [](std::size_t number) { return fmt::format("{} run{}", number, number == 1 ? "" : "s"); };
  if (unknown > 0) text += fmt::format("\nWhat {} cost is not known: their models' prices were not.\n", runs(unknown));
  if (open > 0)
    text += fmt::format("\n{} {} not ended and {} not counted.\n", runs(open), open == 1 ? "has" : "have",
                        open == 1 ? "is" : "are");
  return text;
}

int total(const CostSettings& settings, const CommonOptions& common) {
  const std::vector<RunRecord> records = KeptRuns(common).list({.limit = kMostRuns});
  constexpr std::pair<std::string_view, Grouping> kTables[] = {
      {"agent", Grouping::agent}, {"model", Grouping::model}, {"day", Grouping::day}};
  std::string text;
  json::object out;
  for (const auto& [by, grouping] : kTables) {
    if (!settings.by.empty() && settings.by != by) continue;
    const std::map<std::string, CostTotal> totals = total_costs(records, grouping);
    if (totals.empty() && !settings.json) return print("There are no runs that have ended.\n");
    std::string head(by);
    for (char& c : head) c = static_cast<char>(c - 'a' + 'A');
    text += (text.empty() ? "" : "\n") + table_of(head, totals);
    out[by] = to_json(totals);
  }
  if (settings.json) return print(json_text(out) + "\n");
  return print(text + left_out(records));
}

int cost(const CostSettings& settings, const CommonOptions& common) {
  if (!settings.run.empty()) {
    if (settings.by.empty()) return compare(settings, common);
    throw Error(errc::invalid_argument, "--by is for the totals of all runs: name no run, or no --by");
  }
  if (settings.on.empty() && settings.at.empty() && !settings.all) return total(settings, common);
  throw Error(errc::invalid_argument, "--on, --all and --at compare the models for one run: name it, or say `last`");
}

}  // namespace

void add_runs_cost(CLI::App& runs, CommonOptions& common, int& exit_code) {
  const auto settings = std::make_shared<CostSettings>();
  CLI::App* command = runs.add_subcommand("cost", "Show what a run would have cost on other models, or all runs did");
  command->add_option("ID", settings->run, "The run; without one the totals of all that have ended")->type_name("");
  command->add_option("--on", settings->on, "These models: provider/model, a name, or a pattern; several with commas")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("MODEL");
  command->add_flag("--all", settings->all, "All models whose prices are known");
  command->add_option("--at", settings->at, "With the prices of that day instead of the run's own")->type_name("DATE");
  command->add_option("--by", settings->by, "Of the totals only those by agent, model or day")
      ->check(CLI::IsMember({"agent", "model", "day"}))
      ->type_name("WHAT");
  command->add_flag("--json", settings->json, "Print one JSON document");
  add_state_options(*command, common);
  command->callback([settings, &common, &exit_code] { exit_code = cost(*settings, common); });
}

}  // namespace sennit::app
