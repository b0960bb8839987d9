#include <sennit/agent/routing.hpp>
#include <sennit/app/check_parts.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

namespace sennit::app {
namespace {

/// A place of the file that names a model.
struct NamedModel {
  std::string path;
  std::string name;
  bool tools = true;   ///< it may answer a step that has tools
  bool routed = true;  ///< it has no settings of its own here
};

/// In the order of models_of().
std::vector<NamedModel> named_models(const ModelSpec& spec) {
  std::vector<NamedModel> named{{"model", spec.name, true, false}};
  for (std::size_t i = 0; i < spec.fallback.size(); ++i) {
    named.push_back({fmt::format("model.fallback[{}]", i), spec.fallback[i].name, true, false});
  }
  for (std::size_t i = 0; i < spec.route.rules.size(); ++i) {
    const RouteRule& rule = spec.route.rules[i];
    named.push_back({fmt::format("model.route.rules[{}].model", i), rule.model, rule.tools.value_or(true), true});
  }
  named.push_back({"model.route.escalate.to", spec.route.escalate.to, true, true});
  std::erase_if(named, [](const NamedModel& model) { return model.name.empty(); });  // reported by the reader
  return named;
}

class ModelCheck {
 public:
  ModelCheck(const Definition& definition, const PartContext& context, Findings& findings)
      : definition_(definition), context_(context), findings_(findings), models_(models_of(definition.model)) {}

  void check() {
    const bool broken = findings_.broken("model");
    for (const NamedModel& model : named_models(definition_.model)) {
      const std::string provider = model.name.substr(0, model.name.find('/'));
      if (std::ranges::find(known_, provider) == known_.end()) {
        std::string message = unknown("provider", provider, known_);
        if (provider == model.name) message += "; a model is named `provider/model`";
        findings_.error(model.path + ".name", std::move(message));
      } else if (provider != "scripted" && provider != "auto" && !broken) {
        // Of the two named here, the intents could be wrong: checked apart.
        check_backend(model);
      }
    }
    if (!broken) check_route();
  }

 private:
  void check_backend(const NamedModel& model) {
    const auto [entry, is_new] = made_.try_emplace(model.name);
    if (is_new) {
      entry->second = make(model);
      if (entry->second) check_cost(model, entry->second->info());
    }
    if (!entry->second || !model.tools || (definition_.tools.empty() && definition_.agents.empty())) return;
    const ModelInfo& info = entry->second->info();
    if (!info.abilities || info.abilities->contains(Ability::tools)) return;
    findings_.warning(model.path, fmt::format("`{}` is not known to call tools, and this agent has some; `sennit "
                                              "models --with tools` lists models that do",
                                              info.id));
  }

  /// Null, and an error, where that is not possible.
  std::shared_ptr<const Backend> make(const NamedModel& model) {
    try {
      return context_.registry.backend(*std::ranges::find(models_, model.name, &ModelSpec::name), context_);
    } catch (const std::exception&) {
      std::string message = current_error().message();
      const bool whole = model.name.find('/') != std::string::npos;
      if (model.routed && whole)
        message += "; `route` gives a name only: for settings, name it in `model.fallback` too";
      findings_.error(model.path, std::move(message));
      return nullptr;
    }
  }

  void check_cost(const NamedModel& model, const ModelInfo& info) {
    if (definition_.limits.cost <= 0 || info.prices) return;
    findings_.warning(
        "limits.cost",
        model.path == "model"
            ? fmt::format("the prices of `{}` are not known, so this stops nothing; give `model.prices`", info.id)
            : fmt::format("the prices of `{}` are not known, so what it answers does not count; give "
                          "`prices` with it in `model.fallback`",
                          info.id));
  }

  void check_route() {
    const ModelSpec& spec = definition_.model;
    for (std::size_t i = 0; i < spec.route.rules.size(); ++i) {
      const RouteRule& rule = spec.route.rules[i];
      RouteRule bare;
      bare.model = rule.model;
      if (rule != bare) continue;
      findings_.warning(fmt::format("model.route.rules[{}]", i),
                        "a rule without a condition never holds; give it one, such as `longer_than`");
    }
    // A model that a rule chose may well hand over to the agent's own.
    const bool leads_away =
        std::ranges::any_of(spec.route.rules, [&](const RouteRule& rule) { return rule.model != spec.name; });
    if (spec.route.escalate.to != spec.name || leads_away) return;
    findings_.warning("model.route.escalate.to",
                      fmt::format("`{}` is the agent's model itself, so nobody takes over", spec.name));
  }

  const Definition& definition_;
  const PartContext& context_;
  Findings& findings_;
  std::vector<ModelSpec> models_;
  std::vector<std::string> known_ = context_.registry.backend_names();
  std::map<std::string, std::shared_ptr<const Backend>> made_;  ///< each once, by name; null: not possible
};

}  // namespace

void check_models(const Definition& definition, const PartContext& context, Findings& findings) {
  ModelCheck(definition, context, findings).check();
  check_named_file(definition, "model.ca_file", definition.model.ca_file, findings);
  for (std::size_t i = 0; i < definition.model.fallback.size(); ++i) {
    check_named_file(definition, fmt::format("model.fallback[{}].ca_file", i), definition.model.fallback[i].ca_file,
                     findings);
  }
}

}  // namespace sennit::app
