#include <sennit/agent/io/error.hpp>
#include <sennit/mcp/client/oauth_store.hpp>
#include <sennit/mcp/protocol/json_rpc.hpp>

#include <utility>

namespace sennit::mcp::oauth {
namespace {

constexpr std::string_view kTokens = "tokens";
constexpr std::string_view kIssuers = "issuers";
constexpr std::string_view kClients = "clients";

json::object& part(json::object& all, std::string_view name) {
  json::value& place = all[name];
  if (!place.is_object()) place = json::object();
  return place.get_object();
}

const json::object* entry(const json::object& all, std::string_view name, const std::string& key) {
  const json::object* list = mcp::find_object(all, name);
  return list == nullptr ? nullptr : mcp::find_object(*list, key);
}

}  // namespace

json::object Store::read() const {
  if (file_.empty()) {
    const std::lock_guard lock(mutex_);
    return memory_;
  }
  const std::optional<std::string> text = read_state_file(file_);
  const std::optional<json::value> value = text ? parse_json(*text) : std::nullopt;
  // A damaged file costs a sign-in, no more.
  return value && value->is_object() ? value->get_object() : json::object();
}

template <class Change>
void Store::change(Change change) {
  if (file_.empty()) {
    const std::lock_guard lock(mutex_);
    return change(memory_);
  }
  const StateFileLock other_programs(file_);
  json::object all = read();
  change(all);
  write_state_file(file_, json::serialize(all));
}

std::optional<Tokens> Store::tokens(const std::string& resource) const {
  const json::object all = read();
  const json::object* kept = entry(all, kTokens, resource);
  if (kept == nullptr) return std::nullopt;
  Tokens tokens;
  tokens.issuer = text_at(*kept, "issuer");
  tokens.access = text_at(*kept, "access_token");
  tokens.refresh = text_at(*kept, "refresh_token");
  tokens.scope = text_at(*kept, "scope");
  tokens.expires = find_int(json::value(*kept), "expires").value_or(0);
  return tokens;
}

void Store::keep(const std::string& resource, const Tokens& tokens) {
  change([&](json::object& all) {
    part(all, kTokens)[resource] = {{"issuer", tokens.issuer},
                                    {"access_token", tokens.access},
                                    {"refresh_token", tokens.refresh},
                                    {"scope", tokens.scope},
                                    {"expires", tokens.expires}};
    part(all, kIssuers)[resource] = tokens.issuer;
  });
}

void Store::forget(const std::string& resource, const std::string& refresh) {
  change([&](json::object& all) {
    const json::object* kept = entry(all, kTokens, resource);
    if (kept != nullptr && text_at(*kept, "refresh_token") == refresh) part(all, kTokens).erase(resource);
  });
}

std::string Store::issuer(const std::string& resource) const {
  const json::object all = read();
  const json::object* issuers = mcp::find_object(all, kIssuers);
  return issuers == nullptr ? std::string() : std::string(text_at(*issuers, resource));
}

std::optional<Registration> Store::registration(const std::string& issuer) const {
  const json::object all = read();
  const json::object* kept = entry(all, kClients, issuer);
  if (kept == nullptr) return std::nullopt;
  return Registration{std::string(text_at(*kept, "client_id")), std::string(text_at(*kept, "client_secret")),
                      std::string(text_at(*kept, "method")),
                      static_cast<std::uint16_t>(find_int(json::value(*kept), "port").value_or(0))};
}

void Store::keep(const std::string& issuer, const Registration& registration) {
  change([&](json::object& all) {
    part(all, kClients)[issuer] = {{"client_id", registration.id},
                                   {"client_secret", registration.secret},
                                   {"method", registration.method},
                                   {"port", registration.port}};
  });
}

std::unique_ptr<StateFileLock> Store::try_refreshing() const {
  try {
    return std::make_unique<StateFileLock>(file_.string() + ".refreshing", std::chrono::milliseconds(0));
  } catch (const StateFileBusy&) {
    return nullptr;
  }
}

}  // namespace sennit::mcp::oauth
