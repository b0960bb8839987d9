#include <sennit/agent/secret.hpp>
#include <sennit/agent/typed_tool.hpp>
#include <sennit/tools/http_exchange.hpp>
#include <sennit/tools/options.hpp>
#include <sennit/tools/web.hpp>
#include <sennit/tools/web_page.hpp>
#include <sennit/tools/web_search.hpp>

#include <boost/describe/enum.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

namespace sennit {

namespace web {
BOOST_DESCRIBE_ENUM(SearchKind, searxng, brave, tavily)
}  // namespace web

namespace {

constexpr milliseconds kTimeToReport{5'000};  // the call ends by itself and says more than the run's own limit could

struct SearchOptions {
  web::SearchKind kind = web::SearchKind::searxng;
  std::string url;
  std::string api_key;
  std::size_t results = 10;
};
SENNIT_DESCRIBE(SearchOptions, (kind), (url), (api_key), (results))

struct WebOptions {
  std::vector<std::string> allow_hosts;
  bool allow_private = false;
  std::string ca_file;
  json::value timeout = 30;
  std::vector<std::string> trusted;
  std::optional<json::object> search;
};
SENNIT_DESCRIBE(WebOptions, (allow_hosts), (allow_private), (ca_file), (timeout), (trusted), (search))

struct FetchArguments {
  std::string url;
  std::size_t start = 0;
  bool whole = false;
  std::string pages;
};
SENNIT_DESCRIBE(FetchArguments, (url, "http:// or https:// URL", {.min_length = 1}),
                (start, "go on from this byte of the text, as an earlier answer said", {.required = false}),
                (whole, "all of the page, with navigation and the like", {.required = false}),
                (pages, "of a PDF, which pages: 3, 3-7 or 3-", {.required = false}))

struct SearchArguments {
  std::string query;
};
SENNIT_DESCRIBE(SearchArguments, (query, "what to look for", {.min_length = 1, .max_length = 400}))

using SettingsPointer = std::shared_ptr<const WebSettings>;

asio::awaitable<ToolOutput> fetch(SettingsPointer settings, FetchArguments arguments, ToolContext& context) {
  http::Call call{"GET", std::move(arguments.url), {}, "", "", ""};
  call.headers.push_back({"Accept",
                          "text/html, application/xhtml+xml, text/markdown, text/plain;q=0.9, application/json;q=0.9, "
                          "application/pdf;q=0.9, */*;q=0.5"});
  web::View view{arguments.start, arguments.whole, std::move(arguments.pages)};
  Environment& environment = context.environment();
  http::Show show = [view = std::move(view), pdf = settings->pdf, &environment](http::Answer answer) {
    return web::show_page(std::move(answer), view, pdf, environment);
  };
  std::shared_ptr<const HttpSettings> http(settings, &settings->http);
  auto performing = http::perform(std::move(http), std::move(call), context, kMaxWebBody, std::move(show));
  ToolOutput output = co_await std::move(performing);
  co_return output;
}

asio::awaitable<ToolOutput> show_search(web::SearchSettings settings, http::Answer answer) {
  if (answer.status / 100 != 2) {
    std::string text = fmt::format("the search engine answers HTTP {}", answer.status);
    if (answer.status == 403 && settings.kind == web::SearchKind::searxng) {
      text += ": its settings have to permit the format json (search.formats)";
    }
    if (answer.status == 401 || (answer.status == 403 && settings.kind != web::SearchKind::searxng)) {
      text += ": the key (the option search.api_key of web) is not accepted";
    }
    co_return ToolOutput{std::move(text), true};
  }
  if (answer.cut) throw Error(errc::too_large, "the search engine's answer is too large");
  co_return ToolOutput{web::show_results(web::read_results(settings, answer.body))};
}

asio::awaitable<ToolOutput> search(SettingsPointer settings, SearchArguments arguments, ToolContext& context) {
  const web::SearchSettings& engine = *settings->search;
  HttpSettings http;
  http.allow_hosts = {http::check_url(web::endpoint(engine), {}).authority};
  http.allow_private = true;  // the agent file names the address, not the model
  http.headers = web::key_header(engine);
  http.ca_file = settings->http.ca_file;
  http.timeout = settings->http.timeout;
  http::Show show = [engine](http::Answer answer) { return show_search(engine, std::move(answer)); };
  auto shared = std::make_shared<const HttpSettings>(std::move(http));
  auto performing = http::perform(std::move(shared), web::search_call(engine, arguments.query), context,
                                  web::kMaxSearchAnswer, std::move(show));
  ToolOutput output = co_await std::move(performing);
  co_return output;
}

/// The host that is asked.
std::string check_search(const web::SearchSettings& search) {
  const auto refuse = [](std::string_view why) { throw Error(errc::config, fmt::format("web: search: {}", why)); };
  if (search.results < 1 || search.results > web::kMaxResults) {
    refuse(fmt::format("results is a number from 1 to {}", web::kMaxResults));
  }
  const bool searxng = search.kind == web::SearchKind::searxng;
  if (searxng && search.url.empty()) refuse("SearXNG needs `url`, such as https://searx.example/search");
  if (!searxng && search.api_key.empty()) refuse("this engine needs a key in `api_key`, such as ${env:SEARCH_KEY}");
  try {
    const http::Target target = http::check_url(web::endpoint(search), {});
    const bool here = target.host == "localhost" || target.host.starts_with("127.") || target.host == "[::1]";
    if (!search.api_key.empty() && target.url.starts_with("http:") && !here) {
      refuse("the key is sent over https only: use an https:// URL");
    }
    return target.host;
  } catch (const Error& error) {
    if (error.code() == errc::config) throw;
    refuse(error.message());
  }
  return {};
}

}  // namespace

std::vector<std::shared_ptr<Tool>> make_web(WebSettings settings) {
  if (!settings.http.headers.empty()) throw Error(errc::config, "web: headers are sent by the tool `http` only");
  check(settings.http);
  const std::string engine = settings.search ? check_search(*settings.search) : std::string();
  const auto shared = std::make_shared<const WebSettings>(std::move(settings));
  std::string hosts = shared->http.allow_private ? "" : " Reaches public hosts only.";
  if (!shared->http.allow_hosts.empty()) {
    hosts = fmt::format(" Reaches only: {}.", fmt::join(shared->http.allow_hosts, ", "));
  }
  ToolTraits fetches{.touches = {.read = true, .network = true},
                     .repeat = Repeat::idempotent,
                     .timeout = shared->http.timeout + shared->pdf.timeout + kTimeToReport,
                     .concurrency = 4};
  ToolTraits searches = fetches;
  fetches.reach = [](const json::object& arguments) { return http_facets(arguments, "GET"); };
  std::vector<std::shared_ptr<Tool>> tools;
  tools.push_back(make_tool(
      "web_fetch", "Reads a web page or a PDF on the web: its main part as Markdown, with links." + hosts,
      [shared](FetchArguments arguments, ToolContext& context) { return fetch(shared, std::move(arguments), context); },
      fetches));
  if (!shared->search) return tools;
  searches.timeout = shared->http.timeout + kTimeToReport;
  searches.facets["=" + engine] = "host";
  searches.facets["query"] = "query";
  tools.push_back(make_tool(
      "web_search", "Searches the web and gives titles, addresses and excerpts; web_fetch reads the pages.",
      [shared](SearchArguments arguments, ToolContext& context) {
        return search(shared, std::move(arguments), context);
      },
      searches));
  return tools;
}

std::vector<std::shared_ptr<Tool>> make_web_tools(const json::object& options, const PartContext& context) {
  auto chosen = read_options<WebOptions>(options, "web");
  WebSettings settings;
  settings.http.allow_hosts = std::move(chosen.allow_hosts);
  settings.http.allow_private = chosen.allow_private;
  if (!chosen.ca_file.empty()) settings.http.ca_file = (context.definition.directory() / chosen.ca_file).string();
  settings.http.timeout = duration_option(chosen.timeout, "web");
  if (context.may_trust()) settings.http.trusted = std::move(chosen.trusted);
  settings.pdf.unsandboxed = context.accepts_unsandboxed();
  if (chosen.search) {
    auto search = read_options<SearchOptions>(*chosen.search, "web.search");
    settings.search =
        web::SearchSettings{search.kind, std::move(search.url), std::move(search.api_key), search.results};
  }
  return make_web(std::move(settings));
}

}  // namespace sennit
