// Hooks for tests: a function of the test's own, and agents whose hooks are shell scripts.
#pragma once

#include "support/fixtures.hpp"
#include <sennit/agent/definition.hpp>
#include <sennit/agent/hook.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sennit::testing {

/// Asked at one point; the answer is a function's. It may be asked on the run's thread while the test looks at `asked`.
class TestHook final : public Hook {
 public:
  using Answer = std::function<asio::awaitable<HookAnswer>(HookQuestion, Environment&)>;

  TestHook(std::string name, HookPoint point, std::function<HookAnswer(const HookQuestion&)> answer)
      : TestHook(std::move(name), point, slow(std::move(answer))) {}
  TestHook(std::string name, HookPoint point, Answer answer)
      : name_(std::move(name)), point_(point), answer_(std::move(answer)) {}

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] bool concerns(HookPoint point, std::string_view /*tool*/) const override { return point == point_; }
  [[nodiscard]] bool required() const override { return is_required; }
  [[nodiscard]] milliseconds timeout() const override { return limit; }
  asio::awaitable<HookAnswer> ask(HookQuestion question, Environment& environment) override {
    ++asked;
    asked.notify_all();
    return answer_(std::move(question), environment);
  }

  bool is_required = true;
  milliseconds limit{10'000};
  std::atomic<int> asked{0};

 private:
  static Answer slow(std::function<HookAnswer(const HookQuestion&)> answer) {
    return [answer = std::move(answer)](HookQuestion question, Environment&) { return now(answer(question)); };
  }
  static asio::awaitable<HookAnswer> now(HookAnswer answer) { co_return answer; }

  const std::string name_;
  const HookPoint point_;
  const Answer answer_;
};

/// Answers when it is cancelled, and not before.
[[nodiscard]] inline asio::awaitable<HookAnswer> never_answers(HookQuestion /*question*/, Environment& environment) {
  co_await environment.sleep(std::chrono::hours(1));
  co_return HookAnswer{};
}

[[nodiscard]] inline HookAnswer blocks(std::string reason) {
  HookAnswer answer;
  answer.verdict = Verdict::deny;
  answer.reason = std::move(reason);
  return answer;
}
[[nodiscard]] inline HookAnswer changes(json::object arguments) {
  HookAnswer answer;
  answer.arguments = std::move(arguments);
  return answer;
}
[[nodiscard]] inline HookAnswer adds(std::string text) {
  HookAnswer answer;
  answer.text = std::move(text);
  return answer;
}
[[nodiscard]] inline HookAnswer notes(std::string note) {
  HookAnswer answer;
  answer.note = std::move(note);
  return answer;
}

/// A hook that runs `script`, which is written to the folder, by sh; the definition comes from a file in that folder.
inline HookSpec& add_script(Definition& definition, const TempDir& folder, std::vector<std::string> on,
                            const std::string& script) {
  const std::string name = "hook" + std::to_string(definition.hooks.size()) + ".sh";
  folder.write(name, script);
  definition.file = folder / "agent.yaml";
  HookSpec spec;
  spec.run = {"sh", name};
  spec.on = std::move(on);
  definition.hooks.push_back(std::move(spec));
  return definition.hooks.back();
}

}  // namespace sennit::testing
