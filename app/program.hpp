// What every subcommand shares: where state is kept, what is logged, how errors are said.
#pragma once

#include <sennit/agent/io/error.hpp>
#include <sennit/agent/runtime.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace CLI {
class App;
}

namespace sennit::app {

inline constexpr std::string_view kVersion = "0.1.0";

struct CommonOptions {
  std::filesystem::path state;
  bool no_store = false;
  std::string log;  ///< empty: as the environment says
};

/// --state, --no-store, --log.
void add_common_options(CLI::App& app, CommonOptions& options);
/// --state, --log: of a command that is about what was kept.
void add_state_options(CLI::App& app, CommonOptions& options);

/// $SENNIT_STATE, else $XDG_STATE_HOME/sennit, else ~/.local/state/sennit; empty with --no-store.
[[nodiscard]] std::filesystem::path state_folder(const CommonOptions& options);
/// Throws Error(errc::invalid_argument) for a --session that --no-store contradicts.
void refuse_unkept(const CommonOptions& options, const std::string& session);
/// A runtime's options: on the program's own loop, logging to standard error, with the deployment's policy.
[[nodiscard]] RuntimeOptions runtime_options(const CommonOptions& options, asio::io_context& loop);

/// `word` as a POSIX shell reads it back, quoted only where it has to be.
[[nodiscard]] std::string shell_word(std::string_view word);
/// A path as a person writes it: `~/` at its start is the home folder.
[[nodiscard]] std::filesystem::path expand_home(std::string_view path);

/// Whether escape sequences may be written to a descriptor.
[[nodiscard]] bool wants_colour(int descriptor);

/// `sennit: error: WHERE: MESSAGE` on standard error, and the exit status for it.
int report(const Error& error);

/// Ends what still runs and waits for it.
void finish(asio::io_context& loop, Runtime& runtime);

/// Runs the loop until a coroutine has ended. Not from within a handler of the loop.
template <class Result>
Result await(asio::io_context& loop, asio::awaitable<Result> work) {
  std::optional<Result> result;
  std::exception_ptr failure;
  bool done = false;
  asio::co_spawn(loop, std::move(work), [&](std::exception_ptr thrown, Result value) {
    failure = std::move(thrown);
    if (!failure) result.emplace(std::move(value));
    done = true;
  });
  if (loop.stopped()) loop.restart();
  while (!done && loop.run_one() != 0) {
  }
  if (failure) std::rethrow_exception(failure);
  return std::move(*result);
}

inline void await(asio::io_context& loop, asio::awaitable<void> work) {
  std::exception_ptr failure;
  bool done = false;
  asio::co_spawn(loop, std::move(work), [&](std::exception_ptr thrown) {
    failure = std::move(thrown);
    done = true;
  });
  if (loop.stopped()) loop.restart();
  while (!done && loop.run_one() != 0) {
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace sennit::app
