#include <sennit/agent/guardrail_run.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sennit {
namespace {

json::object about(const Effects::State& state) {
  return {{"run", state.run.id}, {"agent", state.parts.definition.name}};
}

/// A guardrail's refusal; empty: there is none.
struct Refusal {
  std::string detail;
  std::string say;
};

/// Why a guardrail does not let the text pass; empty: it does.
asio::awaitable<std::string> ask_rail(const Effects::State& state, const Guardrail& rail, const std::string& text) {
  Match match;
  if (!rail.is_command()) {
    co_return rail.find(text, 0, text.size(), match) ? fmt::format("the guardrail {} refused it", rail.name()) : "";
  }
  json::object question = about(state);
  question["point"] = "input";
  question["text"] = text;
  question["final"] = true;
  auto asking = rail.ask(*state.run.environment, std::move(question));
  const std::string why = co_await std::move(asking);
  co_return why.empty() ? why : fmt::format("the guardrail {} refused it: {}", rail.name(), why);
}

asio::awaitable<Refusal> ask_rails(const Effects::State& state, const std::string& text) {
  for (const auto& rail : state.parts.guardrails.input) {
    if (rail->redacts()) continue;
    auto asking = ask_rail(state, *rail, text);
    std::string detail = co_await std::move(asking);
    if (!detail.empty()) co_return Refusal{std::move(detail), rail->say()};
  }
  co_return Refusal{};
}

json::value names_of(const std::vector<std::shared_ptr<const Guardrail>>& rails) {
  json::array names;
  for (const auto& rail : rails) names.emplace_back(rail->name());
  return json::object{{"guardrails", std::move(names)}};
}

json::object decide(const Refusal& refusal, const std::string& was, const std::string& is) {
  json::object out;
  if (is != was) out["text"] = is;
  if (refusal.detail.empty()) return out;
  out["refused"] = refusal.detail;
  if (!refusal.say.empty()) out["say"] = refusal.say;
  return out;
}

}  // namespace

std::unique_ptr<OutputRails> make_output_rails(const Effects::State& state) {
  std::vector<const Guardrail*> rails;
  std::size_t window = 0;
  bool all_of_it = false;
  for (const Effects::State* of = &state; of != nullptr; of = of->parent) {
    const Guardrails& own = of->parts.guardrails;
    if (own.output.empty()) continue;
    for (const auto& rail : own.output) rails.push_back(rail.get());
    all_of_it = all_of_it || own.window == 0;
    window = std::max(window, own.window);
  }
  if (rails.empty()) return nullptr;
  return std::make_unique<OutputRails>(std::move(rails), all_of_it ? 0 : window, about(state), *state.run.environment);
}

bool has_input_rails(const Effects::State& state, const std::string& effect) {
  return !state.parts.guardrails.input.empty() || state.journal.find(effect) != nullptr;
}

asio::awaitable<void> check_input(Effects::State& state, const std::string& effect, std::string& input,
                                  bool was_heard) {
  if (state.journal.find(effect) == nullptr && was_heard) co_return;
  json::value out;
  if (const Recorded* known = state.told(effect, "guardrail", nullptr)) {
    out = known->out;
  } else {
    const std::string clean = redact_by(state.parts.guardrails.input, input);
    auto asking = ask_rails(state, clean);
    const Refusal refusal = co_await std::move(asking);
    out = decide(refusal, input, clean);
    state.journal.whole(effect, "guardrail", names_of(state.parts.guardrails.input), out, state.wall_now());
  }
  if (find(out, "text") != nullptr) input = find_string(out, "text");
  if (find(out, "refused") == nullptr) co_return;
  state.said_apart = find_string(out, "say");
  throw Error(errc::content_filter, std::string(find_string(out, "refused")));
}

}  // namespace sennit
