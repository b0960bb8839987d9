// A conversation at the prompt, in a real terminal, with a model server that answers it.
#pragma once

#include "app/model_server.hpp"
#include "app/tmux.hpp"
#include "support/fixtures.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace sennit::testing {

inline Reply answer_chat(const HttpRequest& request) {
  const auto [role, text] = last_message(request);
  if (role == "tool") return Answer().text("The tool said: ").text(text).reply();
  if (text == "write") return Answer().call("files_write", R"({"path":"note.txt","content":"hi\n"})").reply();
  if (text == "learn") return Answer().call("remember", R"({"text":"The cat is called Mog."})").reply();
  if (text == "late")
    return Answer()
        .call("files_write", R"({"path":"note.txt","content":"hi\n"})")
        .reply()
        .after(std::chrono::seconds(2));
  if (text == "ask") return Answer().call("ask", R"({"question":"Which colour?"})").reply();
  if (text == "stall") return Answer().text("I begin\n").silence();
  if (text == "pause") return Answer().text("One moment, ").text("please.").reply().every(std::chrono::seconds(4));
  if (text == "slow")
    return Answer()
        .text("first\n")
        .text("second\n")
        .text("third\n")
        .text("fourth\n")
        .reply()
        .every(std::chrono::milliseconds(300));
  if (text == "mark") return Answer().text("# Head\n\nSome **bold** and `code`.\n\n- item\n").reply();
  if (text == "think") return Answer().think("Hm.").text("Yes.").reply();
  if (text == "escape") return Answer().text("a\x1b[2J\x1b]0;t\x07z").reply();
  return Answer().text("<" + text + "> ").text(std::to_string(message_count(request)) + " sent").reply();
}

/// `sennit agent.yaml` in a terminal, at its first prompt.
struct Conversation {
  HttpServer server{answer_chat};
  TempDir folder;
  std::unique_ptr<Tmux> terminal;

  explicit Conversation(const std::string& arguments = "agent.yaml", const std::string& more = {}, int columns = 100) {
    folder.write("agent.yaml", agent_for(server, "tools: [calculator, {files: {write: true}}]\n" + more));
    begin(arguments, columns);
  }
  void begin(const std::string& arguments = "agent.yaml", int columns = 100) {
    terminal.reset();
    terminal = std::make_unique<Tmux>(folder.path(), std::string(SENNIT_PROGRAM) + " " + arguments, columns);
    terminal->until("›");
  }
  Tmux& operator*() const { return *terminal; }
  Tmux* operator->() const { return terminal.get(); }
  /// Says something and waits for a part of the answer.
  std::string say(const std::string& text, std::string_view expected) const {
    terminal->type(text);
    terminal->press({"Enter"});
    return terminal->until(expected);
  }
};

}  // namespace sennit::testing

#define NEEDS_TMUX \
  if (!Tmux::available()) SKIP("tmux is not installed")
