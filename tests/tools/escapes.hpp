// Attempts to get out of a sandbox, and the world around it, which is asked after each of them what it has noticed.
//
// An attempt is a piece of Python that does its worst. It must reach its end, so that a mistake in it is not taken for
// a success of ours; whether it failed is judged by what happened outside: what was read, written, connected to,
// killed.
#pragma once

#include "support/fixtures.hpp"
#include "support/http_server.hpp"
#include <sennit/agent/io/sandbox_run.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sennit::testing {

struct Attempt {
  std::string name;
  /// Statements. `escaped(x)` says that it worked; `OUT`, `ROOT`, `READ`, `SECRET`, `PORT` … are where to aim (see
  /// escapes_world.cpp), `call(name, …)` makes a system call.
  std::string source;
  /// It is killed before its end, or may be.
  bool dies = false;
};

/// What could be harmed.
class World {
 public:
  World();
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// Whether there is what attempts are written in; empty: yes.
  [[nodiscard]] static std::string obstacle();

  [[nodiscard]] sandbox::Settings settings() const;
  [[nodiscard]] sandbox::Work work(const Attempt& attempt) const;
  /// In words, what is not as it was; empty: nothing.
  [[nodiscard]] std::string harm(const sandbox::Result& result);
  /// Runs it in `settings` and gives what was harmed, or that it did not reach its end.
  [[nodiscard]] std::string try_out(const Attempt& attempt, const sandbox::Settings& settings);

  [[nodiscard]] const TempDir& root() const noexcept { return root_; }
  [[nodiscard]] TestEnvironment& environment() noexcept { return environment_; }
  [[nodiscard]] const std::string& mark() const noexcept { return mark_; }

 private:
  struct Listeners;
  using Snapshot = std::map<std::string, std::string>;
  [[nodiscard]] Snapshot look() const;
  void restore();

  TestEnvironment environment_;
  TempDir outside_;
  TempDir read_;
  TempDir root_;
  HttpServer server_;
  std::unique_ptr<Listeners> listeners_;
  std::string secret_;
  std::string mark_;
  int victim_ = 0;
  std::size_t connections_ = 0;
  Snapshot before_;
};

/// Each of them in a file of its own.
[[nodiscard]] const std::vector<Attempt>& network_attempts();
[[nodiscard]] const std::vector<Attempt>& file_attempts();
[[nodiscard]] const std::vector<Attempt>& process_attempts();
[[nodiscard]] const std::vector<Attempt>& kernel_attempts();

}  // namespace sennit::testing
