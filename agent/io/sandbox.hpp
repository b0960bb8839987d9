// Child programs that are not trusted: shut into a sandbox with what they were given, and nothing else.
//
//   const auto box = std::make_shared<const sandbox::Box>(settings);          // once; refuses what cannot be bounded
//   sandbox::Child child = co_await sandbox::Child::start(environment, box, command);   // pipes as of any Process
//   sandbox::Ending ending = co_await child.wait();                           // how it ended, and which bound ended it
//
// The walls are the kernel's: namespaces set up by bubblewrap, a seccomp filter, no capabilities, resource limits, and
// control groups where we may make some. docs/sandbox.md says what each of them holds.
#pragma once

#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/io/process.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace sennit::sandbox {

/// What a child may reach and use. Paths are absolute.
struct Settings {
  /// False: no walls, only the bounds, the tree and the closed environment. For who accepts that explicitly.
  bool walls = true;
  std::vector<std::filesystem::path> read;   ///< files and folders that it may read, besides the system's programs
  std::vector<std::filesystem::path> write;  ///< folders that it may change
  /// Files and folders that it cannot change although they lie inside `write`; nor make, where they do not exist yet.
  std::vector<std::filesystem::path> keep;
  /// Hosts that it may reach, through our proxy (egress_hosts.hpp). Empty: no network at all.
  std::vector<std::string> hosts;
  bool private_addresses = false;    ///< also hosts at addresses that are not public
  std::int64_t memory = 1LL << 30U;  ///< bytes, of the whole tree
  std::int64_t disk = 256LL << 20U;  ///< bytes of each of its temporary folders, and of each file that it writes
  std::int64_t processes = 128;      ///< at a time, threads included
  std::chrono::milliseconds cpu{0};  ///< processor time of each process; 0: no limit
  bool groups = true;                ///< false: control groups are left alone, the tree is watched instead
};

/// The PATH of a child that is given no other.
inline constexpr const char* kPath = "/usr/local/bin:/usr/bin:/bin";

/// What this machine can do.
struct Support {
  bool possible = false;  ///< whether there can be walls
  std::string obstacle;   ///< why not, and what to install or permit; for a person
  std::string bounds;     ///< what holds the memory and the processes of a tree, for a person
};

/// Found out by trying, once in a process; takes some milliseconds then. [thread-safe]
[[nodiscard]] const Support& support();

/// What a child of these settings is: `shut in, no network`, for a tool's description.
[[nodiscard]] std::string describe(const Settings& settings);

/// Settings that have been checked and whose folders have been found. Immutable. [thread-safe]
///
/// A folder is remembered by its identity: what a child puts in its place, whenever it does, is not shown to another.
class Box {
 public:
  /// Throws Error(errc::config): no walls possible here, a folder that does not exist or must not be given away, a
  /// pattern that is no host, a bound that is none.
  explicit Box(Settings settings);
  ~Box();
  Box(const Box&) = delete;
  Box& operator=(const Box&) = delete;

  [[nodiscard]] const Settings& settings() const noexcept;

 private:
  friend class Child;
  struct State;
  std::unique_ptr<const State> state_;
};

/// unwatched: what it uses could not be measured any more, and nothing else bounds it.
enum class Bound { none, memory, processes, unwatched };

struct Ending {
  /// Inside walls, what was killed by the signal N has the code 128 + N.
  ExitStatus status;
  Bound bound = Bound::none;         ///< which one ended it, or something in it
  std::vector<std::string> refused;  ///< hosts that it tried to reach and may not, `host:port`; some of them
};

/// A running child and its tree. As Process: called on the shard, whole tree killed with it.
class Child {
 public:
  /// `command` as for Process; its directory is seen from inside, empty: the first of `write`, then of `read`, then its
  /// home. Its environment is added to PATH, HOME, TMPDIR, LANG and what names the proxy. `descriptors`, `limits`,
  /// `groups` and `listen` of it are not used. Throws Error as Process::start, and errc::denied if a folder was
  /// replaced (the program is not begun then), errc::config if it cannot be bounded. A program that does not exist
  /// inside ends with the status 1 and says so on its standard error. `environment` must outlive the Child.
  [[nodiscard]] static asio::awaitable<Child> start(Environment& environment, std::shared_ptr<const Box> box,
                                                    Process::Command command);
  Child(Child&&) noexcept;
  Child& operator=(Child&&) noexcept;
  ~Child();  ///< kills the tree and does not wait, see ~Process

  /// Its pipes and its end.
  [[nodiscard]] Process& process() noexcept;
  /// Suspends until the whole tree has ended. Cancellation: terminal; the child goes on, to its owner.
  [[nodiscard]] asio::awaitable<Ending> wait();

 private:
  struct State;
  explicit Child(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;  // shared with what is suspended in it
};

}  // namespace sennit::sandbox
