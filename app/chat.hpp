// A conversation at the prompt: what is said goes to the agent, what begins with a slash is a command.
#pragma once

#include <sennit/agent/agent.hpp>
#include <sennit/app/editor.hpp>
#include <sennit/app/output.hpp>
#include <sennit/app/person.hpp>
#include <sennit/app/program.hpp>
#include <sennit/app/signals.hpp>
#include <sennit/app/terminal.hpp>
#include <sennit/app/view.hpp>

#include <boost/asio/io_context.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::app {

struct ChatSettings {
  Definition definition;             ///< as its file has it
  std::string session;               ///< empty: a new conversation
  std::vector<std::string> command;  ///< the words that start it like this again, but for its session and model
  std::string model;                 ///< another than the file's; empty: that one
  std::map<std::string, json::value> inputs;
  json::object origin;  ///< how its runs' agent is found again; the model's name apart
  Approvals approvals = Approvals::ask;
};

/// A name that sorts by time and that a person can type: 20261123-k3f9.
[[nodiscard]] std::string new_session_name();

/// REQUIRES: standard input and output are a terminal.
class Chat {
 public:
  Chat(asio::io_context& loop, Signals& signals, Runtime& runtime, ChatSettings settings);

  /// Until the person leaves. The exit status.
  int converse();

 private:
  friend struct Command;

  void greet();
  void say(const std::string& text);
  void command(std::string_view line);
  Completion complete(std::string_view before_cursor) const;
  void farewell();
  void recall_session(std::string_view how);
  void open_session(std::string id);
  void tell(std::string_view words, const Style& style = kPlain);
  void row(std::string_view left, std::size_t width, std::string_view right);

  // ---- commands; `argument` is what follows the command's word, a `!` behind it included ----
  void help(std::string_view argument);
  void model(std::string_view argument);
  void attach(std::string_view argument);
  void tools(std::string_view argument);
  void memory(std::string_view argument);
  void session(std::string_view argument);
  void cost(std::string_view argument);
  void save(std::string_view argument);
  void undo(std::string_view argument);
  void quit(std::string_view argument);

  asio::io_context& loop_;
  Signals& signals_;
  Runtime& runtime_;
  ChatSettings settings_;
  Output out_;
  Output err_;
  bool colour_;
  Page page_;
  View view_;
  Terminal terminal_;
  Editor editor_;
  Person person_;
  Agent agent_;
  Session session_;
  std::vector<Blob> attached_;  // to what is said next
  Usage usage_;                 // of this conversation, since it was opened
  std::optional<Cost> cost_;
  std::size_t runs_ = 0;
  bool leaving_ = false;
  bool reading_ = false;
  int terminated_ = 0;
};

}  // namespace sennit::app
