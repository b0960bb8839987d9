#include <sennit/agent/definition.hpp>
#include <sennit/agent/definition/shape.hpp>
#include <sennit/agent/sandbox_box.hpp>
#include <sennit/agent/secret.hpp>
#include <sennit/agent/secret_cache.hpp>
#include <sennit/tools/shell_child.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

namespace sennit::child {
namespace {

constexpr milliseconds kLongestTimeout{24 * 3'600'000};
constexpr milliseconds kTimeToReport{5'000};  // the call ends by itself and says more than the run's own limit could

milliseconds duration_of(const json::value& value, std::string_view option, milliseconds least) {
  std::optional<milliseconds> duration;
  if (value.is_string()) duration = format::parse_duration(std::string_view(value.get_string()));
  if (value.is_number()) duration = format::parse_duration(json::serialize(value));
  if (!duration || *duration < least || *duration > kLongestTimeout) {
    throw Error(errc::config, fmt::format("{} is a duration such as 30s or 2m, at most 24h", option));
  }
  return *duration;
}

std::string bytes_text(std::int64_t bytes) {
  constexpr std::int64_t kMebi = 1LL << 20U;
  return bytes % kMebi == 0 ? fmt::format("{} MiB", bytes / kMebi) : fmt::format("{} bytes", bytes);
}

std::map<std::string, std::string> environment_of(const Settings& settings) {
  std::map<std::string, std::string> environment;
  for (const std::string& name : settings.allow_env) {
    const char* const value = std::getenv(name.c_str());
    if (value == nullptr) continue;
    // A path (HOME, JAVA_HOME) would be blotted out of all that names a file.
    if (*value != '/') secret::hide({.source = secret::Source::env, .what = name}, value);
    environment[name] = value;
  }
  for (const auto& [name, value] : settings.env) environment[name] = Secret(value).resolve();
  return environment;
}

// Where a child works: inside what it was given. Inside the walls nothing else exists; this is for the message, and for
// where there are none.
std::string working_directory(const sandbox::Box& box, const std::string& wanted) {
  namespace fs = std::filesystem;
  if (wanted.empty()) return {};
  const sandbox::Settings& settings = box.settings();
  std::vector<fs::path> roots = settings.write;
  roots.insert(roots.end(), settings.read.begin(), settings.read.end());
  for (fs::path& root : roots) root = fs::weakly_canonical(root);
  if (roots.empty() && settings.walls) roots = {"/home/sandbox", "/tmp"};
  fs::path path = (roots.empty() ? fs::path("/") : roots.front()) / wanted;
  path = settings.walls ? path.lexically_normal() : fs::weakly_canonical(path);
  const bool inside = std::any_of(roots.begin(), roots.end(), [&](const fs::path& root) {
    return std::mismatch(root.begin(), root.end(), path.begin(), path.end()).first == root.end();
  });
  if (!inside || wanted.find('\0') != std::string::npos) {
    throw Error(errc::denied, fmt::format("'{}' is outside of the folders that this tool may use", wanted));
  }
  return path.string();
}

void add_part(std::string& text, std::string_view title, const sandbox::Captured& captured) {
  if (captured.total() == 0) return;
  if (!text.empty() && text.back() != '\n') text += '\n';
  if (!title.empty()) text += fmt::format("[{}]\n", title);
  text += sanitize_utf8(captured.text());
}

std::string status_text(const ExitStatus& status) {
  constexpr int kSignals = 128;
  if (status.signal != 0) return fmt::format("killed by the signal {}", status.signal);
  if (status.code > kSignals && status.code <= kSignals + 64) {
    return fmt::format("exit status {} (signal {})", status.code, status.code - kSignals);
  }
  return fmt::format("exit status {}", status.code);
}

std::string ended_by(const sandbox::Result& result, const sandbox::Settings& settings, milliseconds timeout) {
  if (result.timed_out) {
    return fmt::format("it was ended after {} seconds", std::chrono::duration<double>(timeout).count());
  }
  if (result.flooded) return "it was ended because it wrote too much";
  switch (result.ending.bound) {
    case sandbox::Bound::memory:
      return fmt::format("it ran out of the memory that it may use ({})", bytes_text(settings.memory));
    case sandbox::Bound::processes:
      return fmt::format("it ran out of processes ({} at a time)", settings.processes);
    case sandbox::Bound::unwatched:
      return "what it uses could not be measured any more, and nothing else bounds it here";
    case sandbox::Bound::none:
      break;
  }
  return {};
}

}  // namespace

Settings settings_of(const Options& options, const PartContext& context, std::string_view tool) {
  const auto named = [&](std::string_view option) { return fmt::format("{}: {}", tool, option); };
  SandboxSpec spec;
  spec.read.assign(options.read.begin(), options.read.end());
  spec.write.assign(options.write.begin(), options.write.end());
  spec.hosts = options.hosts;
  spec.memory = read_bytes(options.memory, named("memory"));
  spec.disk = read_bytes(options.disk, named("disk"));
  spec.processes = options.processes;
  spec.cpu = duration_of(options.cpu, named("cpu"), milliseconds{0});
  sandbox::Settings sandbox = sandbox_settings(spec, context, options.git);
  sandbox.private_addresses = options.allow_private;
  Settings settings;
  settings.box = make_box(std::move(sandbox), context, tool);
  settings.timeout = duration_of(options.timeout, named("timeout"), milliseconds{1});
  settings.read = options.read;
  settings.write = options.write;
  settings.allow_env = options.allow_env;
  settings.env = options.env;
  return settings;
}

ToolTraits traits_of(const Settings& settings, std::string_view tool) {
  const sandbox::Settings& sandbox = settings.box->settings();
  ToolTraits traits{.touches = {.process = true}, .repeat = Repeat::never};
  traits.touches.read = !sandbox.read.empty() || !sandbox.write.empty() || !sandbox.walls;
  traits.touches.write = !sandbox.write.empty() || !sandbox.walls;
  traits.touches.network = !sandbox.hosts.empty() || !sandbox.walls;
  traits.timeout = settings.timeout + kTimeToReport;
  traits.concurrency = 4;
  // What it prints may come from wherever it can look.
  if (traits.touches.read || traits.touches.network) traits.gives.add_untrusted(fmt::format("process:{}", tool));
  // And what files are, unless they say otherwise: private.
  if (traits.touches.read) traits.gives.add_confidential(fmt::format("process:{}", tool));
  return traits;
}

std::string description_of(const Settings& settings) {
  const sandbox::Settings& sandbox = settings.box->settings();
  std::string text = fmt::format(" It runs {}.", sandbox::describe(sandbox));
  if (!sandbox.write.empty()) text += " It may change:";
  for (const std::string& folder : settings.write) text += " '" + folder + "'";
  if (!sandbox.write.empty()) text += ".";
  if (!sandbox.read.empty()) text += " It may read:";
  for (const std::string& folder : settings.read) text += " '" + folder + "'";
  if (!sandbox.read.empty()) text += ".";
  return text + fmt::format(" At most {} seconds, {} of memory, {} processes.",
                            std::chrono::duration<double>(settings.timeout).count(), bytes_text(sandbox.memory),
                            sandbox.processes);
}

std::vector<Facet> hosts_of(const Settings& settings) {
  std::vector<Facet> facets;
  if (!settings.box->settings().walls) return {{"host", "?"}};  // any
  for (const std::string& host : settings.box->settings().hosts) facets.push_back({"host", host});
  return facets;
}

asio::awaitable<ToolOutput> perform(std::shared_ptr<const Settings> settings, std::vector<std::string> command,
                                    std::string directory, std::string input, Environment& environment) {
  sandbox::Work work;
  work.command.arguments = std::move(command);
  work.command.directory = working_directory(*settings->box, directory);
  work.command.environment = environment_of(*settings);
  work.input = std::move(input);
  work.time = settings->timeout;
  asio::awaitable<sandbox::Result> running = sandbox::run(environment, settings->box, std::move(work));
  const sandbox::Result result = co_await std::move(running);
  co_return report(result, settings->box->settings(), settings->timeout);
}

ToolOutput report(const sandbox::Result& result, const sandbox::Settings& settings, milliseconds timeout) {
  ToolOutput output;
  add_part(output.content, "", result.output);
  add_part(output.content, "standard error", result.errors);
  const std::string why = ended_by(result, settings, timeout);
  output.is_error = !result.ending.status.success() || !why.empty();
  std::string notes;
  if (output.is_error) notes = "[" + status_text(result.ending.status) + (why.empty() ? "" : ": " + why) + "]";
  for (const std::string& host : result.ending.refused) {
    notes += (notes.empty() ? "" : "\n") + fmt::format("[it was not let through to {}]", host);
  }
  if (output.content.empty() && notes.empty()) notes = "[no output, exit status 0]";
  if (!output.content.empty() && output.content.back() != '\n' && !notes.empty()) output.content += '\n';
  output.content += notes;
  return output;
}

std::string quote(const std::vector<std::string>& words) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-";
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty()) line += ' ';
    if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

}  // namespace sennit::child
