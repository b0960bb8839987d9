// Private: keepers that nobody waits for any more. They are children of ours, so somebody has to take them in.
#pragma once

#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/process_pipes.hpp>

namespace sennit::process {

/// True once the keeper is no child of ours: taken in here, or by the kernel or the host program in our place.
[[nodiscard]] bool take_in(int pidfd);

/// A keeper on its way out. Destroyed when it has ended, or together with a loop that will not tell us: then it is
/// waited for here, a second at most, and after that left to take_in_leftovers().
class Ending {
 public:
  explicit Ending(Descriptor pidfd) : pidfd_(std::move(pidfd)) {}
  Ending(Ending&&) noexcept = default;
  Ending& operator=(Ending&&) = delete;
  ~Ending();
  [[nodiscard]] int pidfd() const noexcept { return pidfd_.get(); }

 private:
  Descriptor pidfd_;
};

/// Waits for the end on the loop, or in here if that cannot be done.
void end_on(const asio::any_io_executor& executor, Ending ending) noexcept;

/// Those that did not end in time. To be called with each start.
void take_in_leftovers();

}  // namespace sennit::process
