#include <sennit/agent/io/error.hpp>
#include <sennit/app/check_parts.hpp>
#include <sennit/backends/scripted/pattern.hpp>
#include <sennit/backends/scripted/scripted_template.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace sennit::app {
namespace {

/// Follows one intent through its steps: what has been captured and called so far.
class IntentCheck {
 public:
  IntentCheck(const Intent& intent, std::string path, const ToolNames& tools, Findings& findings)
      : intent_(intent), path_(std::move(path)), tools_(tools), findings_(findings) {}

  void check() {
    for (std::size_t i = 0; i < intent_.match.size(); ++i)
      capture(fmt::format("{}.match[{}]", path_, i), intent_.match[i]);
    for (std::size_t i = 0; i < intent_.steps.size(); ++i) check_step(i);
    use(path_ + ".say", intent_.say);
  }

 private:
  void check_step(std::size_t index) {
    const IntentStep& step = intent_.steps[index];
    const std::string path = fmt::format("{}.steps[{}]", path_, index);
    const auto begins = [&](const std::string& server) { return step.call.starts_with(server); };
    const bool known = step.call.empty() || std::ranges::count(tools_.names, step.call) > 0 ||
                       std::ranges::any_of(tools_.servers, begins);
    if (tools_.complete && !known) {
      findings_.error(path + ".call", unknown("tool of this agent", step.call, tools_.names));
    }
    for (const auto& [key, value] : step.with) use_all(fmt::format("{}.with.{}", path, std::string_view(key)), value);
    names_.emplace_back("result");
    names_.push_back("result." + step.call);
    if (!step.take.empty()) capture(path + ".take", step.take);
    use(path + ".otherwise", step.otherwise);
  }

  void capture(const std::string& path, const std::string& pattern) {
    try {
      const intents::Pattern compiled(pattern);
      for (std::string& name : compiled.names()) names_.push_back(std::move(name));
    } catch (const Error& error) {
      findings_.error(path, error.message());
      broken_ = true;  // what it would have captured is not known
    }
  }

  void use(const std::string& path, std::string_view text) {
    for (const std::string& name : intents::placeholders(text)) {
      if (broken_ || std::ranges::count(names_, name) > 0) continue;
      const std::string_view near = nearest(name, names_);
      findings_.error(path, fmt::format("nothing gives a value to `{{{}}}`{}", name,
                                        near.empty() ? "" : fmt::format("; did you mean `{{{}}}`?", near)));
    }
  }

  void use_all(const std::string& path, const json::value& value) {
    if (const auto* text = value.if_string(); text != nullptr) use(path, *text);
    if (const auto* list = value.if_array(); list != nullptr) {
      for (const json::value& element : *list) use_all(path, element);
    }
    if (const auto* map = value.if_object(); map != nullptr) {
      for (const auto& [key, element] : *map) use_all(fmt::format("{}.{}", path, std::string_view(key)), element);
    }
  }

  const Intent& intent_;
  std::string path_;
  const ToolNames& tools_;
  Findings& findings_;
  std::vector<std::string> names_;
  bool broken_ = false;
};

}  // namespace

void check_intents(const Definition& definition, const ToolNames& tools, Findings& findings) {
  for (std::size_t i = 0; i < definition.intents.size(); ++i) {
    IntentCheck(definition.intents[i], fmt::format("intents[{}]", i), tools, findings).check();
  }
}

}  // namespace sennit::app
