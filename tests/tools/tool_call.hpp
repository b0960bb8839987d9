// Calling one tool as a run would, without a run.
#pragma once

#include "support/fixtures.hpp"
#include <sennit/agent/event.hpp>
#include <sennit/agent/schema/validate.hpp>
#include <sennit/agent/tool.hpp>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::testing {

/// The run's side of a call: a memory if the test gives one, and answers to questions in the order they are wanted.
class CallContext final : public ToolContext {
 public:
  explicit CallContext(TestEnvironment& environment, Memory* memory = nullptr)
      : environment_(environment), memory_(memory) {}

  [[nodiscard]] Environment& environment() override { return environment_; }
  [[nodiscard]] const std::string& effect_id() const override { return effect_id_; }
  [[nodiscard]] const std::string& session() const override { return session_; }
  [[nodiscard]] Memory* memory() override { return memory_; }
  [[nodiscard]] const Labels& labels() const override { return conversation; }
  [[nodiscard]] bool allows(const std::vector<Facet>& instead) const override { return !allowed || allowed(instead); }
  void progress(std::string text) override { told.push_back(std::move(text)); }
  [[nodiscard]] asio::awaitable<std::string> ask(std::string question) override {
    questions.push_back(std::move(question));
    if (answers.empty()) throw Error(errc::denied, "nobody can be asked");
    std::string answer = answers.front();
    answers.erase(answers.begin());
    co_return answer;
  }
  [[nodiscard]] asio::awaitable<Outcome> delegate(const Agent& /*agent*/, std::string /*task*/) override {
    throw std::logic_error("these tools do not delegate");
  }

  std::vector<std::string> questions;
  std::vector<std::string> answers;
  std::vector<std::string> told;  ///< what progress() showed
  Labels conversation;
  std::function<bool(const std::vector<Facet>&)> allowed;  ///< empty: everything

 private:
  TestEnvironment& environment_;
  Memory* memory_;
  std::string effect_id_ = "run-1/3";
  std::string session_;
};

using Tools = std::vector<std::shared_ptr<Tool>>;

[[nodiscard]] inline Tool& tool_named(const Tools& tools, std::string_view name) {
  for (const std::shared_ptr<Tool>& tool : tools) {
    if (tool->spec().description.name == name) return *tool;
  }
  throw std::runtime_error("no tool " + std::string(name));
}

/// As a run does it: repairs and checks the arguments, then calls. Throws Error(errc::invalid_argument).
[[nodiscard]] inline asio::awaitable<ToolOutput> call_checked(Tool& tool, json::object arguments,
                                                              ToolContext& context) {
  const Validator schema(tool.spec().description.parameters);
  json::value value(std::move(arguments));
  schema.coerce(value);
  if (const auto violations = schema.check(value); !violations.empty()) {
    throw Error(errc::invalid_argument, describe(violations));
  }
  return tool.call(std::move(value.get_object()), context);
}

[[nodiscard]] inline ToolOutput call_output(TestEnvironment& environment, const Tools& tools, std::string_view name,
                                            json::object arguments, Memory* memory = nullptr) {
  CallContext context(environment, memory);
  return run(environment, call_checked(tool_named(tools, name), std::move(arguments), context));
}

/// What the model reads.
[[nodiscard]] inline std::string call(TestEnvironment& environment, const Tools& tools, std::string_view name,
                                      json::object arguments, Memory* memory = nullptr) {
  return call_output(environment, tools, name, std::move(arguments), memory).content;
}

[[nodiscard]] inline Error call_error(TestEnvironment& environment, const Tools& tools, std::string_view name,
                                      json::object arguments, Memory* memory = nullptr) {
  CallContext context(environment, memory);
  try {
    return run_error(environment, call_checked(tool_named(tools, name), std::move(arguments), context));
  } catch (const Error& refused) {
    return refused;
  }
}

}  // namespace sennit::testing
