#include <sennit/backends/remote.hpp>
#include <sennit/backends/wire/remote_stream.hpp>

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace sennit {
namespace {

const Provider& provider_of(const Catalogue& known, const ModelSpec& spec) {
  const std::string_view name = std::string_view(spec.name).substr(0, spec.name.find('/'));
  const Provider* provider = known.provider(name);
  if (provider == nullptr) throw Error(errc::config, fmt::format("there is no provider “{}”", name));
  return *provider;
}

/// What is wrong with a person's own file is told when a model is made: much can be done without one.
std::shared_ptr<const Catalogue> catalogue_or_shipped() {
  try {
    return catalogue();
  } catch (const Error&) {
    return shipped_catalogue();
  }
}

class RemoteBackend final : public Backend {
 public:
  RemoteBackend(std::shared_ptr<const Catalogue> known, const ModelSpec& spec) {
    const Provider& provider = provider_of(*known, spec);
    WireModel model = resolve_model(std::move(known), provider, spec);
    info_.id = model.id;
    info_.provider = model.maker;
    info_.context_tokens = model.entry.context_tokens;
    info_.output_tokens = model.entry.output_tokens;
    info_.abilities = model.entry.abilities;
    settings_ = std::make_shared<const RemoteSettings>(RemoteSettings{spec, std::move(model)});
    info_.prices = prices_at(std::chrono::system_clock::now());
  }

  [[nodiscard]] const ModelInfo& info() const override { return info_; }

  [[nodiscard]] std::unique_ptr<TokenStream> stream(Environment& environment,
                                                    const CompletionRequest& request) const override {
    return make_remote_stream(environment, settings_, request_body(settings_->model, request));
  }

  /// Each run has the prices of its own time: of a service that runs for weeks, and of providers with peak hours.
  [[nodiscard]] asio::awaitable<Selection> select(Environment& environment) const override {
    Selection selection;
    std::optional<Prices> prices = prices_at(environment.wall_now());
    if (prices == info_.prices) co_return selection;
    auto now = std::make_shared<RemoteBackend>(*this);
    now->info_.prices = std::move(prices);
    selection.backend = std::move(now);
    co_return selection;
  }

 private:
  /// Another address is another deal; what a local server costs, nobody knows.
  [[nodiscard]] std::optional<Prices> prices_at(WallTime time) const {
    if (settings_->spec.prices || !settings_->model.own_address) return settings_->spec.prices;
    return settings_->model.entry.prices_at(time);
  }

  std::shared_ptr<const RemoteSettings> settings_;
  ModelInfo info_;
};

}  // namespace

std::shared_ptr<const Backend> make_remote_backend(const ModelSpec& spec, std::shared_ptr<const Catalogue> known) {
  return std::make_shared<const RemoteBackend>(std::move(known), spec);
}

void add_remote_backends(Registry& registry, const std::shared_ptr<const Catalogue>& known) {
  for (const Provider& provider : (known ? known : catalogue_or_shipped())->providers()) {
    registry.add_backend(provider.name, [known](ModelSpec spec, const PartContext& context) {
      if (!spec.ca_file.empty()) spec.ca_file = context.definition.directory() / spec.ca_file;
      return make_remote_backend(spec, known ? known : catalogue());
    });
  }
}

}  // namespace sennit
