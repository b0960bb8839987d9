#include <sennit/agent/io/egress_hosts.hpp>
#include <sennit/agent/typed_tool.hpp>
#include <sennit/tools/http_exchange.hpp>
#include <sennit/tools/http_tool.hpp>
#include <sennit/tools/options.hpp>

#include <boost/describe/enum.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <utility>

namespace sennit {
namespace {

constexpr milliseconds kTimeToReport{5'000};  // the call ends by itself and says more than the run's own limit could

struct HttpOptions {
  std::vector<std::string> allow_hosts;
  bool allow_private = false;
  std::map<std::string, std::string> headers;
  std::string ca_file;
  json::value timeout = 30;
  std::vector<std::string> trusted;
};
SENNIT_DESCRIBE(HttpOptions, (allow_hosts), (allow_private), (headers), (ca_file), (timeout), (trusted))

enum class GetMethod { GET, HEAD };
BOOST_DESCRIBE_ENUM(GetMethod, GET, HEAD)
enum class SendMethod { POST, PUT, PATCH, DELETE };
BOOST_DESCRIBE_ENUM(SendMethod, POST, PUT, PATCH, DELETE)

struct GetArguments {
  std::string url;
  GetMethod method = GetMethod::GET;
  std::map<std::string, std::string> headers;
};
SENNIT_DESCRIBE(GetArguments, (url, "http:// or https:// URL", {.min_length = 1}),
                (method, "HEAD asks for the headers only", {.required = false}),
                (headers, "further request headers", {.required = false}))

struct SendArguments {
  std::string url;
  SendMethod method = SendMethod::POST;
  json::value json;
  std::optional<std::string> body;
  std::string content_type = "text/plain; charset=utf-8";
  std::map<std::string, std::string> headers;
};
SENNIT_DESCRIBE(SendArguments, (url, "http:// or https:// URL", {.min_length = 1}), (method, "", {.required = false}),
                (json, "the body as JSON", {.required = false}), (body, "the body as text, instead of `json`"),
                (content_type, "what `body` is"), (headers, "further request headers", {.required = false}))

std::vector<http::Header> headers_of(const std::map<std::string, std::string>& headers) {
  std::vector<http::Header> result;
  for (const auto& [name, value] : headers) result.push_back({name, value});
  return result;
}

template <class Enum>
std::string name_of(Enum value) {
  return std::string(write_json(value).as_string());
}

http::Call call_of(const GetArguments& arguments) {
  return {name_of(arguments.method), arguments.url, headers_of(arguments.headers), "", "", ""};
}

http::Call call_of(SendArguments arguments, const std::string& key) {
  http::Call call{name_of(arguments.method), std::move(arguments.url), headers_of(arguments.headers), "", "", key};
  if (arguments.body && !arguments.json.is_null()) {
    throw Error(errc::invalid_argument, "give either `body` or `json`, not both");
  }
  if (arguments.body) {
    call.body = std::move(*arguments.body);
    call.content_type = std::move(arguments.content_type);
  } else if (!arguments.json.is_null()) {
    call.body = json::serialize(arguments.json);
    call.content_type = "application/json";
  }
  http::check_header("Content-Type", call.content_type, {});
  std::erase_if(call.headers, [&](const http::Header& header) {  // said twice: the argument counts
    return http::same_name(header.name, "idempotency-key") ||
           (!call.content_type.empty() && http::same_name(header.name, "content-type"));
  });
  return call;
}

void check_headers(const HttpSettings& settings) {
  for (const auto& [name, value] : settings.headers) {
    try {
      http::check_header(name, value, {});
    } catch (const Error& error) {
      throw Error(errc::config, "http: in headers: " + error.message());
    }
  }
  if (!settings.headers.empty() && settings.allow_hosts.empty()) {
    throw Error(errc::config,
                "http: `headers` would go to any host that the model names: list the hosts they are for in "
                "allow_hosts");
  }
}

}  // namespace

void check(const HttpSettings& settings) {
  for (const std::string& host : settings.allow_hosts) http::check_host_pattern(host);
  for (const std::string& host : settings.trusted) {
    if (is_host_pattern(host)) continue;
    throw Error(errc::config,
                fmt::format("http: '{}' in trusted is no host: write example.com or *.example.com", host));
  }
  check_headers(settings);
  if (settings.timeout <= milliseconds{0}) throw Error(errc::config, "http: timeout must be more than 0 seconds");
}

std::vector<Facet> http_facets(const json::object& arguments, std::string_view method) {
  std::vector<Facet> facets;
  const json::value* url = arguments.if_contains("url");
  const std::string given(url != nullptr && url->is_string() ? std::string_view(url->get_string()) : "");
  try {
    const http::Target target = http::check_url(given, {});
    facets = {{"url", target.url}, {"host", target.host}};
  } catch (const Error&) {
    facets = {{"url", given}, {"host", "?"}};  // the call will fail; no rule can allow it
  }
  const json::value* chosen = arguments.if_contains("method");
  facets.push_back(
      {"method", chosen != nullptr && chosen->is_string() ? std::string(chosen->get_string()) : std::string(method)});
  return facets;
}

std::vector<std::shared_ptr<Tool>> make_http(HttpSettings settings) {
  check(settings);
  const auto shared = std::make_shared<const HttpSettings>(std::move(settings));
  std::string hosts = shared->allow_private ? "" : " Reaches public hosts only.";
  if (!shared->allow_hosts.empty()) hosts = fmt::format(" Reaches only: {}.", fmt::join(shared->allow_hosts, ", "));
  ToolTraits gets{
      .touches = {.network = true}, .repeat = Repeat::idempotent, .timeout = shared->timeout + kTimeToReport};
  gets.reach = [](const json::object& arguments) { return http_facets(arguments, "GET"); };
  ToolTraits sends = gets;
  sends.touches.write = true;
  sends.reach = [](const json::object& arguments) { return http_facets(arguments, "POST"); };
  sends.repeat = Repeat::never;  // the key is passed on, but nobody knows whether the server honours it
  return {make_tool(
              "http_get", "Gets a web page, a file or the answer of an API, by its URL." + hosts,
              [shared](const GetArguments& arguments, ToolContext& context) {
                return http::perform(shared, call_of(arguments), context);
              },
              gets),
          make_tool(
              "http_send", "Sends data to a web API by POST, PUT, PATCH or DELETE, and gives its answer." + hosts,
              [shared](SendArguments arguments, ToolContext& context) {
                return http::perform(shared, call_of(std::move(arguments), context.effect_id()), context);
              },
              sends)};
}

std::vector<std::shared_ptr<Tool>> make_http_tools(const json::object& options, const PartContext& context) {
  auto chosen = read_options<HttpOptions>(options, "http");
  HttpSettings settings;
  settings.allow_hosts = std::move(chosen.allow_hosts);
  settings.allow_private = chosen.allow_private;
  settings.headers = std::move(chosen.headers);
  if (!chosen.ca_file.empty()) settings.ca_file = (context.definition.directory() / chosen.ca_file).string();
  settings.timeout = duration_option(chosen.timeout, "http");
  if (context.may_trust()) settings.trusted = std::move(chosen.trusted);
  return make_http(std::move(settings));
}

}  // namespace sennit
