// A line editor for the prompt: libedit, with what it lacks: pasted text, several lines, keys through the event loop.
#pragma once

#include <sennit/app/terminal.hpp>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::app {

/// What could stand at the cursor. `candidates` replace the text from byte `start` on.
struct Completion {
  std::size_t start = 0;
  std::vector<std::string> candidates;
};

class Editor {
 public:
  enum class End {
    entered,      ///< Enter
    interrupted,  ///< Ctrl-C on an empty line
    closed,       ///< Ctrl-D on an empty line, or the terminal is gone
    withdrawn,    ///< `stop` said so
  };
  struct Line {
    End end = End::closed;
    std::string text;  ///< may hold several lines
  };
  using Completer = std::function<Completion(std::string_view before_cursor)>;

  /// `history` is the file that remembers lines (readable by its owner only); empty: none.
  Editor(Terminal& terminal, std::filesystem::path history, bool colour);
  ~Editor();
  Editor(const Editor&) = delete;
  Editor& operator=(const Editor&) = delete;

  void complete_with(Completer completer);
  /// The window has another size. Can be called while read() waits.
  void resized();

  /// Lets the person write. Runs the loop meanwhile; `stop` is asked after each of its steps.
  [[nodiscard]] Line read(std::string_view prompt, const std::function<bool()>& stop);
  /// Adds a line to the history.
  void remember(const std::string& line);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sennit::app
