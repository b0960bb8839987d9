#include <sennit/agent/event.hpp>
#include <sennit/agent/policy.hpp>
#include <sennit/agent/policy_match.hpp>
#include <sennit/agent/policy_recipient.hpp>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace sennit {
namespace {

std::string whose(const PolicyLayer& layer) {
  switch (layer.kind) {
    case PolicyLayer::Kind::deployment:
      return "deployment policy";
    case PolicyLayer::Kind::above:
      return "policy of " + layer.name;
    case PolicyLayer::Kind::own:
      break;
  }
  return "policy";
}

std::string rule_text(const PolicyLayer& layer, std::string_view key, const PolicyRule& rule) {
  std::string text = whose(layer);
  return text.append(".").append(key).append(": ").append(describe(rule));
}

/// What the layer's lists say of the call: the first rule of each that speaks of it; where there is none, its default.
std::vector<Decision> by_rules(const PolicyLayer& layer, const PolicyQuestion& question) {
  const PolicySettings& policy = *layer.settings;
  std::vector<Decision> said;
  const auto look = [&](Verdict verdict, std::string_view key, const std::vector<PolicyRule>& rules, Reading reading) {
    const PolicyRule* rule = first_applying(rules, question, reading);
    if (rule != nullptr) said.push_back({verdict, rule_text(layer, key, *rule)});
  };
  look(Verdict::deny, "deny", policy.deny, Reading::restricting);
  if (layer.kind == PolicyLayer::Kind::above) return said;
  look(Verdict::ask, "ask", policy.ask, Reading::restricting);
  look(Verdict::allow, "allow", policy.allow, Reading::relaxing);
  if (said.empty() && policy.fallback) {
    said.push_back({*policy.fallback, whose(layer) + ".default: " + std::string(to_string(*policy.fallback))});
  }
  return said;
}

Decision by_touches(const Touches& touches) {
  if (touches.money) return {Verdict::ask, "it spends money"};
  if (touches.process) return {Verdict::ask, "it starts programs"};
  if (touches.write) return {Verdict::ask, "it changes data"};
  if (touches.network) return {Verdict::ask, "it uses the network"};
  return {Verdict::allow, "it only reads"};
}

// ---- labels ----

std::string_view consequence_of(const ToolSpec& tool) {
  if (tool.touches.money) return "spends money";
  if (tool.touches.process) return "starts programs";
  if (tool.touches.write && !tool.keeps_labels) return "changes data";
  return {};
}

/// Where a call leads: hosts, other named destinations, else the tool itself.
std::vector<std::string> destinations_of(const PolicyQuestion& question) {
  std::vector<std::string> all;
  for (const Facet& facet : question.facets) {
    if (facet.name == "host") all.push_back(facet.value);
    if (facet.name != "destination") continue;
    for (std::string& recipient : recipients_in(facet.value)) all.push_back(std::move(recipient));
  }
  if (all.empty()) all.push_back(question.tool.description.name);
  return all;
}

bool is_permitted(const std::vector<PolicyLayer>& layers, const PolicyLayer& asking, const std::string& origin,
                  const std::string& destination, const std::string& tool) {
  // A tool is meant by `tool:NAME` alone: whoever steers a call chooses its host, and would choose a tool's name for
  // it.
  const auto permits = [&](const FlowPermit& permit) {
    return matches_pattern(permit.from, origin) &&
           ((destination != tool && fits_recipients(permit.to, destination, Reading::relaxing)) ||
            matches_pattern(permit.to, "tool:" + tool));
  };
  for (const PolicyLayer& layer : layers) {
    // A deployment's permits are everybody's; an agent's are its own.
    const bool counts = &layer == &asking || layer.kind == PolicyLayer::Kind::deployment;
    if (counts && std::any_of(layer.settings->flow.permit.begin(), layer.settings->flow.permit.end(), permits)) {
      return true;
    }
  }
  return false;
}

/// The private data of the conversation that may not go where the call leads.
std::vector<std::string> unpermitted(const std::vector<PolicyLayer>& layers, const PolicyLayer& asking,
                                     const PolicyQuestion& question) {
  std::vector<std::string> origins;
  const std::vector<std::string> destinations = destinations_of(question);
  for (const std::string& origin : question.labels.confidential) {
    const bool everywhere = std::all_of(destinations.begin(), destinations.end(), [&](const std::string& destination) {
      return is_permitted(layers, asking, origin, destination, question.tool.description.name);
    });
    if (!everywhere) origins.push_back(origin);
  }
  return origins;
}

std::optional<Verdict> opinion(const PolicyLayer& layer, const std::optional<Verdict>& said) {
  if (said || layer.kind != PolicyLayer::Kind::own) return said;
  return Verdict::ask;
}

void by_labels(const std::vector<PolicyLayer>& layers, const PolicyLayer& layer, const PolicyQuestion& question,
               std::vector<Decision>& decisions) {
  const FlowSettings& flow = layer.settings->flow;
  const std::string& tool = question.tool.description.name;
  const auto say = [&](const std::optional<Verdict>& said, std::string_view key, const std::string& why) {
    if (const auto verdict = opinion(layer, said)) {
      decisions.push_back({*verdict, whose(layer) + ".flow." + std::string(key) + ": " + why});
    }
  };
  const std::string from_outside =
      "text from " + describe_origins(question.labels.untrusted) + " is in the conversation";
  const std::string_view consequence = consequence_of(question.tool);
  const bool steered = !question.labels.untrusted.empty();
  const bool leads_out = question.tool.touches.network;
  std::vector<std::string> origins;
  if (leads_out || (steered && !consequence.empty())) origins = unpermitted(layers, layer, question);
  if (!origins.empty()) {
    const std::string data = "private data (" + describe_origins(origins) + ") could ";
    const std::string to = describe_origins(destinations_of(question));
    // What is stored where its labels are lost leaves later.
    if (steered)
      say(flow.both, "both", data + (leads_out ? "leave to " : "lose its mark in ") + to + ", and " + from_outside);
    if (leads_out && (!steered || flow.both != flow.confidential))
      say(flow.confidential, "confidential", data + "leave to " + to);
  }
  if (steered && !consequence.empty() && first_applying(flow.steerable, question, Reading::relaxing) == nullptr) {
    say(flow.untrusted, "untrusted", from_outside + ", and " + tool + " " + std::string(consequence));
  }
}

/// Whether the result counts as trusted. Who says what text from outside must not do also says what such text is: a
/// deployment, or an agent above, that has a rule for it is not outwitted by an agent's own `trust`.
bool is_trusted(const std::vector<PolicyLayer>& layers, const PolicyQuestion& question) {
  bool trusted = false;
  for (const PolicyLayer& layer : layers) {
    const PolicySettings& policy = *layer.settings;
    const bool trusts = first_applying(policy.trust, question, Reading::relaxing) != nullptr;
    const bool own = layer.kind == PolicyLayer::Kind::own;
    if (!trusts && !own && (policy.flow.untrusted || policy.flow.both)) return false;
    trusted = trusted || (trusts && layer.kind != PolicyLayer::Kind::above);
  }
  return trusted;
}

}  // namespace

std::string describe(const PolicyRule& rule) {
  std::string text = rule.tool;
  if (rule.when.empty()) return text;
  text += " {";
  for (const auto& [facet, patterns] : rule.when) {
    if (text.back() != '{') text += ", ";
    text += facet + ":";
    for (const std::string& pattern : patterns) text += (&pattern == patterns.data() ? " " : " or ") + pattern;
  }
  return text + "}";
}

std::vector<Decision> consider(const std::vector<PolicyLayer>& layers, const PolicyQuestion& question) {
  std::vector<Decision> decisions;
  bool ruled = false;  // a deployment's word stands for the default of agents that say nothing
  for (const PolicyLayer& layer : layers) {
    std::vector<Decision> said = by_rules(layer, question);
    ruled = ruled || (!said.empty() && layer.kind != PolicyLayer::Kind::above);
    decisions.insert(decisions.end(), std::make_move_iterator(said.begin()), std::make_move_iterator(said.end()));
  }
  if (!ruled) decisions.push_back(by_touches(question.tool.touches));
  for (const PolicyLayer& layer : layers) by_labels(layers, layer, question, decisions);
  return decisions;
}

Decision decide(const std::vector<PolicyLayer>& layers, const PolicyQuestion& question) {
  const std::vector<Decision> decisions = consider(layers, question);
  Decision strictest = *std::max_element(decisions.begin(), decisions.end(),
                                         [](const Decision& a, const Decision& b) { return a.verdict < b.verdict; });
  if (strictest.verdict != Verdict::ask) return strictest;
  // Who agrees agrees to all that asks: a yes to one reason is none to another that comes later.
  strictest.rule.clear();
  for (const Decision& one : decisions) {
    if (one.verdict != Verdict::ask || strictest.rule.find(one.rule) != std::string::npos) continue;
    if (!strictest.rule.empty()) strictest.rule += "; ";
    strictest.rule += one.rule;
  }
  return strictest;
}

Decision decide(const PolicySettings& policy, const ToolSpec& tool) {
  static const json::object kNoArguments;
  static const std::vector<Facet> kNoFacets;
  static const Labels kNoLabels;
  return decide({{PolicyLayer::Kind::own, {}, &policy}}, {tool, kNoArguments, kNoFacets, kNoLabels});
}

bool is_hidden(const PolicySettings& policy, const ToolSpec& tool) {
  const auto speaks_of_it = [&](const PolicyRule& rule) { return matches_pattern(rule.tool, tool.description.name); };
  const auto always = [&](const PolicyRule& rule) { return rule.when.empty() && speaks_of_it(rule); };
  if (std::any_of(policy.deny.begin(), policy.deny.end(), always)) return true;
  return policy.fallback == Verdict::deny && std::none_of(policy.allow.begin(), policy.allow.end(), speaks_of_it) &&
         std::none_of(policy.ask.begin(), policy.ask.end(), speaks_of_it);
}

Labels labels_of_result(const std::vector<PolicyLayer>& layers, const PolicyQuestion& question, Labels given) {
  if (is_trusted(layers, question)) given.untrusted.clear();
  for (const PolicyLayer& layer : layers) {
    if (first_applying(layer.settings->confidential, question, Reading::restricting) != nullptr) {
      given.add_confidential("tool:" + question.tool.description.name);
    }
  }
  return given;
}

}  // namespace sennit
