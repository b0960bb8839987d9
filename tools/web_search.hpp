// Private: What search engines are asked, and what they answer. Pure.
//
// The interfaces:
// * SearXNG: GET /search?q=…&format=json (docs.searxng.org/dev/search_api.html); the instance has to permit the format
//   `json` in its settings.
// * Brave: GET /res/v1/web/search?q=…&count=… with X-Subscription-Token (api-dashboard.search.brave.com/documentation).
// * Tavily: POST /search with a bearer token (docs.tavily.com/documentation/api-reference/endpoint/search).
#pragma once

#include <sennit/tools/http_exchange.hpp>
#include <sennit/tools/web.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::web {

inline constexpr std::size_t kMaxResults = 20;
inline constexpr std::size_t kMaxSearchAnswer = 4U << 20U;  ///< bytes of an engine's answer

struct Result {
  std::string title;
  std::string url;
  std::string excerpt;
};

/// The endpoint, with the provider's own in the place of none.
[[nodiscard]] std::string endpoint(const SearchSettings& settings);
/// The header that carries the key; none without one.
[[nodiscard]] std::map<std::string, std::string> key_header(const SearchSettings& settings);
[[nodiscard]] http::Call search_call(const SearchSettings& settings, const std::string& query);
/// At most settings.results; what has no http(s) URL is left out. Throws Error(errc::protocol).
[[nodiscard]] std::vector<Result> read_results(const SearchSettings& settings, std::string_view body);
/// A numbered list.
[[nodiscard]] std::string show_results(const std::vector<Result>& results);

}  // namespace sennit::web
