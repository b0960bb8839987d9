#include <sennit/agent/typed_tool.hpp>
#include <sennit/tools/files.hpp>
#include <sennit/tools/files_access.hpp>
#include <sennit/tools/files_change.hpp>
#include <sennit/tools/files_look.hpp>
#include <sennit/tools/files_search.hpp>
#include <sennit/tools/options.hpp>

#include <string>
#include <tuple>
#include <utility>

namespace sennit {
namespace {

struct FilesOptions {
  std::vector<std::string> roots{"."};
  bool write = false;
  bool trusted = false;
  bool confidential = true;
};
[[maybe_unused]] constexpr auto sennit_fields(const FilesOptions*) {
  return std::make_tuple(field<&FilesOptions::roots>("roots"), field<&FilesOptions::write>("write"),
                         field<&FilesOptions::trusted>("trusted"), field<&FilesOptions::confidential>("private"));
}

/// What the tools of one agent share. Owned by each of them: a job on the pool may outlive the agent.
struct Shared {
  files::Access access;
  std::filesystem::path outputs;
};
using SharedPointer = std::shared_ptr<const Shared>;

template <class Arguments>
using Look = std::string (*)(const files::Roots&, const Arguments&, const files::StopFlag&);

/// Does the blocking work on the pool.
template <class Arguments>
asio::awaitable<ToolOutput> look(SharedPointer shared, Look<Arguments> work, Arguments arguments,
                                 Environment& environment) {
  const files::Stop stop;
  Labels labels = shared->access.labels(*shared->access.roots.place(arguments.path).root);
  auto job = [shared = std::move(shared), work, arguments = std::move(arguments), flag = stop.flag()] {
    return work(shared->access.roots, arguments, flag);
  };
  asio::awaitable<std::string> pending = environment.pool().run(std::move(job));
  std::string text = co_await std::move(pending);
  co_return ToolOutput{std::move(text), false, std::move(labels)};
}

template <class Arguments>
auto looking(SharedPointer shared, Look<Arguments> work) {
  return [shared = std::move(shared), work](Arguments arguments, ToolContext& context) {
    return look(shared, work, std::move(arguments), context.environment());
  };
}

/// What this run set aside for the model ("the whole output is in …") can be read, wherever the roots are.
bool is_own_output(const Shared& shared, const std::filesystem::path& path, const std::string& effect) {
  return !shared.outputs.empty() && path.parent_path() == shared.outputs &&
         path.filename().string().starts_with(effect.substr(0, effect.find('/')) + "-");
}

auto reading(SharedPointer shared) {
  return [shared = std::move(shared)](files::ReadArguments arguments, ToolContext& context) {
    SharedPointer from = shared;
    if (is_own_output(*shared, arguments.path, context.effect_id())) {
      // Its labels are in the conversation already, with the result that it is the rest of.
      files::Access own{.roots = files::Roots({shared->outputs}), .trusted = true, .confidential = false};
      from = std::make_shared<const Shared>(Shared{std::move(own), {}});
    }
    return look(std::move(from), &files::read, std::move(arguments), context.environment());
  };
}

/// Told to the model where it is not obvious: paths are relative to the first root, others are named in full.
std::string where_text(const files::Roots& roots) {
  if (roots.all().size() == 1) return " Paths are relative to the agent's folder for files.";
  std::string text =
      " Relative paths start at " + roots.all().front().folder().string() + "; also usable, by full path:";
  for (std::size_t i = 1; i < roots.all().size(); ++i) text += " " + roots.all()[i].folder().string();
  return text + ".";
}

}  // namespace

std::vector<std::shared_ptr<Tool>> make_files(FilesSettings settings) {
  files::Access access{files::Roots(settings.roots), std::move(settings.forbidden), std::move(settings.home),
                       settings.trusted, settings.confidential};
  const auto shared = std::make_shared<const Shared>(Shared{std::move(access), std::move(settings.outputs)});
  const std::string where = where_text(shared->access.roots);
  ToolTraits looks{.touches = {.read = true}, .repeat = Repeat::idempotent};
  looks.reach = [shared](const json::object& arguments) {
    return files::path_facets(shared->access, arguments, "path");
  };
  std::vector<std::shared_ptr<Tool>> tools;
  tools.push_back(make_tool("files_list", "Lists a folder, or with a glob all that matches in it and below." + where,
                            looking(shared, &files::list), looks));
  tools.push_back(make_tool(
      "files_search", "Finds text or a regular expression in files, and shows the lines with their numbers." + where,
      looking(shared, &files::search), looks));
  ToolTraits reads = looks;
  reads.output_limit = 2 * files::kMaxRead;  // bounded by the tool itself; U+FFFD makes damaged text longer
  tools.push_back(make_tool("files_read", "Reads a text file, or some lines of it." + where, reading(shared), reads));
  if (!settings.write) return tools;
  ToolTraits changes = looks;
  changes.touches.write = true;
  changes.concurrency = 1;
  tools.push_back(make_tool(
      "files_write", "Creates a text file or replaces all of it. To change a part, use files_edit." + where,
      [shared](const files::WriteArguments& arguments) {
        return files::write(shared->access.roots, shared->access.forbidden, arguments);
      },
      changes));
  changes.repeat = Repeat::never;           // the second time the old text may match elsewhere
  changes.gives = shared->access.labels();  // what it says of a near miss is the file's text
  tools.push_back(make_tool(
      "files_edit", "Replaces one exact piece of text in a file." + where,
      [shared](const files::EditArguments& arguments) {
        return files::edit(shared->access.roots, shared->access.forbidden, arguments);
      },
      changes));
  return tools;
}

std::vector<std::shared_ptr<Tool>> make_files_tools(const json::object& options, const PartContext& context) {
  const auto chosen = read_options<FilesOptions>(options, "files");
  FilesSettings settings;
  settings.roots = files::roots_of(chosen.roots, context);
  settings.write = chosen.write;
  settings.forbidden = files::protected_by(context);
  settings.home = files::home_of(context);
  settings.trusted = chosen.trusted;
  settings.confidential = chosen.confidential;
  if (!context.state.empty()) settings.outputs = context.state / "outputs";
  return make_files(std::move(settings));
}

}  // namespace sennit
