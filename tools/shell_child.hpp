// Private: What `shell` and `code` have in common: the options of their sandbox, and what a model is told of a child's
// end.
#pragma once

#include <sennit/agent/io/sandbox_run.hpp>
#include <sennit/agent/registry.hpp>
#include <sennit/agent/schema/described.hpp>
#include <sennit/agent/typed_tool.hpp>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::child {

/// Bytes of a script or a source: more does not fit into one word of a command.
inline constexpr std::size_t kMaxSource = 120'000;
inline constexpr const char* kPath = "/usr/local/bin:/usr/bin:/bin";

struct Options {
  std::vector<std::string> read;
  std::vector<std::string> write;
  std::vector<std::string> hosts;
  bool allow_private = false;
  json::value memory = "1G";
  json::value disk = "256M";
  std::int64_t processes = 128;
  json::value timeout = 60;
  json::value cpu = 0;
  std::vector<std::string> allow_env;
  std::map<std::string, std::string> env;
  bool git = false;
};
SENNIT_DESCRIBE(Options, (read), (write), (hosts), (allow_private), (memory), (disk), (processes), (timeout), (cpu),
                (allow_env), (env), (git))

/// What the calls of one tool share. Immutable. [thread-safe]
struct Settings {
  std::shared_ptr<const sandbox::Box> box;
  milliseconds timeout{};
  std::vector<std::string> allow_env;
  std::map<std::string, std::string> env;  ///< values may refer to secrets
  /// As the agent file names them: the same wherever the file is, so that a run is not bound to the place.
  std::vector<std::string> read;
  std::vector<std::string> write;
};

/// Throws Error(errc::config), naming the tool.
[[nodiscard]] Settings settings_of(const Options& options, const PartContext& context, std::string_view tool);

/// What the tool touches, may repeat, and how long it may take.
[[nodiscard]] ToolTraits traits_of(const Settings& settings, std::string_view tool);

/// Told to the model: what it can reach and what bounds it.
[[nodiscard]] std::string description_of(const Settings& settings);

/// The hosts that a call may reach, as facets.
[[nodiscard]] std::vector<Facet> hosts_of(const Settings& settings);

/// Runs a command and tells what became of it. Throws Error as sandbox::run().
[[nodiscard]] asio::awaitable<ToolOutput> perform(std::shared_ptr<const Settings> settings,
                                                  std::vector<std::string> command, std::string directory,
                                                  std::string input, Environment& environment);

/// What the model reads. Pure.
[[nodiscard]] ToolOutput report(const sandbox::Result& result, const sandbox::Settings& settings, milliseconds timeout);

/// Words for a shell that mean `words`.
[[nodiscard]] std::string quote(const std::vector<std::string>& words);

}  // namespace sennit::child
