#include <sennit/agent/io/pool.hpp>
#include <sennit/backends/llama/llama_answer.hpp>
#include <sennit/backends/llama/llama_backend.hpp>
#include <sennit/backends/llama/llama_engine.hpp>
#include <sennit/backends/llama/llama_prompt.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

namespace sennit {
namespace {

constexpr std::string_view kProvider = "llama";

struct LlamaModel {
  ModelSpec spec;
  LlamaSettings settings;
};

double seconds(milliseconds time) {
  return static_cast<double>(time.count()) / 1000;
}

class LlamaStream final : public TokenStream {
 public:
  LlamaStream(Environment& environment, std::shared_ptr<const LlamaModel> model, std::shared_ptr<LlamaEngine> engine,
              LlamaPrompt prompt)
      : environment_(environment),
        model_(std::move(model)),
        engine_(std::move(engine)),
        answer_(prompt.reading),
        prompt_(std::make_unique<LlamaPrompt>(std::move(prompt))) {}

  [[nodiscard]] asio::awaitable<std::span<Event>> next() override;
  [[nodiscard]] std::size_t pieces() const noexcept override { return pieces_; }

 private:
  void begin();
  [[nodiscard]] asio::awaitable<void> wait();
  void read(LlamaNews news);
  void finish(LlamaEnd end);
  void fail(const Error& error);
  void leave();
  [[nodiscard]] std::string place() const { return model_->settings.file.string(); }

  Environment& environment_;
  std::shared_ptr<const LlamaModel> model_;
  std::shared_ptr<LlamaEngine> engine_;
  LlamaAnswer answer_;
  std::unique_ptr<LlamaPrompt> prompt_;  // until it is asked
  std::unique_ptr<LlamaTicket> ticket_;
  std::vector<Event> events_;
  SteadyTime asked_at_{};
  SteadyTime word_at_{};
  std::size_t pieces_ = 0;
  Usage usage_;
  bool ended_ = false;
};

asio::awaitable<std::span<Event>> LlamaStream::next() {
  events_.clear();
  if (ended_) co_return std::span<Event>();
  std::optional<Error> failure;
  try {
    if (!ticket_) begin();
    while (events_.empty()) {
      LlamaNews news = ticket_->take();
      if (news.empty()) {
        co_await wait();
      } else {
        read(std::move(news));
      }
    }
  } catch (...) {
    failure = current_error();
  }
  if (failure && failure->code() == errc::cancelled) {
    events_ = {};
    leave();
    throw *failure;
  }
  if (failure) fail(*failure);
  co_return std::span<Event>(events_);
}

void LlamaStream::begin() {
  asked_at_ = word_at_ = environment_.now();
  ticket_ = engine_->ask(std::move(*prompt_), environment_.executor());
  prompt_.reset();
}

/// Waits for news, or until a deadline has passed.
asio::awaitable<void> LlamaStream::wait() {
  const ModelSpec& spec = model_->spec;
  const milliseconds silence = pieces_ > 0 ? spec.idle_timeout : spec.first_token_timeout;
  SteadyTime until = SteadyTime::max();
  if (silence > milliseconds::zero()) until = word_at_ + silence;
  if (spec.total_timeout > milliseconds::zero()) until = std::min(until, asked_at_ + spec.total_timeout);
  std::unique_ptr<Alarm> alarm;
  if (until != SteadyTime::max()) {
    if (environment_.now() >= until) {
      const bool late = spec.total_timeout > milliseconds::zero() && until == asked_at_ + spec.total_timeout;
      Error error(errc::timeout,
                  late ? fmt::format("the model did not end its answer within {} s (model.timeouts.total)",
                                     seconds(spec.total_timeout))
                       : fmt::format("the model wrote no token for {} s (model.timeouts.{})", seconds(silence),
                                     pieces_ > 0 ? "idle" : "first_token"));
      if (!late) error = std::move(error).retry();
      throw std::move(error).at(place());
    }
    alarm = environment_.call_at(until, [ticket = ticket_.get()] { ticket->wake(); });
  }
  co_await ticket_->wait();
}

void LlamaStream::read(LlamaNews news) {
  for (std::string& notice : news.notices) events_.push_back({{}, Notice{std::move(notice)}});
  if (news.tokens > 0 || news.end) {
    const bool first = pieces_ == 0;
    pieces_ += news.tokens;
    word_at_ = environment_.now();
    usage_.input = news.prompt;
    usage_.cached_input = news.cached;
    usage_.output = news.written;
    if (first) events_.push_back({{}, UsageUpdate{usage_}});
  }
  answer_.push(news.bytes, events_);
  if (news.error) return fail(*news.error);
  if (news.end || answer_.stopped()) finish(answer_.stopped() ? LlamaEnd::stopped : *news.end);
}

void LlamaStream::finish(LlamaEnd end) {
  answer_.finish(end == LlamaEnd::stopped, events_);
  events_.push_back({{}, UsageUpdate{usage_}});
  Finished finished;
  finished.reason = end != LlamaEnd::stopped ? StopReason::length
                    : answer_.calls() > 0    ? StopReason::tool_calls
                                             : StopReason::stop;
  finished.provider_reason = end == LlamaEnd::full ? "context" : end == LlamaEnd::length ? "length" : "stop";
  events_.push_back({{}, std::move(finished)});
  leave();
}

void LlamaStream::fail(const Error& error) {
  if (pieces_ > 0) {
    answer_.finish(false, events_);
    events_.push_back({{}, UsageUpdate{usage_}});
  }
  events_.push_back({{}, Failed{error}});
  leave();
}

void LlamaStream::leave() {
  ended_ = true;
  ticket_.reset();
}

class LlamaBackend final : public Backend {
 public:
  LlamaBackend(const ModelSpec& spec, LlamaSettings settings)
      : model_(std::make_shared<const LlamaModel>(LlamaModel{spec, std::move(settings)})),
        engine_(LlamaEngine::find(model_->settings)) {
    info_.id = spec.name;
    info_.provider = kProvider;
    info_.prices = spec.prices.value_or(Prices{});  // it costs nothing
    if (model_->settings.context > 0) info_.context_tokens = model_->settings.context;
  }

  [[nodiscard]] const ModelInfo& info() const override { return info_; }

  [[nodiscard]] std::unique_ptr<TokenStream> stream(Environment& environment,
                                                    const CompletionRequest& request) const override {
    return std::make_unique<LlamaStream>(environment, model_, engine_, llama_prompt(model_->spec, request));
  }

 private:
  std::shared_ptr<const LlamaModel> model_;
  std::shared_ptr<LlamaEngine> engine_;
  ModelInfo info_;
};

std::filesystem::path models_folder() {
  const char* const data = std::getenv("XDG_DATA_HOME");
  const char* const home = std::getenv("HOME");
  const std::filesystem::path base = data != nullptr && *data != '\0'
                                         ? std::filesystem::path(data)
                                         : std::filesystem::path(home == nullptr ? "" : home) / ".local/share";
  return base / "sennit/models";
}

}  // namespace

std::vector<std::filesystem::path> llama_model_places(std::string_view name, const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> places = {(directory / name).lexically_normal()};
  if (std::filesystem::path(name).is_absolute()) return places;
  places.push_back(models_folder() / name);
  if (!name.ends_with(".gguf")) places.push_back(models_folder() / fmt::format("{}.gguf", name));
  return places;
}

namespace {

/// The settings of `spec`, and the file that it names: the first place where there is one.
LlamaSettings settings_of(const ModelSpec& spec, const std::filesystem::path& directory) {
  const std::size_t slash = spec.name.find('/');
  const std::string name = slash == std::string::npos ? std::string() : spec.name.substr(slash + 1);
  if (name.empty()) {
    throw Error(errc::config, fmt::format("name the model: llama/FILE.gguf, or llama/NAME for a file in {}",
                                          models_folder().string()));
  }
  LlamaSettings settings = llama_settings(spec);
  const std::vector<std::filesystem::path> places = llama_model_places(name, directory);
  const auto found = std::find_if(places.begin(), places.end(), [](const std::filesystem::path& place) {
    std::error_code failure;
    return std::filesystem::is_regular_file(place, failure);
  });
  settings.file = found != places.end() ? *found : name.ends_with(".gguf") ? places.front() : places.back();
  return settings;
}

class LlamaEmbedder final : public Embedder {
 public:
  LlamaEmbedder(const ModelSpec& spec, const LlamaSettings& settings) : engine_(LlamaEngine::find(settings)) {
    info_.id = spec.name;
    info_.prices = spec.prices;
  }

  [[nodiscard]] const EmbedderInfo& info() const override { return info_; }

  [[nodiscard]] asio::awaitable<Embeddings> embed(Environment& environment, std::vector<std::string> texts,
                                                  EmbedFor /*use*/) const override {
    return embed_with(engine_, environment, std::move(texts));
  }

 private:
  /// The engine waits for its own thread: so a thread of the pool waits, not the loop.
  static asio::awaitable<Embeddings> embed_with(std::shared_ptr<LlamaEngine> engine, Environment& environment,
                                                std::vector<std::string> texts) {
    Embeddings made;
    made.vectors = co_await environment.pool().run(
        [engine = std::move(engine), texts = std::move(texts)] { return engine->embed(texts); });
    co_return made;
  }

  std::shared_ptr<LlamaEngine> engine_;
  EmbedderInfo info_;
};

}  // namespace

std::shared_ptr<const Backend> make_llama_backend(const ModelSpec& spec, const std::filesystem::path& directory) {
  return std::make_shared<const LlamaBackend>(spec, settings_of(spec, directory));
}

std::shared_ptr<const Embedder> make_llama_embedder(const ModelSpec& spec, const std::filesystem::path& directory) {
  return std::make_shared<const LlamaEmbedder>(spec, settings_of(spec, directory));
}

void add_llama_backend(Registry& registry) {
  registry.add_backend(std::string(kProvider), [](const ModelSpec& spec, const PartContext& context) {
    return make_llama_backend(spec, context.definition.directory());
  });
}

}  // namespace sennit
