// Private: tokens and client registrations, in the state folder with mode 0600.
#pragma once

#include <sennit/agent/io/json.hpp>
#include <sennit/mcp/client/state_file.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace sennit::mcp::oauth {

struct Tokens {
  std::string issuer;  ///< who gave them; nobody else ever sees the refresh token
  std::string access;
  std::string refresh;       ///< empty: none
  std::int64_t expires = 0;  ///< seconds since 1970; 0: unknown
  std::string scope;
};

/// What an authorization server knows us as.
struct Registration {
  std::string id;
  std::string secret;
  std::string method;      ///< at the token endpoint
  std::uint16_t port = 0;  ///< of the address that the browser is sent back to
};

/// An empty path: in memory only. [thread-safe], and safe against other programs. All of it blocks.
class Store {
 public:
  explicit Store(std::filesystem::path file) : file_(std::move(file)) {}

  [[nodiscard]] std::optional<Tokens> tokens(const std::string& resource) const;
  void keep(const std::string& resource, const Tokens& tokens);
  /// Those with this refresh token: another program may have newer ones. Their authorization server is remembered.
  void forget(const std::string& resource, const std::string& refresh);
  /// The authorization server that tokens were last had from; empty: none so far.
  [[nodiscard]] std::string issuer(const std::string& resource) const;
  [[nodiscard]] std::optional<Registration> registration(const std::string& issuer) const;
  void keep(const std::string& issuer, const Registration& registration);

  /// For who refreshes: a server that gives a new refresh token each time takes two uses of one for a theft. Null:
  /// another one holds it. REQUIRES: is_shared().
  [[nodiscard]] std::unique_ptr<StateFileLock> try_refreshing() const;
  [[nodiscard]] bool is_shared() const { return !file_.empty(); }

 private:
  [[nodiscard]] json::object read() const;
  template <class Change>
  void change(Change change);

  const std::filesystem::path file_;
  mutable std::mutex mutex_;
  json::object memory_;  // guarded; without a file
};

}  // namespace sennit::mcp::oauth
