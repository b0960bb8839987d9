#include <sennit/backends/scripted/scripted.hpp>
#include <sennit/backends/scripted/scripted_plan.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sennit {
namespace {

/// What another model would count as tokens, roughly: words.
std::int64_t count_words(std::string_view text) {
  return static_cast<std::int64_t>(intents::split_words(text).list.size());
}

std::int64_t count_words(const Message& message) {
  std::int64_t words = 0;
  for (const Part& part : message.parts) {
    if (const auto* text = std::get_if<Text>(&part)) words += count_words(text->text);
    if (const auto* call = std::get_if<ToolCall>(&part)) words += count_words(call->arguments);
    if (const auto* result = std::get_if<ToolResult>(&part)) words += count_words(result->content);
  }
  return words;
}

std::vector<Event> events_of(intents::Turn turn, std::int64_t words_in) {
  std::vector<Event> events;
  std::int64_t words_out = count_words(turn.answer);
  const bool calls = !turn.calls.empty();
  for (std::string& piece : intents::pieces(turn.answer)) events.push_back({{}, TextDelta{std::move(piece)}});
  for (std::size_t i = 0; i < turn.calls.size(); ++i) {
    ToolCall& call = turn.calls[i];
    words_out += count_words(call.arguments);
    events.push_back({{},
                      ToolCallDelta{static_cast<std::uint32_t>(i), std::move(call.id), std::move(call.name),
                                    std::move(call.arguments), true}});
  }
  Usage usage;
  usage.input = words_in;
  usage.output = words_out;
  events.push_back({{}, UsageUpdate{usage}});
  events.push_back({{}, Finished{calls ? StopReason::tool_calls : StopReason::stop, calls ? "tool_calls" : "stop"}});
  return events;
}

/// Gives prepared events: at once, or one after the other at a speaker's pace.
class ScriptedStream : public TokenStream {
 public:
  ScriptedStream(Environment& environment, std::vector<Event> events, milliseconds pause)
      : environment_(environment), events_(std::move(events)), pause_(pause) {}

  asio::awaitable<std::span<Event>> next() override {
    const std::size_t first = std::exchange(given_, std::min(events_.size(), given_ + batch()));
    const bool spoken = pause_.count() > 0 && first > 0 && first < events_.size() &&
                        std::holds_alternative<TextDelta>(events_[first].data);
    if (spoken) co_await environment_.sleep(pause_);
    co_return std::span(events_).subspan(first, given_ - first);
  }

 private:
  [[nodiscard]] std::size_t batch() const { return pause_.count() > 0 ? 1 : events_.size(); }

  Environment& environment_;
  std::vector<Event> events_;
  std::size_t given_ = 0;
  milliseconds pause_;
};

milliseconds pause_of(const ModelSpec& spec) {
  const json::value* const pace = spec.options.extra.if_contains(kScriptedPace);
  if (pace == nullptr) return milliseconds{0};
  if (!pace->is_number() || !(pace->to_number<double>() >= 0.1)) {
    throw Error(errc::config, "`model.options.extra.words_per_second` must be a number of at least 0.1");
  }
  return milliseconds{static_cast<std::int64_t>(1000 / pace->to_number<double>())};
}

class ScriptedBackend : public Backend {
 public:
  ScriptedBackend(const ModelSpec& spec, std::vector<Intent> intents)
      : intents_(std::move(intents)), rules_(intents::compile(intents_)), pause_(pause_of(spec)) {
    info_.id = "scripted";
    info_.provider = "scripted";
    info_.prices = spec.prices.value_or(Prices{});  // it costs nothing
  }

  [[nodiscard]] const ModelInfo& info() const override { return info_; }

  [[nodiscard]] std::unique_ptr<TokenStream> stream(Environment& environment,
                                                    const CompletionRequest& request) const override {
    std::int64_t words = count_words(request.instructions);
    for (const Message& message : request.messages) words += count_words(message);
    return std::make_unique<ScriptedStream>(environment, events_of(intents::next_turn(rules_, request), words), pause_);
  }

 private:
  std::vector<Intent> intents_;
  std::vector<intents::Rule> rules_;  // point into intents_
  milliseconds pause_;
  ModelInfo info_;
};

}  // namespace

std::shared_ptr<const Backend> make_scripted_backend(const ModelSpec& spec, const PartContext& context) {
  try {
    return std::make_shared<const ScriptedBackend>(spec, context.definition.intents);
  } catch (const Error& error) {
    if (context.definition.file.empty()) throw;
    throw Error(error.code(), error.message()).at(context.definition.file.string());
  }
}

}  // namespace sennit
