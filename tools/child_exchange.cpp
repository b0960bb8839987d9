#include <sennit/agent/io/scope.hpp>
#include <sennit/tools/child_exchange.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace sennit {
namespace {

constexpr std::size_t kMaxErrors = 4096;
constexpr std::size_t kPiece = 16U << 10U;

asio::awaitable<void> feed(std::shared_ptr<void> owner, Process& process, std::string input) {
  const std::shared_ptr<void> kept = std::move(owner);
  try {
    asio::awaitable<void> writing = process.write(std::move(input));
    co_await std::move(writing);
  } catch (const Error& error) {
    if (error.code() != errc::io) throw;  // it does not want to read all of it
  }
  process.close_input();
}

asio::awaitable<void> keep_errors(std::shared_ptr<void> owner, Process& process, std::shared_ptr<std::string> errors) {
  const std::shared_ptr<void> kept = std::move(owner);
  std::string buffer(kPiece, '\0');
  while (true) {
    asio::awaitable<std::size_t> reading = process.read_errors(std::span<char>(buffer));
    const std::size_t count = co_await std::move(reading);
    if (count == 0) co_return;
    errors->append(buffer, 0, std::min(count, kMaxErrors - errors->size()));
  }
}

}  // namespace

asio::awaitable<ChildOutput> exchange(Environment& environment, std::shared_ptr<void> owner, Process& process,
                                      std::string input, std::size_t most) {
  // What is spawned may end after this frame, if it is cancelled: it owns what it touches.
  const auto errors = std::make_shared<std::string>();
  TaskScope beside(environment.executor(), [](const Error& /*failure*/) {});
  beside.spawn(feed(owner, process, std::move(input)));
  beside.spawn(keep_errors(owner, process, errors));
  ChildOutput result;
  std::string buffer(kPiece, '\0');
  while (true) {
    asio::awaitable<std::size_t> reading = process.read_output(std::span<char>(buffer));
    const std::size_t count = co_await std::move(reading);
    if (count == 0) break;
    result.cut = count > most - result.output.size();
    result.output.append(buffer, 0, std::min(count, most - result.output.size()));
    if (result.cut) {
      process.kill();
      break;
    }
  }
  asio::awaitable<void> joining = beside.join();
  co_await std::move(joining);
  result.errors = *errors;
  co_return result;
}

}  // namespace sennit
