#include <sennit/app/run_costs.hpp>
#include <sennit/app/run_words.hpp>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

namespace sennit::app {
namespace {

constexpr std::size_t kCheapest = 3;

ModelCost cost_on(const KnownModel& model, const Usage& usage, WallTime at) {
  ModelCost row{model.id, false, model.entry.prices_at(at), {}, {}};
  if (row.prices) row.cost = cost_of(usage, *row.prices);
  return row;
}

void add(std::vector<KnownModel>& chosen, const KnownModel& model) {
  const bool there = std::ranges::any_of(chosen, [&](const KnownModel& one) { return one.id == model.id; });
  if (!there) chosen.push_back(model);
}

/// Whether it can do what a run does, as far as that is known.
bool fits(const ModelEntry& entry, bool tools) {
  if (!entry.abilities || entry.can(Ability::embeddings) || entry.can(Ability::image_output)) return false;
  return !tools || entry.can(Ability::tools);
}

std::string key_of(const RunRecord& record, Grouping grouping) {
  switch (grouping) {
    case Grouping::agent:
      return record.agent;
    case Grouping::model:
      return record.model;
    case Grouping::day:
      break;
  }
  return when(record.started).substr(0, std::string_view("2026-11-26").size());
}

}  // namespace

CostParts parts_of(const Usage& usage, const Prices& prices) {
  const std::int64_t input = usage.input.value_or(0);
  const std::int64_t cached = std::clamp<std::int64_t>(usage.cached_input.value_or(0), 0, input);
  const std::int64_t written = std::clamp<std::int64_t>(usage.cache_write.value_or(0), 0, input - cached);
  const auto of = [&](std::int64_t tokens, double price) { return static_cast<double>(tokens) * price / 1e6; };
  return {of(input - cached - written, prices.input), of(cached, prices.cached_input.value_or(prices.input)),
          of(written, prices.cache_write.value_or(prices.input)), of(usage.output.value_or(0), prices.output)};
}

std::vector<ModelCost> compare_costs(const Usage& usage, const KnownModel& own, const std::optional<Cost>& recorded,
                                     const std::vector<KnownModel>& others, WallTime at) {
  ModelCost first = cost_on(own, usage, at);
  first.own = true;
  if (recorded) {
    // Other prices than the catalogue's: those of the agent file, or of the models that took over in its middle.
    constexpr double kNear = 0.001;
    const bool same = first.cost && first.cost->currency == recorded->currency &&
                      std::abs(first.cost->amount - recorded->amount) <= kNear * recorded->amount;
    if (!same) first.prices.reset();
    first.cost = recorded;
  }
  if (first.cost) first.factor = 1.0;
  std::vector<ModelCost> rows;
  for (const KnownModel& other : others) {
    if (other.id == own.id) continue;
    ModelCost row = cost_on(other, usage, at);
    const bool comparable = row.cost && first.cost && row.cost->currency == first.cost->currency;
    if (comparable && first.cost->amount > 0) row.factor = row.cost->amount / first.cost->amount;
    rows.push_back(std::move(row));
  }
  const std::string currency = first.cost ? first.cost->currency : "USD";
  std::ranges::sort(rows, {}, [&](const ModelCost& row) {
    if (!row.cost) return std::tuple(2, std::string(), 0.0, row.model);
    return std::tuple(row.cost->currency == currency ? 0 : 1, row.cost->currency, row.cost->amount, row.model);
  });
  rows.insert(rows.begin(), std::move(first));
  return rows;
}

std::vector<KnownModel> usual_comparison(const Catalogue& catalogue, const Usage& usage, bool tools, WallTime at) {
  std::vector<std::pair<double, KnownModel>> priced;
  for (KnownModel& model : known_models(catalogue)) {
    const auto prices = model.entry.prices_at(at);
    if (!prices || prices->currency != "USD" || !fits(model.entry, tools)) continue;
    priced.emplace_back(cost_of(usage, *prices).amount, std::move(model));
  }
  std::ranges::sort(priced, {}, [](const auto& one) { return std::tie(one.first, one.second.id); });
  std::vector<KnownModel> chosen;
  for (const auto& [amount, model] : priced) {
    if (chosen.size() < kCheapest) add(chosen, model);
  }
  for (const Provider& provider : catalogue.providers()) {
    if (!provider.key_required || provider.default_model.empty()) continue;
    const KnownModel model = known_model(catalogue, provider.name + "/" + provider.default_model);
    if (model.entry.prices_at(at)) add(chosen, model);
  }
  return chosen;
}

std::map<std::string, CostTotal> total_costs(const std::vector<RunRecord>& records, Grouping grouping) {
  std::map<std::string, CostTotal> totals;
  for (const RunRecord& record : records) {
    const auto outcome = outcome_of(record);
    if (!outcome) continue;
    CostTotal& total = totals[key_of(record, grouping)];
    ++total.runs;
    total.usage += outcome->usage;
    if (outcome->cost) {
      total.money[outcome->cost->currency] += outcome->cost->amount;
    } else if (outcome->usage.total() > 0) {
      ++total.unknown;
    }
  }
  return totals;
}

}  // namespace sennit::app
