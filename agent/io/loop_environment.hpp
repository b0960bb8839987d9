// The real Environment: the machine's clocks, the kernel's randomness, a timer on the executor, and an HTTP client
// that is made when it is first asked for, so that a run without network pays nothing for one.
#pragma once

#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/io/pool.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace sennit {

class LoopEnvironment final : public Environment {
 public:
  /// `executor` must be a shard: one thread's io_context, or a strand. `pool` must outlive this.
  LoopEnvironment(asio::any_io_executor executor, Pool& pool, LogSink sink = {});
  /// Ends every transfer of the HTTP client. On the shard, or while nothing runs on it.
  ~LoopEnvironment() override;

  /// Ends every transfer and lets go of the loop's services: nothing may use http() after. On the shard, or while
  /// nothing runs on it.
  void close();

  [[nodiscard]] asio::any_io_executor executor() const override { return executor_; }
  [[nodiscard]] SteadyTime now() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] WallTime wall_now() const override { return std::chrono::system_clock::now(); }
  [[nodiscard]] std::uint64_t random() override;
  [[nodiscard]] std::unique_ptr<Alarm> call_at(SteadyTime when, std::function<void()> then) override;
  [[nodiscard]] http::Client& http() override;
  [[nodiscard]] Pool& pool() override { return pool_; }
  void log(LogRecord record) override;

 private:
  asio::any_io_executor executor_;
  Pool& pool_;
  LogSink sink_;
  std::unique_ptr<http::Client> http_;
  std::array<std::uint64_t, 32> random_{};  // drawn from the kernel at once: one system call serves many ids
  std::size_t random_left_ = 0;
};

}  // namespace sennit
