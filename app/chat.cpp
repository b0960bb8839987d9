#include <sennit/app/chat.hpp>
#include <sennit/app/figures.hpp>
#include <sennit/app/model_choice.hpp>
#include <sennit/app/unicode.hpp>
#include <sennit/app/watch.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <random>
#include <utility>

namespace sennit::app {
namespace {

std::filesystem::path history_file(const Runtime& runtime) {
  return runtime.state().empty() ? std::filesystem::path{} : runtime.state() / "history";
}

std::string kept_id(const Runtime& runtime, const std::string& wanted) {
  if (runtime.store() == nullptr) return {};
  return wanted.empty() ? new_session_name() : wanted;
}

Definition definition_of(const ChatSettings& settings) {
  return settings.model.empty() ? settings.definition : with_model(settings.definition, settings.model);
}

}  // namespace

std::string new_session_name() {
  constexpr std::string_view kDigits = "23456789abcdefghjkmnpqrstvwxyz";
  std::random_device random;
  std::string name =
      fmt::format("{:%Y%m%d}-", fmt::localtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
  for (int i = 0; i < 4; ++i) name += kDigits[random() % kDigits.size()];
  return name;
}

Chat::Chat(asio::io_context& loop, Signals& signals, Runtime& runtime, ChatSettings settings)
    : loop_(loop),
      signals_(signals),
      runtime_(runtime),
      settings_(std::move(settings)),
      out_(loop.get_executor(), STDOUT_FILENO),
      err_(loop.get_executor(), STDERR_FILENO),
      colour_(wants_colour(STDOUT_FILENO)),
      page_(out_.buffer(), {.width = Terminal::width(STDOUT_FILENO), .colour = colour_}),
      view_(page_, {}),
      terminal_(loop),
      editor_(terminal_, history_file(runtime), colour_),
      person_(terminal_, editor_, out_, colour_),
      agent_(runtime, definition_of(settings_)),
      session_(agent_.session(kept_id(runtime, settings_.session))) {
  editor_.complete_with([this](std::string_view before) { return complete(before); });
}

void Chat::tell(std::string_view words, const Style& style) {
  page_.put(words, style);
  page_.end_line();
}

void Chat::row(std::string_view left, std::size_t width, std::string_view right) {
  const std::string name = harmless_line(left);
  const std::size_t indent = width + 4;
  const std::size_t room = std::max(page_.options().width, indent + 20) - indent;
  page_.wrap(false);
  page_.put("  " + name, kBold);
  page_.put(std::string(indent - 2 - std::min(indent - 3, columns(std::string_view(name))), ' ') +
                clip(one_line(right), room),
            kDim);
  page_.end_line();
  page_.wrap(true);
}

void Chat::greet() {
  const Definition& definition = agent_.definition();
  page_.put("Sennit " + std::string(kVersion), kBold);
  tell(" · " + one_line(definition.name) + " · model " + one_line(definition.model.name), kDim);
  tell("Say something. /help lists the commands, Ctrl-C stops an answer, Ctrl-D leaves.", kDim);
  if (!settings_.session.empty()) recall_session("continuing");
  page_.gap();
}

int Chat::converse() {
  const Signals::Handler before = signals_.handle([this](int signal) {
    if (signal == SIGWINCH && reading_) editor_.resized();
    if (signal == SIGTERM || signal == SIGHUP) terminated_ = signal;
  });
  greet();
  bool interrupted = false;
  while (!leaving_ && terminated_ == 0) {
    out_.flush_now();
    reading_ = true;
    const Editor::Line line = editor_.read("› ", [this] { return terminated_ != 0; });
    reading_ = false;
    terminal_.quiet();
    page_.reset_line();
    page_.resize(Terminal::width(STDOUT_FILENO));
    if (line.end == Editor::End::closed || line.end == Editor::End::withdrawn) {
      out_.say("\n");
      break;
    }
    if (line.end == Editor::End::interrupted) {
      if (std::exchange(interrupted, true)) break;
      tell("Ctrl-C again, or Ctrl-D, leaves.", kDim);
      continue;
    }
    interrupted = false;
    if (line.text.find_first_not_of(" \t\n") == std::string::npos) continue;
    editor_.remember(line.text);
    const bool is_command =
        line.text[0] == '/' && line.text.substr(1, line.text.find_first_of(" \n")).find('/') == std::string::npos;
    try {
      if (is_command)
        command(line.text);
      else
        say(line.text);
    } catch (...) {
      tell("error: " + current_error().describe(), kError);
    }
    page_.gap();
  }
  farewell();
  signals_.handle(before);
  return terminated_ == 0 ? 0 : 128 + terminated_;
}

void Chat::say(const std::string& text) {
  page_.gap();
  RunOptions options;
  options.inputs = settings_.inputs;
  options.attachments = std::exchange(attached_, {});
  options.approvals = settings_.approvals;
  options.origin = settings_.origin;
  if (!settings_.model.empty()) options.origin["model"] = settings_.model;
  Watch watch(loop_, signals_, {out_, err_, &view_, &person_});
  const Outcome outcome = watch.follow(session_.start(text, std::move(options)));
  if (watch.signal() == SIGTERM || watch.signal() == SIGHUP) terminated_ = watch.signal();
  if (watch.unwritable()) throw Error(*watch.unwritable());
  if (watch.signal() == SIGPIPE || terminal_.gone()) leaving_ = true;
  usage_ += outcome.usage;
  ++runs_;
  if (!outcome.cost) return;
  if (!cost_) cost_ = Cost{0, outcome.cost->currency};
  cost_->amount += outcome.cost->amount;
}

/// `HOW NAME: 24 messages, last: "…"`, where something was said already.
void Chat::recall_session(std::string_view how) {
  const std::vector<Message> messages = await(loop_, session_.messages());
  if (messages.empty()) return;
  std::string last;
  for (auto message = messages.rbegin(); message != messages.rend() && last.empty(); ++message)
    last = one_line(message->text());
  std::string line = fmt::format("{} {}: {} message{}", how, one_line(session_.id()), messages.size(),
                                 messages.size() == 1 ? "" : "s");
  if (!last.empty()) {
    const std::size_t used = columns(std::string_view(line)) + std::string_view(", last: \"\"").size();
    line += ", last: \"" + clip(last, std::max(page_.options().width, used + 20) - used) + "\"";
  }
  tell(line, kDim);
}

void Chat::open_session(std::string id) {
  session_ = agent_.session(std::move(id));
  usage_ = {};
  cost_.reset();
  runs_ = 0;
}

void Chat::farewell() {
  if (runs_ > 0 && runtime_.store() != nullptr && !session_.id().empty()) {
    std::vector<std::string> words = settings_.command;
    words.insert(words.begin() + 1, {"--session", session_.id()});
    if (!settings_.model.empty()) words.insert(words.end(), {"--model", settings_.model});
    if (!settings_.definition.file.empty()) words.push_back(settings_.definition.file.string());
    std::string line = "Continue with:";
    for (const std::string& word : words) line += " " + shell_word(word);
    page_.wrap(false);  // what is to be copied must not be broken
    tell(harmless_line(line), kDim);
    page_.wrap(true);
  }
  out_.flush_now();
}

}  // namespace sennit::app
