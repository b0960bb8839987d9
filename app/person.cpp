#include <sennit/app/person.hpp>
#include <sennit/app/style.hpp>
#include <sennit/app/unicode.hpp>

namespace sennit::app {
namespace {

constexpr char kCtrlC = '\x03';
constexpr char kCtrlD = '\x04';
constexpr char kEscape = '\x1b';
const Style kAsk{.bold = true, .colour = Colour::yellow};

std::optional<Approval> meaning(char key) {
  switch (key) {
    case 'y':
    case 'Y':
    case 'o':
      return Approval::once;
    case 'a':
    case 'A':
      return Approval::always;
    case 'n':
    case 'N':
    case kEscape:
      return Approval::never;
    default:
      return std::nullopt;
  }
}

std::string_view word(Approval approval) {
  switch (approval) {
    case Approval::once:
      return "once";
    case Approval::always:
      return "always";
    case Approval::never:
      break;
  }
  return "no";
}

}  // namespace

std::string Person::styled(std::string_view text, const Style& style) const {
  return colour_ ? sgr(style) + std::string(text) + sgr(kPlain) : std::string(text);
}

std::optional<Approval> Person::approve(const ApprovalRequested& request, const std::function<bool()>& stop) {
  interrupted_ = false;
  const std::string why = request.reason.empty() ? std::string{} : " (" + one_line(request.reason) + ")";
  screen_.say(styled("? ", kAsk) + "Allow " + styled(one_line(request.call.name), kBold) + styled(why, kDim) + "  [" +
              styled("y", kBold) + "] once  [" + styled("a", kBold) + "] always  [" + styled("n", kBold) + "] never  ");
  terminal_.keys();
  std::optional<Approval> approval;
  while (!approval) {
    const std::optional<char> key = terminal_.read_fresh(stop);
    if (!key || *key == kCtrlC || *key == kCtrlD) {
      interrupted_ = key.has_value() || terminal_.gone();
      break;
    }
    approval = meaning(*key);
  }
  terminal_.quiet();
  screen_.say(styled(approval ? word(*approval) : interrupted_ ? "cancelled" : "too late", kDim) + "\n");
  return approval;
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
