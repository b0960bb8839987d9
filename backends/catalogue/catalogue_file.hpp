// Private: Reads a file of the catalogue.
#pragma once

#include <sennit/agent/io/json.hpp>
#include <sennit/backends/catalogue/catalogue.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sennit {

struct CatalogueFile {
  std::string version;
  /// Applied to the provider of that name, or to a new one.
  std::vector<std::pair<std::string, json::value>> providers;
  std::vector<ModelEntry> models;
};

/// Throws Error(errc::config) listing everything wrong, each with its place.
[[nodiscard]] CatalogueFile read_catalogue(std::string_view yaml, const std::filesystem::path& file);

/// What the build made of a file that is in order: JSON with the same keys.
[[nodiscard]] CatalogueFile read_shipped(std::string_view json);

/// Sets what `fields`, a map of CatalogueFile::providers, has.
void assign_provider(Provider& provider, const json::value& fields);

}  // namespace sennit
