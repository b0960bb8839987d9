// A real terminal: tmux on a socket of the test's own, with keys sent to it and its screen read back.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::testing {

class Tmux {
 public:
  /// False where tmux is not installed.
  [[nodiscard]] static bool available();

  /// Runs a shell command in `folder`, on a screen of `columns` x `rows`; state is kept in `folder`/state.
  Tmux(const std::filesystem::path& folder, const std::string& command, int columns = 100, int rows = 40);
  ~Tmux();
  Tmux(const Tmux&) = delete;
  Tmux& operator=(const Tmux&) = delete;

  /// Types text as it is.
  void type(const std::string& text) const;
  /// Presses keys by tmux's names: Enter, C-c, M-Enter, Up, Tab …
  void press(const std::vector<std::string>& keys) const;
  /// Pastes as a terminal does: with marks around it, if the program asked for them.
  void paste(const std::string& text) const;
  void resize(int columns, int rows) const;

  /// The screen, without trailing spaces and empty lines at the end. `escapes`: styles as escape sequences.
  [[nodiscard]] std::string screen(bool escapes = false) const;
  /// Waits until the screen contains `text`; gives the screen. Throws std::runtime_error with it after a while.
  std::string until(std::string_view text) const;
  std::string until_gone(std::string_view text) const;

 private:
  std::string tmux(std::vector<std::string> arguments) const;

  std::string socket_;
};

}  // namespace sennit::testing
