#include <sennit/agent/definition/shape.hpp>
#include <sennit/app/check_parts.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace sennit::app {
namespace {

bool is_word(char c) {
  return format::is_name({&c, 1});
}

/// Where `word` stands in a text by itself; npos if it does not.
std::size_t find_word(std::string_view text, std::string_view word) {
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !is_word(text[at - 1])) && (end == text.size() || !is_word(text[end]))) return at;
  }
  return std::string_view::npos;
}

/// A factory tells the first thing that is wrong with its options. So whatever it complains of is taken away, and it is
/// asked again, until it has told everything.
class OptionsCheck {
 public:
  OptionsCheck(const ToolSelection& selection, std::string_view path, const PartContext& context, Findings& findings)
      : rest_(selection), path_(path), context_(context), findings_(findings) {}

  /// The tools; none if something is wrong.
  std::vector<std::shared_ptr<Tool>> make() {
    while (true) {
      const std::string message = complaint(&tools_);
      if (message.empty()) break;
      const std::string key = culprit(message);
      // What is missed because it has been taken away is not missing.
      const bool follows = std::ranges::any_of(
          taken_, [&](const std::string& taken) { return find_word(message, taken) != std::string_view::npos; });
      if (!follows) findings_.error(key.empty() ? path_ : fmt::format("{}.{}", path_, key), message);
      if (key.empty()) return {};
      rest_.options.erase(key);
      taken_.push_back(key);
    }
    return taken_.empty() ? tools_ : std::vector<std::shared_ptr<Tool>>{};
  }

 private:
  std::string complaint(std::vector<std::shared_ptr<Tool>>* tools) {
    try {
      auto made = context_.registry.tools(rest_, context_);
      if (tools != nullptr) *tools = std::move(made);
      return {};
    } catch (const std::exception&) {
      std::string message = current_error().message();
      return message.empty() ? "it cannot be made" : message;
    }
  }

  /// The option that a complaint is about: the first that it names, else the one without which it is gone.
  std::string culprit(const std::string& message) {
    std::string found;
    std::size_t first = std::string::npos;
    for (const auto& [key, value] : rest_.options) {
      const std::size_t at = find_word(message, key);
      if (at >= first) continue;
      first = at;
      found = key;
    }
    if (!found.empty()) return found;
    const json::object all = rest_.options;
    for (const auto& [key, value] : all) {
      rest_.options.erase(key);
      const bool gone = complaint(nullptr) != message;
      rest_.options = all;
      if (gone) return key;
    }
    return {};
  }

  ToolSelection rest_;
  std::string path_;
  const PartContext& context_;
  Findings& findings_;
  std::vector<std::string> taken_;
  std::vector<std::shared_ptr<Tool>> tools_;
};

/// `${…}` that names no variable is sent as it stands, and the other side says no more than "unauthorized".
void check_references(const std::string& path, const json::value& value, Findings& findings) {
  if (const auto* text = value.if_string(); text != nullptr) {
    if (const std::string wrong = format::wrong_reference(*text); !wrong.empty()) findings.warning(path, wrong);
  }
  if (const auto* list = value.if_array(); list != nullptr) {
    for (const json::value& element : *list) check_references(path, element, findings);
  }
  if (const auto* map = value.if_object(); map != nullptr) {
    for (const auto& [key, element] : *map) {
      check_references(fmt::format("{}.{}", path, std::string_view(key)), element, findings);
    }
  }
}

}  // namespace

void check_tool(const ToolSelection& selection, std::string_view path, const PartContext& context, ToolNames& tools,
                Findings& findings) {
  const auto made = OptionsCheck(selection, path, context, findings).make();
  tools.complete = tools.complete && !made.empty();
  for (const auto& tool : made) {
    const std::string& name = tool->spec().description.name;
    if (std::ranges::count(tools.names, name) > 0) {
      findings.error(path, fmt::format("two tools of this agent are named `{}`", name));
    }
    tools.names.push_back(name);
    tools.tools.push_back(tool);
  }
  check_references(std::string(path), selection.options, findings);
  const json::value* const file = selection.name == "http" ? selection.options.if_contains("ca_file") : nullptr;
  if (file == nullptr || !file->is_string()) return;
  check_named_file(context.definition, fmt::format("{}.ca_file", path), file->as_string(), findings);
}

}  // namespace sennit::app
