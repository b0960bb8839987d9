#include <sennit/agent/io/error.hpp>
#include <sennit/agent/registry.hpp>
#include <sennit/app/models_known.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace sennit::app {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

/// What stands before the slash, and after it.
std::pair<std::string_view, std::string_view> halves(std::string_view id) {
  const std::size_t slash = id.find('/');
  if (slash == std::string_view::npos) return {id, {}};
  return {id.substr(0, slash), id.substr(slash + 1)};
}

/// The model that a row's pattern names above all; empty if it names none.
std::string_view name_in(const ModelEntry& row) {
  const std::string_view name = halves(row.id).second;
  const std::size_t star = name.find('*');
  if (star == std::string_view::npos) return name;
  const std::string_view stem = name.substr(0, star);
  const bool whole = star + 1 == name.size() && !row.title.empty() && !stem.empty() && stem.back() != '-';
  // gpt-4o-2024*: the first digits of a date, whose model has a row of its own
  const bool dated = stem.size() > 5 && stem.substr(stem.size() - 5).starts_with("-20");
  return whole && !dated ? stem : std::string_view();
}

KnownModel model_of(const Catalogue& catalogue, const Provider& provider, std::string_view name) {
  KnownModel model{fmt::format("{}/{}", provider.name, name), &provider, catalogue.model(provider, name), false};
  const std::vector<std::string> about = rows_about(catalogue, provider, name);
  for (const std::string& id : about) {  // the row whose source is given decides
    const auto row = std::ranges::find(catalogue.rows(), id, &ModelEntry::id);
    if (row->source.empty()) continue;
    model.checked = row->checked;
    break;
  }
  return model;
}

std::vector<std::string> ids_of(const std::vector<KnownModel>& models) {
  std::vector<std::string> ids;
  for (const KnownModel& model : models) ids.push_back(model.id);
  return ids;
}

}  // namespace

std::vector<KnownModel> known_models(const Catalogue& catalogue) {
  std::vector<KnownModel> models;
  std::set<std::string, std::less<>> seen;
  for (const Provider& provider : catalogue.providers()) {
    for (const ModelEntry& row : catalogue.rows()) {
      if (halves(row.id).first != provider.name) continue;
      const std::string_view name = name_in(row);
      if (name.empty() || !seen.insert(fmt::format("{}/{}", provider.name, name)).second) continue;
      models.push_back(model_of(catalogue, provider, name));
    }
  }
  return models;
}

std::vector<KnownModel> known_rows(const Catalogue& catalogue) {
  std::vector<KnownModel> models;
  for (const ModelEntry& row : catalogue.rows()) {
    models.push_back({row.id, catalogue.provider(halves(row.id).first), row, row.checked});
  }
  return models;
}

KnownModel known_model(const Catalogue& catalogue, std::string_view id) {
  const auto [owner, name] = halves(id);
  const Provider* provider = catalogue.provider(owner);
  if (provider == nullptr) {
    std::vector<std::string> names;
    for (const Provider& one : catalogue.providers()) names.push_back(one.name);
    const std::string_view near = nearest(owner, names);
    throw Error(errc::not_found,
                near.empty() ? fmt::format("there is no provider “{}”; `sennit models --providers` lists them", owner)
                             : fmt::format("there is no provider “{}”; did you mean {}?", owner, near));
  }
  if (name.empty() && provider->default_model.empty()) {
    throw Error(errc::not_found, fmt::format("name the model: {}/MODEL", owner));
  }
  return model_of(catalogue, *provider, name.empty() ? std::string_view(provider->default_model) : name);
}

std::vector<std::string> rows_about(const Catalogue& catalogue, const Provider& provider, std::string_view name) {
  std::vector<std::string> ids;
  const auto take = [&](std::string_view owner) {
    for (const ModelEntry& row : catalogue.rows()) {
      const auto [whose, pattern] = halves(row.id);
      if (whose == owner && matches_model(pattern, name)) ids.push_back(row.id);
    }
  };
  take(provider.name);
  for (const std::string& family : provider.families) take(family);
  return ids;
}

bool is_named(const Catalogue& catalogue, const KnownModel& model) {
  const std::string_view name = halves(model.id).second;
  const std::vector<std::string> about = rows_about(catalogue, *model.provider, name);
  return std::ranges::any_of(about, [&](const std::string& id) {
    const auto row = std::ranges::find(catalogue.rows(), id, &ModelEntry::id);
    return !row->title.empty() || halves(id).second == lower(name);
  });
}

bool fits_pattern(const KnownModel& model, std::string_view pattern) {
  const std::string wanted = lower(pattern);
  if (wanted.find('*') == std::string::npos) return lower(model.id).find(wanted) != std::string::npos;
  return matches_model(wanted, model.id) || matches_model(wanted, halves(model.id).second);
}

std::vector<KnownModel> models_meant(const Catalogue& catalogue, const std::string& pattern) {
  std::vector<KnownModel> known = known_models(catalogue);
  const std::vector<std::string> ids = ids_of(known);
  if (pattern.find('*') != std::string::npos) {
    std::erase_if(known, [&](const KnownModel& model) { return !fits_pattern(model, pattern); });
    if (known.empty()) throw Error(errc::not_found, fmt::format("no model is called “{}”", pattern));
    return known;
  }
  if (pattern.find('/') != std::string::npos) return {known_model(catalogue, pattern)};
  // A model's own name, without its provider.
  std::erase_if(known, [&](const KnownModel& model) { return halves(model.id).second != lower(pattern); });
  if (!known.empty()) return known;
  std::vector<std::string> names;
  for (const std::string& id : ids) names.emplace_back(halves(id).second);
  const std::string_view near = nearest(pattern, names);
  throw Error(errc::not_found,
              near.empty()
                  ? fmt::format("there is no model “{}”; `sennit models` lists them", pattern)
                  : fmt::format("there is no model “{}”; did you mean {}?", pattern,
                                ids.at(static_cast<std::size_t>(std::ranges::find(names, near) - names.begin()))));
}

}  // namespace sennit::app
