// Private: The headers that an agent's file gives to the tool `http`, with their secrets, for one call.
//
// Secrets are looked up when they are needed and never shown to a model: not even where a peer sends one back.
#pragma once

#include <sennit/agent/io/http.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::http {

class Credentials {
 public:
  /// Throws Error(errc::config) if a header refers to a variable that is not set.
  explicit Credentials(const std::map<std::string, std::string>& configured);

  [[nodiscard]] const std::vector<Header>& headers() const noexcept { return headers_; }
  [[nodiscard]] bool has(std::string_view name) const;
  /// `text` with `***` in the place of every secret.
  [[nodiscard]] std::string mask(std::string text) const;

 private:
  std::vector<Header> headers_;
  std::vector<std::string> secrets_;
};

}  // namespace sennit::http
