// What runs cost, and what the same tokens would have cost on other models. Pure: records and prices in, rows out.
#pragma once

#include <sennit/agent/run_record.hpp>
#include <sennit/agent/usage.hpp>
#include <sennit/app/models_known.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::app {

/// A run's tokens on a model, in that model's currency.
struct ModelCost {
  std::string model;
  bool own = false;              ///< the run's own model
  std::optional<Prices> prices;  ///< nothing: not known at that time
  std::optional<Cost> cost;
  std::optional<double> factor;  ///< to the run's own cost, where that is in the same currency
};

/// Each kind of tokens by itself.
struct CostParts {
  double input = 0;  ///< neither read from the cache nor written to it
  double cached = 0;
  double written = 0;
  double output = 0;
};
[[nodiscard]] CostParts parts_of(const Usage& usage, const Prices& prices);

/// The own row first, then those of its currency, the cheapest first, then the others, then the unknown ones.
/// `recorded`: what the run itself reckoned; it counts for its own model instead of the catalogue's prices, and where
/// it was reckoned with others, that row has no prices.
[[nodiscard]] std::vector<ModelCost> compare_costs(const Usage& usage, const KnownModel& own,
                                                   const std::optional<Cost>& recorded,
                                                   const std::vector<KnownModel>& others, WallTime at);

/// Where nothing was asked for: the cheapest few that can do what the run did, and the models that the providers which
/// want a key are taken for. `tools`: the run called some.
[[nodiscard]] std::vector<KnownModel> usual_comparison(const Catalogue& catalogue, const Usage& usage, bool tools,
                                                       WallTime at);

/// Of several runs.
struct CostTotal {
  std::size_t runs = 0;
  std::size_t unknown = 0;  ///< runs that took tokens whose cost is not known
  Usage usage;
  std::map<std::string, double> money;  ///< by currency
};
enum class Grouping { agent, model, day };
/// Of the runs that have an outcome. Days are local ones, as `sennit runs` shows them.
[[nodiscard]] std::map<std::string, CostTotal> total_costs(const std::vector<RunRecord>& records, Grouping grouping);

}  // namespace sennit::app
