// Private: what a model says, held back until it has passed the guardrails of its agent and of those who delegated to
// it: what an agent must not say, no agent says for it.
//
// The last filter of a model's deltas, behind the one for secrets. The text of a completion is one text, whatever
// stands between its parts; so are its refusal, and each stretch of its reasoning. Everything keeps its order: what
// comes behind text that is held waits with it.
#pragma once

#include <sennit/agent/event.hpp>
#include <sennit/agent/guardrail_window.hpp>

#include <array>
#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

class OutputRails {
 public:
  /// `about`: what commands are told beside the text: {"run":…,"agent":…}. What it is given outlives it.
  OutputRails(std::vector<const Guardrail*> rails, std::size_t window, json::object about, Environment& environment);
  OutputRails(const OutputRails&) = delete;
  OutputRails& operator=(const OutputRails&) = delete;

  /// What can be shown by now; valid until the next call. Throws Error(errc::content_filter) where a guardrail refuses:
  /// then say() is what the person gets instead of all that was held. Cancellation: terminal.
  [[nodiscard]] asio::awaitable<std::span<Event>> take(std::span<Event> batch);

  /// Bytes that came and were not given: they wait, or were dropped.
  [[nodiscard]] std::size_t unseen() const noexcept;
  [[nodiscard]] bool refused() const noexcept { return refused_; }
  [[nodiscard]] const std::string& say() const noexcept { return say_; }

 private:
  enum Channel : std::size_t { kText, kRefusal, kReasoning, kChannels };
  /// Either a stretch of a channel, or an event of another kind.
  struct Waiting {
    std::size_t channel = kChannels;
    std::size_t length = 0;
    EventData data{};
  };

  void put(Channel channel, std::string_view text);
  [[nodiscard]] asio::awaitable<void> take_one(EventData data);
  [[nodiscard]] asio::awaitable<void> take_text(Channel channel, std::string text);
  [[nodiscard]] asio::awaitable<void> take_reasoning(ReasoningDelta delta);
  [[nodiscard]] asio::awaitable<void> take_other(EventData data);
  [[nodiscard]] asio::awaitable<void> end_reasoning();
  void begin_reasoning_anew();
  [[nodiscard]] asio::awaitable<void> check(Channel channel, bool ends);
  [[noreturn]] void refuse(const Guardrail& rail, const std::string& why);
  void drop();
  /// Moves what waits for nothing any more to `told_`.
  void tell();
  [[nodiscard]] bool tell_text(Waiting& waiting);

  const std::vector<const Guardrail*> rails_;
  const json::object about_;
  Environment& environment_;
  const TextWindow fresh_;
  std::array<TextWindow, kChannels> windows_;
  std::array<std::deque<PassedText>, kChannels> passed_;  // and not told yet
  std::deque<Waiting> waiting_;
  std::vector<Event> told_;
  bool thinks_ = false;  // a stretch of reasoning has begun
  bool masked_ = false;  // something of it was
  std::size_t dropped_ = 0;
  bool refused_ = false;
  std::string say_;
};

}  // namespace sennit
