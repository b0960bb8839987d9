// The tool `web`: web_fetch gives a page as readable Markdown, web_search asks a search engine.
//
//   tools:
//     - web                                                           # web_fetch alone
//     - web: { search: { kind: brave, api_key: "${env:BRAVE_KEY}" } }
//     - web: { search: { url: "https://searx.example/search" } }      # SearXNG
//
// What may be reached is decided as for `http`. All that comes back is untrusted text.
#pragma once

#include <sennit/agent/registry.hpp>
#include <sennit/tools/http_tool.hpp>
#include <sennit/tools/pdf_text.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sennit {

inline constexpr std::size_t kMaxWebBody = 16U << 20U;    ///< bytes of an answer that are read
inline constexpr std::size_t kMaxWebOutput = 24U << 10U;  ///< bytes of text at once; `start` pages on

namespace web {

enum class SearchKind { searxng, brave, tavily };

struct SearchSettings {
  SearchKind kind = SearchKind::searxng;
  std::string url;      ///< the endpoint; empty: the provider's own
  std::string api_key;  ///< may refer to a secret
  std::size_t results = 10;
};

}  // namespace web

struct WebSettings {
  HttpSettings http;  ///< without headers: the pages of anybody get no credentials
  pdf::Setup pdf{};
  std::optional<web::SearchSettings> search{};
};

/// Throws Error(errc::config).
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_web(WebSettings settings);

/// The factory. Options: allow_hosts, allow_private, ca_file, timeout, trusted, search {kind, url, api_key, results}.
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_web_tools(const json::object& options,
                                                                const PartContext& context);

}  // namespace sennit
