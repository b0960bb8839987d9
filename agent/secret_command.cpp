// Programs that print a secret: `pass show …`, the command line of a vault.
#include <sennit/agent/io/json.hpp>
#include <sennit/agent/io/process.hpp>
#include <sennit/agent/secret_reference.hpp>
#include <sennit/agent/secret_source.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace sennit::secret {
namespace {

/// Of our environment, what programs for secrets need to find their stores and their agents.
std::map<std::string, std::string> environment_for_secrets() {
  static constexpr std::array<std::string_view, 19> kNames{
      "PATH",       "HOME",       "USER",          "LOGNAME",         "SHELL",
      "LANG",       "TZ",         "TMPDIR",        "GNUPGHOME",       "GPG_TTY",
      "DISPLAY",    "XAUTHORITY", "SSH_AUTH_SOCK", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS",
      "KUBECONFIG", "BW_SESSION", "TERM",          "SSL_CERT_FILE"};
  static constexpr std::array<std::string_view, 11> kBeginnings{
      "LC_", "XDG_", "PASSWORD_STORE_", "VAULT_", "OP_", "AWS_", "AZURE_", "GOOGLE_", "CLOUDSDK_", "SOPS_", "KEEPASS"};
  std::map<std::string, std::string> chosen;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable(*entry);
    const std::string_view name = variable.substr(0, variable.find('='));
    const bool is_wanted =
        std::ranges::count(kNames, name) != 0 ||
        std::ranges::any_of(kBeginnings, [&](std::string_view beginning) { return name.starts_with(beginning); });
    if (is_wanted && name.size() < variable.size()) chosen.emplace(name, variable.substr(name.size() + 1));
  }
  return chosen;
}

struct Printed {
  std::optional<Process> process;  // outlives the coroutines that read from it
  std::string output;
  std::string errors;
  ExitStatus status;
  bool late = false;
  bool too_much = false;
};

asio::awaitable<void> read_errors(Printed& printed) {
  std::array<char, 1024> buffer{};
  while (const std::size_t got = co_await printed.process->read_errors(buffer)) {
    printed.errors.append(buffer.data(), got);
    if (printed.errors.size() > 2 * kMaxErrorWords) {
      printed.errors.erase(0, printed.errors.size() - kMaxErrorWords);
    }
  }
}

asio::awaitable<void> run(Printed& printed, Process::Command command, std::chrono::milliseconds limit) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  auto starting = Process::start(std::move(command));
  printed.process.emplace(co_await std::move(starting));
  printed.process->close_input();
  asio::steady_timer deadline(executor, limit);
  deadline.async_wait([&printed](const boost::system::error_code& cancelled) {
    if (cancelled) return;
    printed.late = true;
    printed.process->kill();
  });
  auto reading = read_errors(printed);
  asio::co_spawn(executor, std::move(reading), [](const std::exception_ptr&) {});
  std::array<char, 4096> buffer{};
  while (const std::size_t got = co_await printed.process->read_output(buffer)) {
    printed.too_much = printed.output.size() + got > kMaxValue;
    if (printed.too_much) {
      printed.process->kill();
      break;
    }
    printed.output.append(buffer.data(), got);
  }
  printed.status = co_await printed.process->wait();
  deadline.cancel();
}

/// What a program says of its failure is for people, and no place for secrets; it is short and on one line.
std::string said(std::string errors) {
  errors = sanitize_utf8(errors.substr(errors.size() - std::min(errors.size(), kMaxErrorWords)));
  for (char& c : errors) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  errors.resize(errors.find_last_not_of(' ') + 1);
  return errors.empty() ? "" : ": " + errors;
}

}  // namespace

std::string read_command(std::string_view line, std::chrono::milliseconds limit) {
  Process::Command command{split_words(line), environment_for_secrets(), {}};
  const std::string name = command.arguments.front();
  const auto fail = [&](const std::string& why) {
    throw Error(errc::config, fmt::format("the secret `${{cmd:{} …}}` could not be had: {}", name, why));
  };
  Printed printed;
  std::exception_ptr failure;
  {
    asio::io_context context(1);
    auto running = run(printed, std::move(command), limit);
    asio::co_spawn(context, std::move(running), [&](const std::exception_ptr& thrown) { failure = thrown; });
    context.run();
    printed.process.reset();
  }
  try {
    if (failure) std::rethrow_exception(failure);
  } catch (...) {
    fail(current_error().describe());
  }
  if (printed.late) {
    fail(fmt::format("{} did not end within {} s (does it wait for a password? unlock the store first){}", name,
                     std::chrono::duration<double>(limit).count(), said(printed.errors)));
  }
  if (printed.too_much) fail(fmt::format("{} printed more than {} KiB", name, kMaxValue >> 10U));
  if (printed.status.signal != 0) fail(fmt::format("{} was killed by signal {}", name, printed.status.signal));
  if (printed.status.code != 0) {
    fail(fmt::format("{} exited with {}{}", name, printed.status.code, said(printed.errors)));
  }
  std::string value = std::move(printed.output);
  value.resize(value.find_last_not_of("\r\n") + 1);
  if (value.empty()) fail(fmt::format("{} printed nothing{}", name, said(printed.errors)));
  if (value.find('\0') != std::string::npos) fail(fmt::format("{} printed a zero byte; a secret is text", name));
  return value;
}

}  // namespace sennit::secret
