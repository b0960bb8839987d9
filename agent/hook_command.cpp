// A hook that is a command of an agent file.
#include <sennit/agent/definition.hpp>
#include <sennit/agent/hook.hpp>
#include <sennit/agent/hook_program.hpp>
#include <sennit/agent/policy.hpp>

#include <algorithm>
#include <utility>

namespace sennit {
namespace {

class CommandHook final : public Hook {
 public:
  CommandHook(HookSpec spec, std::filesystem::path directory)
      : spec_(std::move(spec)), name_(name_of_program(spec_.run)), directory_(std::move(directory)) {}

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] bool required() const override { return spec_.required; }
  [[nodiscard]] milliseconds timeout() const override { return spec_.timeout; }

  [[nodiscard]] bool concerns(HookPoint point, std::string_view tool) const override {
    if (std::find(spec_.on.begin(), spec_.on.end(), to_string(point)) == spec_.on.end()) return false;
    return tool.empty() || matches_pattern(spec_.tools, tool);
  }

  asio::awaitable<HookAnswer> ask(HookQuestion question, Environment& environment) override {
    const HookPoint point = question.point;
    auto asking = ask_program(environment, {spec_.run, directory_, spec_.env}, std::move(question.view));
    const HookReply reply = co_await std::move(asking);
    HookAnswer answer;
    if (reply.answer) answer = hook_answer_of(*reply.answer, point);
    if (!reply.refused) co_return answer;
    answer.verdict = Verdict::deny;
    answer.reason = reply.words;
    co_return answer;
  }

 private:
  const HookSpec spec_;
  const std::string name_;
  const std::filesystem::path directory_;
};

}  // namespace

std::shared_ptr<Hook> make_command_hook(const HookSpec& spec, const Definition& definition) {
  return std::make_shared<CommandHook>(spec, definition.directory());
}

}  // namespace sennit
