#include <sennit/agent/io/base64.hpp>
#include <sennit/agent/io/digest.hpp>
#include <sennit/agent/io/pool.hpp>
#include <sennit/agent/io/secrets.hpp>
#include <sennit/agent/io/timeout.hpp>
#include <sennit/agent/secret.hpp>
#include <sennit/mcp/client/http_channel.hpp>
#include <sennit/mcp/client/lock.hpp>
#include <sennit/mcp/client/oauth.hpp>
#include <sennit/mcp/client/oauth_fetch.hpp>
#include <sennit/mcp/client/oauth_redirect.hpp>
#include <sennit/mcp/client/oauth_rules.hpp>
#include <sennit/mcp/client/oauth_store.hpp>
#include <sennit/mcp/protocol/json_rpc.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>
#include <utility>

namespace sennit::mcp {
namespace {

using namespace oauth;

constexpr milliseconds kPatience{300'000};          // for a person to sign in
constexpr int kMaxSteps = 3;                        // times that more scopes are asked for
constexpr std::int64_t kEarly = 30;                 // seconds before its end that a token counts as over
constexpr milliseconds kPatienceForOthers{10'000};  // that refresh; then they may be stuck
constexpr milliseconds kBetweenTries{50};

/// What the resource says about itself.
struct Resource {
  std::string url;  ///< what tokens are asked for
  std::string issuer;
  std::vector<std::string> scopes;
  bool described = false;
};

std::string_view without_slash(std::string_view issuer) {
  return issuer.ends_with('/') ? issuer.substr(0, issuer.size() - 1) : issuer;
}

class OAuth final : public Authorizer {
 public:
  OAuth(Environment& environment, const McpServer& server, const std::filesystem::path& state)
      : environment_(environment),
        server_(server),
        url_(Secret(server.url).resolve_address()),
        reach_{.loopback = names_loopback(url_), .allow_private = server.allow_private},
        store_(std::make_shared<Store>(state.empty() ? state : state / "mcp" / "tokens.json")) {}

  asio::awaitable<std::string> authorization(std::string /*method*/, std::string /*url*/) override {
    if (!loaded_) {
      auto acquiring = loading_.acquire();
      const Lock::Held held = co_await std::move(acquiring);
      auto reading = stored([url = url_](const Store& store) { return store.tokens(url); });
      std::optional<Tokens> kept = co_await std::move(reading);
      if (!loaded_) use_kept(std::move(kept));
    }
    if (!tokens_) co_return std::string();
    co_return "Bearer " + tokens_->access;
  }

  asio::awaitable<bool> refused(int status, std::string challenge) override {
    const std::uint64_t seen = generation_;
    auto acquiring = signing_.acquire();
    const Lock::Held held = co_await std::move(acquiring);
    if (seen != generation_) co_return true;  // another request has signed in meanwhile
    const Challenge asked = read_challenge(challenge);
    if (status == 403) {
      // Asking again for what was asked for already leads nowhere.
      const bool nothing_new = stepped_ && joined_scopes(requested_, asked.scope) == requested_;
      if (asked.error != "insufficient_scope" || nothing_new || steps_ >= kMaxSteps) co_return false;
      ++steps_;
      stepped_ = true;
    } else {
      auto refreshing = refresh(asked);
      if (co_await std::move(refreshing)) co_return true;
    }
    auto signing = sign_in(asked, status == 403);
    co_await with_timeout(environment_, kPatience, std::move(signing),
                          fmt::format("signing in to the MCP server '{}'", server_.name));
    co_return true;
  }

  void accepted() override { steps_ = 0; }

 private:
  void use(Tokens tokens) {
    secrets::add(tokens.access);
    secrets::add(tokens.refresh);
    tokens_ = std::move(tokens);
  }

  void use_kept(std::optional<Tokens> kept) {
    loaded_ = true;
    if (kept && (!is_over(*kept) || !kept->refresh.empty())) adopt(std::move(*kept));
  }

  void adopt(Tokens kept) {
    in_store_ = kept.access;
    requested_ = kept.scope;
    use(std::move(kept));
  }

  [[nodiscard]] bool is_over(const Tokens& tokens) const {
    return tokens.expires > 0 && now() + kEarly >= tokens.expires;
  }

  /// Asks the store, or changes it, where it may wait for its file.
  template <class Function>
  [[nodiscard]] asio::awaitable<std::invoke_result_t<const Function&, Store&>> stored(Function function) {
    return environment_.pool().run([store = store_, function = std::move(function)] { return function(*store); });
  }

  [[nodiscard]] std::int64_t now() const {
    return std::chrono::duration_cast<std::chrono::seconds>(environment_.wall_now().time_since_epoch()).count();
  }

  [[nodiscard]] std::string random_text() const {
    std::string text;
    for (int i = 0; i < 4; ++i) text += fmt::format("{:016x}", environment_.random());
    return text;
  }

  // ---- finding out who gives tokens ----

  asio::awaitable<Resource> describe_resource(Challenge asked) {
    Resource resource{url_, {}, {}, false};
    auto fetching = fetch_first(environment_, reach_, resource_metadata_urls(url_, asked));
    const std::optional<std::string> text = co_await std::move(fetching);
    if (!text) {
      resource.issuer = origin_of(url_);  // version 2025-03-26: the server is its own authorization server
      co_return resource;
    }
    const json::value metadata = parse_json(*text).value_or(json::object());
    const json::object& object = metadata.as_object();
    resource.described = true;
    resource.url = text_at(object, "resource");
    if (!covers(resource.url, url_)) {
      throw Error(errc::denied, fmt::format("the metadata of the MCP server '{}' is about another resource: {}",
                                            server_.name, resource.url));
    }
    resource.scopes = strings_at(object, "scopes_supported");
    const std::vector<std::string> servers = strings_at(object, "authorization_servers");
    if (servers.empty()) throw Error(errc::protocol, "the server's metadata name no authorization server");
    resource.issuer = servers.front();
    co_return resource;
  }

  asio::awaitable<Server> describe_server(Resource resource) {
    check_endpoint(resource.issuer, "the authorization server");
    auto fetching = fetch_first(environment_, reach_, server_metadata_urls(resource.issuer));
    const std::optional<std::string> text = co_await std::move(fetching);
    if (text) co_return read_server(parse_json(*text)->as_object(), resource.issuer);
    if (!resource.described) co_return presumed_server(url_);
    throw Error(errc::protocol, fmt::format("the authorization server {} does not describe itself", resource.issuer));
  }

  /// A client that somebody registered is known to one authorization server, and its secret is for nobody else. The MCP
  /// server, which names the authorization server, is not believed there.
  asio::awaitable<void> check_issuer(std::string issuer) {
    std::string expected = server_.issuer;
    if (expected.empty() && is_registered()) {
      auto reading = stored([url = url_](const Store& store) { return store.issuer(url); });
      expected = co_await std::move(reading);
    }
    if (expected.empty() && !server_.client_secret.empty()) {
      throw Error(errc::config,
                  fmt::format("the MCP server '{}' wants a sign-in at {}: set `issuer` beside its `client_secret` to "
                              "this address if that is who gave you the secret; it is sent nowhere else",
                              server_.name, issuer));
    }
    if (expected.empty() || without_slash(expected) == without_slash(issuer)) co_return;
    throw Error(errc::denied,
                fmt::format("the MCP server '{}' wants a sign-in at {}, and this client signs in at {}; if it has "
                            "moved, set its `issuer`",
                            server_.name, issuer, expected));
  }

  // ---- who we are to it ----

  [[nodiscard]] bool is_registered() const { return !server_.client_id.empty() && !has_document(); }
  [[nodiscard]] bool has_document() const { return server_.client_id.starts_with("https://"); }

  asio::awaitable<Registration> register_client(Server server, std::uint16_t port, std::string redirect,
                                                std::string scope) {
    if (is_registered()) {
      Registration known{server_.client_id, server_.client_secret.resolve(), "", port};
      known.method = method_for(server, !known.secret.empty());
      co_return known;
    }
    if (has_document() && server.takes_documents) co_return Registration{server_.client_id, "", "none", port};
    auto reading = known_to(server);
    const std::optional<Registration> kept = co_await std::move(reading);
    if (kept && kept->port == port) co_return *kept;
    if (server.registration.empty()) {
      throw Error(errc::config, fmt::format("the authorization server {} takes no registrations: register this client "
                                            "there, and set `client_id` of the MCP server '{}'",
                                            server.issuer, server_.name));
    }
    auto registering = register_dynamically(std::move(server), port, std::move(redirect), std::move(scope));
    co_return co_await std::move(registering);
  }

  asio::awaitable<std::optional<Registration>> known_to(const Server& server) {
    auto reading = stored([issuer = server.issuer](const Store& store) { return store.registration(issuer); });
    std::optional<Registration> kept = co_await std::move(reading);
    if (kept) secrets::add(kept->secret);
    co_return kept;
  }

  asio::awaitable<Registration> register_dynamically(Server server, std::uint16_t port, std::string redirect,
                                                     std::string scope) {
    const bool open = std::find(server.methods.begin(), server.methods.end(), "none") != server.methods.end();
    const std::string method = open ? "none" : method_for(server, true);
    json::object about{{"client_name", "Sennit"},
                       {"application_type", "native"},
                       {"redirect_uris", json::array{json::value(redirect)}},
                       {"grant_types", {"authorization_code", "refresh_token"}},
                       {"response_types", {"code"}},
                       {"token_endpoint_auth_method", method.empty() ? "none" : method}};
    if (!scope.empty()) about["scope"] = scope;
    std::vector<http::Header> headers{{"Content-Type", "application/json"}};
    auto asking = fetch(environment_, reach_, "POST", server.registration, std::move(headers), json::serialize(about));
    const Fetched answer = co_await std::move(asking);
    const json::value value = parse_json(answer.body).value_or(json::object());
    const json::object* given = value.if_object();
    if (answer.status >= 300 || given == nullptr || text_at(*given, "client_id").empty()) {
      throw Error(errc::authentication, fmt::format("registering with {} failed (HTTP status {}): {}", server.issuer,
                                                    answer.status, sanitize_utf8(answer.body.substr(0, 300))));
    }
    Registration made{std::string(text_at(*given, "client_id")), std::string(text_at(*given, "client_secret")),
                      std::string(text_at(*given, "token_endpoint_auth_method")), port};
    if (made.method.empty())
      made.method = open && made.secret.empty() ? "none" : method_for(server, !made.secret.empty());
    secrets::add(made.secret);
    auto keeping = stored([issuer = server.issuer, made](Store& store) { store.keep(issuer, made); });
    co_await std::move(keeping);
    co_return made;
  }

  // ---- tokens ----

  asio::awaitable<void> sign_in(Challenge asked, bool more) {
    auto describing = describe_resource(asked);
    const Resource resource = co_await std::move(describing);
    auto checking = check_issuer(resource.issuer);
    co_await std::move(checking);
    auto finding = describe_server(resource);
    const Server server = co_await std::move(finding);
    std::string scope = scopes_for(asked, resource.scopes, server_.scopes, server);
    // A step up keeps what there was.
    if (more && tokens_) scope = joined_scopes(requested_, scope);
    requested_ = scope;
    const auto grants = [&](std::string_view name) {
      return std::find(server.grants.begin(), server.grants.end(), name) != server.grants.end();
    };
    const bool alone = !server_.client_secret.empty() && grants("client_credentials") && !grants("authorization_code");
    if (alone) {
      auto asking = ask_alone(server, resource, scope);
      co_await std::move(asking);
    } else {
      auto asking = ask_person(server, resource, scope);
      co_await std::move(asking);
    }
  }

  asio::awaitable<void> ask_alone(Server server, Resource resource, std::string scope) {
    const std::string secret = server_.client_secret.resolve();
    const Registration client{server_.client_id, secret, method_for(server, true), 0};
    Fields fields{{"grant_type", "client_credentials"}, {"resource", resource.url}};
    if (!scope.empty()) fields.emplace_back("scope", scope);
    auto asking = ask_token(server, client, std::move(fields), scope);
    co_await std::move(asking);
  }

  asio::awaitable<void> ask_person(Server server, Resource resource, std::string scope) {
    auto reading = known_to(server);
    const std::optional<Registration> before = co_await std::move(reading);
    const std::string state = random_text();
    const std::string verifier = random_text();
    RedirectListener listener(environment_, before ? before->port : std::uint16_t{0}, state);
    auto registering = register_client(server, listener.port(), listener.url(), scope);
    const Registration client = co_await std::move(registering);
    Fields query{{"response_type", "code"},
                 {"client_id", client.id},
                 {"redirect_uri", listener.url()},
                 {"state", state},
                 {"code_challenge", challenge_of(verifier)},
                 {"code_challenge_method", "S256"},
                 {"resource", resource.url}};
    if (!scope.empty()) query.emplace_back("scope", scope);
    if ((" " + scope + " ").find(" offline_access ") != std::string::npos) query.emplace_back("prompt", "consent");
    const char mark = server.authorization.find('?') == std::string::npos ? '?' : '&';
    environment_.log({LogLevel::warning, "mcp",
                      fmt::format("to sign in to the MCP server '{}', open this address: {}{}{}", server_.name,
                                  server.authorization, mark, encode_form(query))});
    auto waiting = listener.wait();
    const std::map<std::string, std::string> parameters = co_await std::move(waiting);
    Fields fields{{"grant_type", "authorization_code"},
                  {"code", read_redirect(parameters, server)},
                  {"redirect_uri", listener.url()},
                  {"code_verifier", verifier},
                  {"resource", resource.url}};
    auto asking = ask_token(server, client, std::move(fields), scope);
    co_await std::move(asking);
  }

  /// Alone among programs, as far as the state folder lets us. Null: we go on without.
  asio::awaitable<std::unique_ptr<StateFileLock>> refresh_alone() {
    const SteadyTime until = environment_.now() + kPatienceForOthers;
    while (store_->is_shared() && environment_.now() < until) {
      try {
        auto trying = stored([](const Store& store) { return store.try_refreshing(); });
        if (std::unique_ptr<StateFileLock> alone = co_await std::move(trying)) co_return alone;
      } catch (const Error& error) {
        if (error.code() != errc::storage) throw;
        break;  // a folder that cannot be written is no reason to sign in anew
      }
      auto waiting = environment_.sleep(kBetweenTries);
      co_await std::move(waiting);
    }
    co_return nullptr;
  }

  /// Whether another program has signed in, or refreshed, since we looked. What it got is taken in any case.
  asio::awaitable<bool> take_newer() {
    auto reading = stored([url = url_](const Store& store) { return store.tokens(url); });
    std::optional<Tokens> kept = co_await std::move(reading);
    if (!kept || kept->access == in_store_) co_return false;
    adopt(std::move(*kept));
    if (is_over(*tokens_)) co_return false;
    ++generation_;
    co_return true;
  }

  /// False: a person has to sign in. What fails in passing is thrown, and the token kept for the next time.
  asio::awaitable<bool> refresh(Challenge asked) {
    auto waiting = refresh_alone();
    const std::unique_ptr<StateFileLock> alone = co_await std::move(waiting);
    auto looking = take_newer();
    if (co_await std::move(looking)) co_return true;
    if (!tokens_ || tokens_->refresh.empty()) co_return false;
    const Tokens before = *tokens_;
    auto describing = describe_resource(asked);
    const Resource resource = co_await std::move(describing);
    if (resource.issuer != before.issuer) co_return false;  // it has moved: the token is for the old one only
    auto finding = describe_server(resource);
    const Server server = co_await std::move(finding);
    auto reading = known_to(server);
    const std::optional<Registration> known = co_await std::move(reading);
    auto registering = register_client(server, known ? known->port : std::uint16_t{0}, "", "");
    const Registration client = co_await std::move(registering);
    Fields fields{{"grant_type", "refresh_token"}, {"refresh_token", before.refresh}, {"resource", resource.url}};
    std::string why;
    try {
      auto asking = ask_token(server, client, std::move(fields), before.scope, before.refresh);
      co_await std::move(asking);
      co_return true;
    } catch (const NotGranted& refused) {
      why = refused.why();
    }
    if (why != "invalid_grant") co_return false;
    tokens_.reset();
    auto forgetting = stored([url = url_, refresh = before.refresh](Store& store) { store.forget(url, refresh); });
    co_await std::move(forgetting);
    auto looking_again = take_newer();
    co_return co_await std::move(looking_again);
  }

  asio::awaitable<void> ask_token(Server server, Registration client, Fields fields, std::string scope,
                                  std::string refresh = {}) {
    std::vector<http::Header> headers{{"Content-Type", "application/x-www-form-urlencoded"}};
    if (client.method == "client_secret_basic") {
      const std::string pair = encode_component(client.id) + ":" + encode_component(client.secret);
      headers.push_back({"Authorization", "Basic " + encode_base64(pair)});
    } else {
      fields.emplace_back("client_id", client.id);
      if (client.method == "client_secret_post") fields.emplace_back("client_secret", client.secret);
    }
    auto asking = fetch(environment_, reach_, "POST", server.token, std::move(headers), encode_form(fields));
    const Fetched answer = co_await std::move(asking);
    const json::value value = parse_json(answer.body).value_or(json::object());
    const json::object* given = value.if_object();
    if (answer.status >= 300 || given == nullptr || text_at(*given, "access_token").empty()) {
      throw_refusal(server.issuer, answer.status, given == nullptr ? std::string_view() : text_at(*given, "error"));
    }
    Tokens tokens{server.issuer, std::string(text_at(*given, "access_token")),
                  std::string(text_at(*given, "refresh_token")), 0, scope};
    if (tokens.refresh.empty()) tokens.refresh = std::move(refresh);
    if (const auto lasts = find_int(value, "expires_in"); lasts && *lasts > 0) tokens.expires = now() + *lasts;
    if (const auto granted = text_at(*given, "scope"); !granted.empty()) tokens.scope = granted;
    use(tokens);
    ++generation_;
    auto keeping = stored([url = url_, tokens](Store& store) { store.keep(url, tokens); });
    co_await std::move(keeping);
    in_store_ = tokens.access;
  }

  Environment& environment_;
  const McpServer server_;
  const std::string url_;
  const Reach reach_;
  const std::shared_ptr<Store> store_;
  Lock loading_;
  Lock signing_;
  std::optional<Tokens> tokens_;
  std::string in_store_;   // the access token, when we last looked or wrote
  std::string requested_;  // scopes
  std::uint64_t generation_ = 0;
  int steps_ = 0;         // since the server last took a token
  bool stepped_ = false;  // ever
  bool loaded_ = false;
};

}  // namespace

std::shared_ptr<Authorizer> make_oauth(Environment& environment, const McpServer& server,
                                       const std::filesystem::path& state) {
  return std::make_shared<OAuth>(environment, server, state);
}

}  // namespace sennit::mcp
