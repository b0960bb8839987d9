#include <sennit/agent/definition/shape.hpp>
#include <sennit/agent/io/secrets.hpp>
#include <sennit/app/exit_code.hpp>
#include <sennit/app/policy_files.hpp>
#include <sennit/app/program.hpp>
#include <sennit/app/unicode.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace sennit::app {
namespace {

constexpr std::array<std::string_view, 4> kLevels{"debug", "info", "warning", "error"};

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view{} : value;
}

/// --log, else $SENNIT_LOG.
LogSink log_sink(const CommonOptions& options) {
  std::string_view level = options.log.empty() ? environment("SENNIT_LOG") : std::string_view(options.log);
  if (level.empty()) level = "warning";
  const auto found = std::find(kLevels.begin(), kLevels.end(), level);
  if (found == kLevels.end()) {
    throw Error(errc::invalid_argument, fmt::format("SENNIT_LOG is '{}'; known: {}", level, fmt::join(kLevels, ", ")));
  }
  const auto least = static_cast<std::size_t>(found - kLevels.begin());
  return secrets::redacting([least](const LogRecord& record) {
    const auto severity = static_cast<std::size_t>(record.level);
    if (severity < least) return;
    const std::string line =
        fmt::format("sennit: {}: {}: {}\n", kLevels.at(severity), record.component, one_line(record.message));
    std::fwrite(line.data(), 1, line.size(), stderr);
  });
}

/// Makes the folder if it is not there: then what is in it is nobody else's business. The modes of one that was there
/// are its owner's decision.
void prepare(const std::filesystem::path& state) {
  constexpr std::string_view kAdvice = " (see --state, --no-store)";
  std::error_code error;
  const bool created = std::filesystem::create_directories(state, error);
  if (error) {
    throw Error(errc::storage, fmt::format("the state folder cannot be made: {}{}", error.message(), kAdvice))
        .at(state.string());
  }
  if (created) ::chmod(state.c_str(), S_IRWXU);
  if (::access(state.c_str(), W_OK | X_OK) != 0) {
    throw Error(errc::storage, fmt::format("the state folder cannot be written: {}{}", std::strerror(errno), kAdvice))
        .at(state.string());
  }
}

}  // namespace

void add_common_options(CLI::App& app, CommonOptions& options) {
  add_state_options(app, options);
  app.add_flag("--no-store", options.no_store, "Keep nothing on disk");
}

void add_state_options(CLI::App& app, CommonOptions& options) {
  app.add_option("--state", options.state, "Folder for conversations, notes and history")->type_name("DIR");
  app.add_option("--log", options.log, "Least severe log records: debug, info, warning (default), error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->type_name("LEVEL");
}

std::filesystem::path state_folder(const CommonOptions& options) {
  if (options.no_store) return {};
  if (!options.state.empty()) return options.state;
  if (const auto folder = environment("SENNIT_STATE"); !folder.empty()) return folder;
  if (const auto folder = environment("XDG_STATE_HOME"); !folder.empty())
    return std::filesystem::path(folder) / "sennit";
  if (const auto home = environment("HOME"); !home.empty()) {
    return std::filesystem::path(home) / ".local" / "state" / "sennit";
  }
  throw Error(errc::config, "there is no home folder to keep state in: set SENNIT_STATE, or use --no-store");
}

void refuse_unkept(const CommonOptions& options, const std::string& session) {
  if (!options.no_store || session.empty()) return;
  throw Error(errc::invalid_argument, "--session continues what was kept, and with --no-store nothing is");
}

RuntimeOptions runtime_options(const CommonOptions& options, asio::io_context& loop) {
  RuntimeOptions made;
  made.executor = loop.get_executor();
  made.state = state_folder(options);
  made.log = log_sink(options);
  made.policy = deployment_policy(policy_places());
  if (const std::string_view lease = environment("SENNIT_LEASE"); !lease.empty()) {
    const auto duration = format::parse_duration(lease);
    if (!duration || *duration <= milliseconds::zero()) {
      throw Error(errc::invalid_argument,
                  fmt::format("SENNIT_LEASE is '{}'; a duration is wanted, such as 10s", lease));
    }
    made.lease = *duration;
  }
  if (!made.state.empty()) prepare(made.state);
  return made;
}

std::string shell_word(std::string_view word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,:/@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos) return std::string(word);
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

std::filesystem::path expand_home(std::string_view path) {
  const std::string_view home = environment("HOME");
  if (path.starts_with("~/") && !home.empty()) return std::filesystem::path(home) / path.substr(2);
  return path;
}

bool wants_colour(int descriptor) {
  if (!environment("NO_COLOR").empty() || environment("TERM") == "dumb") return false;
  return ::isatty(descriptor) == 1;
}

void finish(asio::io_context& loop, Runtime& runtime) {
  bool done = false;
  asio::co_spawn(loop, runtime.shutdown(), [&](const std::exception_ptr&) { done = true; });
  if (loop.stopped()) loop.restart();
  while (!done && loop.run_one() != 0) {
  }
}

int report(const Error& error) {
  // Several errors come on several lines; each line is made harmless.
  const std::string described = secrets::redact(error.describe());
  std::string text = "sennit: error: ";
  for (std::size_t at = 0; at <= described.size();) {
    const std::size_t end = std::min(described.find('\n', at), described.size());
    if (at != 0) text += "\n  ";
    text += one_line(std::string_view(described).substr(at, end - at));
    at = end + 1;
  }
  text += '\n';
  std::fflush(stdout);
  std::fwrite(text.data(), 1, text.size(), stderr);
  const errc code = error.code();
  const bool used_wrongly = code == errc::config || code == errc::invalid_argument || code == errc::not_found;
  return used_wrongly ? kExitUsage : kExitFailed;
}

}  // namespace sennit::app
