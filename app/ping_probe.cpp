#include <sennit/app/ping_probe.hpp>

#include <algorithm>
#include <span>
#include <utility>

namespace sennit::app {
namespace {

bool brings_words(const Event& event) {
  return std::holds_alternative<TextDelta>(event.data) || std::holds_alternative<ReasoningDelta>(event.data) ||
         std::holds_alternative<RefusalDelta>(event.data) || std::holds_alternative<ToolCallDelta>(event.data);
}

std::unique_ptr<TokenStream> ask(Environment& environment, const Backend& backend, const ProbeQuestion& question) {
  const std::vector<Message> messages{user_message(question.words)};
  CompletionRequest request;
  request.messages = messages;
  request.tools = question.tools;
  request.tool_choice = question.choice;
  request.options = question.options;
  return backend.stream(environment, request);
}

asio::awaitable<void> read(Environment& environment, TokenStream& stream, CompletionBuilder& builder,
                           ProbeResult& result) {
  const SteadyTime begin = environment.now();
  std::optional<SteadyTime> first;
  for (;;) {
    const std::span<Event> events = co_await stream.next();
    if (events.empty()) co_return;
    const SteadyTime now = environment.now();
    for (const Event& event : events) {
      if (brings_words(event)) {
        if (!first) first = now;
        result.first_token = std::chrono::duration_cast<std::chrono::microseconds>(*first - begin);
        result.writing = std::chrono::duration_cast<std::chrono::microseconds>(now - *first);
      }
      result.shows_thoughts = result.shows_thoughts || std::holds_alternative<ReasoningDelta>(event.data);
      if (const auto* failed = std::get_if<Failed>(&event.data)) result.error = failed->error;
      builder.take(event);
    }
    result.pieces = stream.pieces();
  }
}

}  // namespace

std::optional<double> ProbeResult::speed() const {
  // Shorter than this an answer came at once, from a buffer: its speed is the network's.
  constexpr std::chrono::microseconds kLeastTime{50'000};
  constexpr std::int64_t kLeastTokens = 4;
  std::int64_t tokens = completion.usage.output.value_or(static_cast<std::int64_t>(pieces));
  if (!shows_thoughts) tokens -= completion.usage.reasoning.value_or(0);
  if (writing < kLeastTime || tokens < kLeastTokens) return std::nullopt;
  return static_cast<double>(tokens) * 1e6 / static_cast<double>(writing.count());
}

asio::awaitable<ProbeResult> probe(Environment& environment, std::shared_ptr<const Backend> backend,
                                   ProbeQuestion question) {
  ProbeResult result;
  CompletionBuilder builder(backend->info().provider);
  try {
    const std::unique_ptr<TokenStream> stream = ask(environment, *backend, question);
    co_await read(environment, *stream, builder, result);
  } catch (...) {
    result.error = current_error();
  }
  if (result.error && result.error->code() == errc::cancelled) throw *result.error;
  result.completion = std::move(builder).finish();
  co_return result;
}

}  // namespace sennit::app
