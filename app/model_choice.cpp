#include <sennit/app/model_choice.hpp>

#include <string_view>
#include <utility>

namespace sennit::app {
namespace {

std::string_view provider_of(const ModelSpec& model) {
  return std::string_view(model.name).substr(0, model.name.find('/'));
}

/// Named one by one, so that a setting that is added later stays with its provider until somebody thinks of it.
void take_neutral_settings(ModelSpec& to, const ModelSpec& from) {
  to.options.temperature = from.options.temperature;
  to.options.top_p = from.options.top_p;
  to.options.max_tokens = from.options.max_tokens;
  to.options.seed = from.options.seed;
  to.options.stop = from.options.stop;
  to.options.reasoning_effort = from.options.reasoning_effort;
  to.options.parallel_tool_calls = from.options.parallel_tool_calls;
  to.proxy = from.proxy;
  to.ca_file = from.ca_file;
  to.connect_timeout = from.connect_timeout;
  to.first_token_timeout = from.first_token_timeout;
  to.idle_timeout = from.idle_timeout;
  to.total_timeout = from.total_timeout;
  to.retry = from.retry;
}

}  // namespace

ModelSpec choose_model(const ModelSpec& model, ModelSpec chosen) {
  if (provider_of(model) != provider_of(chosen)) {
    take_neutral_settings(chosen, model);
    return chosen;
  }
  ModelSpec result = model;
  if (chosen.prices || chosen.name != model.name) result.prices = std::move(chosen.prices);
  result.name = std::move(chosen.name);
  result.fallback = std::move(chosen.fallback);
  result.route = std::move(chosen.route);
  return result;
}

Definition with_model(Definition definition, std::string name) {
  ModelSpec chosen;
  chosen.name = std::move(name);
  definition.model = choose_model(definition.model, std::move(chosen));
  return definition;
}

}  // namespace sennit::app
