#include <sennit/backends/wire/api.hpp>

#include <array>

namespace sennit {
namespace {

// In the order of Api.
constexpr std::array<std::string_view, 5> kNames = {"chat-completions", "messages", "responses", "generate-content",
                                                    "ollama-chat"};

}  // namespace

std::string_view to_string(Api api) noexcept {
  return kNames.at(static_cast<std::size_t>(api));
}

std::optional<Api> parse_api(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames.at(i) == name) return static_cast<Api>(i);
  }
  return std::nullopt;
}

std::span<const std::string_view> api_names() noexcept {
  return kNames;
}

}  // namespace sennit
