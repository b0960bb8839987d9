#include <sennit/mcp/server/http_sessions.hpp>
#include <sennit/mcp/server/seal.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace sennit::mcp {
namespace {

constexpr milliseconds kSweep{30'000};
constexpr std::string_view kBatches = "2025-03-26";  // the one version that has them

std::size_t count_requests(const std::vector<Message>& messages) {
  return static_cast<std::size_t>(
      std::ranges::count_if(messages, [](const Message& one) { return std::holds_alternative<Request>(one); }));
}

bool is_handshake(const std::vector<Message>& messages) {
  const auto* request = std::get_if<Request>(&messages.front());
  return messages.size() == 1 && request != nullptr && request->method == "initialize";
}

/// "NAME-NUMBER"
std::optional<std::pair<std::string, std::uint64_t>> read_event_id(std::string_view id) {
  const std::size_t dash = id.rfind('-');
  if (dash == std::string_view::npos) return std::nullopt;
  std::uint64_t number = 0;
  const std::string_view digits = id.substr(dash + 1);
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return std::nullopt;
  return std::pair(std::string(id.substr(0, dash)), number);
}

}  // namespace

struct HttpSessions::Session {
  std::string id;
  std::shared_ptr<ServerPeer> peer;
  std::shared_ptr<EventStream> general;  // what belongs to no request
  std::deque<std::shared_ptr<EventStream>> streams;
  std::size_t next_stream = 1;
  std::size_t uses = 0;  // requests that are being answered
  SteadyTime last_used;
};

/// A session in use is not swept away.
struct HttpSessions::Use {
  Use(Server& of, std::shared_ptr<Session> one) : server(of), session(std::move(one)) { ++session->uses; }
  ~Use() {
    --session->uses;
    session->last_used = server.environment().now();
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  Server& server;
  std::shared_ptr<Session> session;
};

HttpSessions::HttpSessions(Server& server, const HttpEndpointOptions& options) : server_(server), options_(options) {}

HttpSessions::~HttpSessions() {
  for (const auto& [id, session] : sessions_) close(*session);
}

void HttpSessions::close(Session& session) {
  server_.leave(session.peer);
  session.general->close();
  for (const auto& stream : session.streams) stream->close();
}

void HttpSessions::sweep() {
  const SteadyTime now = server_.environment().now();
  std::erase_if(sessions_, [&](const auto& entry) {
    Session& session = *entry.second;
    const bool is_idle = session.uses == 0 && session.peer->calls() == 0;
    if (!is_idle || session.last_used + options_.session_idle > now) return false;
    close(session);
    return true;
  });
  sweep_later();
}

void HttpSessions::sweep_later() {
  sweeping_.reset();
  if (sessions_.empty()) return;
  Environment& environment = server_.environment();
  const milliseconds pause = std::min(kSweep, options_.session_idle);
  sweeping_ = environment.call_at(environment.now() + pause, [this] { sweep(); });
}

std::shared_ptr<HttpSessions::Session> HttpSessions::open() {
  sweep();
  while (sessions_.size() >= options_.sessions) {
    auto oldest = sessions_.end();
    for (auto one = sessions_.begin(); one != sessions_.end(); ++one) {
      if (one->second->uses > 0 || one->second->peer->calls() > 0) continue;
      if (oldest == sessions_.end() || one->second->last_used < oldest->second->last_used) oldest = one;
    }
    if (oldest == sessions_.end()) return nullptr;
    close(*oldest->second);
    sessions_.erase(oldest);
  }
  auto session = std::make_shared<Session>();
  session->id = random_word(server_.environment());
  session->peer = server_.meet();
  session->general = std::make_shared<EventStream>("general", 0, options_.kept_bytes);
  session->peer->set_outlet(session->general);
  session->last_used = server_.environment().now();
  sessions_.emplace(session->id, session);
  sweep_later();
  return session;
}

std::shared_ptr<HttpSessions::Session> HttpSessions::find(const http::ServerRequest& http, HttpRefusal& refusal) {
  const std::string_view version = http.header(header::kVersion);
  if (http.count(header::kVersion) > 0 && !is_legacy_version(version)) {
    refusal = {400, "this server does not speak version " + std::string(version) + " in a session"};
    return nullptr;
  }
  if (http.count(header::kSession) != 1) {
    refusal = {400, "the header field Mcp-Session-Id is missing: begin with initialize"};
    return nullptr;
  }
  const auto found = sessions_.find(http.header(header::kSession));
  if (found != sessions_.end()) return found->second;
  refusal = {404, "there is no such session: begin a new one with initialize"};
  return nullptr;
}

asio::awaitable<HttpRefusal> HttpSessions::post(http::ServerRequest http, std::vector<Message> messages,
                                                http::ServerAnswer& answer, EventStream::Settings settings) {
  HttpRefusal refusal;
  std::shared_ptr<Session> session;
  const bool is_first = is_handshake(messages) && http.count(header::kSession) == 0;
  if (is_first) {
    session = open();
    if (session == nullptr) co_return HttpRefusal{503, "too many sessions", {{"Retry-After", "10"}}};
  } else {
    session = find(http, refusal);
    if (session == nullptr) co_return refusal;
    if (is_handshake(messages)) co_return HttpRefusal{400, "this session has begun already"};
    if (messages.size() > 1 && session->peer->caller().version != kBatches) {
      co_return HttpRefusal{400, "only version 2025-03-26 has batches"};
    }
  }
  const Use use(server_, session);
  const std::size_t requests = count_requests(messages);
  if (requests == 0) {
    for (Message& one : messages) server_.take(session->peer, std::move(one), nullptr);
    co_await answer.send(202, std::move(settings.headers), {});
    co_return HttpRefusal{};
  }
  if (is_first) settings.headers.push_back({std::string(header::kSession), session->id});
  auto answering = answer_all(session, std::move(messages), requests, answer, std::move(settings));
  co_await std::move(answering);
  if (is_first && !session->peer->is_greeted()) {
    close(*session);
    sessions_.erase(session->id);
  }
  co_return HttpRefusal{};
}

asio::awaitable<void> HttpSessions::answer_all(std::shared_ptr<Session> session, std::vector<Message> messages,
                                               std::size_t requests, http::ServerAnswer& answer,
                                               EventStream::Settings settings) {
  auto& streams = session->streams;
  std::erase_if(streams, [](const auto& one) { return one->is_done(); });
  while (streams.size() >= options_.kept_streams) streams.pop_front();  // nobody came back for it
  const auto stream =
      std::make_shared<EventStream>("s" + std::to_string(session->next_stream++), requests, options_.kept_bytes);
  streams.push_back(stream);
  for (Message& one : messages) {
    if (auto* unreadable = std::get_if<Unreadable>(&one)) {
      stream->put(to_json(Answer{unreadable->id, std::move(unreadable->fault)}));
    } else {
      server_.take(session->peer, std::move(one), stream);
    }
  }
  // A client that leaves does not cancel anything: it may come back for the rest.
  auto pumping = stream->pump(server_.environment(), answer, std::move(settings));
  co_await std::move(pumping);
}

asio::awaitable<HttpRefusal> HttpSessions::listen(http::ServerRequest http, http::ServerAnswer& answer,
                                                  EventStream::Settings settings) {
  HttpRefusal refusal;
  const std::shared_ptr<Session> session = find(http, refusal);
  if (session == nullptr) co_return refusal;
  const Use use(server_, session);
  std::shared_ptr<EventStream> stream = session->general;
  if (const auto last = read_event_id(http.header(header::kLastEvent))) {
    const auto found =
        std::ranges::find_if(session->streams, [&](const auto& one) { return one->name() == last->first; });
    if (found != session->streams.end()) stream = *found;
    if (stream->name() == last->first) settings.after = last->second;
  }
  auto pumping = stream->pump(server_.environment(), answer, std::move(settings));
  co_await std::move(pumping);
  co_return HttpRefusal{};
}

asio::awaitable<HttpRefusal> HttpSessions::end(http::ServerRequest http, http::ServerAnswer& answer,
                                               std::vector<http::Header> headers) {
  HttpRefusal refusal;
  const std::shared_ptr<Session> session = find(http, refusal);
  if (session == nullptr) co_return refusal;
  close(*session);
  sessions_.erase(session->id);
  co_await answer.send(204, std::move(headers), {});
  co_return HttpRefusal{};
}

}  // namespace sennit::mcp
