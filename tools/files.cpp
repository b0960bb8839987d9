#include <sennit/agent/spilt_labels.hpp>
#include <sennit/agent/typed_tool.hpp>
#include <sennit/tools/files.hpp>
#include <sennit/tools/files_access.hpp>
#include <sennit/tools/files_change.hpp>
#include <sennit/tools/files_hidden.hpp>
#include <sennit/tools/files_look.hpp>
#include <sennit/tools/files_search.hpp>
#include <sennit/tools/options.hpp>

#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace sennit {
namespace {

constexpr std::size_t kMaxLabels = 64U << 10U;  // bytes of the labels of one output

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
  files::Hidden hidden_from_list;
  files::Hidden hidden_from_search;
};
using SharedPointer = std::shared_ptr<const Shared>;

template <class Arguments>
using Look = std::string (*)(const Shared&, const Arguments&, const files::StopFlag&);

std::string list(const Shared& shared, const files::ListArguments& arguments, const files::StopFlag& stop) {
  const files::Roots& roots = shared.access.roots;
  const files::Omit omit = omit_from(shared.access, roots.place(arguments.path), shared.hidden_from_list);
  return files::list(roots, arguments, stop, omit);
}

std::string search(const Shared& shared, const files::SearchArguments& arguments, const files::StopFlag& stop) {
  const files::Roots& roots = shared.access.roots;
  const files::Omit omit = omit_from(shared.access, roots.place(arguments.path), shared.hidden_from_search);
  return files::search(roots, arguments, stop, omit);
}

std::string read(const Shared& shared, const files::ReadArguments& arguments, const files::StopFlag& stop) {
  return files::read(shared.access.roots, arguments, stop);
}

/// Does the blocking work on the pool.
template <class Arguments>
asio::awaitable<ToolOutput> look(SharedPointer shared, Look<Arguments> work, Arguments arguments,
                                 Environment& environment) {
  const files::Stop stop;
  Labels labels = shared->access.labels(*shared->access.roots.place(arguments.path).root);
  auto job = [shared = std::move(shared), work, arguments = std::move(arguments), flag = stop.flag()] {
    return work(*shared, arguments, flag);
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

/// The labels that the run kept beside what it set aside: another agent of the run may have got it. Without them it may
/// be anything.
Labels labels_of_output(const std::filesystem::path& file) {
  try {
    const files::Roots roots({file.parent_path()});
    const std::string name = labels_file(file).filename().string();
    const std::string text = files::read_whole(roots.all().front().open_file(name), kMaxLabels, name);
    if (const std::optional<json::value> labels = parse_json(text)) return labels_from_json(*labels);
  } catch (const Error&) {
  }
  return {{"output:spilt"}, {"output:spilt"}};
}

asio::awaitable<ToolOutput> read_own(SharedPointer shared, files::ReadArguments arguments, Environment& environment) {
  files::Access own{.roots = files::Roots({shared->outputs}), .trusted = true, .confidential = false};
  const auto from =
      std::make_shared<const Shared>(Shared{std::move(own), {}, files::Hidden({}, {}), files::Hidden({}, {})});
  const std::filesystem::path file = arguments.path;
  asio::awaitable<ToolOutput> looking = look(from, &read, std::move(arguments), environment);
  ToolOutput output = co_await std::move(looking);
  auto job = [file] { return labels_of_output(file); };
  asio::awaitable<Labels> reading = environment.pool().run(std::move(job));
  output.labels = co_await std::move(reading);
  co_return output;
}

auto reading(SharedPointer shared) {
  return [shared = std::move(shared)](files::ReadArguments arguments, ToolContext& context) {
    if (is_own_output(*shared, arguments.path, context.effect_id())) {
      return read_own(shared, std::move(arguments), context.environment());
    }
    return look(shared, &read, std::move(arguments), context.environment());
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
  const auto shared = std::make_shared<const Shared>(Shared{std::move(access), std::move(settings.outputs),
                                                            files::Hidden(settings.policies, "files_list"),
                                                            files::Hidden(settings.policies, "files_search")});
  const std::string where = where_text(shared->access.roots);
  ToolTraits looks{.touches = {.read = true}, .repeat = Repeat::idempotent};
  looks.reach = [shared](const json::object& arguments) {
    return files::path_facets(shared->access, arguments, "path");
  };
  std::vector<std::shared_ptr<Tool>> tools;
  tools.push_back(make_tool("files_list", "Lists a folder, or with a glob all that matches in it and below." + where,
                            looking(shared, &list), looks));
  tools.push_back(make_tool(
      "files_search", "Finds text or a regular expression in files, and shows the lines with their numbers." + where,
      looking(shared, &search), looks));
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
  settings.policies = files::policies_of(context);
  settings.trusted = chosen.trusted && context.may_trust();
  settings.confidential = chosen.confidential || !context.may_publish();
  if (!context.state.empty()) settings.outputs = context.state / "outputs";
  return make_files(std::move(settings));
}

}  // namespace sennit
