#include <sennit/agent/io/digest.hpp>
#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/io/timeout.hpp>
#include <sennit/mcp/server/server_state.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace sennit::mcp {
namespace {

constexpr std::array<std::string_view, 8> kLevels{"debug", "info",     "notice", "warning",
                                                  "error", "critical", "alert",  "emergency"};

std::size_t rank_of(std::string_view level) {
  return static_cast<std::size_t>(std::ranges::find(kLevels, level) - kLevels.begin());
}

/// Whole where it is whole: `3`, not `3E0`.
json::value number(double value) {
  const auto whole = static_cast<std::int64_t>(value);
  return static_cast<double>(whole) == value ? json::value(whole) : json::value(value);
}

std::string_view capability_for(std::string_view method) {
  if (method == "sampling/createMessage") return "sampling";
  if (method == "roots/list") return "roots";
  return "elicitation";
}

/// What tells one request from another, whoever comes back with it.
std::string digest_of(const Request& request) {
  json::object params = request.params;
  for (const char* key : {"_meta", "inputResponses", "requestState"}) params.erase(key);
  return sha256(request.method + json::serialize(params));
}

json::object input_required(const ClientFacts& who, const Server::State& server, json::object requests,
                            const std::string& state) {
  json::object result{{"resultType", "input_required"}, {"inputRequests", std::move(requests)}};
  result["requestState"] = state;
  return server.finished(who, {}, std::move(result));
}

asio::awaitable<void> wait_for(ServedCall::Round& round) {
  while (!round.is_over()) co_await round.changed.wait();
}

}  // namespace

const json::object& meta_of(const json::object& params) {
  static const json::object none;
  const json::object* meta = mcp::find_object(params, "_meta");
  return meta == nullptr ? none : *meta;
}

// ---- what a handler does ----

ServedCall::ServedCall(Server::State& server, std::shared_ptr<Peer> peer, ClientFacts who, Request request,
                       std::shared_ptr<Outlet> outlet)
    : server_(server),
      peer_(std::move(peer)),
      who_(std::move(who)),
      request_(std::move(request)),
      outlet_(std::move(outlet)) {
  if (who_.era == Era::modern) take_replies(request_.params, true);
}

Environment& ServedCall::environment() {
  return server_.environment;
}

void ServedCall::require(std::string_view capability) const {
  if (who_.can(capability)) return;
  throw Rejection(code::kMissingCapability,
                  "the client has to declare the capability '" + std::string(capability) + "' for this",
                  json::object{{"requiredCapabilities", json::object{{capability, json::object{}}}}});
}

void ServedCall::progress(double value, std::optional<double> total, std::string message) {
  if (task_) task_->words = message;
  const json::value* token = meta_of(request_.params).if_contains(meta::kProgressToken);
  if (token == nullptr || !read_id(*token) || outlet_ == nullptr || !outlet_->has_room()) return;
  json::object params{{"progressToken", *token}, {"progress", number(value)}};
  if (total) params["total"] = number(*total);
  if (!message.empty()) params["message"] = message;
  outlet_->put(to_json(Notification{"notifications/progress", std::move(params)}));
}

void ServedCall::log(std::string_view level, std::string logger, json::value data) {
  if (outlet_ == nullptr || !outlet_->has_room()) return;
  std::string_view wanted = peer_->level;
  if (who_.era == Era::modern) wanted = text_at(meta_of(request_.params), meta::kLogLevel);
  if (rank_of(wanted) >= kLevels.size() || rank_of(level) < rank_of(wanted)) return;
  json::object params{{"level", level}, {"data", std::move(data)}};
  if (!logger.empty()) params["logger"] = logger;
  outlet_->put(to_json(Notification{"notifications/message", std::move(params)}));
}

void ServedCall::let_poll() {
  if (who_.era == Era::legacy && outlet_ != nullptr) outlet_->let_poll();
}

// ---- what a handler asks ----

/// A round, as long as its ask() waits.
struct ServedCall::Waiting {
  Waiting(ServedCall& of, Round& one) : call(of), own(one) { call.rounds_.insert(&own); }
  ~Waiting() {
    call.rounds_.erase(&own);
    for (const std::int64_t id : ids) {
      if (call.peer_->asked.erase(id) == 0 || call.outlet_ == nullptr) continue;
      json::object params{{"requestId", id}, {"reason", "not needed any more"}};
      call.outlet_->put(to_json(Notification{"notifications/cancelled", std::move(params)}));
    }
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ServedCall& call;
  Round& own;
  std::vector<std::int64_t> ids{};
};

asio::awaitable<ClientReplies> ServedCall::ask(ClientRequests requests) {
  Round round;
  for (auto& [key, request] : requests) {
    const std::string_view capability = capability_for(request.method);
    const bool is_form = capability == "elicitation" && text_at(request.params, "mode") != "url";
    if (!who_.can(capability) || (is_form && !who_.takes_forms())) {
      throw Error(errc::denied, "the client cannot be asked: it lacks the capability '" + std::string(capability) +
                                    (who_.can(capability) ? ".form'" : "'"));
    }
    const auto given = given_.find(key);
    if (given == given_.end()) continue;
    round.replies.emplace(key, std::move(given->second));
    given_.erase(given);
  }
  round.requests = std::move(requests);
  Waiting waiting(*this, round);
  if (!round.is_over()) {
    if (who_.era == Era::legacy) {
      send_questions(round, waiting.ids);
    } else {
      ask_soon();
    }
    auto answered = wait_for(round);
    co_await with_timeout(server_.environment, server_.limits.reply_timeout, std::move(answered), "the client's reply");
  }
  if (round.failure) throw Error(*round.failure);
  co_return std::move(round.replies);
}

void ServedCall::send_questions(Round& round, std::vector<std::int64_t>& ids) {
  for (const auto& [key, request] : round.requests) {
    const std::int64_t id = peer_->next_request++;
    ids.push_back(id);
    peer_->asked.emplace(id, Asked{weak_from_this(), &round, key});
    if (outlet_ != nullptr) outlet_->put(to_json(Request{id, request.method, request.params}));
  }
}

void ServedCall::settle(const Asked& asked, const Answer& answer) {
  const std::shared_ptr<ServedCall> call = asked.call.lock();
  if (call == nullptr || !call->rounds_.contains(asked.round)) return;
  if (const Fault* fault = answer.fault()) {
    asked.round->failure = Error(errc::denied, "the client answered with an error: " + fault->message);
  } else {
    asked.round->replies.emplace(asked.key, *answer.result());
  }
  asked.round->changed.notify();
}

void ServedCall::ask_soon() {
  if (std::exchange(asking_soon_, true)) return;
  asio::post(server_.environment.executor(), [self = shared_from_this()] {
    self->asking_soon_ = false;
    self->ask_now();
  });
}

json::object ServedCall::open_questions() const {
  json::object requests;
  for (const Round* one : rounds_) {
    for (const auto& [key, request] : one->requests) {
      if (one->replies.contains(key)) continue;
      requests[key] = json::object{{"method", request.method}, {"params", request.params}};
    }
  }
  return requests;
}

void ServedCall::ask_now() {
  if (done_ || cancelled_ || outlet_ == nullptr) return;
  json::object requests = open_questions();
  if (requests.empty()) return;
  const std::string state = server_.park(shared_from_this());
  json::object result = input_required(who_, server_, std::move(requests), state);
  peer_->forget(request_.id);
  std::exchange(outlet_, nullptr)->answer(answer_to(request_.id, std::move(result)));
}

void ServedCall::take_replies(const json::object& params, bool keep) {
  const json::value* replies = params.if_contains("inputResponses");
  if (replies == nullptr) return;
  if (!replies->is_object()) throw Rejection(code::kInvalidParams, "inputResponses must be an object");
  for (const auto& [key, reply] : replies->get_object()) {
    if (!reply.is_object()) {
      throw Rejection(code::kInvalidParams, "inputResponses." + std::string(key) + " must be an object");
    }
  }
  for (const auto& [key, reply] : replies->get_object()) {
    bool is_taken = false;
    for (Round* one : rounds_) {
      if (!one->requests.contains(key) || one->replies.contains(key)) continue;
      one->replies.emplace(key, reply.get_object());
      if (one->is_over()) one->changed.notify();
      is_taken = true;
    }
    if (!is_taken && keep && rounds_.empty()) given_.emplace(key, reply.get_object());
  }
}

// ---- its life ----

void ServedCall::cancel() {
  if (std::exchange(cancelled_, true) || done_) return;
  stop.emit(asio::cancellation_type::terminal);
}

void ServedCall::finish(json::object answer) {
  done_ = true;
  if (task_) task_->updated = server_.environment.wall_now();
  if (outlet_ == nullptr) {
    late_ = std::move(answer);
    return;
  }
  peer_->forget(request_.id);
  std::exchange(outlet_, nullptr)->answer(std::move(answer));
}

void ServedCall::finish_unanswered() {
  done_ = true;
  if (task_) task_->updated = server_.environment.wall_now();
  if (outlet_ == nullptr) return;
  peer_->forget(request_.id);
  std::exchange(outlet_, nullptr)->drop();
}

void ServedCall::come_back(std::shared_ptr<Peer> peer, ClientFacts who, Request request,
                           std::shared_ptr<Outlet> outlet) {
  take_replies(request.params, true);  // throws before anything has changed
  expiry.reset();
  peer_ = std::move(peer);
  who_ = std::move(who);
  request_ = std::move(request);
  outlet_ = std::move(outlet);
  peer_->under_way.emplace(request_.id, shared_from_this());
  if (late_) {
    (*late_)["id"] = to_json(request_.id);
    finish(std::move(*late_));
  } else {
    ask_soon();  // for what it did not bring
  }
}

void Server::State::check_room(const Peer& peer, const ClientFacts& who) const {
  const auto refuse = [](std::size_t most) {
    throw Rejection(code::kInternal, "more than " + std::to_string(most) + " requests at a time");
  };
  if (peer.under_way.size() >= limits.calls) refuse(limits.calls);
  if (who.era != Era::modern) return;
  const auto modern = std::ranges::count_if(
      calls, [](const auto& call) { return call->caller().era == Era::modern && !call->is_parked(); });
  if (static_cast<std::size_t>(modern) >= limits.modern_calls) refuse(limits.modern_calls);
}

void Server::State::begin(std::shared_ptr<ServedCall> call) {
  calls.insert(call);
  call->peer()->under_way.emplace(call->request().id, call);
  auto working = perform(shared_from_this(), call);
  const asio::cancellation_slot slot = call->stop.slot();
  asio::co_spawn(environment.executor(), spawnable(std::move(working)),
                 asio::bind_cancellation_slot(
                     slot, [self = shared_from_this(), call](const std::exception_ptr&) { self->ended(call); }));
}

asio::awaitable<void> Server::State::perform(std::shared_ptr<State> self, std::shared_ptr<ServedCall> call) {
  std::optional<json::object> result;
  Fault fault{code::kInternal, "cancelled", {}};
  try {
    auto answering = self->answer_later(call);
    result = co_await with_timeout(self->environment, self->limits.call_timeout, std::move(answering), "the request");
  } catch (const Rejection& rejection) {
    fault = rejection.fault();
  } catch (...) {
    const Error error = current_error();
    const bool is_theirs = error.code() == errc::invalid_argument || error.code() == errc::not_found;
    fault = {is_theirs ? code::kInvalidParams : code::kInternal, error.describe(), {}};
  }
  if (call->is_cancelled()) {
    call->finish_unanswered();
  } else if (result) {
    json::object whole = self->finished(call->caller(), call->request().method, std::move(*result));
    call->finish(answer_to(call->request().id, std::move(whole)));
  } else {
    call->finish(answer_to(call->request().id, std::move(fault)));
  }
}

void Server::State::ended(const std::shared_ptr<ServedCall>& call) {
  calls.erase(call);
  if (call->is_cancelled()) parked.erase(call->parking);  // else its answer may wait there
  if (calls.empty()) idle.notify();
}

std::string Server::State::park(const std::shared_ptr<ServedCall>& call) {
  if (call->parking.empty()) {
    call->parking = random_word(environment);
    parking_order.push_back(call->parking);
  }
  ++call->round;
  parked[call->parking] = call;
  while (parked.size() > limits.parked) {
    const auto oldest = parked.find(parking_order.front());
    parking_order.erase(parking_order.begin());
    if (oldest == parked.end()) continue;
    const std::shared_ptr<ServedCall> leaving = oldest->second;
    parked.erase(oldest);
    leaving->cancel();
  }
  const std::weak_ptr<ServedCall> weak = call;
  call->expiry = environment.call_at(environment.now() + limits.reply_timeout, [self = shared_from_this(), weak] {
    const std::shared_ptr<ServedCall> late = weak.lock();
    if (late == nullptr || !late->is_parked()) return;
    self->parked.erase(late->parking);
    late->cancel();
  });
  const json::object state{{"call", call->parking}, {"round", call->round}, {"request", digest_of(call->request())}};
  return seal.close(json::serialize(state));
}

void Server::State::come_back(const std::shared_ptr<Peer>& peer, const ClientFacts& who, Request request,
                              const std::shared_ptr<Outlet>& outlet) {
  const std::optional<std::string> text = seal.open(text_at(request.params, "requestState"));
  const std::optional<json::value> state = text ? parse_json(*text) : std::nullopt;
  if (!state) throw Rejection(code::kInvalidParams, "requestState is not what this server gave out");
  if (find_string(*state, "request") != digest_of(request)) {
    throw Rejection(code::kInvalidParams, "requestState belongs to another request");
  }
  const auto found = parked.find(std::string(find_string(*state, "call")));
  if (found == parked.end() || !found->second->is_parked() ||
      find_int(*state, "round") != static_cast<std::int64_t>(found->second->round)) {
    throw Rejection(code::kInvalidParams, "requestState has expired or was used before; call again without it");
  }
  const std::shared_ptr<ServedCall> call = found->second;
  call->come_back(peer, who, std::move(request), outlet);
  std::erase(parking_order, call->parking);
  parked.erase(call->parking);
  call->parking.clear();
}

}  // namespace sennit::mcp
