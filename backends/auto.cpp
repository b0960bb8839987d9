#include <sennit/agent/io/http.hpp>
#include <sennit/agent/io/scope.hpp>
#include <sennit/backends/auto.hpp>
#include <sennit/backends/catalogue/catalogue.hpp>
#include <sennit/backends/remote.hpp>
#include <sennit/backends/scripted/scripted.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

namespace sennit {
namespace {

constexpr std::size_t kMaxModelList = 256ULL << 10U;  ///< bytes; a local server lists some dozen models

std::string_view variable(std::string_view name) {
  const char* const value = name.empty() ? nullptr : std::getenv(std::string(name).c_str());
  return value == nullptr ? std::string_view{} : value;
}

/// A provider that can be used at once: its key is set, and it says which of its models to take.
const Provider* provider_with_key() {
  for (const Provider& provider : catalogue()->providers()) {
    if (provider.key_required && !provider.default_model.empty() && !variable(provider.key_variable).empty()) {
      return &provider;
    }
  }
  return nullptr;
}

/// "DEEPSEEK_API_KEY, OPENAI_API_KEY or another provider's key (`sennit models --providers`)"
std::string key_variables() {
  constexpr std::size_t kNamed = 2;
  std::string names;
  std::size_t count = 0;
  for (const Provider& provider : catalogue()->providers()) {
    if (!provider.key_required || provider.default_model.empty()) continue;
    if (count++ == kNamed) break;
    names.append(names.empty() ? "" : ", ").append(provider.key_variable);
  }
  return names + " or another provider's key (`sennit models --providers`)";
}

/// The model to talk with of those that a server lists; empty if there is none.
std::string pick_model(std::string_view body) {
  static constexpr std::array<std::string_view, 4> kNotForTalking{"embed", "rerank", "bge-", "whisper"};
  const auto answer = parse_json_lenient(body);
  const json::value* const list = answer ? find(*answer, "data") : nullptr;
  if (list == nullptr || !list->is_array()) return {};
  for (const json::value& model : list->as_array()) {
    const std::string_view id = find_string(model, "id");
    const auto is_in = [&](std::string_view word) { return id.find(word) != std::string_view::npos; };
    if (!id.empty() && std::ranges::none_of(kNotForTalking, is_in)) return std::string(id);
  }
  return {};
}

/// Asks a server for its models; `model` stays empty if nothing useful comes in time.
asio::awaitable<void> probe(Environment& environment, std::string address, std::string& model) {
  try {
    http::Request request;
    request.url = address + "/v1/models";
    request.deadlines = {kProbeTime, kProbeTime, kProbeTime, kProbeTime};
    request.limits.body = kMaxModelList;
    const std::unique_ptr<http::Response> response = co_await environment.http().send(std::move(request));
    if (response->status() == 200) model = pick_model(co_await http::read_all(*response));
  } catch (const std::exception&) {
    model.clear();  // nobody there, or somebody else: both are no model server
  }
}

Error no_model() {
  return Error(errc::not_found, fmt::format("model auto: there is no model: set {}, start llama-server or Ollama, name "
                                            "one with `model: provider/model`, or give the agent `intents`",
                                            key_variables()));
}

struct Found {
  const Provider* provider = nullptr;
  ModelSpec spec;
  std::string notice;
};

class AutoBackend : public Backend {
 public:
  /// `offline` may be null: then there must be a model.
  AutoBackend(const ModelSpec& spec, std::shared_ptr<const Backend> offline, std::vector<LocalServer> servers)
      : spec_(spec), offline_(std::move(offline)), servers_(std::move(servers)) {
    spec_.options.extra.erase(kScriptedPace);
    info_.id = "auto";
    info_.provider = "auto";
  }

  [[nodiscard]] const ModelInfo& info() const override { return info_; }

  [[nodiscard]] std::unique_ptr<TokenStream> stream(Environment& environment,
                                                    const CompletionRequest& request) const override {
    if (!offline_) throw no_model();
    return offline_->stream(environment, request);  // nobody selected: what is there without asking
  }

  [[nodiscard]] asio::awaitable<Selection> select(Environment& environment) const override {
    Found found = by_key();
    if (found.provider == nullptr) found = co_await by_probing(environment);
    if (found.provider == nullptr && !offline_) throw no_model();
    Selection selection;
    selection.backend = found.provider == nullptr ? offline_ : make_remote_backend(found.spec);
    selection.notice = std::move(found.notice);
    co_return selection;
  }

 private:
  [[nodiscard]] Found by_key() const {
    Found found{provider_with_key(), spec_, {}};
    if (found.provider == nullptr) return found;
    found.spec.name = fmt::format("{}/{}", found.provider->name, found.provider->default_model);
    found.notice = fmt::format("model auto: using {}, because {} is set; name another one with `model: {}/…`.",
                               found.spec.name, found.provider->key_variable, found.provider->name);
    return found;
  }

  [[nodiscard]] asio::awaitable<Found> by_probing(Environment& environment) const {
    std::vector<std::string> models(servers_.size());
    TaskScope probes(environment.executor(), [](const Error&) {});
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      probes.spawn(probe(environment, servers_[i].address, models[i]));
    }
    co_await probes.join();
    Found found{nullptr, spec_, {}};
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      if (models[i].empty()) continue;
      found.provider = catalogue()->provider(servers_[i].provider);
      found.spec.name = fmt::format("{}/{}", servers_[i].provider, models[i]);
      found.spec.base_url = servers_[i].address + "/v1";
      found.spec.proxy.clear();  // it was found without
      found.notice = fmt::format("model auto: using {} at {}; set {} to use a hosted model instead.", found.spec.name,
                                 servers_[i].address, key_variables());
      co_return found;
    }
    found.notice = fmt::format(
        "model auto: no key and no local server found, so this is the offline script; for a real model set {}, or "
        "start llama-server or Ollama.",
        key_variables());
    co_return found;
  }

  ModelSpec spec_;
  std::shared_ptr<const Backend> offline_;
  std::vector<LocalServer> servers_;
  ModelInfo info_;
};

/// OLLAMA_HOST as Ollama reads it: a scheme, a host, a port, each of which may be left out.
std::string ollama_address() {
  std::string_view host = variable("OLLAMA_HOST");
  std::string_view scheme = "http://";
  if (const std::size_t end = host.find("://"); end != std::string_view::npos) {
    scheme = host.starts_with("https") ? "https://" : "http://";
    host.remove_prefix(end + 3);
  }
  host = host.substr(0, host.find('/'));
  const std::size_t bracket = host.find(']');  // [::1]:11434
  const std::size_t colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const std::string_view port = colon == std::string_view::npos ? "11434" : host.substr(colon + 1);
  std::string_view name = host.substr(0, colon);
  if (name.empty() || name == "0.0.0.0" || name == "[::]") name = "127.0.0.1";  // where it listens is not where to go
  return fmt::format("{}{}:{}", scheme, name, port);
}

}  // namespace

std::vector<LocalServer> local_servers() {
  return {{"ollama", ollama_address()},
          {"llama-server", "http://127.0.0.1:9931"},
          {"llama-server", "http://127.0.0.1:8080"},
          {"vllm", "http://127.0.0.1:8000"}};
}

std::shared_ptr<const Backend> make_auto_backend(const ModelSpec& spec, const PartContext& context) {
  return make_auto_backend(spec, context, local_servers());
}

std::shared_ptr<const Backend> make_auto_backend(const ModelSpec& spec, const PartContext& context,
                                                 std::vector<LocalServer> servers) {
  const std::string_view misplaced = !spec.base_url.empty()  ? "base_url"
                                     : !spec.api_key.empty() ? "api_key"
                                     : !spec.headers.empty() ? "headers"
                                                             : "";
  if (spec.name != "auto" || !misplaced.empty()) {
    std::string message = misplaced.empty()
                              ? fmt::format("`{}` is no model; `auto` stands alone", spec.name)
                              : fmt::format(
                                    "`model.{}` needs a provider; with `auto` nobody knows whose it is. Name the "
                                    "model as `provider/model`",
                                    misplaced);
    throw Error(errc::config, std::move(message)).at(context.definition.file.string());
  }
  std::shared_ptr<const Backend> offline;
  if (!context.definition.intents.empty()) offline = make_scripted_backend(spec, context);
  return std::make_shared<const AutoBackend>(spec, std::move(offline), std::move(servers));
}

}  // namespace sennit
