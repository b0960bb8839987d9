// Private: what the tools of a server said of themselves when a person trusted it, so that a tool that changes later (a
// "rug pull") is noticed before it is called.
#pragma once

#include <sennit/agent/io/json.hpp>

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace sennit::mcp {

/// What of a tool is pinned: name, description and schemas, keys sorted.
[[nodiscard]] json::object pinned_part(const json::object& tool);
[[nodiscard]] std::string hash_of(const json::object& pinned);

/// What differs, for a person: "its description was “…” and is “…” now". Empty: nothing.
[[nodiscard]] std::string describe_change(const json::object& before, const json::object& now);

/// The pins of all servers, in a file of the state folder (mode 0600), shared by programs. [thread-safe]
class Pins {
 public:
  /// An empty path: in memory only.
  explicit Pins(std::filesystem::path file) : file_(std::move(file)) {}

  using Tools = std::map<std::string, json::object, std::less<>>;  ///< by name: what is pinned

  /// Nothing: this server was never seen. Throws Error(errc::storage), also for a file that is damaged.
  [[nodiscard]] std::optional<Tools> of(const std::string& server) const;
  /// Adds them to what is pinned, in the place of what was. Throws Error(errc::storage).
  void pin(const std::string& server, const Tools& tools);

 private:
  [[nodiscard]] json::object read() const;

  const std::filesystem::path file_;
  mutable std::mutex mutex_;
  json::object memory_;  // guarded; without a file
};

}  // namespace sennit::mcp
