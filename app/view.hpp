// A run as a person sees it: its events, drawn on a Page as they come.
//
// On a terminal everything is on one page. Where the answer goes elsewhere (a pipe), it gets the agent's own words and
// nothing else, and the page (standard error) tells what happens meanwhile.
#pragma once

#include <sennit/agent/event.hpp>
#include <sennit/app/markdown.hpp>
#include <sennit/app/page.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace sennit::app {

class View {
 public:
  struct Options {
    std::string* answer = nullptr;  ///< where the agent's words go, unaltered; null: onto the page
    bool beside = false;            ///< what becomes of a separate answer may be seen above the page (`| cat`)
    bool quiet = false;             ///< the final answer and failures only
    bool hint_approvals = false;    ///< say how a declined call could have been allowed
    bool say_rules = false;         ///< nobody is asked: say which rule wanted that, where a call was made all the same
  };

  View(Page& page, Options options);

  /// A run that comes now. It can end before it has told who it is.
  void begin(std::string run) { run_ = std::move(run); }
  void show(const Event& event);
  /// The page, if what is missing on it should be noticed.
  [[nodiscard]] const Page* live_page() const {
    return options_.quiet || options_.answer != nullptr ? nullptr : &page_;
  }
  /// Ends what is being written, so that something else can be put below it.
  void pause();

 private:
  struct Branch {  // a sub-agent
    std::string name;
    std::string line;  // text that has not reached its line's end
  };

  void text(const std::string& path, std::string_view text);
  void reasoning(const std::string& path, std::string_view text);
  void started(const std::string& path, const ToolCall& call);
  void decided(const std::string& path, const PolicyDecided& decision);
  void say_rule(const std::string& path, const ToolResult& result);
  void progress(const std::string& path, const ToolProgress& progress);
  void finished(const std::string& path, const ToolFinished& finished);
  void notice(const std::string& path, std::string_view sign, std::string_view words, const Style& style);
  void ended(const Outcome& outcome);
  void suspended();
  void footer(const Outcome& outcome);
  void enter(const std::string& path);
  void branch_line(const std::string& path);
  void note_request(const Event& event);
  [[nodiscard]] bool told_before(const std::string& message);
  [[nodiscard]] std::size_t room() const;
  [[nodiscard]] std::string margin(const std::string& path) const;

  enum class Part { nothing, text, reasoning, tool, notice };

  Page& page_;
  Options options_;
  Markdown answer_;
  Markdown thought_;
  Part last_ = Part::nothing;
  std::string at_;                          // the path of what was written last
  std::map<std::string, Branch> branches_;  // by path
  std::string last_started_;                // the call whose line is the last one on the page
  std::string model_;
  std::string model_notice_;
  std::string run_;
  std::map<std::pair<std::string, std::string>, std::string> rules_;  // why a person is to be asked, by path and call
  std::set<std::pair<std::string, std::string>> open_;  // requests, by path and call: what the run may wait for
  bool answered_ = false;                               // text was written since the last tool call
  bool line_open_ = false;                              // of a separate answer
  bool hinted_ = false;
};

/// A tool call on one line: `name(key: value, …)`, without style, not clipped.
[[nodiscard]] std::string describe_call(const ToolCall& call);

}  // namespace sennit::app
