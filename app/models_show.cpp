// `sennit models show`: all that is known of one model.
#include <sennit/agent/registry.hpp>
#include <sennit/agent/schema/validate.hpp>
#include <sennit/app/exit_code.hpp>
#include <sennit/app/figures.hpp>
#include <sennit/app/models.hpp>
#include <sennit/app/models_known.hpp>
#include <sennit/app/output.hpp>
#include <sennit/app/program.hpp>
#include <sennit/app/style.hpp>
#include <sennit/app/unicode.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sennit::app {
namespace {

struct ShowSettings {
  std::string model;
  std::string at;
  bool json = false;
};

class Facts {
 public:
  explicit Facts(bool colour) : colour_(colour) {}
  void title(const std::string& words) { text_ += (colour_ ? sgr(kBold) + words + sgr(kPlain) : words) + "\n"; }
  void row(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    const std::string label = fmt::format("{:<12}", name);
    text_ += "  " + (colour_ ? sgr(kDim) + label + sgr(kPlain) : label) + harmless_line(value) + "\n";
  }
  void note(std::string_view words) { text_ += one_line(words) + "\n"; }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  bool colour_;
  std::string text_;
};

std::string key_of(const Provider& provider) {
  if (provider.key_variable.empty()) return "none";
  if (has_key(provider)) return provider.key_variable + ": set";
  return provider.key_variable + (provider.key_required ? ": not set" : ": not set, and not needed");
}

void add_provider(Facts& facts, const KnownModel& model) {
  const Provider& provider = *model.provider;
  facts.row("provider", provider.title);
  const Api usual =
      model.entry.api && provider.endpoint(*model.entry.api) != nullptr ? *model.entry.api : provider.apis.front().api;
  bool first = true;
  for (const Endpoint& endpoint : provider.apis) {
    const std::string address = endpoint.base_url.empty() ? "at the agent file's base_url" : "at " + endpoint.base_url;
    facts.row(
        first ? "protocols" : "",
        fmt::format("{} {}{}", to_string(endpoint.api), address,
                    endpoint.api == usual && provider.apis.size() > 1 ? ", taken unless `api` says otherwise" : ""));
    first = false;
  }
  facts.row("key", key_of(provider));
}

std::string abilities_of(const ModelEntry& entry) {
  if (!entry.abilities) return "not known";
  std::vector<std::string_view> names;
  for (const std::string_view name : ability_names()) {
    if (entry.can(*parse_ability(name))) names.push_back(name);
  }
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

void add_limits(Facts& facts, const ModelEntry& entry) {
  const auto count = [](const std::optional<std::int64_t>& tokens) {
    return tokens ? grouped(*tokens) + " tokens" : std::string("not known");
  };
  facts.row("context", count(entry.context_tokens));
  facts.row("answer", count(entry.output_tokens));
  facts.row("abilities", abilities_of(entry));
}

void add_reasoning(Facts& facts, const KnownModel& model) {
  const ModelEntry& entry = model.entry;
  if (entry.efforts) {
    facts.row("efforts", entry.efforts->empty() ? "none" : fmt::format("{}", fmt::join(*entry.efforts, ", ")));
  }
  const bool refuses = entry.sampling ? !*entry.sampling : entry.reasons.value_or(false);
  if (refuses) facts.row("sampling", "refuses temperature and top_p");
  std::string_view when = "never";
  switch (entry.replay.value_or(model.provider->replay)) {
    case ReasoningReplay::within_turn:
      when = "within the running turn";
      break;
    case ReasoningReplay::always:
      when = "always";
      break;
    case ReasoningReplay::never:
      break;
  }
  facts.row("replay", fmt::format("reasoning is sent back: {}", when));
}

std::string dates_of(const DatedPrices& dated) {
  std::vector<std::string> words;
  if (dated.from) words.push_back("from " + day_of(*dated.from));
  if (dated.until) words.push_back("until " + day_of(*dated.until));
  if (const std::string hours = hours_in_words(dated.hours); !hours.empty()) words.push_back(hours);
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string amounts_of(const Prices& prices) {
  std::string words = price(prices.input, prices.currency) + " in";
  if (prices.cached_input) words += " · " + price(*prices.cached_input, prices.currency) + " cached";
  if (prices.cache_write) words += " · " + price(*prices.cache_write, prices.currency) + " cache write";
  return words + " · " + price(prices.output, prices.currency) + " out";
}

void add_prices(Facts& facts, const ModelEntry& entry, WallTime at, bool now) {
  if (!entry.prices || entry.prices->empty()) return facts.row("prices", "not known");
  bool first = true;
  bool held = false;
  for (const DatedPrices& dated : *entry.prices) {
    const bool holds = !held && dated.holds(at);
    held = held || holds;
    const std::string dates = dates_of(dated);
    facts.row(first ? "prices" : "",
              fmt::format("{}{}{}{}", holds ? "● " : "  ", amounts_of(dated.prices), dates.empty() ? "" : "  ", dates));
    first = false;
  }
  facts.row(
      "", fmt::format("of a million tokens; {} {}", held ? "● holds" : "none holds", now ? "now" : "on " + day_of(at)));
}

void add_near(Facts& facts, const Catalogue& catalogue, const KnownModel& model) {
  std::vector<std::string> ids;
  for (const KnownModel& one : known_models(catalogue)) ids.push_back(one.id);
  const std::string_view near = nearest(model.id, ids);
  facts.note(fmt::format("{} is not in the catalogue{} What holds for all of {}:", model.id,
                         near.empty() ? "." : fmt::format("; did you mean {}?", near), model.provider->title));
}

std::string describe(const Catalogue& catalogue, const KnownModel& model, WallTime at, bool now) {
  Facts facts(wants_colour(STDOUT_FILENO));
  if (is_named(catalogue, model)) {
    const std::string& title = model.entry.title;
    facts.title(one_line(title.empty() ? model.id : model.id + " · " + title));
  } else {
    add_near(facts, catalogue, model);
  }
  add_provider(facts, model);
  add_limits(facts, model.entry);
  add_reasoning(facts, model);
  add_prices(facts, model.entry, at, now);
  if (!model.entry.source.empty()) {
    facts.row("source", fmt::format("{} ({})", model.entry.source,
                                    model.checked ? "read for this" : "from what is commonly known"));
  }
  const std::string_view name = std::string_view(model.id).substr(model.provider->name.size() + 1);
  facts.row("rows", fmt::format("{}", fmt::join(rows_about(catalogue, *model.provider, name), ", ")));
  facts.row("catalogue", catalogue.version());
  return facts.take();
}

int show(const ShowSettings& settings) {
  const std::shared_ptr<const Catalogue> known = catalogue();
  const bool now = settings.at.empty();
  const WallTime at = now ? std::chrono::system_clock::now() : read_moment("--at", settings.at);
  std::string text;
  for (const KnownModel& model : models_meant(*known, settings.model)) {
    if (settings.json) {
      text += json_text(to_json(model, at)) + "\n";
    } else {
      text += (text.empty() ? "" : "\n") + describe(*known, model, at, now);
    }
  }
  return print(text);
}

}  // namespace

void add_models_show(CLI::App& models, int& exit_code) {
  const auto settings = std::make_shared<ShowSettings>();
  CLI::App* command = models.add_subcommand("show", "Show all that is known of a model");
  command->add_option("MODEL", settings->model, "provider/model, a model's name, or a pattern of them")
      ->required()
      ->type_name("");
  command->add_option("--at", settings->at, "Which prices held on that day")->type_name("DATE");
  command->add_flag("--json", settings->json, "Print a JSON object a line");
  command->footer("Of a key it says whether it is set, never what it is.\n");
  command->callback([settings, &exit_code] { exit_code = show(*settings); });
}

}  // namespace sennit::app
