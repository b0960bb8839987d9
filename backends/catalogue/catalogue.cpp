#include <sennit/agent/definition/yaml.hpp>
#include <sennit/backends/catalogue/catalogue.hpp>
#include <sennit/backends/catalogue/catalogue_file.hpp>
#include <sennit/backends/catalogue/shipped_files.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace sennit {
namespace {

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string read_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string text;
  if (stream) {  // one byte more than is allowed, so that the parser sees that it is too much
    text.resize(yaml::kMaxBytes + 1);
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(stream.gcount()));
  }
  if (!stream.eof()) throw Error(errc::config, "cannot read the catalogue").at(file.string());
  return text;
}

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

bool matches_model(std::string_view pattern, std::string_view text) noexcept {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;  // the last `*`, and how far it reaches
  std::size_t reach = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      reach = t;
    } else if (p < pattern.size() && pattern[p] == lower(text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++reach;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

const Endpoint* Provider::endpoint(Api api) const noexcept {
  const auto found = std::ranges::find(apis, api, &Endpoint::api);
  return found == apis.end() ? nullptr : &*found;
}

bool DatedPrices::holds(WallTime time) const {
  return (!from || *from <= time) && (!until || time < *until) && hours.contains(time);
}

std::optional<Prices> ModelEntry::prices_at(WallTime time) const {
  if (!prices) return std::nullopt;
  const auto found = std::ranges::find_if(*prices, [&](const DatedPrices& dated) { return dated.holds(time); });
  return found == prices->end() ? std::nullopt : std::optional<Prices>(found->prices);
}

void ModelEntry::fill_from(const ModelEntry& row) {
  const auto fill = [&](auto member) {
    if (!(this->*member)) this->*member = row.*member;
  };
  if (title.empty()) title = row.title;
  if (source.empty()) source = row.source;
  fill(&ModelEntry::context_tokens);
  fill(&ModelEntry::output_tokens);
  fill(&ModelEntry::abilities);
  fill(&ModelEntry::api);
  fill(&ModelEntry::reasons);
  fill(&ModelEntry::sampling);
  fill(&ModelEntry::efforts);
  fill(&ModelEntry::thinking);
  fill(&ModelEntry::replay);
  fill(&ModelEntry::replay_needs_presence);
  fill(&ModelEntry::think);
  fill(&ModelEntry::prices);
}

void Catalogue::add(std::string_view yaml, const std::filesystem::path& file) {
  take(read_catalogue(yaml, file), file);
}

void Catalogue::take(CatalogueFile read, const std::filesystem::path& file) {
  if (!read.version.empty()) version_ = std::move(read.version);
  for (const auto& [name, fields] : read.providers) {
    auto found = std::ranges::find(providers_, name, &Provider::name);
    if (found == providers_.end()) {
      found = providers_.insert(providers_.end(), Provider{});
      found->name = name;
      found->title = name;
    }
    assign_provider(*found, fields);
    if (found->apis.empty()) {
      throw Error(errc::config, fmt::format("provider {}: `apis` says which protocol it speaks, and where: "
                                            "`apis: {{chat-completions: http://127.0.0.1:8000/v1}}`",
                                            name))
          .at(file.string());
    }
  }
  rows_.insert(rows_.begin(), std::make_move_iterator(read.models.begin()), std::make_move_iterator(read.models.end()));
}

const Provider* Catalogue::provider(std::string_view name) const noexcept {
  const auto found = std::ranges::find(providers_, name, &Provider::name);
  return found == providers_.end() ? nullptr : &*found;
}

ModelEntry Catalogue::model(const Provider& provider, std::string_view name) const {
  ModelEntry entry;
  entry.id = fmt::format("{}/{}", provider.name, name);
  const auto take = [&](std::string_view owner) {
    for (const ModelEntry& row : rows_) {
      const std::string_view id = row.id;
      if (id.size() <= owner.size() || id[owner.size()] != '/' || !id.starts_with(owner)) continue;
      if (matches_model(id.substr(owner.size() + 1), name)) entry.fill_from(row);
    }
  };
  take(provider.name);
  for (const std::string& family : provider.families) take(family);
  return entry;
}

std::optional<ModelEntry> Catalogue::find(std::string_view id) const {
  const std::size_t slash = id.find('/');
  const Provider* found = provider(id.substr(0, slash));
  if (found == nullptr) return std::nullopt;
  const std::string_view name = slash == std::string_view::npos ? std::string_view() : id.substr(slash + 1);
  return model(*found, name.empty() ? std::string_view(found->default_model) : name);
}

std::shared_ptr<const Catalogue> shipped_catalogue() {
  static const std::shared_ptr<const Catalogue> kShipped = [] {
    auto shipped = std::make_shared<Catalogue>();
    shipped->take(read_shipped(shipped_models()), "models.yaml");
    shipped->take(read_shipped(shipped_providers()), "providers.yaml");
    return shipped;
  }();
  return kShipped;
}

std::filesystem::path catalogue_file() {
  if (const std::string named = variable("SENNIT_CATALOGUE"); !named.empty()) return named;
  std::filesystem::path folder = variable("XDG_CONFIG_HOME");
  if (folder.empty()) {
    const std::string home = variable("HOME");
    if (home.empty()) return {};
    folder = std::filesystem::path(home) / ".config";
  }
  return folder / "sennit" / "catalogue.yaml";
}

std::shared_ptr<const Catalogue> catalogue() {
  static const std::shared_ptr<const Catalogue> kMine = [] {
    const std::filesystem::path file = catalogue_file();
    std::error_code ignored;
    const bool named = !variable("SENNIT_CATALOGUE").empty();
    if (file.empty() || (!named && !std::filesystem::exists(file, ignored))) return shipped_catalogue();
    auto mine = std::make_shared<Catalogue>(*shipped_catalogue());
    mine->add(read_file(file), file);
    return std::shared_ptr<const Catalogue>(mine);
  }();
  return kMine;
}

}  // namespace sennit
