// What is on the screen while nothing comes.
#include "app/conversation.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a silence is counted on the screen, and leaves nothing behind", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat;
  chat.say("stall", "I begin\n… 3 s");
  chat->until("I begin\n… 4 s");
  chat->press({"C-c"});
  const std::string screen = chat->until("cancelled: interrupt");
  CHECK_THAT(screen, !ContainsSubstring(" s\n\ncancelled") && ContainsSubstring("I begin\n\ncancelled"));
}

TEST_CASE("a silence in the middle of a line leaves the line as it was", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat;
  chat.say("pause", "One moment, … 3 s");
  chat->type("typed ahead");
  chat->until("One moment, please.");
  CHECK_THAT(chat->until("› typed ahead"), !ContainsSubstring("… "));
}

TEST_CASE("without colours a silence is silent", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat;
  chat.terminal = std::make_unique<Tmux>(chat.folder.path(), "NO_COLOR=1 " SENNIT_PROGRAM " agent.yaml");
  chat->until("›");
  chat.say("pause", "One moment, please.");
  CHECK_THAT(chat->screen(), !ContainsSubstring("… "));
}
