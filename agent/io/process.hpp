// A child program: the one way in which Sennit starts one.
//
// A command comes as a list of words, never as a line for a shell, and gets nothing that was not given to it: its
// environment, its folder, three pipes. Between it and us stands a small keeper process, to which whatever the command
// starts falls back, daemons included. So the end of a Process is the end of its whole tree, and so is our own end,
// be it by kill -9 (process_keeper.cpp says how).
#pragma once

#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/error.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sennit {

/// How a command ended.
struct ExitStatus {
  int code = 0;    ///< what it exited with, where `signal` is 0
  int signal = 0;  ///< what killed it; 0 if it exited by itself
  /// Descendants that were left alive because the kernel did not let us kill them: another user's (sudo), or stuck in
  /// a driver. 0 otherwise.
  int survivors = 0;

  [[nodiscard]] bool success() const noexcept { return code == 0 && signal == 0; }
  friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};

/// A running command and its tree. Everything is called on the shard whose coroutine started it.
///
/// The command leads a session and a process group of its own and inherits no descriptor, no handled, ignored or
/// blocked signal. When it ends, what it left behind is killed. Our own signals and their handlers are not
/// touched, and nobody gets a SIGCHLD.
///
/// Output is pulled: nothing is read ahead, so a command whose output nobody reads stops at a full pipe (64 KiB), and
/// its end may have to wait for a reader. At most one coroutine at a time in each of read_output(), read_errors() and
/// write(); any number in wait().
/// Cancellation of each of them: terminal; throws Error(errc::cancelled) and leaves the process as it is, to its owner.
/// A Process that is destroyed meanwhile cancels them too.
class Process {
 public:
  static constexpr std::size_t kMostDescriptors = 16;  ///< of Command::descriptors
  static constexpr std::size_t kMostLimits = 16;       ///< of Command::limits
  static constexpr std::size_t kMostGroups = 4;        ///< of Command::groups

  /// What to start, and all that it gets.
  struct Command {
    /// The program and its arguments. A program without a slash is looked for in the absolute folders of the PATH in
    /// `environment` (without one: /usr/bin and /bin); with one it is a path, seen from `directory` if relative.
    std::vector<std::string> arguments;
    /// The child's whole environment: nothing of ours is added.
    std::map<std::string, std::string> environment;
    /// Where it works. Empty: where we do.
    std::filesystem::path directory;
    /// Descriptors of ours that it gets besides its three pipes, as 3, 4, 5 …, at most kMostDescriptors. They stay ours
    /// and must be open until start() has returned.
    std::vector<int> descriptors{};
    /// Bounds of the command, inherited by what it starts: RLIMIT_… to the value of both the soft and the hard limit.
    std::map<int, std::uint64_t> limits{};
    /// Control groups that it joins before it is executed: descriptors of their `cgroup.procs`, open for writing. Ours,
    /// as `descriptors`.
    std::vector<int> groups{};
    /// It gets a network of its own that leads nowhere, and in it a socket that listens on this port of 127.0.0.1: see
    /// listener(). Nothing: our network.
    std::optional<std::uint16_t> listen{};

    friend bool operator==(const Command&, const Command&) = default;
  };

  /// Starts `command` and returns when it runs. Throws Error: errc::invalid_argument (no program, a zero byte in a
  /// word, an impossible name of a variable), errc::not_found (no such program or folder), errc::io (it cannot be
  /// executed, out of processes or descriptors); the message names the program and says what to do.
  /// On the loop's thread it takes as long as copying our page tables does: about 4 ms for 100 MB in use.
  /// Cancellation: terminal; what was started is killed.
  [[nodiscard]] static asio::awaitable<Process> start(Command command);

  Process(Process&& other) noexcept = default;
  Process& operator=(Process&& other) noexcept;  ///< what it held is destroyed
  /// Kills the whole tree and does not wait for that; what there is to clean up is done on the executor soon. If the
  /// loop ends first, its end waits for the tree's, a second at most.
  ~Process();

  /// The command's process id, for display.
  [[nodiscard]] int id() const noexcept;
  /// The keeper's process id: it, and whoever descends from it, is the tree.
  [[nodiscard]] int keeper() const noexcept;
  /// Of a command with Command::listen: the listening socket in its network. The caller owns it; once, then -1.
  [[nodiscard]] int listener() noexcept;

  /// Puts what has come on the command's standard output into `buffer` and gives its length; suspends while there is
  /// nothing. 0 is the end: everybody who could write has closed it or ended. `buffer` must outlive the call and not
  /// be empty. Errors: errc::io.
  [[nodiscard]] asio::awaitable<std::size_t> read_output(std::span<char> buffer);
  /// The same with its standard error.
  [[nodiscard]] asio::awaitable<std::size_t> read_errors(std::span<char> buffer);
  /// As read_output(), without suspending: nothing where it would. Also while somebody is in read_output().
  [[nodiscard]] std::optional<std::size_t> try_read_output(std::span<char> buffer);
  /// Gives all of `bytes` to the command's standard input; suspends while the pipe is full. Errors: errc::io if
  /// nobody reads it any more. Cancelled, it may have written a part.
  [[nodiscard]] asio::awaitable<void> write(std::string bytes);
  /// The command sees the end of its input. REQUIRES: nobody is in write().
  void close_input();

  /// SIGTERM to the command's group now; the tree is killed after `grace` unless it has ended by itself. Returns at
  /// once, see wait(). A later call sends no second signal; it may bring the end nearer, not put it off.
  void terminate(std::chrono::milliseconds grace);
  /// SIGKILL to the whole tree. Returns at once, see wait().
  void kill();
  /// Suspends until the command and its whole tree have ended. May be called again, also after that. Errors: errc::io
  /// if it is unknown how it ended because somebody killed the keeper.
  [[nodiscard]] asio::awaitable<ExitStatus> wait();

 private:
  struct State;
  explicit Process(std::shared_ptr<State> state);
  void abandon() noexcept;

  // Shared with the coroutines that are suspended in it: a cancelled one ends later than the Process.
  std::shared_ptr<State> state_;
};

}  // namespace sennit
