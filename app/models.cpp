#include <sennit/agent/ability.hpp>
#include <sennit/agent/io/error.hpp>
#include <sennit/agent/registry.hpp>
#include <sennit/agent/schema/validate.hpp>
#include <sennit/app/exit_code.hpp>
#include <sennit/app/models.hpp>
#include <sennit/app/models_known.hpp>
#include <sennit/app/models_table.hpp>
#include <sennit/app/output.hpp>
#include <sennit/app/unicode.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sennit::app {
namespace {

struct Wanted {
  std::vector<std::string> patterns;
  std::string provider;
  std::vector<std::string> abilities;
  std::optional<double> max_price;
  std::string at;
  bool patterns_too = false;
  bool providers = false;
  bool json = false;
};

constexpr char kNotes[] =
    "PATTERN is a piece of a name, or has `*` for any text: `opus`, `openai/*`, `*flash*`. A model that is not listed\n"
    "can be used all the same. Prices are those of a million tokens. Rows of your own go into\n"
    "~/.config/sennit/catalogue.yaml, or where SENNIT_CATALOGUE says; docs/models.md has an example.\n";

std::string cell(std::string_view text) {
  constexpr std::size_t kWidest = 60;
  return clip(one_line(text), kWidest);
}

/// What all of `wanted` leave.
std::vector<KnownModel> find(const Catalogue& catalogue, const Wanted& wanted, WallTime at) {
  std::vector<KnownModel> models = wanted.patterns_too ? known_rows(catalogue) : known_models(catalogue);
  if (!wanted.provider.empty()) {
    static_cast<void>(known_model(catalogue, wanted.provider + "/any"));  // says what is near, if it is not there
    std::erase_if(models, [&](const KnownModel& model) { return !model.id.starts_with(wanted.provider + "/"); });
  }
  for (const std::string& name : wanted.abilities) {
    const Ability ability = *parse_ability(name);
    std::erase_if(models, [&](const KnownModel& model) { return !model.entry.can(ability); });
  }
  if (wanted.max_price) {
    std::erase_if(models, [&](const KnownModel& model) {
      const auto prices = model.entry.prices_at(at);
      return !prices || prices->output > *wanted.max_price;
    });
  }
  if (!wanted.patterns.empty()) {
    std::erase_if(models, [&](const KnownModel& model) {
      return std::ranges::none_of(wanted.patterns, [&](const std::string& one) { return fits_pattern(model, one); });
    });
  }
  return models;
}

std::string table_of(const std::vector<KnownModel>& models, WallTime at) {
  Table table(
      {{"MODEL"}, {"CONTEXT", true}, {"OUTPUT", true}, {"IN", true}, {"CACHED", true}, {"OUT", true}, {"ABILITIES"}});
  for (const KnownModel& model : models) {
    const ModelEntry& entry = model.entry;
    const std::optional<Prices> prices = entry.prices_at(at);
    const auto costs = [&](const std::optional<double>& amount) {
      return amount ? price(*amount, prices->currency) : std::string();
    };
    table.row({cell(model.id), entry.context_tokens ? short_count(*entry.context_tokens) : "",
               entry.output_tokens ? short_count(*entry.output_tokens) : "", prices ? costs(prices->input) : "",
               prices ? costs(prices->cached_input) : "", prices ? costs(prices->output) : "",
               abilities_in_short(entry)});
  }
  return table.draw();
}

/// The date of the facts, and where a person adds to them.
std::string about_the_catalogue(const Catalogue& catalogue) {
  const std::filesystem::path file = catalogue_file();
  std::error_code ignored;
  std::string own = "there is no home folder for your own rows: set SENNIT_CATALOGUE";
  if (!file.empty()) {
    own = fmt::format("your own rows: {}{}", one_line(file.string()),
                      std::filesystem::exists(file, ignored) ? "" : " (not there)");
  }
  return fmt::format("catalogue of {}; {}\n", one_line(catalogue.version()), own);
}

int list_providers(const Catalogue& catalogue, bool as_json) {
  Table table({{"PROVIDER"}, {"TITLE"}, {"KEY"}, {"DEFAULT MODEL"}, {"PROTOCOLS"}});
  std::string lines;
  for (const Provider& provider : catalogue.providers()) {
    json::array apis;
    std::string protocols;
    for (const Endpoint& endpoint : provider.apis) {
      apis.push_back({{"api", to_string(endpoint.api)}, {"base_url", endpoint.base_url}});
      protocols.append(protocols.empty() ? "" : " ").append(to_string(endpoint.api));
    }
    const bool set = has_key(provider);
    const std::string_view state = set ? ": set" : provider.key_required ? ": not set" : ": not set, not needed";
    table.row({cell(provider.name), cell(provider.title),
               provider.key_variable.empty() ? "" : cell(provider.key_variable) + std::string(state),
               cell(provider.default_model), protocols});
    lines += json_text(json::object{{"name", provider.name},
                                    {"title", provider.title},
                                    {"apis", std::move(apis)},
                                    {"key_variable", provider.key_variable},
                                    {"key_required", provider.key_required},
                                    {"key_set", set},
                                    {"default_model", provider.default_model},
                                    {"source", provider.source}}) +
             "\n";
  }
  if (as_json) return print(lines);
  return print(fmt::format("{}\n{} providers; {}", table.draw(), table.size(), about_the_catalogue(catalogue)));
}

int list(const Wanted& wanted) {
  const std::shared_ptr<const Catalogue> known = catalogue();
  if (wanted.providers) return list_providers(*known, wanted.json);
  const WallTime at = wanted.at.empty() ? std::chrono::system_clock::now() : read_moment("--at", wanted.at);
  const std::vector<KnownModel> models = find(*known, wanted, at);
  if (wanted.json) {
    std::string lines;
    for (const KnownModel& model : models) lines += json_text(to_json(model, at)) + "\n";
    return print(lines);
  }
  if (models.empty()) return print("No model of the catalogue is like that. " + about_the_catalogue(*known));
  return print(fmt::format("{}\n{} {}{}, prices of {}; {}", table_of(models, at), models.size(),
                           wanted.patterns_too ? "row" : "model", models.size() == 1 ? "" : "s", day_of(at),
                           about_the_catalogue(*known)));
}

}  // namespace

void add_models(CLI::App& app, int& exit_code) {
  const auto wanted = std::make_shared<Wanted>();
  CLI::App* command = app.add_subcommand("models", "List the models and providers that are known, with their prices");
  command->require_subcommand(0, 1);
  command->add_option("PATTERN", wanted->patterns, "Models with such a name only")->type_name("");
  command->add_option("--provider", wanted->provider, "Of this provider only")->type_name("NAME");
  command->add_option("--with", wanted->abilities, "That can do this: tools, images, reasoning, schema, caching …")
      ->check(CLI::IsMember(std::vector<std::string>(ability_names().begin(), ability_names().end())))
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("ABILITY");
  command->add_option("--max-price", wanted->max_price, "Whose output costs at most so much, in their currency")
      ->check(CLI::NonNegativeNumber)
      ->type_name("N");
  command->add_option("--at", wanted->at, "Prices of that day instead of now's")->type_name("DATE");
  command->add_flag("--rows", wanted->patterns_too, "List the catalogue's rows as they are, patterns and families too");
  command->add_flag("--providers", wanted->providers, "List the providers instead, and whether their keys are set");
  command->add_flag("--json", wanted->json, "Print a JSON object a line");
  command->footer(kNotes);
  add_models_show(*command, exit_code);
  for (CLI::App* below : command->get_subcommands(nullptr)) below->group("Commands");
  command->final_callback([command, wanted, &exit_code] {
    if (command->get_subcommands().empty()) exit_code = list(*wanted);
  });
}

}  // namespace sennit::app
