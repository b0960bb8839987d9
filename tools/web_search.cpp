#include <sennit/agent/io/json.hpp>
#include <sennit/tools/readable.hpp>
#include <sennit/tools/web_search.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace sennit::web {
namespace {

constexpr std::size_t kMaxTitle = 200;
constexpr std::size_t kMaxExcerpt = 500;
constexpr std::size_t kMaxUrl = 1000;

std::string encoded(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    result += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return result;
}

std::string with_parameters(std::string url, std::string_view parameters) {
  url += url.find('?') == std::string::npos ? '?' : '&';
  return url.append(parameters);
}

/// Shortened between two characters. Engines mark the words that were looked for with HTML.
std::string short_text(std::string_view html, std::size_t most) {
  constexpr std::size_t kMostHtml = 8;  // bytes of markup and entities for one of text
  std::string text = readable::plain_text(html.substr(0, kMostHtml * most));
  if (text.size() <= most) return text;
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + "…";
}

/// Where a provider's answer keeps its results, and how it calls what they hold.
struct Shape {
  std::vector<std::string_view> path;
  std::string_view excerpt;
};

Shape shape_of(SearchKind kind) {
  if (kind == SearchKind::brave) return {{"web", "results"}, "description"};
  return {{"results"}, "content"};
}

}  // namespace

std::string endpoint(const SearchSettings& settings) {
  if (!settings.url.empty()) return settings.url;
  switch (settings.kind) {
    case SearchKind::brave:
      return "https://api.search.brave.com/res/v1/web/search";
    case SearchKind::tavily:
      return "https://api.tavily.com/search";
    case SearchKind::searxng:
      break;
  }
  return {};
}

std::map<std::string, std::string> key_header(const SearchSettings& settings) {
  if (settings.api_key.empty()) return {};
  if (settings.kind == SearchKind::brave) return {{"X-Subscription-Token", settings.api_key}};
  return {{"Authorization", "Bearer " + settings.api_key}};
}

http::Call search_call(const SearchSettings& settings, const std::string& query) {
  http::Call call{"GET", endpoint(settings), {{"Accept", "application/json"}}, "", "", ""};
  switch (settings.kind) {
    case SearchKind::searxng:
      call.url = with_parameters(std::move(call.url), fmt::format("q={}&format=json", encoded(query)));
      break;
    case SearchKind::brave:
      call.url = with_parameters(std::move(call.url), fmt::format("q={}&count={}", encoded(query), settings.results));
      break;
    case SearchKind::tavily:
      call.method = "POST";
      call.content_type = "application/json";
      call.body = json::serialize(json::object{{"query", query}, {"max_results", settings.results}});
      break;
  }
  return call;
}

std::vector<Result> read_results(const SearchSettings& settings, std::string_view body) {
  const std::optional<json::value> answer = parse_json_lenient(body);
  if (!answer || !answer->is_object()) throw Error(errc::protocol, "the search engine's answer is no JSON");
  const Shape shape = shape_of(settings.kind);
  const json::value* list = &*answer;
  for (const std::string_view key : shape.path) {
    list = list == nullptr ? nullptr : find(*list, key);
  }
  std::vector<Result> results;
  if (list == nullptr) return results;  // nothing was found: the member is left out
  if (!list->is_array()) throw Error(errc::protocol, "the search engine's answer holds no list of results");
  for (const json::value& entry : list->get_array()) {
    if (results.size() == std::min(settings.results, kMaxResults)) break;
    const std::string_view url = find_string(entry, "url");
    if (!(url.starts_with("http://") || url.starts_with("https://")) || url.size() > kMaxUrl) continue;
    std::string clean = readable::without_invisible(url);
    std::erase_if(clean, [](char c) { return static_cast<unsigned char>(c) <= 0x20; });
    results.push_back({short_text(find_string(entry, "title"), kMaxTitle), std::move(clean),
                       short_text(find_string(entry, shape.excerpt), kMaxExcerpt)});
  }
  return results;
}

std::string show_results(const std::vector<Result>& results) {
  if (results.empty()) return "nothing was found\n";
  std::string text;
  std::size_t number = 0;
  for (const Result& result : results) {
    text += fmt::format("{}. {}\n   {}\n", ++number, result.title.empty() ? "(no title)" : result.title, result.url);
    if (!result.excerpt.empty()) text += fmt::format("   {}\n", result.excerpt);
  }
  return text;
}

}  // namespace sennit::web
