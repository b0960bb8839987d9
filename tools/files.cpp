#include <sennit/agent/typed_tool.hpp>
#include <sennit/tools/files.hpp>
#include <sennit/tools/files_change.hpp>
#include <sennit/tools/files_look.hpp>
#include <sennit/tools/files_search.hpp>
#include <sennit/tools/options.hpp>

#include <atomic>
#include <string>
#include <utility>

namespace sennit {
namespace {

struct FilesOptions {
  std::vector<std::string> roots{"."};
  bool write = false;
};
SENNIT_DESCRIBE(FilesOptions, (roots), (write))

/// What the tools of one agent share. Owned by each of them: a job on the pool may outlive the agent.
struct Shared {
  files::Roots roots;
  files::Protected forbidden;
  std::filesystem::path outputs;
};
using SharedPointer = std::shared_ptr<const Shared>;

/// Tells the job on the pool that nobody waits any more, however the coroutine ends.
class Stop {
 public:
  Stop() = default;
  Stop(const Stop&) = delete;
  Stop& operator=(const Stop&) = delete;
  ~Stop() { flag_->store(true, std::memory_order_relaxed); }
  [[nodiscard]] files::StopFlag flag() const { return flag_; }

 private:
  std::shared_ptr<std::atomic<bool>> flag_ = std::make_shared<std::atomic<bool>>(false);
};

template <class Arguments>
using Look = std::string (*)(const files::Roots&, const Arguments&, const files::StopFlag&);

/// Does the blocking work on the pool.
template <class Arguments>
asio::awaitable<std::string> look(SharedPointer shared, Look<Arguments> work, Arguments arguments,
                                  Environment& environment) {
  const Stop stop;
  auto job = [shared = std::move(shared), work, arguments = std::move(arguments), flag = stop.flag()] {
    return work(shared->roots, arguments, flag);
  };
  asio::awaitable<std::string> pending = environment.pool().run(std::move(job));
  std::string text = co_await std::move(pending);
  co_return text;
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
      from = std::make_shared<const Shared>(Shared{files::Roots({shared->outputs}), {}, {}});
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
  const auto shared = std::make_shared<const Shared>(
      Shared{files::Roots(settings.roots), std::move(settings.forbidden), std::move(settings.outputs)});
  const std::string where = where_text(shared->roots);
  ToolTraits looks{.touches = {.read = true}, .repeat = Repeat::idempotent};
  std::vector<std::shared_ptr<Tool>> tools;
  tools.push_back(make_tool("files_list", "Lists a folder, or with a glob all that matches in it and below." + where,
                            looking(shared, &files::list), looks));
  tools.push_back(make_tool(
      "files_search", "Finds text or a regular expression in files, and shows the lines with their numbers." + where,
      looking(shared, &files::search), looks));
  looks.output_limit = 2 * files::kMaxRead;  // bounded by the tool itself; U+FFFD makes damaged text longer
  tools.push_back(make_tool("files_read", "Reads a text file, or some lines of it." + where, reading(shared), looks));
  if (!settings.write) return tools;
  ToolTraits changes{.touches = {.read = true, .write = true}, .repeat = Repeat::idempotent, .concurrency = 1};
  tools.push_back(make_tool(
      "files_write", "Creates a text file or replaces all of it. To change a part, use files_edit." + where,
      [shared](const files::WriteArguments& arguments) {
        return files::write(shared->roots, shared->forbidden, arguments);
      },
      changes));
  changes.repeat = Repeat::never;  // the second time the old text may match elsewhere
  tools.push_back(make_tool(
      "files_edit", "Replaces one exact piece of text in a file." + where,
      [shared](const files::EditArguments& arguments) {
        return files::edit(shared->roots, shared->forbidden, arguments);
      },
      changes));
  return tools;
}

std::vector<std::shared_ptr<Tool>> make_files_tools(const json::object& options, const PartContext& context) {
  const auto chosen = read_options<FilesOptions>(options, "files");
  const std::filesystem::path base = context.definition.directory();
  FilesSettings settings;
  for (const std::string& root : chosen.roots) settings.roots.push_back(base / root);
  settings.write = chosen.write;
  if (!context.definition.file.empty()) settings.forbidden.files.push_back(context.definition.file);
  for (const std::filesystem::path& file : context.above) {
    if (!file.empty()) settings.forbidden.files.push_back(file);
  }
  for (const SubAgent& agent : context.definition.agents) settings.forbidden.files.push_back(base / agent.file);
  if (!context.state.empty()) {
    settings.forbidden.folders.push_back(context.state);
    settings.outputs = context.state / "outputs";
  }
  return make_files(std::move(settings));
}

}  // namespace sennit
