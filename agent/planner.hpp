// How an agent works: a coroutine that touches the world only through its Effects.
#pragma once

#include <sennit/agent/event.hpp>
#include <sennit/agent/io/asio.hpp>

namespace sennit {

class Effects;

/// Stateless and shared by all runs. [thread-safe]
class Planner {
 public:
  virtual ~Planner() = default;
  /// Changes when the planner's behaviour does: a journal written by another version is not replayed blindly.
  [[nodiscard]] virtual int version() const = 0;
  /// Plans and acts until there is an outcome. Anything it does besides its effects must be a pure function of
  /// their results. Throws Error for a failure; the run turns it into Ending::failed, and a limit or a cancellation
  /// that surfaces from an effect into the ending of that name.
  [[nodiscard]] virtual asio::awaitable<Outcome> plan(Effects& effects) const = 0;
};

}  // namespace sennit
