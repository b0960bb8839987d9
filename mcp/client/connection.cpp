#include <sennit/agent/io/timeout.hpp>
#include <sennit/mcp/client/connection.hpp>
#include <sennit/mcp/client/hop.hpp>
#include <sennit/mcp/client/refuser.hpp>
#include <sennit/mcp/protocol/envelope.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sennit::mcp {
namespace {

constexpr milliseconds kToTell{1'000};                        // for a notification that nobody waits for
constexpr std::size_t kMostShown = 1'000;                     // progress lines of one call
constexpr std::size_t kMostLog = 2'000;                       // bytes of a server's log line
constexpr std::size_t kMostAsked = kMostInputs * kMaxRounds;  // questions of one call

asio::awaitable<void> receive(std::shared_ptr<Link> link, Outgoing outgoing, std::optional<Answer>& answer) {
  auto asking = link->request(std::move(outgoing));
  answer.emplace(co_await std::move(asking));
}

asio::awaitable<void> tell(Environment& environment, std::shared_ptr<Link> link, Notification notification) {
  auto telling = link->notify(std::move(notification));
  co_await with_timeout(environment, kToTell, std::move(telling), "a notification");
}

asio::awaitable<void> joined(TaskScope& scope) {
  scope.cancel();
  auto joining = scope.join();
  co_await std::move(joining);
}

double number_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_number()) return 0;
  return value->to_number<double>();
}

LogLevel level_of(std::string_view name) {
  if (name == "debug") return LogLevel::debug;
  if (name == "warning") return LogLevel::warning;
  return name == "info" || name == "notice" ? LogLevel::info : LogLevel::error;
}

}  // namespace

Error to_error(const Fault& fault, const std::string& server) {
  return Error(errc::tool,
               fmt::format("the MCP server '{}' refused: {} ({})", server, sanitize_utf8(fault.message), fault.code))
      .provider(0, std::to_string(fault.code), fault.message);
}

Connection::Connection(Environment& environment, McpServer server, LinkFactory links)
    : environment_(environment),
      executor_(environment.executor()),
      server_(std::move(server)),
      links_(std::move(links)),
      at_end_(at_loop_end(executor_, [gone = gone_] { gone->store(true); })) {}

Connection::~Connection() {
  if (!gone()) drop();
}

void Connection::close() {
  background_.reset();
  drop();
}

/// What refers to the loop is let go before the loop is: this object may live longer.
void Connection::prepare() {
  if (background_) return;
  background_ = std::make_unique<TaskScope>(executor_, [](const Error&) {});
  drop_at_end_ = at_loop_end(executor_, [weak = weak_from_this()] {
    const std::shared_ptr<Connection> self = weak.lock();
    if (!self) return;
    self->gone_->store(true);
    self->close();
  });
}

void Connection::drop() {
  if (link_) link_->close();
  link_.reset();
}

asio::awaitable<ServerFacts> Connection::ready() {
  const std::shared_ptr<Connection> self = shared_from_this();
  auto acquiring = starting_.acquire();
  const Lock::Held held = co_await std::move(acquiring);
  if (link_) link_->catch_up();
  if (link_ && link_->usable()) co_return facts_;
  prepare();
  drop();
  last_failure_.clear();
  Watch watch(environment_, server_.start_timeout, milliseconds{0});
  struct Watched {
    Watch*& place;
    ~Watched() { place = nullptr; }
  } const watched{start_watch_ = &watch};
  try {
    auto starting = start();
    auto watching = watch.run(std::move(starting), fmt::format("starting the MCP server '{}'", server_.name));
    co_await std::move(watching);
  } catch (const Error& error) {
    if (error.code() != errc::timeout || last_failure_.empty()) throw;
    throw Error(errc::timeout, error.message() + "; before that, " + last_failure_);
  }
  co_return facts_;
}

asio::awaitable<json::object> Connection::request(std::string method, json::object params,
                                                  std::shared_ptr<Caller> caller, std::vector<http::Header> headers) {
  const std::shared_ptr<Connection> self = shared_from_this();
  json::object asked = params;
  for (int round = 0; round < kMaxRounds; ++round) {
    auto exchanging = exchange(method, std::move(asked), caller, headers);
    const Answer answer = co_await std::move(exchanging);
    if (const Fault* fault = answer.fault()) throw to_error(*fault, server_.name);
    const json::object& result = *answer.result();
    const ResultKind kind = facts_.era == Era::modern ? result_kind(result) : ResultKind::complete;
    if (kind == ResultKind::complete) co_return result;
    if (kind == ResultKind::other) {
      throw Error(errc::protocol, fmt::format("the MCP server '{}' gave a result of the unknown type '{}'",
                                              server_.name, text_at(result, "resultType")));
    }
    asked = params;
    if (const json::object* requests = mcp::find_object(result, "inputRequests")) {
      auto asking = ask_all(*requests, caller);
      asked["inputResponses"] = co_await std::move(asking);
    }
    if (const json::value* state = result.if_contains("requestState")) asked["requestState"] = *state;
  }
  throw Error(errc::limit, fmt::format("the MCP server '{}' asked more than {} times before it did '{}'", server_.name,
                                       kMaxRounds, method));
}

asio::awaitable<Answer> Connection::exchange(std::string method, json::object params, std::shared_ptr<Caller> caller,
                                             std::vector<http::Header> headers) {
  for (bool again = false;; again = true) {
    auto readying = ready();
    (void)co_await std::move(readying);
    const std::shared_ptr<Link> used = link_;
    try {
      auto asking = exchange_once(method, params, caller, headers);
      co_return co_await std::move(asking);
    } catch (const NotTaken& error) {
      // Nothing was done, so this is no second call. Once: a server that takes nothing twice is broken.
      if (again) throw Error(errc::connect_failed, error.message());
      if (link_ == used) drop();          // another call may have met the server anew
      if (method == "tools/call") throw;  // the server that is met next may have changed its tools
    }
  }
}

asio::awaitable<Answer> Connection::exchange_once(std::string method, json::object params,
                                                  std::shared_ptr<Caller> caller, std::vector<http::Header> headers) {
  const std::int64_t id = ++last_id_;
  const std::shared_ptr<Link> link = link_;
  if (caller) {
    json::value& about = params[kMetaKey];
    if (!about.is_object()) about = json::object();
    about.get_object()[meta::kProgressToken] = id;
  }
  if (facts_.era == Era::modern) add_envelope(params, facts_.version, capabilities());

  TaskScope answers(executor_, [](const Error&) {});
  const milliseconds limit = caller ? server_.timeout : server_.start_timeout;
  const auto watch = std::make_shared<Watch>(environment_, limit, limit * kLongestCall);
  Call call{caller, watch, &answers};
  struct Registered {
    std::map<std::int64_t, Call*>& calls;
    std::int64_t id;
    ~Registered() { calls.erase(id); }
  };
  std::optional<Answer> answer;
  std::exception_ptr failure;
  {
    calls_.emplace(id, &call);
    const Registered registered{calls_, id};
    auto receiving = receive(link, Outgoing{id, method, std::move(params), std::move(headers)}, answer);
    auto watching = watch->run(std::move(receiving), fmt::format("'{}' of the MCP server '{}'", method, server_.name));
    try {
      co_await std::move(watching);
    } catch (const NotTaken&) {
      failure = std::current_exception();
    } catch (...) {
      const Error error = current_error();
      if (error.code() == errc::cancelled || error.code() == errc::timeout) tell_cancelled(link, id, error);
      if (error.code() == errc::truncated && method == "tools/call") {
        failure = std::make_exception_ptr(
            Error(errc::truncated, error.message() + ". The call may have taken effect, so it is not repeated"));
      } else {
        failure = std::current_exception();
      }
    }
  }
  // What the server asked during the call ends with it.
  co_await asio::this_coro::throw_if_cancelled(false);
  auto joining = joined(answers);
  (void)co_await shielded(std::move(joining));
  co_await asio::this_coro::throw_if_cancelled(true);
  if (failure) std::rethrow_exception(failure);
  deaths_ = 0;
  co_return std::move(*answer);
}

Pause Connection::pause() {
  return [weak = weak_from_this()](bool waits) {
    const std::shared_ptr<Connection> self = weak.lock();
    if (!self) return;
    const auto tell_watch = [waits](Watch* watch) {
      if (watch != nullptr && waits) watch->pause();
      if (watch != nullptr && !waits) watch->resume();
    };
    tell_watch(self->start_watch_);
    for (const auto& [id, call] : self->calls_) tell_watch(call->watch.get());
  };
}

void Connection::tell_cancelled(const std::shared_ptr<Link>& link, std::int64_t id, const Error& error) {
  if (link->cancels_by_closing() || !link->usable() || !background_) return;
  const std::string reason = error.code() == errc::timeout ? "it took too long" : "nobody waits for it any more";
  background_->spawn(tell(environment_, link, {"notifications/cancelled", {{"requestId", id}, {"reason", reason}}}));
}

asio::awaitable<std::vector<json::object>> Connection::list(std::string method, std::string member) {
  std::vector<json::object> entries;
  std::string cursor;
  const SteadyTime began = environment_.now();
  for (std::size_t page = 0; page < kMaxPages; ++page) {
    if (environment_.now() - began > server_.start_timeout) {
      throw Error(errc::timeout, fmt::format("{} pages of {} of the MCP server '{}' took longer than {} ms", page,
                                             method, server_.name, server_.start_timeout.count()));
    }
    json::object params;
    if (!cursor.empty()) params["cursor"] = cursor;
    auto asking = request(method, std::move(params), nullptr);
    const json::object result = co_await std::move(asking);
    const json::array* found = find_array(result, member);
    if (found == nullptr) {
      throw Error(errc::protocol,
                  fmt::format("the MCP server '{}' answered {} without '{}'", server_.name, method, member));
    }
    for (const json::value& entry : *found) {
      if (entry.is_object()) entries.push_back(entry.get_object());
    }
    const std::string_view next = text_at(result, "nextCursor");
    if (next.empty()) co_return entries;
    if (entries.size() > kMaxListed || next == cursor) break;
    cursor = next;
  }
  throw Error(errc::too_large,
              fmt::format("the MCP server '{}' never ends its answer to {}: more than {} pages or {} entries",
                          server_.name, method, kMaxPages, kMaxListed));
}

// ---- what the server says and asks ----

asio::awaitable<json::object> Connection::ask_all(const json::object& requests, std::shared_ptr<Caller> caller) {
  if (requests.size() > kMostInputs) {
    throw Error(errc::limit, fmt::format("the MCP server '{}' asks {} things at once; at most {} are answered",
                                         server_.name, requests.size(), kMostInputs));
  }
  json::object responses;
  for (const auto& [key, value] : requests) {
    const json::object* request = value.if_object();
    if (request == nullptr) throw Error(errc::protocol, "an input request is an object");
    const json::object* params = mcp::find_object(*request, "params");
    auto answering = answer_of(std::string(text_at(*request, "method")), params ? *params : json::object(), caller);
    responses[key] = co_await std::move(answering);
  }
  co_return responses;
}

asio::awaitable<json::object> Connection::answer_of(std::string method, json::object params,
                                                    std::shared_ptr<Caller> caller) {
  if (method == "ping") co_return json::object();
  if (method == "roots/list") co_return roots();
  if (!caller) throw Error(errc::not_found, "nobody is there to answer " + method);
  auto answering = caller->answer(std::move(method), std::move(params));
  auto there = hop(caller->executor(), std::move(answering));
  co_return co_await std::move(there);
}

asio::awaitable<void> Connection::serve(std::shared_ptr<Connection> self, std::shared_ptr<Link> link, Request request,
                                        std::shared_ptr<Caller> caller, std::shared_ptr<Watch> watch) {
  Answer answer{request.id, {}};
  std::exception_ptr cut;
  if (watch) watch->pause();
  try {
    auto answering = self->answer_of(request.method, std::move(request.params), std::move(caller));
    answer.outcome = co_await std::move(answering);
  } catch (...) {
    const Error error = current_error();
    if (error.code() == errc::cancelled) cut = std::current_exception();
    const std::int64_t number = error.code() == errc::denied      ? code::kUserRejected
                                : error.code() == errc::not_found ? code::kNoMethod
                                                                  : code::kInternal;
    answer.outcome = Fault{number, error.message(), {}};
  }
  if (watch) watch->resume();
  if (cut) std::rethrow_exception(cut);
  auto replying = reply(std::move(self), std::move(link), std::move(answer));
  co_await std::move(replying);
}

asio::awaitable<void> Connection::reply(std::shared_ptr<Connection> self, std::shared_ptr<Link> link, Answer answer) {
  auto sending = link->answer(std::move(answer));
  co_await with_timeout(self->environment_, kToTell, std::move(sending), "an answer");
}

/// Who asks faster than it reads goes without an answer.
void Connection::in_background(asio::awaitable<void> replying) {
  if (background_->size() < kMostReplies) background_->spawn(std::move(replying));
}

void Connection::asked(Request request, std::optional<std::int64_t> during) {
  Call* call = call_for(during);
  const std::shared_ptr<Link> link = link_;
  if (!link || !background_) return;  // before the handshake is done a server has nothing to ask
  const bool own = request.method == "ping" || request.method == "roots/list";
  if (!own && !during && several_runs()) {
    warned(fmt::format("{} of the MCP server '{}' is refused: it does not say for which of several runs it asks",
                       request.method, server_.name));
    in_background(serve(shared_from_this(), link, std::move(request), std::make_shared<Refuser>(executor_), {}));
  } else if (call == nullptr || own) {
    in_background(serve(shared_from_this(), link, std::move(request), nullptr, nullptr));
  } else if (call->answers->size() >= kMostInputs || ++call->asked > kMostAsked) {
    Fault fault{code::kInternal,
                fmt::format("at most {} questions at a time and {} of one call are answered", kMostInputs, kMostAsked)};
    in_background(reply(shared_from_this(), link, {std::move(request.id), std::move(fault)}));
  } else {
    call->answers->spawn(serve(shared_from_this(), link, std::move(request), call->caller, call->watch));
  }
}

Connection::Call* Connection::call_for(std::optional<std::int64_t> during) {
  if (during) {  // a call that has ended is not to be answered by another one's run
    const auto place = calls_.find(*during);
    return place != calls_.end() && place->second->caller ? place->second : nullptr;
  }
  // Nobody says for which call a child asks. Those of one run have the same person and the same model.
  for (auto place = calls_.rbegin(); place != calls_.rend(); ++place) {
    if (place->second->caller) return place->second;
  }
  return nullptr;
}

bool Connection::several_runs() const {
  const Caller* first = nullptr;
  for (const auto& [id, call] : calls_) {
    if (!call->caller) continue;
    if (first != nullptr && first->run() != call->caller->run()) return true;
    first = call->caller.get();
  }
  return false;
}

void Connection::notified(Notification notification, std::optional<std::int64_t> /*during*/) {
  if (notification.method == "notifications/progress") show_progress(notification.params);
  if (notification.method == "notifications/message") log_message(notification.params);
  if (notification.method == "notifications/tools/list_changed") ++tools_version_;
}

void Connection::show_progress(const json::object& params) {
  const auto token = find_int(json::value(params), meta::kProgressToken);
  const auto place = token ? calls_.find(*token) : calls_.end();
  // Only a call asked for progress: who shows some of a list gets no more time for it.
  if (place == calls_.end() || !place->second->caller) return;
  Call& call = *place->second;
  const double progress = number_at(params, "progress");
  if (progress <= call.progress) return;  // it must grow: standing still buys no time
  call.progress = progress;
  call.watch->extend();
  if (call.shown++ >= kMostShown) return;
  std::string text(text_at(params, "message").substr(0, kMostLog));
  const double total = number_at(params, "total");
  std::string count = total > 0 ? fmt::format("{} of {}", progress, total) : fmt::format("{}", progress);
  text = text.empty() ? std::move(count) : fmt::format("{} ({})", text, count);
  asio::post(call.caller->executor(), [caller = call.caller, text = std::move(text)] { caller->progress(text); });
}

void Connection::log_message(const json::object& params) {
  const json::value* data = params.if_contains("data");
  if (data == nullptr) return;
  std::string text = data->is_string() ? std::string(data->get_string()) : json::serialize(*data);
  if (text.size() > kMostLog) text.resize(kMostLog);
  environment_.log({level_of(text_at(params, "level")), "mcp", server_.name + ": " + sanitize_utf8(text)});
}

void Connection::warned(std::string what) {
  environment_.log({LogLevel::warning, "mcp", std::move(what)});
}

json::object Connection::roots() const {
  json::array list;
  for (const auto& folder : server_.roots) {
    list.push_back(json::object{{"uri", "file://" + folder.string()}, {"name", folder.filename().string()}});
  }
  return {{"roots", std::move(list)}};
}

}  // namespace sennit::mcp
