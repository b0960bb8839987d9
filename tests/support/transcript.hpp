// Transcripts: a planner's or a tool's behaviour as a text file.
//
// A transcript is a title line and sections. A section begins with `== NAME` and ends at the next one:
//
//   == agent                 the agent file (YAML); `model` and `name` may be left out
//   == file helper.yaml      another file beside it (a sub-agent, data for `files`)
//   == user                  what the person says: starts a run
//   == model [AGENT]         one turn of the model (of the sub-agent AGENT), line by line:
//        text WORDS            reasoning WORDS      refusal WORDS      signature WORDS
//        call NAME JSON        call#ID NAME JSON    (no JSON: no arguments)
//        usage INPUT OUTPUT    finish stop|length|tool_calls|content_filter|refusal|other
//        fail ERRC [retry] MESSAGE                  the stream breaks here
//        stall                                      nothing more comes until the run is cancelled
//   == options               of this run: approvals ask|allow|deny, answer_timeout MS, input NAME JSON
//   == person                what the person does when asked, in order: approve once|always|never, answer WORDS,
//                            cancel REASON (also settles a stall), wait (does nothing)
//   == cancel EVENT          cancels when a line that begins so was shown; its line is the reason
//   == events                what the run shows, in order; adjacent deltas are one line; `...` alone skips any number
//                            of lines, and within a line any characters (in every section that is compared)
//   == end                   ENDING, then the text or detail
//   == figures               what the run used: steps, tool_calls, usage, cost
//   == messages              the whole conversation at this point
//   == requests              what the models were asked in this run, one line a request: MESSAGES messages, TOOLS
//   == instructions          what the model was told before the conversation, the last time it was asked
//
// Words may hold \n for a new line. Lines that start with # are comments.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::testing {

struct TranscriptSection {
  std::string name;      ///< "model"
  std::string argument;  ///< "helper"
  int line = 0;
  std::vector<std::string> lines;
};

struct Transcript {
  std::string title;
  std::vector<TranscriptSection> sections;
};

/// Throws std::runtime_error naming the line.
[[nodiscard]] Transcript parse_transcript(std::string_view text);

/// Plays it; what differs, as lines for a person; empty: it holds. `folder` is a fresh folder to work in.
[[nodiscard]] std::string play(const Transcript& transcript, const std::filesystem::path& folder);

}  // namespace sennit::testing
