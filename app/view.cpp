#include <sennit/agent/io/json.hpp>
#include <sennit/agent/schema/validate.hpp>
#include <sennit/app/figures.hpp>
#include <sennit/app/program.hpp>
#include <sennit/app/unicode.hpp>
#include <sennit/app/view.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

namespace sennit::app {
namespace {

/// What is shown of a tool's result; the model sees all of it.
constexpr std::size_t kResultLines = 3;
constexpr std::size_t kDefaultRoom = 100;
/// A sub-agent's line is shown when it ends, or at this length.
constexpr std::size_t kBranchLine = 400;
/// Before every line of reasoning: it must be told from the answer without colours, too.
constexpr std::string_view kThought = "│ ";
/// As agent/single_call.cpp says it.
constexpr std::array<std::string_view, 3> kDeclined{"declined by the person", "declined by settings",
                                                    "declined: the person did not answer in time"};

bool is_declined(std::string_view content) {
  return std::ranges::any_of(kDeclined, [&](std::string_view words) { return content.starts_with(words); });
}

std::string describe_value(const json::value& value) {
  return value.is_string() ? "\"" + one_line(value.get_string()) + "\"" : one_line(json_text(value));
}

std::string describe_arguments(std::string_view arguments) {
  const auto parsed = parse_json(arguments);
  if (!parsed || !parsed->is_object()) return one_line(arguments);
  std::string list;
  for (const auto& [key, value] : parsed->get_object()) {
    if (!list.empty()) list += ", ";
    list += one_line(key) + ": " + describe_value(value);
  }
  return list;
}

/// Breaks lines between the parts only: a number stays with its unit.
void put_parts(Page& page, std::string_view parts, const Style& style) {
  constexpr std::string_view kBetween = " · ";
  const std::size_t width = page.options().width;
  page.wrap(false);
  for (std::size_t used = 0; !parts.empty();) {
    const std::size_t end = std::min(parts.find(kBetween), parts.size());
    const std::string_view part = parts.substr(0, end);
    const bool breaks = used > 0 && width != 0 && used + 3 + columns(part) > width;
    if (breaks) page.put("\n", style);
    if (used > 0) page.put(breaks ? "· " : kBetween, style);
    used = (breaks ? 2 : used > 0 ? used + 3 : 0) + columns(part);
    page.put(part, style);
    parts.remove_prefix(std::min(end + kBetween.size(), parts.size()));
  }
  page.end_line();
  page.wrap(true);
}

}  // namespace

std::string describe_call(const ToolCall& call) {
  return one_line(call.name) + "(" + describe_arguments(call.arguments) + ")";
}

View::View(Page& page, Options options)
    : page_(page), options_(options), answer_(page), thought_(page, kDim, std::string(kThought)) {}

void View::show(const Event& event) {
  const auto draw = [&](const auto& data) {
    using Data = std::decay_t<decltype(data)>;
    if constexpr (std::is_same_v<Data, RunStarted>) run_ = data.run;
    if constexpr (std::is_same_v<Data, RunFinished>) return ended(data.outcome);
    if (options_.quiet) return;
    if constexpr (std::is_same_v<Data, TextDelta> || std::is_same_v<Data, RefusalDelta>) text(event.path, data.text);
    if constexpr (std::is_same_v<Data, ReasoningDelta>) reasoning(event.path, data.text);
    if constexpr (std::is_same_v<Data, StepFinished>) branch_line(event.path);
    if constexpr (std::is_same_v<Data, ToolStarted>) started(event.path, data.call);
    if constexpr (std::is_same_v<Data, PolicyDecided>) decided(event.path, data);
    if constexpr (std::is_same_v<Data, ToolProgress>) progress(event.path, data);
    if constexpr (std::is_same_v<Data, ToolFinished>) finished(event.path, data);
    if constexpr (std::is_same_v<Data, RunStarted>) model_ = data.model;
    if constexpr (std::is_same_v<Data, Delegated>) branches_[event.path].name = one_line(data.agent);
    if constexpr (std::is_same_v<Data, Notice>) {
      if (!told_before(data.message)) notice(event.path, "· ", data.message, kDim);
    }
    if constexpr (std::is_same_v<Data, InDoubt>) {
      notice(event.path, "? ",
             "It is not known whether " + describe_call(data.call) + " was done before the program ended",
             Style{.bold = true, .colour = Colour::yellow});
    }
    if constexpr (std::is_same_v<Data, MemoryRecalled>) {
      for (const std::string& note : data.notes) notice(event.path, "· recalled: ", note, kDim);
    }
    if constexpr (std::is_same_v<Data, ModelChosen>) {
      if (event.path.empty()) model_ = data.model;
      notice(event.path, "· ", fmt::format("model {}: {}", data.model, data.reason), kDim);
    }
    if constexpr (std::is_same_v<Data, Retried>) {
      const std::string words =
          fmt::format("{}; attempt {} in {}", data.error.message(), data.attempt, duration(data.delay));
      notice(event.path, "↻ ", words, Style{.colour = Colour::yellow});
    }
  };
  note_request(event);
  std::visit(draw, event.data);
}

/// What is asked of a person stays open until its call ends, or the agent's next step begins.
void View::note_request(const Event& event) {
  const std::string& path = event.path;
  if (const auto* approval = std::get_if<ApprovalRequested>(&event.data)) open_.emplace(path, approval->call.id);
  if (const auto* doubt = std::get_if<InDoubt>(&event.data)) open_.emplace(path, doubt->call.id);
  if (std::holds_alternative<QuestionAsked>(event.data)) open_.emplace(path, "");
  if (const auto* finished = std::get_if<ToolFinished>(&event.data)) open_.erase({path, finished->result.call_id});
  if (std::holds_alternative<StepStarted>(event.data)) {
    std::erase_if(open_, [&](const auto& request) { return request.first == path; });
  }
}

/// In a conversation every run says which model it took: that is news once, and when it changes.
bool View::told_before(const std::string& message) {
  return message.starts_with("model auto") && std::exchange(model_notice_, message) == message;
}

std::size_t View::room() const {
  const std::size_t width = page_.options().width;
  return width == 0 ? kDefaultRoom : std::max<std::size_t>(width, 20);
}

std::string View::margin(const std::string& path) const {
  std::string bars;
  for (std::size_t depth = path.empty() ? 0 : 1 + static_cast<std::size_t>(std::count(path.begin(), path.end(), '/'));
       depth > 0; --depth) {
    bars += "  │ ";
  }
  return bars;
}

void View::pause() {
  if (last_ == Part::text && options_.answer == nullptr) answer_.finish();
  if (last_ == Part::reasoning) thought_.finish();
  if (line_open_) {
    *options_.answer += '\n';
    if (options_.beside && !options_.quiet) page_.put("\n");
  }
  line_open_ = false;
  page_.end_line();
  page_.prefix("");
}

/// Goes to the place of an agent: a sub-agent's lines stand behind a bar, under its name.
void View::enter(const std::string& path) {
  pause();
  if (path != at_ && !path.empty()) {
    page_.prefix(margin(path));
    page_.put(branches_[path].name, Style{.bold = true, .dim = true});
    page_.end_line();
  }
  at_ = path;
  page_.prefix(margin(path));
}

void View::text(const std::string& path, std::string_view text) {
  if (text.empty()) return;
  if (!path.empty()) {
    std::string& line = branches_[path].line;
    line += text;
    if (line.find('\n') != std::string::npos || line.size() > kBranchLine) branch_line(path);
    return;
  }
  answered_ = true;
  if (options_.answer != nullptr) {
    *options_.answer += text;
    line_open_ = text.back() != '\n';
    last_ = Part::text;
    return;
  }
  if (last_ != Part::text) {
    pause();
    if (last_ != Part::nothing) page_.gap();
    at_ = path;
    last_ = Part::text;
  }
  answer_.feed(text);
}

void View::branch_line(const std::string& path) {
  if (path.empty()) return;
  std::string line = std::exchange(branches_[path].line, {});
  while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
  if (line.empty()) return;
  enter(path);
  page_.put(line);
  page_.end_line();
  last_ = Part::tool;
  last_started_.clear();
}

void View::reasoning(const std::string& path, std::string_view text) {
  // A separate page tells what happens, not what is thought.
  if (text.empty() || !path.empty() || options_.answer != nullptr) return;
  if (last_ != Part::reasoning) {
    pause();
    if (last_ != Part::nothing) page_.gap();
    at_ = path;
    last_ = Part::reasoning;
  }
  thought_.feed(text);
}

void View::started(const std::string& path, const ToolCall& call) {
  branch_line(path);
  const bool spaced = path.empty() && last_ != Part::tool && last_ != Part::nothing;
  enter(path);
  if (spaced) page_.gap();
  const std::string name = one_line(call.name);
  const std::size_t used = columns(std::string_view(margin(path))) + 2 + columns(std::string_view(name));
  page_.wrap(false);
  page_.put("● ", Style{.colour = Colour::green});
  page_.put(name, kBold);
  page_.put(clip("(" + describe_arguments(call.arguments) + ")", room() > used + 8 ? room() - used : 8), kDim);
  page_.end_line();
  page_.wrap(true);
  last_started_ = path + "/" + call.id;
  last_ = Part::tool;
  answered_ = false;
}

void View::progress(const std::string& path, const ToolProgress& progress) {
  enter(path);
  page_.wrap(false);
  page_.put(clip("  … " + one_line(progress.text), room() - 4), kDim);
  page_.end_line();
  page_.wrap(true);
  last_ = Part::tool;
}

/// What a person was asked, and what was refused, is told with its rule there. Left is what somebody agreed to
/// beforehand (--yes): told with its result.
void View::decided(const std::string& path, const PolicyDecided& decision) {
  if (options_.say_rules && decision.verdict == Verdict::ask) rules_[{path, decision.call_id}] = decision.rule;
}

void View::say_rule(const std::string& path, const ToolResult& result) {
  const auto rule = rules_.extract({path, result.call_id});
  if (!rule || is_declined(result.content)) return;
  page_.put(clip("  ? " + one_line(rule.mapped()), room() - 4), Style{.colour = Colour::yellow});
  page_.end_line();
}

void View::finished(const std::string& path, const ToolFinished& finished) {
  branch_line(path);
  const std::string key = path + "/" + finished.result.call_id;
  enter(path);
  page_.wrap(false);
  say_rule(path, finished.result);
  const Style style = finished.result.is_error ? Style{.colour = Colour::red} : kPlain;
  const std::string time = " · " + duration(finished.duration);
  // Of calls that ran side by side the reader must be told which one this is.
  const std::string name = key == last_started_ ? std::string{} : one_line(finished.result.name) + ": ";
  const std::size_t space = room() - std::min(room() - 16, columns(std::string_view(margin(path))) + 4);
  std::string_view rest = finished.result.content;
  while (!rest.empty() && (rest.back() == '\n' || rest.back() == '\r')) rest.remove_suffix(1);
  const auto lines = static_cast<std::size_t>(std::count(rest.begin(), rest.end(), '\n')) + 1;
  for (std::size_t shown = 0; shown < std::min(lines, kResultLines); ++shown) {
    const std::string line = one_line(rest.substr(0, rest.find('\n')));
    rest.remove_prefix(
        std::min(rest.size(), rest.find('\n') == std::string_view::npos ? rest.size() : rest.find('\n') + 1));
    const std::size_t taken = shown == 0 ? columns(std::string_view(name + time)) : 0;
    page_.put(shown == 0 ? (finished.result.is_error ? "  ✗ " : "  ↳ ") : "    ", kDim);
    if (shown == 0) page_.put(name, kDim);
    page_.put(clip(line.empty() && lines == 1 ? "(nothing)" : line, space > taken + 16 ? space - taken : 16), style);
    if (shown == 0) page_.put(time, kDim);
    page_.put("\n");
  }
  if (lines > kResultLines) page_.put(fmt::format("    … {} more lines\n", lines - kResultLines), kDim);
  page_.wrap(true);
  last_started_.clear();
  last_ = Part::tool;
  if (options_.hint_approvals && !hinted_ && finished.result.is_error && is_declined(finished.result.content)) {
    hinted_ = true;
    notice(path, "· ",
           "nobody is here to approve calls: --yes allows them, --no says no without this line, "
           "and `policy: {allow: [...]}` in the agent file allows a tool for good",
           kDim);
  }
}

void View::notice(const std::string& path, std::string_view sign, std::string_view words, const Style& style) {
  branch_line(path);
  const Part before = last_;
  enter(path);
  if (before == Part::text || before == Part::reasoning) page_.gap();
  page_.prefix(margin(path), margin(path) + "  ");
  page_.put(std::string(sign) + one_line(words), style);
  page_.end_line();
  page_.prefix("");
  last_ = Part::notice;
  last_started_.clear();
}

void View::ended(const Outcome& outcome) {
  for (const auto& [path, branch] : std::map(branches_)) branch_line(path);
  // Text that no delta brought, or that was not to be shown before the end.
  if (!answered_ && !outcome.text.empty()) {
    const bool quiet = std::exchange(options_.quiet, false);
    text("", outcome.text);
    options_.quiet = quiet;
  }
  pause();
  const auto complain = [&](const Style& style, std::string_view sign, std::string_view words) {
    if (last_ != Part::nothing) page_.gap();
    page_.prefix("", "  ");
    page_.put(sign, style);
    page_.put(words);
    page_.end_line();
    page_.prefix("");
  };
  const Style warning{.bold = true, .colour = Colour::yellow};
  switch (outcome.ending) {
    case Ending::completed:
      break;
    case Ending::refused:
      complain(warning, "refused", outcome.detail.empty() ? std::string{} : ": " + outcome.detail);
      break;
    case Ending::truncated:
      complain(warning, "truncated", ": the answer was cut at the model's output limit (options.max_tokens)");
      break;
    case Ending::limit:
      complain(warning, "stopped", ": " + outcome.detail);
      break;
    case Ending::cancelled:
      complain(warning, "cancelled", outcome.detail.empty() ? std::string{} : ": " + outcome.detail);
      break;
    case Ending::suspended:
      complain(warning, "suspended", (open_.empty() ? ": " : ": waits for ") + outcome.detail);
      suspended();
      break;
    case Ending::failed:
      complain(kError, "error", ": " + (outcome.error ? outcome.error->describe() : outcome.detail));
      break;
  }
  const bool did_nothing = outcome.ending == Ending::failed && outcome.steps == 0;
  if (!options_.quiet && !did_nothing) footer(outcome);
  last_ = Part::nothing;
  at_.clear();
  branches_.clear();
  open_.clear();
  rules_.clear();
  answered_ = false;
}

/// The commands that go on with it.
void View::suspended() {
  const std::string run = shell_word(one_line(run_));
  page_.wrap(false);  // what is to be copied must not be broken
  if (!open_.empty()) page_.put("  sennit runs answer " + run + " …\n", kDim);
  page_.put("  sennit runs resume " + run + "\n", kDim);
  page_.wrap(true);
}

void View::footer(const Outcome& outcome) {
  std::vector<std::string> parts;
  if (!model_.empty()) parts.push_back(one_line(model_));
  if (const std::string count = tokens(outcome.usage); !count.empty()) parts.push_back(count);
  if (outcome.cost) parts.push_back(money(*outcome.cost));
  parts.push_back(duration(outcome.duration));
  if (outcome.tool_calls > 0) {
    parts.push_back(fmt::format("{} tool call{}", outcome.tool_calls, outcome.tool_calls == 1 ? "" : "s"));
  }
  if (options_.answer == nullptr) page_.gap();
  put_parts(page_, fmt::format("{}", fmt::join(parts, " · ")), kDim);
}

}  // namespace sennit::app
