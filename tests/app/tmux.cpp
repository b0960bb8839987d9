#include "app/tmux.hpp"

#include "support/fixtures.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <thread>

namespace sennit::testing {
namespace {

/// For a shell, in quotes.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string output_of(const std::string& command, bool must_work = true) {
  std::FILE* pipe = ::popen(command.c_str(), "re");
  if (pipe == nullptr) throw std::runtime_error("no shell");
  std::string text;
  std::array<char, 4096> bytes{};
  while (const std::size_t count = std::fread(bytes.data(), 1, bytes.size(), pipe)) text.append(bytes.data(), count);
  const int status = ::pclose(pipe);
  if (status != 0 && must_work) throw std::runtime_error(command + ": " + text);
  return text;
}

std::string waited(const Tmux& tmux, const std::function<bool(const std::string&)>& enough) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (true) {
    std::string screen = tmux.screen();
    if (enough(screen)) return screen;
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("the screen does not show it:\n" + screen);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace

bool Tmux::available() {
  return !output_of("command -v tmux || true").empty();
}

std::string Tmux::tmux(std::vector<std::string> arguments) const {
  std::string command = "tmux -L " + socket_ + " -f /dev/null";
  for (const std::string& argument : arguments) command += " " + quoted(argument);
  return output_of(command + " 2>&1");
}

Tmux::Tmux(const std::filesystem::path& folder, const std::string& command, int columns, int rows) {
  static std::atomic<int> count{0};
  socket_ = "sennit-" + std::to_string(::getpid()) + "-" + std::to_string(count++);
  // The shell stays when the program ends, so that its last words and its status can be read.
  const std::string shell =
      "cd " + quoted(folder.string()) +
      "; unset NO_COLOR DEEPSEEK_API_KEY OPENAI_API_KEY; export LANG=C.UTF-8 HOME=$PWD SENNIT_STATE=" +
      quoted((folder / "state").string()) + "; " + command +
      "; echo \"[status $?]\"; stty -a | grep -o -- '-*echo ' ; exec sleep 1000";
  tmux({"new-session", "-d", "-x", std::to_string(columns), "-y", std::to_string(rows), "bash", "--norc", "-c", shell});
}

Tmux::~Tmux() {
  output_of("tmux -L " + socket_ + " kill-server 2>&1", false);
}

void Tmux::type(const std::string& text) const {
  tmux({"send-keys", "-l", text});
}

void Tmux::press(const std::vector<std::string>& keys) const {
  std::vector<std::string> arguments{"send-keys"};
  arguments.insert(arguments.end(), keys.begin(), keys.end());
  tmux(std::move(arguments));
}

void Tmux::paste(const std::string& text) const {
  tmux({"set-buffer", text});
  tmux({"paste-buffer", "-p"});
}

void Tmux::resize(int columns, int rows) const {
  tmux({"resize-window", "-x", std::to_string(columns), "-y", std::to_string(rows)});
}

std::string Tmux::screen(bool escapes) const {
  std::string text = tmux({"capture-pane", escapes ? "-pe" : "-p"});
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

std::string Tmux::until(std::string_view text) const {
  return waited(*this, [&](const std::string& screen) { return screen.find(text) != std::string::npos; });
}

std::string Tmux::until_gone(std::string_view text) const {
  return waited(*this, [&](const std::string& screen) { return screen.find(text) == std::string::npos; });
}

}  // namespace sennit::testing
