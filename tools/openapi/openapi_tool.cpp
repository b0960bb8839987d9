#include <sennit/agent/definition/shape.hpp>
#include <sennit/agent/io/secrets.hpp>
#include <sennit/agent/secret.hpp>
#include <sennit/agent/typed_tool.hpp>
#include <sennit/tools/http_exchange.hpp>
#include <sennit/tools/http_text.hpp>
#include <sennit/tools/openapi/auth.hpp>
#include <sennit/tools/openapi/openapi_tool.hpp>
#include <sennit/tools/openapi/request.hpp>
#include <sennit/tools/openapi/selection.hpp>
#include <sennit/tools/options.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace sennit {
namespace {

constexpr milliseconds kTimeToReport{5'000};  // the call ends by itself and says more than the run's own limit could

[[noreturn]] void refuse(std::string why) {
  throw Error(errc::config, "openapi: " + std::move(why));
}

/// Whether a repeat is harmless by what the method means (RFC 9110, 9.2.2).
bool is_idempotent(std::string_view method) {
  static constexpr std::array<std::string_view, 5> kIdempotent{"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};
  return std::ranges::count(kIdempotent, method) != 0;
}

bool is_safe(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

/// Headers of an answer that tell a model something about an API.
constexpr std::array<std::string_view, 5> kTelling{"location", "retry-after", "link", "etag", "www-authenticate"};

/// JSON without what is there for people's eyes.
std::string shown_body(const http::Answer& answer) {
  const std::string_view type = answer.header("content-type");
  if (!answer.cut && type.find("json") != std::string_view::npos) {
    if (const std::optional<json::value> body = parse_json_lenient(answer.body)) return json::serialize(*body);
  }
  return http::body_text(answer.body, type);
}

/// Not with its URL: a key may stand there.
asio::awaitable<ToolOutput> show(http::Answer answer) {
  std::string text = fmt::format("HTTP {}\n", answer.status);
  for (const std::string_view name : kTelling) {
    constexpr std::size_t kShown = 1'000;
    const std::string_view value = answer.header(name).substr(0, kShown);
    if (!value.empty()) text += fmt::format("{}: {}\n", name, sanitize_utf8(value));
  }
  if (!answer.obstacle.empty()) text += fmt::format("[the redirect was not followed: {}]\n", answer.obstacle);
  if (!answer.body.empty()) text += '\n' + shown_body(answer);
  if (answer.cut) text += fmt::format("\n[the answer is longer; this is its beginning, {} bytes]", kMaxHttpBody);
  constexpr int kFirstError = 400;
  co_return ToolOutput{std::move(text), answer.status >= kFirstError};
}

/// What the tools of one document share.
struct Api {
  std::string base;  // the server's URL
  http::Target host;
  openapi::Auth auth;
  HttpSettings http;  // without the headers of `auth`
};

class OpenApiTool final : public Tool {
 public:
  OpenApiTool(std::shared_ptr<const Api> api, openapi::Operation operation, std::string name)
      : api_(std::move(api)), operation_(std::move(operation)) {
    ToolTraits traits;
    const bool safe = is_safe(operation_.method);
    traits.touches = {.read = safe, .write = !safe, .network = true};
    traits.repeat = is_idempotent(operation_.method) ? Repeat::idempotent
                    : !operation_.key_header.empty() ? Repeat::keyed
                                                     : Repeat::never;
    traits.timeout = api_->http.timeout + kTimeToReport;
    spec_ = tool_spec(std::move(name), operation_.description, operation_.schema, traits);
  }

  [[nodiscard]] const ToolSpec& spec() const override { return spec_; }

  [[nodiscard]] std::vector<Facet> facets(const json::object& arguments) const override {
    std::vector<Facet> facets{{"method", operation_.method}, {"host", api_->host.host}};
    try {
      facets.push_back({"path", openapi::path_of(operation_, arguments)});
      facets.push_back({"url", http::check_url(make_call(operation_, api_->base, arguments).url, {}).url});
    } catch (const Error&) {
      facets.push_back({"path", "?"});  // the call will fail; no rule can allow it
    }
    return facets;
  }

  asio::awaitable<ToolOutput> call(json::object arguments, ToolContext& context) override {
    http::Call call = make_call(operation_, api_->base, arguments);
    call.base = api_->host.url;
    if (!operation_.key_header.empty()) call.key = context.effect_id();
    auto settings = std::make_shared<HttpSettings>(api_->http);
    if (api_->auth.concerns(operation_)) authorise(*settings, call);
    return http::perform(std::move(settings), std::move(call), context, kMaxHttpBody, &show);
  }

 private:
  void authorise(HttpSettings& settings, http::Call& call) const {
    settings.headers.merge(api_->auth.headers());
    if (api_->auth.kind != openapi::Auth::Kind::query) return;
    if (!settings.allow_private && call.url.starts_with("http:")) {
      throw Error(errc::denied, "the key of this agent is sent over https only: use an https:// base_url");
    }
    call.url += fmt::format("{}{}={}", call.url.find('?') == std::string::npos ? '?' : '&',
                            openapi::encoded(api_->auth.name), openapi::encoded(Secret(api_->auth.text).resolve()));
  }

  std::shared_ptr<const Api> api_;
  openapi::Operation operation_;
  ToolSpec spec_;
};

http::Target server(const openapi::Document& document, const OpenApiSettings& settings, std::string& base) {
  base = settings.base_url.empty() ? openapi::server_of(document, {&document.value(), "#"})
                                   : Secret(settings.base_url).resolve_address();
  if (base.empty()) refuse("the document names no server with a whole URL: set the option `base_url`");
  if (base.find_first_of("?#") != std::string::npos) refuse("`base_url` has no query and no fragment");
  try {
    return http::check_url(base, {});
  } catch (const Error& error) {
    refuse("base_url: " + error.message());
  }
}

/// A document whose operations have other servers needs an entry of `tools:` for each: one host an entry.
void check_servers(const std::vector<openapi::Operation>& operations, const OpenApiSettings& settings,
                   const http::Target& host) {
  if (!settings.base_url.empty()) return;
  for (const openapi::Operation& operation : operations) {
    if (operation.server.empty() || http::check_url(operation.server, {}).origin == host.origin) continue;
    refuse(
        fmt::format("{} {} is at another server ({}) than the document's others: give it an entry of its own, with "
                    "`base_url`",
                    operation.method, operation.path, operation.server));
  }
}

struct AuthOptions {
  std::string scheme;
  std::string value;
};
SENNIT_DESCRIBE(AuthOptions, (scheme), (value))

struct OpenApiOptions {
  std::string document;
  std::vector<std::string> operations;
  std::string base_url;
  AuthOptions auth;
  std::map<std::string, std::string> headers;
  std::string prefix;
  std::string ca_file;
  bool allow_private = false;
  bool trusted = false;
  json::value timeout = 30;
};
SENNIT_DESCRIBE(OpenApiOptions, (document), (operations), (base_url), (auth), (headers), (prefix), (ca_file),
                (allow_private), (trusted), (timeout))

}  // namespace

std::vector<std::shared_ptr<Tool>> make_openapi(const OpenApiSettings& settings) {
  if (settings.document.empty()) refuse("name the document: `openapi: {document: api.yaml, operations: [listPets]}`");
  if (settings.operations.empty()) refuse("name the operations: `operations: [listPets, \"GET /pets/*\"]`");
  const openapi::Document document = openapi::Document::read(settings.document);
  const auto api = std::make_shared<Api>();
  api->host = server(document, settings, api->base);
  if (!settings.auth_value.empty()) api->auth = read_auth(document, settings.auth_scheme, settings.auth_value);
  api->http.allow_hosts = {api->host.authority};
  api->http.allow_private = settings.allow_private;
  api->http.headers = settings.headers;
  api->http.ca_file = settings.ca_file;
  api->http.timeout = settings.timeout;
  if (settings.trusted) api->http.trusted = {api->host.host};
  check(api->http);
  std::vector<openapi::Operation> operations = select(document, settings.operations);
  check_servers(operations, settings, api->host);
  std::vector<std::shared_ptr<Tool>> tools;
  std::vector<std::string> taken;
  for (openapi::Operation& operation : operations) {
    std::string name = openapi::tool_name(operation, settings.prefix, taken);
    tools.push_back(std::make_shared<OpenApiTool>(api, std::move(operation), std::move(name)));
  }
  return tools;
}

std::vector<std::shared_ptr<Tool>> make_openapi_tools(const json::object& options, const PartContext& context) {
  auto chosen = read_options<OpenApiOptions>(options, "openapi");
  const std::filesystem::path folder = context.definition.directory();
  OpenApiSettings settings;
  if (!chosen.document.empty()) settings.document = folder / chosen.document;
  settings.operations = std::move(chosen.operations);
  settings.base_url = std::move(chosen.base_url);
  settings.auth_scheme = std::move(chosen.auth.scheme);
  settings.auth_value = std::move(chosen.auth.value);
  if (!settings.auth_scheme.empty() && settings.auth_value.empty()) refuse("auth: `value` is missing");
  settings.headers = std::move(chosen.headers);
  settings.prefix = std::move(chosen.prefix);
  if (!chosen.ca_file.empty()) settings.ca_file = (folder / chosen.ca_file).string();
  settings.allow_private = chosen.allow_private;
  settings.trusted = chosen.trusted && context.may_trust();
  settings.timeout = duration_option(chosen.timeout, "openapi");
  return make_openapi(settings);
}

}  // namespace sennit
