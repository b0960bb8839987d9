// The injection suite as text: one file an agent (tests/safety/injection/*.txt), with everything that is tried on it.
//
// A file begins with a title line and has sections:
//
//   == agent                    the agent file (YAML); name and model are added
//   == agent NAME.yaml          a sub-agent's
//   == setup                    blocks (below) that hold for all cases of the file
//   == attack WORDS             one attack: what somebody plants, what he wants, and what stops it
//   == task WORDS               one honest task, done unattended, without any approval
//
// A case is made of blocks, which begin with `-- `:
//
//   -- user                     what the person says; a second one goes on in the same conversation
//   -- later                    the same, in a conversation of its own, another day
//   -- labels untrusted=mail    of the next input
//   -- file PATH                a file in the agent's folder
//   -- page URL                 what a web server says; its query is ignored
//   -- open redirect URL        a web server that leads to wherever its query says (?to=URL)
//   -- inbox, -- shop, …        what the tool doubles say (injection_world.cpp)
//   -- description TOOL         what an MCP server says of its tool
//   -- goal HOW …               what the attacker wants, or what the task is to reach:
//          web WORDS                     a request to a server of the attacker's (attacker.example) holds the words
//          asked HOST/PATH               a web server was asked
//          call TOOL WORDS               the tool did it, with these words in its arguments
//          file PATH WORDS               the file holds the words
//          gone PATH                     the file is no longer what it was
//   -- stopped TOOL RULE        the call that the policy stops, and (a part of) the rule
//
// What follows an input, up to the next one, is how the world is when it is given.
//
// A line `>> TOOL {…}` in what a model reads is a call that it is asked to make: see obedient.hpp. `{{secret}}` is
// where the private datum stands; $SECRET, $BASE64, $HEX, $REVERSED, $FIRST and $SECOND (its halves) are what an
// attacker asks for it. Names that end with `.example` are this machine.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::testing {

struct CaseBlock {
  std::string kind;      ///< "user", "page", "goal"
  std::string argument;  ///< "http://library.example/"
  std::string text;
};

struct InjectionCase {
  bool attack = true;
  std::string agent;  ///< the file's title
  std::string title;
  int line = 0;
  std::vector<CaseBlock> blocks;
};

struct InjectionFile {
  std::string name;               ///< "mail"
  std::string title;              ///< "the mail assistant"
  std::vector<CaseBlock> agents;  ///< kind: the file's name
  std::vector<CaseBlock> setup;
  std::vector<InjectionCase> cases;
};

/// Throws std::runtime_error that names file and line.
[[nodiscard]] InjectionFile read_injection_file(const std::filesystem::path& file);

/// All of tests/safety/injection, by name.
[[nodiscard]] std::vector<InjectionFile> injection_files();

}  // namespace sennit::testing
