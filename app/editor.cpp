#include <sennit/agent/io/error.hpp>
#include <sennit/app/clusters.hpp>
#include <sennit/app/editor.hpp>
#include <sennit/app/history.hpp>
#include <sennit/app/style.hpp>
#include <sennit/app/wide.hpp>

#include <histedit.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <utility>

namespace sennit::app {
namespace {

/// Pasted text beyond this is dropped, with a beep.
constexpr std::size_t kPasteBytes = 1U << 20U;
/// A paste whose end does not come is over after this silence.
constexpr int kPasteSilence = 1000;
constexpr std::size_t kCandidatesShown = 60;

constexpr wchar_t kInvisible = L'\1';  // surrounds escape sequences in a prompt

// Sequences that no keyboard sends, bound to libedit's own functions: how a function of ours calls one of them.
constexpr const wchar_t* kJoin = L"\x1b[906~";
constexpr const wchar_t* kAccept = L"\x1b[905~";
constexpr const wchar_t* kHistoryBack = L"\x1b[901~";
constexpr const wchar_t* kHistoryOn = L"\x1b[902~";
constexpr const wchar_t* kLineUp = L"\x1b[903~";
constexpr const wchar_t* kLineDown = L"\x1b[904~";

struct Buffer {
  std::wstring_view before;  // the cursor
  std::wstring_view after;
};

Buffer buffer_of(EditLine* line) {
  const LineInfoW* info = el_wline(line);
  return {std::wstring_view(info->buffer, static_cast<std::size_t>(info->cursor - info->buffer)),
          std::wstring_view(info->cursor, static_cast<std::size_t>(info->lastchar - info->cursor))};
}

void to_end(EditLine* line) {
  el_cursor(line, static_cast<int>(buffer_of(line).after.size()));
}

unsigned char call(EditLine* line, const wchar_t* sequence) {
  el_wpush(line, sequence);
  return CC_NORM;
}

/// An odd number of fences: the person is still writing a code block.
bool in_code_block(std::wstring_view text) {
  std::size_t fences = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (text.substr(at, 3) == L"```") ++fences;
    const std::size_t end = text.find(L'\n', at);
    if (end == std::wstring_view::npos) break;
    at = end + 1;
  }
  return fences % 2 == 1;
}

}  // namespace

struct Editor::State {
  State(Terminal& its_terminal, std::filesystem::path history_file, bool its_colour)
      : terminal(its_terminal), history(std::move(history_file), clusters), colour(its_colour) {}

  Terminal& terminal;
  Clusters clusters;
  LineHistory history;
  bool colour;
  std::FILE* screen = nullptr;
  std::wstring joined;  // what takes the place of the character before the cursor
  EditLine* line = nullptr;
  Completer completer;
  std::wstring prompt;
  const std::function<bool()>* stop = nullptr;
  bool interrupted = false;

  static State& of(EditLine* line) {
    void* data = nullptr;
    el_wget(line, EL_CLIENTDATA, &data);
    return *static_cast<State*>(data);
  }

  static wchar_t* show_prompt(EditLine* line) { return of(line).prompt.data(); }
  static int read_key(EditLine* line, wchar_t* key);
  static unsigned char join(EditLine* line, int key);
  static unsigned char enter(EditLine* line, int key);
  static unsigned char new_line(EditLine* line, int key);
  static unsigned char interrupt(EditLine* line, int key);
  static unsigned char end_of_input(EditLine* line, int key);
  static unsigned char paste(EditLine* line, int key);
  static unsigned char complete(EditLine* line, int key);
  static unsigned char up(EditLine* line, int key);
  static unsigned char down(EditLine* line, int key);
  static unsigned char suspend(EditLine* line, int key);

  std::optional<char> byte() { return terminal.read(*stop); }
  std::string pasted();
  void list(const std::vector<std::string>& candidates);
  void bind(std::initializer_list<const wchar_t*> keys, const wchar_t* function);
  void bind_keys();
};

/// One character, put together from the bytes that the terminal sends.
int Editor::State::read_key(EditLine* line, wchar_t* key) {
  State& self = of(line);
  std::string bytes;
  while (true) {
    const std::optional<char> next = self.byte();
    if (!next) return 0;
    bytes += *next;
    const Decoded decoded = decode_utf8(bytes);
    if (decoded.bytes == 0) continue;
    *key = static_cast<wchar_t>(decoded.code);
    const std::wstring_view before = buffer_of(line).before;
    const auto joined = before.empty() ? std::nullopt : self.clusters.join(before.back(), decoded.code);
    if (joined) {
      self.joined = *joined;
      *key = kJoin[0];
      el_wpush(line, kJoin + 1);
    } else if (columns(decoded.code) == 0) {
      *key = self.clusters.widen(bytes).front();
    }
    return 1;
  }
}

/// An accent, or another part of what is one character to a person, was typed behind its beginning.
unsigned char Editor::State::join(EditLine* line, int /*key*/) {
  el_wdeletestr(line, 1);
  return el_winsertstr(line, of(line).joined.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
}

unsigned char Editor::State::enter(EditLine* line, int /*key*/) {
  const Buffer buffer = buffer_of(line);
  const std::wstring text = std::wstring(buffer.before) + std::wstring(buffer.after);
  to_end(line);
  if (!text.empty() && text.back() == L'\\') {
    el_wdeletestr(line, 1);
  } else if (!in_code_block(text)) {
    return call(line, kAccept);
  }
  el_winsertstr(line, L"\n");
  return CC_REFRESH;
}

unsigned char Editor::State::new_line(EditLine* line, int /*key*/) {
  return el_winsertstr(line, L"\n") == 0 ? CC_REFRESH : CC_ERROR;
}

unsigned char Editor::State::interrupt(EditLine* line, int /*key*/) {
  to_end(line);
  const auto length = static_cast<int>(buffer_of(line).before.size());
  if (length > 0) {
    el_wdeletestr(line, length);
    return CC_REFRESH;
  }
  of(line).interrupted = true;
  return call(line, kAccept);
}

unsigned char Editor::State::end_of_input(EditLine* line, int /*key*/) {
  const Buffer buffer = buffer_of(line);
  if (buffer.before.empty() && buffer.after.empty()) return CC_EOF;
  if (buffer.after.empty()) return CC_ERROR;
  el_cursor(line, 1);
  el_wdeletestr(line, 1);
  return CC_REFRESH;
}

/// Everything up to the mark that ends a paste, as text: line ends and tabs stay, other controls go.
std::string Editor::State::pasted() {
  static constexpr std::string_view kEnd = "\x1b[201~";
  std::string text;
  while (!text.ends_with(kEnd)) {
    if (!terminal.more_within(kPasteSilence)) return text;
    const std::optional<char> next = byte();
    if (!next) return text;
    text += *next;
    // What is too much is read and dropped, but for the tail in which the mark may be.
    if (text.size() > kPasteBytes + kEnd.size()) text.erase(kPasteBytes, 1);
  }
  text.resize(text.size() - kEnd.size());
  return text;
}

unsigned char Editor::State::paste(EditLine* line, int /*key*/) {
  State& self = of(line);
  std::string clean;
  for (const wchar_t c : widen(self.pasted())) {
    if (c == L'\r')
      clean += '\n';
    else if (c == L'\n' || c == L'\t' || harmless(static_cast<char32_t>(c)) == static_cast<char32_t>(c))
      append_utf8(clean, static_cast<char32_t>(c));
  }
  if (clean.empty()) return CC_NORM;
  return el_winsertstr(line, self.clusters.widen(clean).c_str()) == 0 ? CC_REFRESH : CC_ERROR;
}

/// Below the line being written, in columns.
void Editor::State::list(const std::vector<std::string>& candidates) {
  std::size_t widest = 0;
  for (const std::string& candidate : candidates) widest = std::max(widest, columns(std::string_view(candidate)));
  const std::size_t a_row = std::max<std::size_t>(1, Terminal::width(STDOUT_FILENO) / (widest + 2));
  std::string text = "\n";
  for (std::size_t i = 0; i < std::min(candidates.size(), kCandidatesShown); ++i) {
    const std::string shown = one_line(candidates[i]);
    text += shown;
    const bool last_in_row = (i + 1) % a_row == 0 || i + 1 == candidates.size();
    text += last_in_row ? "\n" : std::string(widest + 2 - columns(std::string_view(shown)), ' ');
  }
  if (candidates.size() > kCandidatesShown)
    text += "… and " + std::to_string(candidates.size() - kCandidatesShown) + " more\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

unsigned char Editor::State::complete(EditLine* line, int /*key*/) {
  State& self = of(line);
  if (!self.completer) return CC_ERROR;
  const std::string before = self.clusters.narrow(buffer_of(line).before);
  const Completion completion = self.completer(before);
  if (completion.candidates.empty()) return CC_ERROR;
  std::string common = completion.candidates.front();
  for (const std::string& candidate : completion.candidates) {
    const auto ends = std::mismatch(common.begin(), common.end(), candidate.begin(), candidate.end());
    common.erase(ends.first, common.end());
  }
  const std::string typed = before.substr(completion.start);
  if (common.size() > typed.size()) {
    el_wdeletestr(line, static_cast<int>(self.clusters.widen(typed).size()));
    const bool only = completion.candidates.size() == 1 && common.back() != '/';
    el_winsertstr(line, self.clusters.widen(common + (only ? " " : "")).c_str());
    return CC_REFRESH;
  }
  if (completion.candidates.size() == 1) return CC_ERROR;
  self.list(completion.candidates);
  return CC_REDISPLAY;
}

unsigned char Editor::State::up(EditLine* line, int /*key*/) {
  const bool within = buffer_of(line).before.find(L'\n') != std::wstring_view::npos;
  return call(line, within ? kLineUp : kHistoryBack);
}

unsigned char Editor::State::down(EditLine* line, int /*key*/) {
  const bool within = buffer_of(line).after.find(L'\n') != std::wstring_view::npos;
  return call(line, within ? kLineDown : kHistoryOn);
}

unsigned char Editor::State::suspend(EditLine* line, int /*key*/) {
  State& self = of(line);
  self.terminal.bracketed_paste(false);
  el_wset(line, EL_PREP_TERM, 0);
  self.terminal.original();
  ::raise(SIGTSTP);
  el_wset(line, EL_PREP_TERM, 1);
  self.terminal.bracketed_paste(true);
  return CC_REDISPLAY;
}

void Editor::State::bind(std::initializer_list<const wchar_t*> keys, const wchar_t* function) {
  for (const wchar_t* key : keys) el_wset(line, EL_BIND, key, function, nullptr);
}

void Editor::State::bind_keys() {
  const auto add = [&](const wchar_t* name, const wchar_t* words, unsigned char (*function)(EditLine*, int),
                       std::initializer_list<const wchar_t*> keys) {
    el_wset(line, EL_ADDFN, name, words, function);
    bind(keys, name);
  };
  add(L"sennit-enter", L"Accept, or go on in a new line", enter, {L"\\n", L"\\r"});
  add(L"sennit-join", L"Join with the character before", join, {L"\\e[906~"});
  add(L"sennit-new-line", L"New line", new_line, {L"\\e\\n", L"\\e\\r", L"\\e[13;2u"});
  add(L"sennit-interrupt", L"Clear the line", interrupt, {L"^C"});
  add(L"sennit-end", L"Delete, or end", end_of_input, {L"^D"});
  add(L"sennit-paste", L"Insert pasted text", paste, {L"\\e[200~"});
  add(L"sennit-complete", L"Complete", complete, {L"\\t"});
  add(L"sennit-up", L"Line above, or history", up, {L"\\e[A", L"\\eOA", L"^P"});
  add(L"sennit-down", L"Line below, or history", down, {L"\\e[B", L"\\eOB", L"^N"});
  add(L"sennit-suspend", L"Suspend", suspend, {L"^Z"});
  bind({L"\\e[905~"}, L"ed-newline");
  bind({L"\\e[901~"}, L"ed-prev-history");
  bind({L"\\e[902~"}, L"ed-next-history");
  bind({L"\\e[903~"}, L"ed-prev-line");
  bind({L"\\e[904~"}, L"ed-next-line");
  bind({L"^R"}, L"em-inc-search-prev");
  bind({L"^W"}, L"ed-delete-prev-word");
  bind({L"\\e[3~"}, L"ed-delete-next-char");
  bind({L"\\e[H", L"\\eOH", L"\\e[1~"}, L"ed-move-to-beg");
  bind({L"\\e[F", L"\\eOF", L"\\e[4~"}, L"ed-move-to-end");
  bind({L"\\e[1;5D", L"\\e[1;3D"}, L"ed-prev-word");
  bind({L"\\e[1;5C", L"\\e[1;3C"}, L"em-next-word");
}

Editor::Editor(Terminal& terminal, std::filesystem::path history, bool colour)
    : state_(std::make_unique<State>(terminal, std::move(history), colour)) {
  State& state = *state_;
  state.screen = state.clusters.open_screen(STDOUT_FILENO);
  if (state.screen != nullptr)
    state.line = el_init_fd("sennit", stdin, state.screen, stderr, STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO);
  if (state.line == nullptr) throw Error(errc::io, "the terminal cannot be used for line editing");
  el_wset(state.line, EL_CLIENTDATA, &state);
  el_wset(state.line, EL_EDITOR, L"emacs");
  el_wset(state.line, EL_SIGNAL, 0);
  el_wset(state.line, EL_HIST, history_w, state.history.handle());
  el_wset(state.line, EL_PROMPT_ESC, State::show_prompt, kInvisible);
  el_wset(state.line, EL_GETCFN, State::read_key);
  // At the prompt Ctrl-C and Ctrl-Z are keys; between prompts nothing is echoed and keys wait.
  el_wset(state.line, EL_SETTY, L"-d", L"-isig", nullptr);
  el_wset(state.line, EL_SETTY, L"-x", L"-echo", L"-icanon", nullptr);
  state.bind_keys();
}

Editor::~Editor() {
  el_end(state_->line);
  std::fclose(state_->screen);
}

void Editor::complete_with(Completer completer) {
  state_->completer = std::move(completer);
}

void Editor::resized() {
  el_resize(state_->line);
}

Editor::Line Editor::read(std::string_view prompt, const std::function<bool()>& stop) {
  State& state = *state_;
  const std::wstring style = widen(sgr({.bold = true, .colour = Colour::green}));
  const std::wstring plain = widen(sgr(kPlain));
  const std::wstring mark(1, kInvisible);
  // libedit loses a sequence that nothing follows: the space comes after the colour.
  const std::wstring sign = widen(prompt.substr(0, prompt.find_last_not_of(' ') + 1));
  const std::wstring space = widen(prompt.substr(sign.empty() ? 0 : prompt.find_last_not_of(' ') + 1));
  state.prompt =
      state.colour && !sign.empty() ? mark + style + mark + sign + mark + plain + mark + space : widen(prompt);
  state.stop = &stop;
  state.interrupted = false;
  state.terminal.bracketed_paste(true);
  int count = 0;
  const wchar_t* typed = el_wgets(state.line, &count);
  state.terminal.bracketed_paste(false);
  state.stop = nullptr;
  if (typed == nullptr || count <= 0) return {stop() ? End::withdrawn : End::closed, {}};
  if (state.interrupted) return {End::interrupted, {}};
  std::string text = state.clusters.narrow(std::wstring_view(typed, static_cast<std::size_t>(count)));
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return {End::entered, std::move(text)};
}

void Editor::remember(const std::string& line) {
  state_->history.add(line);
}

}  // namespace sennit::app
