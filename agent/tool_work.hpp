// Private: a tool at work. It runs in a coroutine of its own: one that ignores its cancellation is left behind.
#pragma once

#include <sennit/agent/effects_state.hpp>
#include <sennit/agent/io/signal.hpp>
#include <sennit/agent/tool.hpp>

#include <boost/asio/cancellation_signal.hpp>

#include <memory>
#include <optional>
#include <set>
#include <string>

namespace sennit {

/// What a call shares with its tool. The run may give up on a tool that does not end; then the tool finds that nobody
/// is there any more.
class CallContext final : public ToolContext {
 public:
  CallContext(Effects::State& state, std::shared_ptr<Tool> tool, const ToolCall& call, std::string effect,
              const json::object& arguments);

  Environment& environment() override { return *environment_; }
  const std::string& effect_id() const override { return key_; }
  const std::string& session() const override { return session_; }
  Memory* memory() override { return memory_.get(); }
  const Labels& labels() const override { return labels_; }
  bool allows(const std::vector<Facet>& instead) const override;
  void progress(std::string text) override;
  asio::awaitable<std::string> ask(std::string question) override;
  asio::awaitable<Outcome> delegate(const Agent& agent, std::string task) override;
  std::shared_ptr<const Agent> model_alone(const std::string& instructions) override;

  /// The call is to end: its questions and sub-agents are cancelled, whether or not the tool hears of it, and there
  /// will be no others.
  void stop();
  /// The run does not wait for this call any more. REQUIRES: !asks().
  void abandon() { state_ = nullptr; }
  /// A question or a sub-agent of this call is under way.
  [[nodiscard]] bool asks() const noexcept { return !asking_.empty(); }
  /// What progress() told.
  [[nodiscard]] json::array take_told() { return std::move(told_); }
  Signal* changed = nullptr;  ///< notified when nothing is asked any more
  bool quiet = false;         ///< the call is told: its progress is in the journal

 private:
  Effects::State& state();
  /// Does `work` in a coroutine of its own, which stop() cancels, and whatever cancels the tool.
  asio::awaitable<void> within(asio::awaitable<void> work);

  Effects::State* state_;
  const std::shared_ptr<Environment> environment_;
  const std::shared_ptr<Memory> memory_;
  const std::string session_;
  const Labels labels_;
  const std::shared_ptr<Tool> tool_;
  const json::object arguments_;  // of a tool that reaches the network
  const std::string call_id_;
  const std::string effect_;
  const std::string key_;  // the same in every attempt of this run, different in every other run
  json::array told_;
  std::uint32_t children_ = 0;
  std::set<asio::cancellation_signal*> asking_;
  bool stopped_ = false;
};

struct ToolWork {
  ToolWork(std::shared_ptr<Tool> of_tool, Effects::State& state, const ToolCall& call, const std::string& effect,
           json::object with)
      : tool(std::move(of_tool)), context(state, tool, call, effect, with), arguments(std::move(with)) {
    context.changed = &changed;
  }

  const std::shared_ptr<Tool> tool;
  CallContext context;
  json::object arguments;
  std::optional<ToolOutput> output;
  std::optional<Error> error;
  bool done = false;
  Signal changed;
  asio::cancellation_signal stop;
};

/// Lets the tool work for at most `limit` (zero: as long as it takes). It is cancelled with the awaiting coroutine and
/// at the limit, and left behind where it has not ended a moment later: what it gives then nobody hears of. What it
/// gave before it heard of a cancellation is its result.
[[nodiscard]] asio::awaitable<ToolOutput> work(Environment& environment, std::shared_ptr<ToolWork> at,
                                               milliseconds limit, std::string name);

}  // namespace sennit
