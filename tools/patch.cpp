#include <sennit/agent/typed_tool.hpp>
#include <sennit/tools/options.hpp>
#include <sennit/tools/patch.hpp>
#include <sennit/tools/patch_files.hpp>

#include <string>
#include <tuple>
#include <utility>

namespace sennit {
namespace {

struct PatchOptions {
  std::vector<std::string> roots{"."};
  bool trusted = false;
  bool confidential = true;
};
[[maybe_unused]] constexpr auto sennit_fields(const PatchOptions*) {
  return std::make_tuple(field<&PatchOptions::roots>("roots"), field<&PatchOptions::trusted>("trusted"),
                         field<&PatchOptions::confidential>("private"));
}

struct PatchArguments {
  std::string diff;
};
SENNIT_DESCRIBE(PatchArguments, (diff, "a unified diff, as `diff -u` or git write it, for one file or several",
                                 {.min_length = 1, .max_length = patch::kMaxPatch}))

using AccessPointer = std::shared_ptr<const files::Access>;

asio::awaitable<std::string> apply(AccessPointer access, PatchArguments arguments, Environment& environment) {
  const files::Stop stop;
  auto job = [access = std::move(access), arguments = std::move(arguments), random = environment.random(),
              flag = stop.flag()] {
    return patch::apply_to_files(*access, patch::parse(arguments.diff), random, flag);
  };
  asio::awaitable<std::string> pending = environment.pool().run(std::move(job));
  std::string text = co_await std::move(pending);
  co_return text;
}

std::vector<Facet> facets_of(const files::Access& access, const json::object& arguments) {
  const json::value* diff = arguments.if_contains("diff");
  std::vector<Facet> facets;
  if (diff == nullptr || !diff->is_string()) return {{"path", "?"}};
  for (const std::string& path : patch::paths_in(std::string_view(diff->get_string()))) {
    for (Facet& facet : access.facets(path)) facets.push_back(std::move(facet));
  }
  if (facets.empty()) facets.push_back({"path", "?"});  // what cannot be read will not be applied
  return facets;
}

}  // namespace

std::vector<std::shared_ptr<Tool>> make_patch(files::Access access) {
  const auto shared = std::make_shared<const files::Access>(std::move(access));
  ToolTraits traits{.touches = {.read = true, .write = true}, .repeat = Repeat::never, .concurrency = 1};
  traits.gives = shared->labels();  // where a hunk does not fit it shows what stands there
  traits.reach = [shared](const json::object& arguments) { return facets_of(*shared, arguments); };
  return {make_tool(
      "patch", "Applies a unified diff to text files: changes, creates, deletes and renames, all of them or none.",
      [shared](PatchArguments arguments, ToolContext& context) {
        return apply(shared, std::move(arguments), context.environment());
      },
      traits)};
}

std::vector<std::shared_ptr<Tool>> make_patch_tools(const json::object& options, const PartContext& context) {
  const auto chosen = read_options<PatchOptions>(options, "patch");
  return make_patch({files::Roots(files::roots_of(chosen.roots, context)), files::protected_by(context),
                     files::home_of(context), chosen.trusted && context.may_trust(),
                     chosen.confidential || !context.may_publish()});
}

}  // namespace sennit
