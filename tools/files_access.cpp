#include <sennit/agent/guards.hpp>
#include <sennit/tools/files_access.hpp>

#include <algorithm>
#include <utility>

namespace sennit::files {
namespace {

namespace fs = std::filesystem;

/// "dir/" and "dir" are one.
fs::path without_slash(const fs::path& path) {
  return !path.has_filename() && path.has_parent_path() && path != path.root_path() ? path.parent_path() : path;
}

std::string name_from(const fs::path& home, const fs::path& path) {
  const fs::path relative = path.lexically_relative(home);
  return relative.empty() || *relative.begin() == ".." ? path.string() : relative.string();
}

fs::path settled(const fs::path& path) {
  std::error_code failed;
  fs::path result = fs::weakly_canonical(path, failed);
  return failed ? path.lexically_normal() : result;
}

}  // namespace

Labels Access::labels(const Root& root) const {
  const auto same_name = [&](const Root& other) {
    return &other != &root && other.folder().filename() == root.folder().filename();
  };
  const bool ambiguous = std::any_of(roots.all().begin(), roots.all().end(), same_name);
  const std::string name = ambiguous ? root.folder().string() : root.folder().filename().string();
  Labels labels;
  if (!trusted) labels.add_untrusted("files:" + name);
  if (confidential) labels.add_confidential("files:" + name);
  return labels;
}

Labels Access::labels() const {
  Labels all;
  for (const Root& root : roots.all()) all.add(labels(root));
  return all;
}

Spellings Spellings::below(std::string_view path) const {
  return {written / path, real / path, home, real_home};
}

std::vector<Facet> Spellings::facets() const {
  std::vector<Facet> found;
  const auto add = [&found](const char* name, std::string value) {
    const Facet facet{name, std::move(value)};
    if (std::find(found.begin(), found.end(), facet) == found.end()) found.push_back(facet);
  };
  const std::string name = name_from(home, written);
  const std::string real_name = name_from(real_home, real);
  add("path", name);
  if (name != written.string()) add("absolute", written.string());
  add("path", real_name);
  if (real_name != real.string()) add("absolute", real.string());
  return found;
}

Spellings Access::spellings(const Place& place) const {
  const Root& first = roots.all().front();
  return {without_slash((place.root->folder() / place.path).lexically_normal()),
          without_slash(settled(place.root->canonical() / place.path)), home.empty() ? first.folder() : home,
          home.empty() ? first.canonical() : settled(home)};
}

std::vector<Facet> Access::facets(std::string_view path) const {
  try {
    return spellings(roots.place(path)).facets();
  } catch (const Error&) {
    return {{"path", fs::path(path).lexically_normal().string()}};  // the call will fail; a rule may still speak of it
  }
}

std::vector<fs::path> roots_of(const std::vector<std::string>& roots, const PartContext& context) {
  const fs::path base = context.definition.directory();
  std::vector<fs::path> folders;
  folders.reserve(roots.size());
  for (const std::string& root : roots) folders.push_back(base / root);
  return folders;
}

fs::path home_of(const PartContext& context) {
  return without_slash(fs::absolute(context.definition.directory()).lexically_normal());
}

Protected protected_by(const PartContext& context) {
  Guards guards = guards_of(context);
  return {std::move(guards.files), std::move(guards.folders)};
}

std::vector<Facet> path_facets(const Access& access, const json::object& arguments, std::string_view argument,
                               std::string_view otherwise) {
  const json::value* value = arguments.if_contains(argument);
  if (value == nullptr || !value->is_string()) return access.facets(otherwise);
  return access.facets(std::string_view(value->get_string()));
}

}  // namespace sennit::files
