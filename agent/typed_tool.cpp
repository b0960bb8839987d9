#include <sennit/agent/typed_tool.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace sennit {
namespace {

constexpr std::size_t kMaxNameLength = 64;  // what providers accept

std::string checked_name(std::string name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (name.empty() || name.size() > kMaxNameLength || !std::all_of(name.begin(), name.end(), fits)) {
    throw Error(errc::config,
                fmt::format("\"{}\" cannot be a tool's name: 1 to {} of A-Z a-z 0-9 _ -", name, kMaxNameLength));
  }
  return name;
}

}  // namespace

asio::awaitable<Probed> Tool::probe(json::object /*arguments*/, ToolContext& /*context*/) {
  co_return Probed{};
}

ToolSpec tool_spec(std::string name, std::string description, json::object parameters, const ToolTraits& traits) {
  return {ToolDescription{checked_name(std::move(name)), std::move(description), std::move(parameters)},
          traits.touches,
          traits.repeat,
          traits.timeout,
          traits.output_limit,
          traits.concurrency,
          traits.facets,
          traits.gives,
          traits.keeps_labels};
}

}  // namespace sennit
