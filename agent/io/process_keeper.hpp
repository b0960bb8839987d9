// Private: the process between us and a command (see process_keeper.cpp for how it works).
//
// It is told through a socket of which we hold the other end: terminate {grace}, or the end of what we send, which
// means kill and comes by itself when we die. It answers: started or failed, later ended, and exits.
#pragma once

#include <cstdint>
#include <span>

namespace sennit::keeper {

enum class Kind : std::int32_t {
  started,    ///< value: the command's process id
  failed,     ///< value: errno; detail: the Step
  ended,      ///< value: the status as of waitpid(); detail: how many descendants survived. The last message
  terminate,  ///< to the keeper. value: milliseconds of grace
};

/// What was being done when starting the command failed.
enum class Step : std::int32_t { fork, session, group, network, descriptors, directory, limits, program };

struct Message {
  Kind kind;
  std::int32_t value;
  std::int32_t detail;
};

/// All that the keeper needs, on the stack of launch()'s caller. The descriptors are above 2, so that the command's own
/// three can be put in place; the caller keeps and closes its copies of them.
struct Plan {
  const char* program;       ///< these four, and what the lists point to, lie in `words`
  char* const* arguments;    ///< ends with a null pointer
  char* const* environment;  ///< ends with a null pointer
  const char* directory;     ///< null: ours
  std::span<const char> words;
  int input, output, errors;
  int control;       ///< a SOCK_SEQPACKET socket
  int execute_read;  ///< a pipe that closes on exec: it tells whether the command has begun
  int execute_write;
  int host;  ///< a pidfd of ours: whoever else holds our end of `control`, our death is noticed

  // What the command gets besides, or is confined to. They lie in here: the keeper has no other memory.
  static constexpr int kMost = 16;
  struct Limit {
    int resource;
    std::uint64_t bound;
  };
  int descriptors[kMost];
  int descriptor_count;
  Limit limits[kMost];
  int limit_count;
  int groups[kMost];  ///< cgroup.procs
  int group_count;
  int network;         ///< where to send the socket that listens in the command's own network; negative: our network
  std::uint16_t port;  ///< of that socket
};

struct Launched {
  int pidfd;  ///< of the keeper, to be waited for with __WALL; -1 if there is none
  int id;     ///< its process id
  int error;  ///< errno then
};

/// Forks a keeper. Signals are blocked meanwhile in this thread.
[[nodiscard]] Launched launch(const Plan& plan);

}  // namespace sennit::keeper
