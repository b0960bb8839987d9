#include <sennit/agent/io/timeout.hpp>
#include <sennit/mcp/protocol/envelope.hpp>
#include <sennit/mcp/server/server_state.hpp>

#include <algorithm>
#include <utility>

namespace sennit::mcp {
namespace {

json::array versions() {
  json::array list;
  for (const std::string_view version : kModernVersions) list.emplace_back(version);
  return list;
}

}  // namespace

json::object answer_to(const Id& id, json::object result) {
  return to_json(Answer{id, std::move(result)});
}

json::object answer_to(const std::optional<Id>& id, Fault fault) {
  return to_json(Answer{id, std::move(fault)});
}

bool is_modern(const Request& request, std::string_view version) noexcept {
  return !version_in(request.params).empty() || is_modern_version(version);
}

std::optional<Fault> check_envelope(const Request& request) {
  const json::object& about = meta_of(request.params);
  const std::string_view version = text_at(about, meta::kVersion);
  for (const std::string_view key : {meta::kVersion, meta::kClientCapabilities}) {
    const bool is_there = key == meta::kVersion ? !version.empty() : mcp::find_object(about, key) != nullptr;
    if (!is_there) return Fault{code::kInvalidParams, "params._meta lacks \"" + std::string(key) + "\"", {}};
  }
  if (is_modern_version(version)) return std::nullopt;
  return Fault{code::kUnsupportedVersion, "this server does not speak version " + std::string(version),
               json::object{{"supported", versions()}, {"requested", version}}};
}

// ---- the server ----

Server::Server(Environment& environment, Service& service, ServerLimits limits)
    : state_(std::make_shared<State>(environment, service, limits)) {}

Server::~Server() {
  state_->stopping = true;
  state_->parked.clear();
  state_->tasks.clear();
  const auto calls = state_->calls;  // each leaves as it ends
  for (const auto& call : calls) call->cancel();
}

Environment& Server::environment() const {
  return state_->environment;
}

Service& Server::service() const {
  return state_->service;
}

std::shared_ptr<ServerPeer> Server::meet() {
  auto peer = std::make_shared<Peer>();
  std::erase_if(state_->peers, [](const std::weak_ptr<Peer>& known) { return known.expired(); });
  state_->peers.push_back(peer);
  return peer;
}

void Server::take(const std::shared_ptr<ServerPeer>& peer, Message message, const std::shared_ptr<Outlet>& outlet) {
  const auto known = std::static_pointer_cast<Peer>(peer);
  if (auto* request = std::get_if<Request>(&message)) {
    state_->take(known, std::move(*request), outlet);
  } else if (const auto* notification = std::get_if<Notification>(&message)) {
    state_->take(*known, *notification);
  } else if (const auto* answer = std::get_if<Answer>(&message)) {
    state_->take(*known, *answer);
  } else if (auto* unreadable = std::get_if<Unreadable>(&message)) {
    if (outlet != nullptr) outlet->answer(answer_to(unreadable->id, std::move(unreadable->fault)));
  }
}

void Server::cancel(const std::shared_ptr<ServerPeer>& peer, const Id& id) {
  const auto known = std::static_pointer_cast<Peer>(peer);
  known->listening.erase(id);
  const auto found = known->under_way.find(id);
  if (found == known->under_way.end()) return;
  const std::shared_ptr<ServedCall> call = found->second;
  call->cancel();
}

void Server::leave(const std::shared_ptr<ServerPeer>& peer) {
  const auto known = std::static_pointer_cast<Peer>(peer);
  known->outlet.reset();
  known->listening.clear();
  const auto under_way = known->under_way;  // each leaves as it ends
  for (const auto& [id, call] : under_way) call->cancel();
  std::erase_if(state_->peers, [&](const std::weak_ptr<Peer>& one) { return one.lock() == known; });
}

void Server::tools_changed() {
  state_->tell("notifications/tools/list_changed", {});
}
void Server::prompts_changed() {
  state_->tell("notifications/prompts/list_changed", {});
}
void Server::resources_changed() {
  state_->tell("notifications/resources/list_changed", {});
}
void Server::resource_updated(const std::string& uri) {
  state_->tell("notifications/resources/updated", uri);
}

namespace {

asio::awaitable<void> until_idle(std::shared_ptr<Server::State> state) {
  while (!state->calls.empty()) co_await state->idle.wait();
}

}  // namespace

asio::awaitable<void> Server::stop(milliseconds grace) {
  const std::shared_ptr<State> state = state_;
  state->stopping = true;
  const auto peers = state->peers;
  for (const std::weak_ptr<Peer>& weak : peers) {
    if (const std::shared_ptr<Peer> peer = weak.lock()) state->end_listening(*peer);
  }
  const auto parked = std::exchange(state->parked, {});
  for (const auto& [name, call] : parked) call->cancel();  // nobody can come back any more
  try {
    auto ending = until_idle(state);
    co_await with_timeout(state->environment, std::max(grace, milliseconds{1}), std::move(ending), "ending");
  } catch (const Error& error) {
    if (error.code() != errc::timeout) throw;
  }
  const auto calls = state->calls;
  for (const auto& call : calls) call->cancel();
  auto ending = until_idle(state);
  co_await std::move(ending);
}

// ---- messages ----

ClientFacts Server::State::identify(const Peer& peer, const Request& request) const {
  if (is_modern(request, {})) {
    if (std::optional<Fault> fault = check_envelope(request)) throw Rejection(std::move(*fault));
    const json::object& about = meta_of(request.params);
    ClientFacts who{Era::modern, std::string(text_at(about, meta::kVersion)), {}, {}};
    if (const json::object* capabilities = mcp::find_object(about, meta::kClientCapabilities)) {
      who.capabilities = *capabilities;
    }
    if (const json::object* info = mcp::find_object(about, meta::kClientInfo)) who.info = *info;
    return who;
  }
  if (request.method == "server/discover") {
    // Asked by a modern client that forgot to say so.
    if (std::optional<Fault> fault = check_envelope(request)) throw Rejection(std::move(*fault));
  }
  const bool may_come_first = request.method == "initialize" || request.method == "ping";
  if (!peer.greeted && !may_come_first) {
    throw Rejection(code::kInvalidRequest, "the first request has to be initialize, or to name its version in _meta");
  }
  return peer.who;
}

void Server::State::take(const std::shared_ptr<Peer>& peer, Request request, const std::shared_ptr<Outlet>& outlet) {
  const Id id = request.id;
  Fault fault;
  try {
    if (stopping) throw Rejection(code::kInternal, "the server is ending");
    ClientFacts who = identify(*peer, request);
    if (peer->under_way.contains(id) || peer->listening.contains(id)) {
      throw Rejection(code::kInvalidRequest, "a request with the id " + describe(id) + " is under way");
    }
    if (request.method == "subscriptions/listen" && who.era == Era::modern) {
      listen(*peer, request, outlet);
      return;
    }
    if (std::optional<json::object> result = answer_now(*peer, who, request)) {
      json::object whole = finished(who, request.method, std::move(*result));
      outlet->answer(answer_to(id, std::move(whole)));
      return;
    }
    if (who.era == Era::modern && request.params.contains("requestState")) {
      come_back(peer, who, std::move(request), outlet);
      return;
    }
    check_room(*peer, who);
    begin(std::make_shared<ServedCall>(*this, peer, std::move(who), std::move(request), outlet));
    return;
  } catch (const Rejection& rejection) {
    fault = rejection.fault();
  } catch (...) {
    const Error error = current_error();
    environment.log({LogLevel::error, "mcp server", "a request failed: " + error.describe()});
    fault = {code::kInternal, error.describe(), {}};
  }
  outlet->answer(answer_to(id, std::move(fault)));
}

void Server::State::take(Peer& peer, const Notification& notification) {
  if (notification.method != "notifications/cancelled") return;  // the others tell nothing that we need
  const json::value* given = notification.params.if_contains("requestId");
  const std::optional<Id> id = given == nullptr ? std::nullopt : read_id(*given);
  if (!id) return;
  peer.listening.erase(*id);
  const auto found = peer.under_way.find(*id);
  if (found == peer.under_way.end()) return;
  const std::shared_ptr<ServedCall> call = found->second;
  call->cancel();
}

void Server::State::take(Peer& peer, const Answer& answer) {
  const auto* number = answer.id ? std::get_if<std::int64_t>(&*answer.id) : nullptr;
  const auto found = number == nullptr ? peer.asked.end() : peer.asked.find(*number);
  if (found == peer.asked.end()) return;  // late, or never asked
  const ServedCall::Asked asked = found->second;
  peer.asked.erase(found);
  ServedCall::settle(asked, answer);
}

// ---- what has changed ----

void Server::State::tell(const std::string& method, const std::string& uri) {
  json::object params;
  if (!uri.empty()) params["uri"] = uri;
  for (const std::weak_ptr<Peer>& weak : peers) {
    const std::shared_ptr<Peer> peer = weak.lock();
    if (peer == nullptr) continue;
    for (const auto& [id, listening] : peer->listening) {
      const bool wanted = uri.empty() ? listening.kinds.contains(method) : listening.addresses.contains(uri);
      if (!wanted || !listening.outlet->has_room()) continue;
      json::object tagged = params;
      tagged["_meta"] = json::object{{meta::kSubscription, to_json(id)}};
      listening.outlet->put(to_json(Notification{method, std::move(tagged)}));
    }
    const bool wanted = peer->greeted && (uri.empty() || peer->watched.contains(uri));
    if (wanted && peer->outlet != nullptr && peer->outlet->has_room()) {
      peer->outlet->put(to_json(Notification{method, params}));
    }
  }
}

void Server::State::end_listening(Peer& peer) {
  const auto listening = std::exchange(peer.listening, {});
  for (const auto& [id, one] : listening) {
    json::object result{
        {"resultType", "complete"},
        {"_meta", json::object{{meta::kSubscription, to_json(id)}, {meta::kServerInfo, service.info()}}}};
    one.outlet->answer(answer_to(id, std::move(result)));
  }
}

}  // namespace sennit::mcp
