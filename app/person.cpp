#include <sennit/agent/schema/validate.hpp>
#include <sennit/app/page.hpp>
#include <sennit/app/person.hpp>
#include <sennit/app/style.hpp>
#include <sennit/app/unicode.hpp>
#include <sennit/app/view.hpp>

#include <unistd.h>

#include <algorithm>

namespace sennit::app {
namespace {

/// Lines of one argument that are shown before an approval.
constexpr std::size_t kDetailLines = 40;
constexpr char kCtrlC = '\x03';
constexpr char kCtrlD = '\x04';
const Style kAsk{.bold = true, .colour = Colour::yellow};

Approval meaning(char key) {
  switch (key) {
    case 'y':
    case 'o':
      return Approval::once;
    case 'a':
      return Approval::always;
    default:
      return Approval::never;
  }
}

std::string_view settlement(char key) {
  switch (key) {
    case 'd':
      return "done";
    case 'n':
      return "not done";
    default:
      return "abort";
  }
}

std::string_view word(Approval approval) {
  return approval == Approval::never ? "no" : to_string(approval);
}

}  // namespace

std::string Person::styled(std::string_view text, const Style& style) const {
  return colour_ ? sgr(style) + std::string(text) + sgr(kPlain) : std::string(text);
}

std::string Person::details(const ToolCall& call) const {
  const std::size_t width = Terminal::width(STDOUT_FILENO);
  const auto parsed = parse_json(call.arguments);
  if (!parsed || !parsed->is_object()) return {};
  bool short_enough = columns(describe_call(call)) + 4 <= width;
  std::string text;
  for (const auto& [key, value] : parsed->get_object()) {
    std::string_view rest = value.is_string() ? std::string_view(value.get_string()) : std::string_view{};
    while (rest.ends_with('\n')) rest.remove_suffix(1);
    short_enough = short_enough && rest.find('\n') == std::string_view::npos;
    text += styled("  " + one_line(key) + ": ", kDim);
    if (!value.is_string()) text += one_line(json_text(value));
    const bool several = rest.find('\n') != std::string_view::npos;
    std::size_t lines = 0;
    for (; !rest.empty() && lines < kDetailLines; ++lines) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      text += (several ? "\n    " : "") + harmless_line(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    if (!rest.empty()) text += styled("\n    … and " + std::to_string(rest.size()) + " bytes more", kDim);
    text += "\n";
  }
  return short_enough ? std::string{} : text;
}

/// On one line with its answer if that fits, else with the keys on a line of their own.
std::string Person::question(const ApprovalRequested& request) const {
  constexpr std::string_view kKeys = "[y] once  [a] always  [n] no  ";
  constexpr std::size_t kLongestAnswer = std::string_view("cancelled").size();
  const std::size_t width = Terminal::width(STDOUT_FILENO);
  std::string text;
  Page page(text, {.width = width, .colour = colour_});
  page.put("? ", kAsk);
  page.put("Allow ");
  page.put(one_line(request.call.name), kBold);
  if (!request.reason.empty()) page.put(" (" + one_line(request.reason) + ")", kDim);
  page.flush();
  const bool fits = page.column() + 2 + kKeys.size() + kLongestAnswer <= width;
  page.put(fits ? "  " : "\n  ");
  page.wrap(false);
  for (std::size_t at = 0; at < kKeys.size(); ++at)
    page.put(kKeys.substr(at, 1), at > 0 && kKeys[at - 1] == '[' ? kBold : kPlain);
  page.flush();
  return text;
}

std::optional<char> Person::key(const std::string& shown, std::string_view known, const std::function<bool()>& stop) {
  interrupted_ = false;
  terminal_.keys();
  screen_.say(shown);
  std::optional<char> pressed;
  while (!pressed) {
    std::optional<char> next = terminal_.read_fresh(stop);
    if (!next || *next == kCtrlC || *next == kCtrlD) {
      interrupted_ = next.has_value() || terminal_.gone();
      break;
    }
    if (*next >= 'A' && *next <= 'Z') *next = static_cast<char>(*next - 'A' + 'a');
    if (known.find(*next) != std::string_view::npos) pressed = next;
  }
  terminal_.quiet();
  return pressed;
}

std::optional<Approval> Person::approve(const ApprovalRequested& request, const std::function<bool()>& stop) {
  constexpr std::string_view kKnown{"yoan\x1b"};
  std::optional<Approval> approval;
  if (const std::optional<char> pressed = key(details(request.call) + question(request), kKnown, stop))
    approval = meaning(*pressed);
  screen_.say(styled(approval ? word(*approval) : interrupted_ ? "cancelled" : "too late", kDim) + "\n");
  return approval;
}

std::optional<std::string> Person::settle(const InDoubt& doubt, const std::function<bool()>& stop) {
  std::string keys = details(doubt.call) + "  ";
  for (const std::string_view choice : {"[d]one  ", "[n]ot done  ", "[a]bort  "}) {
    keys += std::string(choice.substr(0, 1)) + styled(choice.substr(1, 1), kBold) + std::string(choice.substr(2));
  }
  std::optional<std::string> said;
  if (const std::optional<char> pressed = key(keys, "dna", stop)) said = settlement(*pressed);
  screen_.say(styled(said ? *said : interrupted_ ? "cancelled" : "too late", kDim) + "\n");
  return said;
}

std::optional<std::string> Person::answer(const QuestionAsked& question, const std::function<bool()>& stop) {
  interrupted_ = false;
  screen_.say(styled("? ", kAsk) + one_line(question.question) + "\n");
  const Editor::Line line = editor_.read("  ", stop);
  terminal_.quiet();
  if (line.end == Editor::End::entered) return line.text;
  interrupted_ = line.end == Editor::End::interrupted || line.end == Editor::End::closed;
  return std::nullopt;
}

}  // namespace sennit::app
