// Private: what the tools of a server said of themselves when a person trusted it, so that a tool that changes later (a
// "rug pull") is noticed before it is called.
#pragma once

#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/io/json.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace sennit::mcp {

/// What of a tool is pinned: name, description and schemas, keys sorted.
[[nodiscard]] json::object pinned_part(const json::object& tool);
[[nodiscard]] std::string hash_of(const json::object& pinned);

/// What differs, for a person: "its description was “…” and is “…” now". Empty: nothing.
[[nodiscard]] std::string describe_change(const json::object& before, const json::object& now);

/// The pins of all servers, in a file of the state folder (mode 0600), shared by programs. What is asked comes from
/// memory; the file is read and written by load() and save(), which block. [thread-safe]
class Pins {
 public:
  /// An empty path: in memory only.
  explicit Pins(std::filesystem::path file) : file_(std::move(file)) {}

  using Tools = std::map<std::string, json::object, std::less<>>;  ///< by name: what is pinned

  /// What was loaded and accepted. Nothing: this server was never seen.
  [[nodiscard]] std::optional<Tools> of(const std::string& server) const;
  /// Adds them to what is pinned, in the place of what was; save() keeps it.
  void accept(const std::string& server, const Tools& tools);

  /// Throws Error(errc::storage), also for a file that is damaged. Blocks.
  void load();
  /// Writes what was accepted since. Throws Error(errc::storage); then it is still to be saved. Blocks.
  void save();

 private:
  [[nodiscard]] json::object read() const;

  const std::filesystem::path file_;
  std::mutex file_work_;      // one at a time reads or writes
  mutable std::mutex mutex_;  // never held while the file is waited for
  json::object known_;        // guarded: by server
  json::object unsaved_;      // guarded: likewise
};

/// The same on the pool, where they may block. Cancellation: terminal; what has begun is done.
[[nodiscard]] asio::awaitable<void> load(std::shared_ptr<Pins> pins, Environment& environment);
[[nodiscard]] asio::awaitable<void> save(std::shared_ptr<Pins> pins, Environment& environment);

}  // namespace sennit::mcp
