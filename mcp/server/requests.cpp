// The methods of an MCP server: which there are in which era, and what each gives.
#include <sennit/agent/io/base64.hpp>
#include <sennit/mcp/protocol/content.hpp>
#include <sennit/mcp/server/server_state.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace sennit::mcp {
namespace {

// How long a client may keep a list, where the server would tell of a change, or there is none.
constexpr std::int64_t kListLife = 60'000;
constexpr std::size_t kMostName = 128;

constexpr std::array<std::string_view, 6> kCached{"server/discover", "tools/list",     "prompts/list",
                                                  "resources/list",  "resources/read", "resources/templates/list"};

/// The capability that a method belongs to; empty: to none.
std::string_view capability_of(std::string_view method) {
  for (const std::string_view capability : {"tools", "prompts", "resources"}) {
    if (method.starts_with(capability) && method.substr(capability.size()).starts_with('/')) return capability;
  }
  if (method == "completion/complete") return "completions";
  if (method == "logging/setLevel") return "logging";
  return {};
}

bool is_legacy_only(std::string_view method) {
  constexpr std::array<std::string_view, 5> kGone{"initialize", "ping", "logging/setLevel", "resources/subscribe",
                                                  "resources/unsubscribe"};
  return std::ranges::find(kGone, method) != kGone.end();
}

[[noreturn]] void reject_unknown(const std::string& method) {
  throw Rejection(code::kNoMethod, "there is no method '" + method.substr(0, kMostName) + "' here");
}

std::string need_text(const json::object& params, const char* key) {
  const json::value* value = params.if_contains(key);
  if (value == nullptr || !value->is_string()) {
    throw Rejection(code::kInvalidParams, "params." + std::string(key) + " must be a string");
  }
  return std::string(value->get_string());
}

json::object optional_object(const json::object& params, const char* key) {
  const json::value* value = params.if_contains(key);
  if (value == nullptr) return {};
  if (!value->is_object()) throw Rejection(code::kInvalidParams, "params." + std::string(key) + " must be an object");
  return value->get_object();
}

bool is_listed(const json::array& entries, std::string_view name) {
  return std::ranges::any_of(entries, [&](const json::value& one) { return sennit::find_string(one, "name") == name; });
}

bool has_flag(const json::object& capabilities, std::string_view capability, std::string_view flag) {
  const json::object* one = mcp::find_object(capabilities, capability);
  return one != nullptr && true_at(*one, flag);
}

[[noreturn]] void reject_resource(const ClientFacts& who, const std::string& uri) {
  const std::int64_t number = who.era == Era::modern ? code::kInvalidParams : code::kLegacyNoResource;
  throw Rejection(number, "there is no resource '" + uri + "'", json::object{{"uri", uri}});
}

asio::awaitable<json::object> call_tool(Service& service, Exchange& exchange, const json::object& params) {
  std::string name = need_text(params, "name");
  json::object arguments = optional_object(params, "arguments");
  if (!is_listed(service.tools(), name)) throw Rejection(code::kInvalidParams, "there is no tool '" + name + "'");
  std::string failure;
  try {
    auto calling = service.call_tool(exchange, std::move(name), std::move(arguments));
    co_return co_await std::move(calling);
  } catch (const Rejection&) {
    throw;
  } catch (...) {
    const Error error = current_error();
    if (error.code() == errc::cancelled) throw Error(error);
    failure = error.describe();
  }
  co_return json::object{{"content", json::array{text_content(failure)}}, {"isError", true}};
}

}  // namespace

json::object Server::State::initialize(Peer& peer, const Request& request) const {
  const std::string wanted = need_text(request.params, "protocolVersion");
  peer.who.era = Era::legacy;
  peer.who.version = is_legacy_version(wanted) ? wanted : std::string(kLegacyVersions.front());
  peer.who.capabilities = optional_object(request.params, "capabilities");
  peer.who.info = optional_object(request.params, "clientInfo");
  peer.greeted = true;
  json::object result{{"protocolVersion", peer.who.version}, {"serverInfo", service.info()}};
  json::object capabilities = service.capabilities();
  capabilities.erase("extensions");  // of modern clients
  result["capabilities"] = std::move(capabilities);
  if (std::string words = service.instructions(); !words.empty()) result["instructions"] = std::move(words);
  return result;
}

json::object Server::State::discover() const {
  json::object result;
  json::array versions;
  for (const std::string_view version : kModernVersions) versions.emplace_back(version);
  result["supportedVersions"] = std::move(versions);
  json::object capabilities = service.capabilities();
  capabilities.erase("logging");  // a modern request asks for it by itself
  result["capabilities"] = std::move(capabilities);
  if (std::string words = service.instructions(); !words.empty()) result["instructions"] = std::move(words);
  return result;
}

json::object Server::State::page(json::array entries, const char* key, const json::object& params) const {
  std::size_t from = 0;
  if (const json::value* cursor = params.if_contains("cursor")) {
    const std::optional<std::string> text =
        cursor->is_string() ? decode_base64(cursor->get_string()) : std::optional<std::string>();
    const char* end = text ? text->data() + text->size() : nullptr;
    if (!text || std::from_chars(text->data(), end, from).ptr != end || from == 0 || from >= entries.size()) {
      throw Rejection(code::kInvalidParams, "params.cursor is none that this server gave out");
    }
  }
  const std::size_t to = std::min(entries.size(), from + limits.page);
  json::object result;
  if (to < entries.size()) result["nextCursor"] = encode_base64(std::to_string(to));
  result[key] = json::array(entries.begin() + static_cast<std::ptrdiff_t>(from),
                            entries.begin() + static_cast<std::ptrdiff_t>(to));
  return result;
}

std::optional<json::object> Server::State::answer_now(Peer& peer, const ClientFacts& who, const Request& request) {
  const std::string& method = request.method;
  if (who.era == Era::modern && is_legacy_only(method)) reject_unknown(method);
  if (who.era == Era::legacy) {
    if (method == "initialize") return initialize(peer, request);
    if (method == "ping") return json::object{};
  } else if (method == "server/discover") {
    return discover();
  } else if (method == "tasks/get" || method == "tasks/update" || method == "tasks/cancel") {
    if (has_tasks(service.capabilities())) return answer_task(who, request);
  }
  const std::string_view capability = capability_of(method);
  const json::object capabilities = service.capabilities();
  if (capability.empty() || !capabilities.contains(capability)) reject_unknown(method);
  if (method == "tools/list") return page(service.tools(), "tools", request.params);
  if (method == "prompts/list") return page(service.prompts(), "prompts", request.params);
  if (method == "resources/list") return page(service.resources(), "resources", request.params);
  if (method == "resources/templates/list") {
    return page(service.resource_templates(), "resourceTemplates", request.params);
  }
  if (method == "logging/setLevel") {
    peer.level = need_text(request.params, "level");
    return json::object{};
  }
  if (method == "resources/subscribe" || method == "resources/unsubscribe") {
    if (!has_flag(capabilities, "resources", "subscribe")) reject_unknown(method);
    const std::string uri = need_text(request.params, "uri");
    if (method == "resources/unsubscribe") {
      peer.watched.erase(uri);
    } else if (peer.watched.size() >= limits.subscriptions) {
      throw Rejection(code::kInternal, "too many subscriptions");
    } else {
      peer.watched.insert(uri);
    }
    return json::object{};
  }
  const bool is_known = method == "tools/call" || method == "prompts/get" || method == "resources/read" ||
                        method == "completion/complete";
  if (!is_known) reject_unknown(method);
  return std::nullopt;
}

asio::awaitable<json::object> Server::State::answer_later(std::shared_ptr<ServedCall> call) {
  const Request request = call->request();  // may be another one after a question
  const ClientFacts who = call->caller();
  if (request.method == "tools/call") {
    auto calling = call_tool(service, *call, request.params);
    co_return co_await std::move(calling);
  }
  if (request.method == "prompts/get") {
    std::string name = need_text(request.params, "name");
    if (!is_listed(service.prompts(), name)) throw Rejection(code::kInvalidParams, "there is no prompt '" + name + "'");
    auto getting = service.get_prompt(*call, std::move(name), optional_object(request.params, "arguments"));
    co_return co_await std::move(getting);
  }
  if (request.method == "resources/read") {
    const std::string uri = need_text(request.params, "uri");
    auto reading = service.read_resource(*call, uri);
    json::array contents = co_await std::move(reading);
    if (contents.empty()) reject_resource(who, uri);
    co_return json::object{{"contents", std::move(contents)}};
  }
  auto completing = service.complete(*call, request.params);
  json::object completion = co_await std::move(completing);
  co_return json::object{{"completion", std::move(completion)}};
}

json::object Server::State::finished(const ClientFacts& who, const std::string& method, json::object result) const {
  if (who.era == Era::legacy) {
    const json::value* structured = result.if_contains("structuredContent");
    if (structured != nullptr && !structured->is_object()) result.erase("structuredContent");
    return result;
  }
  if (!result.contains("resultType")) result["resultType"] = "complete";
  json::value& about = result["_meta"];
  if (!about.is_object()) about = json::object();
  about.get_object()[meta::kServerInfo] = service.info();
  if (std::ranges::find(kCached, method) != kCached.end()) {
    // What a token opens is for its holder.
    if (!result.contains("ttlMs")) result["ttlMs"] = method == "resources/read" ? 0 : kListLife;
    if (!result.contains("cacheScope")) result["cacheScope"] = "private";
  }
  return result;
}

void Server::State::listen(Peer& peer, const Request& request, const std::shared_ptr<Outlet>& outlet) const {
  const json::object capabilities = service.capabilities();
  const bool may_listen =
      has_flag(capabilities, "tools", "listChanged") || has_flag(capabilities, "prompts", "listChanged") ||
      has_flag(capabilities, "resources", "listChanged") || has_flag(capabilities, "resources", "subscribe");
  if (!may_listen) reject_unknown(request.method);
  const json::object* wanted = mcp::find_object(request.params, "notifications");
  if (wanted == nullptr) throw Rejection(code::kInvalidParams, "params.notifications must be an object");
  if (peer.listening.size() >= limits.subscriptions) throw Rejection(code::kInternal, "too many subscriptions");
  Listening listening;
  json::object granted;
  for (const std::string_view kind : {"tools", "prompts", "resources"}) {
    const std::string key = std::string(kind) + "ListChanged";
    if (!true_at(*wanted, key) || !has_flag(capabilities, kind, "listChanged")) continue;
    listening.kinds.insert("notifications/" + std::string(kind) + "/list_changed");
    granted[key] = true;
  }
  const json::array* addresses = find_array(*wanted, "resourceSubscriptions");
  if (addresses != nullptr && has_flag(capabilities, "resources", "subscribe")) {
    json::array watched;
    for (const json::value& uri : *addresses) {
      if (!uri.is_string() || watched.size() >= limits.page) continue;
      listening.addresses.insert(std::string(uri.get_string()));
      watched.push_back(uri);
    }
    granted["resourceSubscriptions"] = std::move(watched);
  }
  json::object params{{"notifications", std::move(granted)}};
  params["_meta"] = json::object{{meta::kSubscription, to_json(request.id)}};
  outlet->put(to_json(Notification{"notifications/subscriptions/acknowledged", std::move(params)}));
  listening.outlet = outlet;
  peer.listening.emplace(request.id, std::move(listening));
}

}  // namespace sennit::mcp
