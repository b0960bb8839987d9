#include <sennit/mcp/protocol/envelope.hpp>
#include <sennit/mcp/server/http_endpoint.hpp>
#include <sennit/mcp/server/http_modern.hpp>
#include <sennit/mcp/server/http_sessions.hpp>

#include <utility>

namespace sennit::mcp {
namespace {

using http::ServerAnswer;
using http::ServerRequest;

bool accepts(const ServerRequest& request, std::string_view type) {
  const std::string accept = lower(request.header("accept"));
  return request.count("accept") == 0 || accept.find(type) != std::string_view::npos ||
         accept.find("*/*") != std::string_view::npos;
}

bool is_json(const ServerRequest& request) {
  const std::string type = lower(request.header("content-type"));
  return type.substr(0, type.find_first_of("; \t")) == "application/json";
}

asio::awaitable<void> refuse(ServerAnswer& answer, HttpRefusal refusal, std::vector<http::Header> headers) {
  // JSON, because that is what clients of the protocol read.
  const json::object body = to_json(Answer{{}, Fault{code::kInvalidRequest, refusal.why, {}}});
  for (http::Header& one : refusal.headers) headers.push_back(std::move(one));
  headers.push_back({"Content-Type", "application/json"});
  co_await answer.send(refusal.status, std::move(headers), json::serialize(body));
}

std::vector<http::Header> preflight_headers(std::vector<http::Header> headers) {
  headers.push_back({"Access-Control-Allow-Methods", "POST, GET, DELETE"});
  headers.push_back({"Access-Control-Allow-Headers",
                     "Authorization, Content-Type, Accept, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Session-Id, "
                     "Last-Event-ID"});
  headers.push_back({"Access-Control-Max-Age", "600"});
  return headers;
}

}  // namespace

struct HttpEndpoint::State {
  State(Server& of, HttpEndpointOptions given) : server(of), options(std::move(given)), sessions(of, options) {}

  /// Why it is refused, if it is.
  asio::awaitable<HttpRefusal> post(ServerRequest request, ServerAnswer& answer, std::vector<http::Header> headers) {
    if (!is_json(request)) {
      co_return HttpRefusal{415, "the body must be application/json"};
    }
    const bool may_stream = accepts(request, "text/event-stream");
    if (!may_stream && !accepts(request, "application/json")) {
      co_return HttpRefusal{406, "the answer is application/json or text/event-stream"};
    }
    std::vector<Message> messages = read_messages(request.body);
    request.body.clear();
    EventStream::Settings settings{.heartbeat = options.heartbeat, .headers = headers, .may_stream = may_stream};
    const auto* first = messages.size() == 1 ? std::get_if<Request>(&messages.front()) : nullptr;
    const std::string_view version = request.header(header::kVersion);
    const auto* unreadable = std::get_if<Unreadable>(&messages.front());
    if (first != nullptr && is_modern(*first, version)) {
      auto serving = serve_modern(server, request, *first, answer, std::move(settings));
      co_await std::move(serving);
    } else if (unreadable != nullptr) {
      headers.push_back({"Content-Type", "application/json"});
      std::string body = json::serialize(to_json(Answer{unreadable->id, unreadable->fault}));
      co_await answer.send(400, std::move(headers), std::move(body));
    } else if (request.count(header::kSession) == 0 && is_modern_version(version)) {
      // A notification: there is none that a modern server waits for.
      co_await answer.send(202, std::move(headers), {});
    } else {
      auto serving = sessions.post(std::move(request), std::move(messages), answer, std::move(settings));
      co_return co_await std::move(serving);
    }
    co_return HttpRefusal{};
  }

  asio::awaitable<HttpRefusal> answer_allowed(ServerRequest request, ServerAnswer& answer,
                                              std::vector<http::Header> headers) {
    if (request.method == "POST") {
      auto posting = post(std::move(request), answer, std::move(headers));
      co_return co_await std::move(posting);
    }
    if (request.method == "OPTIONS" && !headers.empty()) {
      co_await answer.send(204, preflight_headers(std::move(headers)), {});
      co_return HttpRefusal{};
    }
    const bool is_legacy = request.count(header::kSession) > 0 && !is_modern_version(request.header(header::kVersion));
    if (is_legacy && request.method == "GET") {
      EventStream::Settings settings{
          .heartbeat = options.heartbeat, .headers = std::move(headers), .may_be_json = false};
      auto listening = sessions.listen(std::move(request), answer, std::move(settings));
      co_return co_await std::move(listening);
    }
    if (is_legacy && request.method == "DELETE") {
      auto ending = sessions.end(std::move(request), answer, std::move(headers));
      co_return co_await std::move(ending);
    }
    HttpRefusal refusal{405, "requests of the protocol are sent with POST"};
    refusal.headers.push_back({"Allow", "POST"});
    co_return refusal;
  }

  asio::awaitable<void> handle(ServerRequest request, ServerAnswer& answer) {
    HttpRefusal refusal = judge(options.access, request);
    std::vector<http::Header> headers;
    if (refusal.status == 0) {
      headers = sharing_headers(request);
      auto answering = answer_allowed(std::move(request), answer, headers);
      refusal = co_await std::move(answering);
    }
    if (refusal.status == 0) co_return;
    auto refusing = refuse(answer, std::move(refusal), std::move(headers));
    co_await std::move(refusing);
  }

  Server& server;
  const HttpEndpointOptions options;
  HttpSessions sessions;
};

HttpEndpoint::HttpEndpoint(Server& server, HttpEndpointOptions options)
    : state_(std::make_shared<State>(server, std::move(options))) {}

HttpEndpoint::~HttpEndpoint() = default;

asio::awaitable<void> HttpEndpoint::handle(http::ServerRequest request, http::ServerAnswer& answer) {
  const std::shared_ptr<State> state = state_;
  auto handling = state->handle(std::move(request), answer);
  co_await std::move(handling);
}

std::size_t HttpEndpoint::sessions() const {
  return state_->sessions.size();
}

}  // namespace sennit::mcp
