// The commands of a conversation, in one table: what is completed, listed by /help and understood is the same.
#include <sennit/agent/policy.hpp>
#include <sennit/agent/store.hpp>
#include <sennit/app/attachments.hpp>
#include <sennit/app/chat.hpp>
#include <sennit/app/completion.hpp>
#include <sennit/app/figures.hpp>
#include <sennit/app/model_choice.hpp>
#include <sennit/app/transcript.hpp>
#include <sennit/app/unicode.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace sennit::app {

struct Command {
  std::string_view name;
  std::string_view argument;
  std::string_view words;
  void (Chat::*run)(std::string_view argument);

  static const std::array<Command, 10>& all() {
    static const std::array<Command, 10> commands{{
        {"/help", "", "this list", &Chat::help},
        {"/model", "[NAME]", "the model, or go on with another", &Chat::model},
        {"/attach", "FILE", "an image, a PDF or a sound for what you say next; or its URL", &Chat::attach},
        {"/tools", "", "what the agent can do, and must ask for", &Chat::tools},
        {"/memory", "[WORDS | forget ID]", "the notes it keeps: the newest, or matching ones", &Chat::memory},
        {"/session", "[NAME | new]", "this and earlier conversations, or go to one", &Chat::session},
        {"/cost", "", "tokens and money spent since it was opened", &Chat::cost},
        {"/save", "FILE", "write the conversation to a new .md or .json file; /save! replaces one", &Chat::save},
        {"/undo", "", "take back the last exchange", &Chat::undo},
        {"/quit", "", "leave (as Ctrl-D does)", &Chat::quit},
    }};
    return commands;
  }
};

namespace {

constexpr std::size_t kListed = 20;
constexpr std::size_t kHelpColumn = 27;

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

std::string day(WallTime time) {
  return fmt::format("{:%Y-%m-%d %H:%M}", fmt::localtime(std::chrono::system_clock::to_time_t(time)));
}

std::string first_sentence(std::string_view text) {
  const std::size_t end = std::min(text.find(". "), text.find('\n'));
  return std::string(text.substr(0, end));
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const Command& command : Command::all()) names.emplace_back(command.name);
  return names;
}

}  // namespace

Completion Chat::complete(std::string_view before_cursor) const {
  const std::size_t space = before_cursor.find(' ');
  if (!before_cursor.starts_with('/')) return complete_file(before_cursor);
  if (space == std::string_view::npos && before_cursor.find('/', 1) == std::string_view::npos) {
    return complete_word(before_cursor, 0, command_names());
  }
  if (before_cursor.starts_with("/model ")) {
    std::vector<std::string> models = runtime_.registry().backend_names();
    for (std::string& name : models) name += name == "auto" || name == "scripted" ? "" : "/";
    return complete_word(before_cursor, space + 1, models);
  }
  return complete_file(before_cursor);
}

void Chat::command(std::string_view line) {
  const std::size_t end = std::min(line.find_first_of(" \n!"), line.size());
  const std::string name(line.substr(0, end));
  for (const Command& known : Command::all()) {
    if (known.name == name || (name == "/exit" && known.name == "/quit"))
      return (this->*known.run)(trimmed(line.substr(end)));
  }
  const std::vector<std::string> names = command_names();
  const std::string_view near = nearest(name, names);
  tell("There is no command " + one_line(name) +
       (near.empty() ? "; /help lists them." : "; did you mean " + std::string(near) + "?"));
}

void Chat::help(std::string_view /*argument*/) {
  for (const Command& known : Command::all()) {
    row(fmt::format("{} {}", known.name, known.argument), kHelpColumn, known.words);
  }
  page_.gap();
  row("Alt-Enter, or \\ at the end", kHelpColumn, "a new line (between ``` fences: Enter)");
  row("Tab", kHelpColumn, "completes commands and files");
  row("Ctrl-R, Up, Down", kHelpColumn, "earlier lines");
  row("Ctrl-C", kHelpColumn, "stops an answer, clears the line, twice leaves");
}

void Chat::model(std::string_view argument) {
  if (argument.empty()) {
    tell("The model is " + agent_.definition().model.name +
         ". `/model NAME` goes on with another, such as deepseek/deepseek-chat.");
    return;
  }
  // Of the file's model, not of the last one: so a run that is resumed gets the same settings.
  agent_ = Agent(runtime_, with_model(settings_.definition, std::string(argument)));
  settings_.model = argument;
  session_ = agent_.session(session_.id());
  tell(fmt::format(
      "Going on with {}{}", settings_.model,
      runtime_.store() != nullptr ? "." : ". Nothing is kept (--no-store), so the conversation begins anew."));
}

void Chat::attach(std::string_view argument) {
  if (argument.empty()) {
    tell(attached_.empty() ? "Nothing is attached. `/attach FILE` adds a file to what you say next."
                           : fmt::format("{} file(s) go with what you say next.", attached_.size()));
    return;
  }
  Blob file = read_attachment(argument);
  tell("attached " + one_line(argument) + ": " + describe_attachment(file), kDim);
  attached_.push_back(std::move(file));
}

void Chat::tools(std::string_view /*argument*/) {
  const std::vector<ToolSpec> specs = agent_.tools();
  if (specs.empty()) return tell("The agent has no tools.");
  std::size_t width = 0;
  for (const ToolSpec& spec : specs) width = std::max(width, columns(std::string_view(spec.description.name)));
  for (const ToolSpec& spec : specs) {
    const Decision decision = decide(agent_.definition().policy, spec);
    const char* may = decision.verdict == Verdict::allow ? ""
                      : decision.verdict == Verdict::ask ? "asks first · "
                                                         : "denied · ";
    row(spec.description.name, width, may + first_sentence(spec.description.description));
  }
}

void Chat::memory(std::string_view argument) {
  const std::shared_ptr<Memory> memory = agent_.memory();
  if (!memory) return tell("The agent keeps no notes (`memory:` in its file turns them on).");
  Environment& environment = runtime_.shard();
  if (argument.starts_with("forget ")) {
    const std::string_view digits = trimmed(argument.substr(7));
    std::int64_t id = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), id);
    if (read.ec != std::errc{} || read.ptr != digits.data() + digits.size())
      return tell("`/memory forget ID` wants the number that /memory shows.");
    const bool forgotten = await(loop_, memory->forget(environment, id));
    return tell(forgotten ? fmt::format("Note {} is forgotten.", id) : fmt::format("There is no note {}.", id));
  }
  const std::vector<Note> notes = await(loop_, memory->recall(environment, std::string(argument), kListed));
  if (notes.empty()) return tell(argument.empty() ? "There are no notes yet." : "No note matches.");
  for (const Note& note : notes) row(fmt::format("{:>4}  {}", note.id, day(note.created)), 22, note.text);
}

void Chat::session(std::string_view argument) {
  const std::shared_ptr<Store> store = runtime_.store();
  if (!store) return tell("Nothing is kept on disk (--no-store): this conversation ends with the program.");
  if (!argument.empty()) open_session(argument == "new" ? new_session_name() : std::string(argument));
  const std::vector<Message> messages = await(loop_, session_.messages());
  if (!argument.empty() && !messages.empty()) return recall_session("going on with");
  tell(fmt::format("This conversation is {}: {} messages.", one_line(session_.id()), messages.size()));
  if (!argument.empty()) return;
  const std::vector<SessionRecord> sessions = await(loop_, store->sessions(kListed));
  for (const SessionRecord& record : sessions) {
    const char* mark = record.id == session_.id() ? "› " : "  ";
    row(mark + record.id, 26, fmt::format("{} · {} · {} messages", day(record.updated), record.agent, record.messages));
  }
}

void Chat::cost(std::string_view /*argument*/) {
  if (runs_ == 0) return tell("Nothing was spent yet.");
  std::string words = fmt::format("{} run{}", runs_, runs_ == 1 ? "" : "s");
  if (const std::string count = tokens(usage_); !count.empty()) words += " · " + count;
  words += cost_ ? " · " + money(*cost_) : " · the model's prices are not known (`model: {prices: …}`)";
  tell(words);
}

void Chat::save(std::string_view argument) {
  const bool replace = argument == "!" || argument.starts_with("! ");
  if (replace) argument = trimmed(argument.substr(1));
  if (argument.empty()) return tell("`/save FILE` wants a file: notes.md for reading, notes.json for programs.");
  const std::filesystem::path file = expand_home(argument);
  const std::vector<Message> messages = await(loop_, session_.messages());
  save_transcript(file, messages, replace);
  tell(fmt::format("{} messages are in {}.", messages.size(), one_line(file.string())));
}

void Chat::undo(std::string_view /*argument*/) {
  const bool undone = await(loop_, session_.undo());
  tell(undone ? "The last exchange is taken back." : "There is nothing to take back.");
}

void Chat::quit(std::string_view /*argument*/) {
  leaving_ = true;
}

}  // namespace sennit::app
