// Conversations that are left and gone on with, in a real terminal.
#include "app/conversation.hpp"
#include <sennit/app/program.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("words are quoted for a shell where they have to be") {
  CHECK(sennit::app::shell_word("a/b-c_d.e=f") == "a/b-c_d.e=f");
  CHECK(sennit::app::shell_word("") == "''");
  CHECK(sennit::app::shell_word("two words") == "'two words'");
  CHECK(sennit::app::shell_word("it's $x") == "'it'\\''s $x'");
}

TEST_CASE("the farewell starts the same conversation again", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat("--session \"it's mine\" --state 'my state' -m openai-compatible/other --yes agent.yaml", {}, 200);
  chat.say("one", "<one> 1 sent");
  chat->press({"C-d"});
  const std::string screen = chat->until("[status 0]");
  const std::string_view mark = "Continue with: ";
  const std::size_t start = screen.find(mark) + mark.size();
  const std::string command = screen.substr(start, screen.find('\n', start) - start);
  CHECK(command == SENNIT_PROGRAM
        " --session 'it'\\''s mine' --state 'my state' --yes --model openai-compatible/other "
        "agent.yaml");
  chat.terminal = std::make_unique<Tmux>(chat.folder.path(), command, 200);
  chat->until("›");
  chat.say("two", "<two> 3 sent");
}

TEST_CASE("a conversation that goes on says where it was", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat("--session mine agent.yaml", {}, 60);
  CHECK_THAT(chat->screen(), !ContainsSubstring("continuing"));
  chat.say("one two three four five six seven eight nine ten", "1 sent");
  chat->press({"C-d"});
  chat->until("[status 0]");
  chat.begin("--session mine agent.yaml", 60);
  CHECK_THAT(chat->screen(), ContainsSubstring("continuing mine: 2 messages, last: \"<one two three four fi…\"\n"));
  chat.say("/session new", "0 messages");
  chat.say("hi", "<hi> 1 sent");
  const std::string screen = chat.say("/session", "    mine ");
  CHECK_THAT(screen, ContainsSubstring("\n  › 20"));
  chat.say("/session mine", "going on with mine: 2 messages, last:");
}
