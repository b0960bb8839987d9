#include <sennit/mcp/protocol/envelope.hpp>
#include <sennit/mcp/server/http_modern.hpp>

#include <algorithm>
#include <utility>

namespace sennit::mcp {
namespace {

Fault mismatch(std::string_view name, std::string_view why) {
  return {code::kHeaderMismatch, "the header field " + std::string(name) + " " + std::string(why), {}};
}

/// What is wrong with a header field that has to repeat `value`; nothing: it has to be absent.
std::optional<Fault> check_header(const http::ServerRequest& http, std::string_view name,
                                  const std::optional<std::string>& value) {
  const std::size_t count = http.count(name);
  if (!value) return count == 0 ? std::nullopt : std::optional(mismatch(name, "repeats what the request lacks"));
  if (count == 0) return mismatch(name, "is missing");
  if (count > 1) return mismatch(name, "was sent twice");
  const std::optional<std::string> given = decode_header(http.header(name));
  if (!given) return mismatch(name, "is not Base64");
  if (*given != *value) return mismatch(name, "is not what the body says");
  return std::nullopt;
}

/// The header fields that a tool's schema wants.
std::optional<Fault> check_parameters(const http::ServerRequest& http, const Request& request, const Service& service) {
  const std::string_view name = text_at(request.params, "name");
  const json::array tools = service.tools();
  const auto tool =
      std::ranges::find_if(tools, [&](const json::value& one) { return sennit::find_string(one, "name") == name; });
  const json::object* schema = tool == tools.end() ? nullptr : mcp::find_object(*tool, "inputSchema");
  const auto parameters = schema == nullptr ? std::nullopt : header_parameters(*schema);
  if (!parameters) return std::nullopt;
  const json::object* arguments = mcp::find_object(request.params, "arguments");
  for (const HeaderParameter& parameter : *parameters) {
    const std::optional<std::string> encoded =
        arguments == nullptr ? std::nullopt : header_value(parameter, *arguments);
    const std::optional<std::string> value = encoded ? decode_header(*encoded) : std::nullopt;
    const std::string field = std::string(header::kParameter) + parameter.header;
    if (std::optional<Fault> fault = check_header(http, field, value)) return fault;
  }
  return std::nullopt;
}

std::optional<Fault> check_headers(const http::ServerRequest& http, const Request& request, const Service& service) {
  const std::string version(version_in(request.params));
  if (std::optional<Fault> fault = check_header(http, header::kVersion, version)) return fault;
  if (std::optional<Fault> fault = check_header(http, header::kMethod, request.method)) return fault;
  if (const auto name = name_for_header(request.method, request.params)) {
    if (std::optional<Fault> fault = check_header(http, header::kName, name)) return fault;
  }
  return request.method == "tools/call" ? check_parameters(http, request, service) : std::nullopt;
}

int status_of(const json::object& answer) {
  const json::object* error = mcp::find_object(answer, "error");
  if (error == nullptr) return 200;
  switch (sennit::find_int(json::value(*error), "code").value_or(0)) {
    case code::kNoMethod:
      return 404;
    case code::kParse:
    case code::kInvalidRequest:
    case code::kHeaderMismatch:
    case code::kMissingCapability:
    case code::kUnsupportedVersion:
      return 400;
    default:
      return 200;
  }
}

/// The request ends with its stream.
struct Visit {
  explicit Visit(Server& of) : server(of), peer(of.meet()) {}
  ~Visit() { server.leave(peer); }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  Server& server;
  std::shared_ptr<ServerPeer> peer;
};

}  // namespace

std::optional<Fault> check_modern(const http::ServerRequest& http, const Request& request, const Service& service) {
  std::optional<Fault> fault = check_envelope(request);
  if (fault && fault->code != code::kUnsupportedVersion) return fault;
  // What they disagree about comes before what they agree about and we do not speak.
  std::optional<Fault> different = check_headers(http, request, service);
  return different ? different : fault;
}

asio::awaitable<void> serve_modern(Server& server, const http::ServerRequest& http, Request request,
                                   http::ServerAnswer& answer, EventStream::Settings settings) {
  if (std::optional<Fault> fault = check_modern(http, request, server.service())) {
    std::vector<http::Header> headers = std::move(settings.headers);
    headers.push_back({"Content-Type", "application/json"});
    const json::object body = to_json(Answer{request.id, std::move(*fault)});
    co_return co_await answer.send(400, std::move(headers), json::serialize(body));
  }
  const Visit visit(server);
  const auto stream = std::make_shared<EventStream>(std::string(), 1, 0);
  settings.status_of = status_of;
  server.take(visit.peer, std::move(request), stream);
  auto pumping = stream->pump(server.environment(), answer, std::move(settings));
  co_await std::move(pumping);
}

}  // namespace sennit::mcp
