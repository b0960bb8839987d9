// What policies are asked in tests: a call of a tool that declares what a test says.
#pragma once

#include <sennit/agent/policy.hpp>

#include <string>
#include <utility>
#include <vector>

namespace sennit::testing {

/// A tool of which only the facts count.
class Declared final : public Tool {
 public:
  explicit Declared(ToolSpec spec) : spec_(std::move(spec)) {}
  [[nodiscard]] const ToolSpec& spec() const override { return spec_; }
  asio::awaitable<ToolOutput> call(json::object /*arguments*/, ToolContext& /*context*/) override {
    co_return ToolOutput{};
  }

 private:
  ToolSpec spec_;
};

using FacetMap = std::map<std::string, std::string, std::less<>>;

struct PolicyCall {
  std::string tool = "t";
  Touches touches{};
  FacetMap facets{};
  json::object arguments{};
  Labels labels{};
  bool keeps_labels = false;

  [[nodiscard]] ToolSpec spec() const {
    ToolSpec spec;
    spec.description.name = tool;
    spec.touches = touches;
    spec.facets = facets;
    spec.keeps_labels = keeps_labels;
    return spec;
  }
};

template <class Ask>
auto ask_about(const PolicyCall& call, Ask ask) {
  const Declared tool(call.spec());
  const std::vector<Facet> facets = tool.facets(call.arguments);
  return ask(PolicyQuestion{tool.spec(), call.arguments, facets, call.labels});
}

[[nodiscard]] inline Decision judged(const std::vector<PolicyLayer>& layers, const PolicyCall& call) {
  return ask_about(call, [&](const PolicyQuestion& question) { return decide(layers, question); });
}

[[nodiscard]] inline Decision judged(const PolicySettings& own, const PolicyCall& call) {
  return judged({{PolicyLayer::Kind::own, "agent", &own}}, call);
}

[[nodiscard]] inline std::vector<Decision> considered(const std::vector<PolicyLayer>& layers, const PolicyCall& call) {
  return ask_about(call, [&](const PolicyQuestion& question) { return consider(layers, question); });
}

using Patterns = std::vector<std::string>;

/// Whether `allow: t: {facet: patterns}` lets the call through.
[[nodiscard]] inline bool allows(const std::string& facet, Patterns patterns, const PolicyCall& call) {
  PolicySettings policy{.allow = {{"t", {{facet, std::move(patterns)}}}}};
  policy.fallback = Verdict::deny;
  return judged(policy, call).verdict == Verdict::allow;
}

/// Whether `deny: t: {facet: patterns}` stops it.
[[nodiscard]] inline bool denies(const std::string& facet, Patterns patterns, const PolicyCall& call) {
  PolicySettings policy{.deny = {{"t", {{facet, std::move(patterns)}}}}};
  policy.fallback = Verdict::allow;
  return judged(policy, call).verdict == Verdict::deny;
}

[[nodiscard]] inline PolicyCall with(const std::string& argument, const std::string& facet, json::value value) {
  return {.facets = {{argument, facet}}, .arguments = {{argument, std::move(value)}}};
}

[[nodiscard]] inline Labels untrusted(std::string origin) {
  Labels labels;
  labels.add_untrusted(std::move(origin));
  return labels;
}

[[nodiscard]] inline Labels confidential(std::string origin) {
  Labels labels;
  labels.add_confidential(std::move(origin));
  return labels;
}

[[nodiscard]] inline Labels both(std::string outside, std::string inside) {
  Labels labels = untrusted(std::move(outside));
  labels.add_confidential(std::move(inside));
  return labels;
}

}  // namespace sennit::testing
