#include <sennit/agent/io/http.hpp>
#include <sennit/agent/retry.hpp>
#include <sennit/backends/embeddings.hpp>
#include <sennit/backends/llama/llama_backend.hpp>
#include <sennit/backends/wire/embedding_wire.hpp>
#include <sennit/backends/wire/json_fields.hpp>
#include <sennit/backends/wire/provider_error.hpp>
#include <sennit/backends/wire/provider_key.hpp>
#include <sennit/backends/wire/remote_stream.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace sennit {
namespace {

/// An error body may take this long, and be this long: its status is known already.
constexpr milliseconds kErrorBodyTime{10'000};
constexpr std::size_t kErrorBody = 1U << 20U;

/// What an embedder knows and its work shares.
struct Settings {
  ModelSpec spec;
  std::shared_ptr<const Catalogue> catalogue;  // holds the provider
  const Provider* provider = nullptr;
  EmbeddingApi api = EmbeddingApi::openai;
  std::string model;
  std::string url;
};

/// The form, and where the provider speaks it. Its own form comes first: it alone knows what vectors are for.
std::pair<EmbeddingApi, const Endpoint*> choose(const Provider& provider, const ModelSpec& spec) {
  constexpr std::pair<Api, EmbeddingApi> kForms[] = {{Api::generate_content, EmbeddingApi::gemini},
                                                     {Api::ollama_chat, EmbeddingApi::ollama},
                                                     {Api::chat_completions, EmbeddingApi::openai},
                                                     {Api::responses, EmbeddingApi::openai}};
  const std::optional<Api> wanted = parse_api(spec.api);
  if (!spec.api.empty() && !wanted) {
    throw Error(errc::config, fmt::format("`model.api` is {}; known: {}", spec.api, fmt::join(api_names(), ", ")));
  }
  for (const auto& [api, form] : kForms) {
    const Endpoint* endpoint = !wanted || *wanted == api ? provider.endpoint(api) : nullptr;
    if (endpoint != nullptr) return {form, endpoint};
  }
  throw Error(errc::config,
              fmt::format("{} has no vectors{}{}", provider.title, wanted ? " by way of " : "", spec.api));
}

std::string address_of(const Provider& provider, const Endpoint& endpoint, const ModelSpec& spec) {
  const std::string& base = spec.base_url.empty() ? endpoint.base_url : spec.base_url;
  if (base.empty()) {
    throw Error(errc::config,
                fmt::format("{} needs `model.base_url`, for example http://127.0.0.1:8000/v1", provider.name));
  }
  if (!base.starts_with("http://") && !base.starts_with("https://") && !begins_with_reference(base)) {
    throw Error(errc::config, fmt::format("`model.base_url` must begin with http:// or https://: {}", base));
  }
  return base;
}

Settings settings_of(const ModelSpec& spec, std::shared_ptr<const Catalogue> known) {
  const std::size_t slash = std::min(spec.name.find('/'), spec.name.size());
  const std::string name = spec.name.substr(0, slash);
  Settings settings;
  settings.spec = spec;
  settings.catalogue = std::move(known);
  settings.provider = settings.catalogue->provider(name);
  if (settings.provider == nullptr) throw Error(errc::config, fmt::format("there is no provider “{}”", name));
  // The provider's usual model answers in words.
  settings.model = spec.name.substr(std::min(slash + 1, spec.name.size()));
  if (settings.model.empty()) throw Error(errc::config, fmt::format("name the model: {}/MODEL", name));
  const auto [api, endpoint] = choose(*settings.provider, spec);
  settings.api = api;
  settings.url = embedding_url(api, address_of(*settings.provider, *endpoint, spec), settings.model);
  check_embedding_extra(spec.options.extra);
  return settings;
}

http::Request request_of(const Settings& settings, std::string body) {
  const ModelSpec& spec = settings.spec;
  http::Request request;
  request.method = "POST";
  request.url = Secret(settings.url).resolve_address();
  request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}, {"User-Agent", "sennit"}};
  if (const std::string key = resolve_key(*settings.provider, spec); !key.empty()) {
    const std::string& header = settings.provider->key_header;
    request.headers.push_back(header.empty() ? http::Header{"Authorization", "Bearer " + key}
                                             : http::Header{header, key});
  }
  for (const auto& [name, value] : settings.provider->headers) request.headers.push_back({name, value});
  for (const auto& [name, value] : spec.headers) request.headers.push_back({name, Secret(value).resolve()});
  request.proxy = Secret(spec.proxy).resolve_address();
  request.ca_file = spec.ca_file;
  request.body = std::move(body);
  request.deadlines = {spec.connect_timeout, spec.first_token_timeout, spec.idle_timeout, spec.total_timeout};
  request.gzip = true;  // numbers in decimals shrink by half
  return request;
}

ProviderNames names_of(const Settings& settings) {
  return {settings.provider->title, key_variable_for(*settings.provider, settings.spec)};
}

/// As much of an error body as came: its status counts even where its words are cut off.
asio::awaitable<std::string> read_refusal(http::Response& response) {
  response.allow_silence(kErrorBodyTime);
  std::string body;
  std::optional<Error> broken;
  try {
    while (body.size() < kErrorBody) {
      const std::string_view piece = co_await response.read();
      if (piece.empty()) break;
      body += piece;
    }
  } catch (const Error& error) {
    broken = error;
  }
  if (broken && broken->code() == errc::cancelled) throw *broken;
  co_return body;
}

Error refusal(const Settings& settings, const http::Response& response, std::string_view body, WallTime now) {
  const std::optional<json::value> document = parse_json_lenient(body);
  const RetryAdvice advice = read_retry_advice(response.header("retry-after-ms"), response.header("retry-after"),
                                               response.header("x-should-retry"), now);
  const ProviderError said = read_provider_error(document ? &*document : nullptr, response.status(), body);
  return classify_provider_error(said, names_of(settings), advice);
}

Embeddings read_answer(const Settings& settings, std::string_view body, std::size_t texts) {
  constexpr std::size_t kShownWords = 200;
  std::string why;
  const std::optional<json::value> document = parse_json(body, &why);
  if (!document) {
    throw Error(errc::protocol, fmt::format("{} answered with something that is not JSON ({}): {}",
                                            settings.provider->title, why, summarise_words(body, kShownWords)));
  }
  // An error inside a 200 answer, as gateways send it.
  if (const json::value* error = find(*document, "error"); says_something(error)) {
    throw classify_provider_error(read_provider_error(&*document, 0, body), names_of(settings), {});
  }
  try {
    return read_embeddings(settings.api, *document, texts);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", settings.provider->title, error.message()));
  }
}

/// One request, once.
asio::awaitable<Embeddings> ask(std::shared_ptr<const Settings> settings, Environment& environment, std::string body,
                                std::size_t texts) {
  http::Request request = request_of(*settings, std::move(body));
  asio::awaitable<std::unique_ptr<http::Response>> sending = environment.http().send(std::move(request));
  const std::unique_ptr<http::Response> response = co_await std::move(sending);
  if (response->status() / 100 != 2) {
    asio::awaitable<std::string> reading = read_refusal(*response);
    const std::string words = co_await std::move(reading);
    throw refusal(*settings, *response, words, environment.wall_now());
  }
  asio::awaitable<std::string> reading = http::read_all(*response);
  const std::string answer = co_await std::move(reading);
  co_return read_answer(*settings, answer, texts);
}

/// One request, again as often as the settings allow and it makes sense.
asio::awaitable<Embeddings> ask_patiently(std::shared_ptr<const Settings> settings, Environment& environment,
                                          std::string body, std::size_t texts) {
  const RetrySettings& retry = settings->spec.retry;
  for (std::uint32_t attempt = 1;; ++attempt) {
    std::optional<Error> failure;
    try {
      asio::awaitable<Embeddings> asking = ask(settings, environment, body, texts);
      Embeddings given = co_await std::move(asking);
      co_return given;
    } catch (...) {
      failure = current_error();
    }
    if (failure->code() == errc::cancelled) throw *failure;
    const milliseconds delay = retry_delay(retry, attempt + 1, *failure, environment.random());
    if (!failure->retryable() || attempt >= retry.attempts || delay > retry.longest) {
      if (failure->where().empty()) failure = std::move(*failure).at(public_address(settings->url));
      throw without_key(std::move(*failure), *settings->provider, settings->spec);
    }
    asio::awaitable<void> waiting = environment.sleep(delay);
    co_await std::move(waiting);
  }
}

void append(Embeddings& all, Embeddings more) {
  if (!all.vectors.empty() && all.vectors.front().size() != more.vectors.front().size()) {
    throw Error(errc::protocol, fmt::format("the answers hold vectors of {} and of {} dimensions",
                                            all.vectors.front().size(), more.vectors.front().size()));
  }
  std::ranges::move(more.vectors, std::back_inserter(all.vectors));
  all.usage += more.usage;
}

asio::awaitable<Embeddings> embed_all(std::shared_ptr<const Settings> settings, Environment& environment,
                                      std::vector<std::string> texts, EmbedFor use) {
  const auto empty = std::ranges::find_if(texts, &std::string::empty);
  if (empty != texts.end()) {
    throw Error(errc::invalid_argument,
                fmt::format("text {} is empty: there is no vector for it", std::distance(texts.begin(), empty) + 1));
  }
  Embeddings all;
  for (std::span<const std::string> rest(texts); !rest.empty();) {
    const std::span<const std::string> some = rest.first(next_batch(rest, batch_of(settings->api)));
    rest = rest.subspan(some.size());
    std::string body = embedding_body(settings->api, settings->model, some, use, settings->spec.options.extra);
    asio::awaitable<Embeddings> asking = ask_patiently(settings, environment, std::move(body), some.size());
    Embeddings given = co_await std::move(asking);
    append(all, std::move(given));
  }
  co_return all;
}

std::optional<std::size_t> dimensions_of(const json::object& extra) {
  for (const std::string_view name : {"dimensions", "outputDimensionality"}) {
    const std::optional<std::int64_t> number = tokens_of(number_at(&extra, name));
    if (number) return static_cast<std::size_t>(*number);
  }
  return {};
}

class RemoteEmbedder final : public Embedder {
 public:
  explicit RemoteEmbedder(Settings settings) {
    const ModelSpec& spec = settings.spec;
    info_.id = spec.name;
    info_.dimensions = dimensions_of(spec.options.extra);
    // Another address is another deal; what a local server costs, nobody knows.
    info_.prices = spec.prices;
    if (!info_.prices && spec.base_url.empty()) {
      const ModelEntry entry = settings.catalogue->model(*settings.provider, settings.model);
      info_.prices = entry.prices_at(std::chrono::system_clock::now());
    }
    settings_ = std::make_shared<const Settings>(std::move(settings));
  }

  [[nodiscard]] const EmbedderInfo& info() const override { return info_; }

  [[nodiscard]] asio::awaitable<Embeddings> embed(Environment& environment, std::vector<std::string> texts,
                                                  EmbedFor use) const override {
    return embed_all(settings_, environment, std::move(texts), use);
  }

 private:
  std::shared_ptr<const Settings> settings_;
  EmbedderInfo info_;
};

}  // namespace

std::shared_ptr<const Embedder> make_remote_embedder(const ModelSpec& spec,
                                                     const std::shared_ptr<const Catalogue>& known) {
  return std::make_shared<const RemoteEmbedder>(settings_of(spec, known));
}

std::shared_ptr<const Embedder> make_embedder(const ModelSpec& spec) {
  if (spec.name.starts_with("llama/")) return make_llama_embedder(spec, ".");
  return make_remote_embedder(spec);
}

}  // namespace sennit
