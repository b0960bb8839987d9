// A conversation at the prompt, in a real terminal.
#include "app/conversation.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <sys/stat.h>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("the prompt greets, answers, keeps the conversation and says goodbye", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat;
  CHECK_THAT(chat->screen(), ContainsSubstring("tester") && ContainsSubstring("/help"));
  chat.say("hello", "<hello> 1 sent");
  chat.say("again", "<again> 3 sent");
  chat->press({"C-d"});
  const std::string screen = chat->until("[status 0]");
  CHECK_THAT(screen, ContainsSubstring("Continue with: " SENNIT_PROGRAM " --session "));
  chat->until("[status 0]\necho");  // and the terminal echoes again
}

TEST_CASE("Markdown is drawn with styles, without markers", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat;
  const std::string plain = chat.say("mark", "• item");
  CHECK_THAT(plain, ContainsSubstring("Some bold and code."));
  const std::string styled = chat->screen(true);
  CHECK_THAT(styled, ContainsSubstring("\x1b[1mbold") && ContainsSubstring("\x1b[36mcode"));
}

TEST_CASE("NO_COLOR leaves the text without styles", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat("agent.yaml");
  chat.terminal = std::make_unique<Tmux>(chat.folder.path(), "NO_COLOR=1 " SENNIT_PROGRAM " agent.yaml");
  chat->until("›");
  chat.say("mark", "• item");
  CHECK_THAT(chat->screen(true), !ContainsSubstring("\x1b["));
}

TEST_CASE("a model cannot send escape sequences to the terminal", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat;
  const std::string screen = chat.say("escape", "z");
  CHECK_THAT(chat->until("a␛[2J␛]0;t␇z"), ContainsSubstring("tester"));
}

TEST_CASE("wide characters are typed, edited and shown", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat;
  chat->type("你好世界é");
  chat->until("› 你好世界é");
  chat->press({"BSpace", "Left", "BSpace"});
  chat->until("› 你好界");
  chat->press({"Enter"});
  chat->until("<你好界> 1 sent");
}

TEST_CASE("several lines are typed with Alt-Enter, a backslash, or between fences", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat;
  chat->type("one");
  chat->press({"M-Enter"});
  chat->type("two\\");
  chat->press({"Enter"});
  chat->type("three");
  chat->press({"Enter"});
  chat->until("three> 1 sent");
  CHECK_THAT(chat.server.requests().back().body, ContainsSubstring(R"("one\ntwo\nthree")"));
  chat->type("```");
  chat->press({"Enter"});
  chat->type("code");
  chat->press({"Enter"});
  chat->type("```");
  chat->press({"Enter"});
  chat->until("3 sent");
  CHECK_THAT(chat.server.requests().back().body, ContainsSubstring(R"("```\ncode\n```")"));
}

TEST_CASE("pasted lines are inserted, not sent, and can be edited", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat;
  chat->paste("first line\n  second\tline\nthird 三");
  chat->until("third 三");
  CHECK(chat.server.requests().empty());
  chat->type("!");
  chat->press({"Enter"});
  chat->until("1 sent");
  CHECK_THAT(chat.server.requests().back().body, ContainsSubstring(R"("first line\n  second\tline\nthird 三!")"));
}

TEST_CASE("what is typed while an answer streams waits for the next prompt", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat;
  chat.say("slow", "first");
  chat->type("typed ahead");
  const std::string screen = chat->until("› typed ahead");
  CHECK_THAT(screen, ContainsSubstring("first\nsecond\nthird\nfourth\n"));
  chat->press({"Enter"});
  chat->until("<typed ahead> 3 sent");
}

TEST_CASE("Tab completes commands and files", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat;
  chat.folder.write("notes.txt", "");
  chat->type("/hel");
  chat->press({"Tab"});
  chat->type("me");
  chat->until("› /help me");
  chat->press({"C-c"});
  chat->until_gone("/help me");
  chat->type("/s");
  chat->press({"Tab"});
  chat->until("/save     /session");
  chat->press({"C-c"});
  chat->type("read ag");
  chat->press({"Tab"});
  chat->until("› read agent.yaml");
  chat->type("and note");
  chat->press({"Tab"});
  chat->until("› read agent.yaml and notes.txt");
}

TEST_CASE("approvals are asked inline: once, no, always", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat;
  chat.say("write", "[y] once  [a] always  [n] no");
  chat->press({"n"});
  chat->until("declined by the person");
  CHECK_FALSE(std::filesystem::exists(chat.folder / "note.txt"));
  chat->until("1 tool call\n\n›");
  chat->type("write");
  chat->press({"Enter"});
  chat->until(
      "1 tool call\n\n› write\n\n● files_write(path: \"note.txt\", content: \"hi\")\n"
      "? Allow files_write (it changes data)  [y] once  [a] always  [n] no");
  CHECK_FALSE(std::filesystem::exists(chat.folder / "note.txt"));
  chat->press({"y"});
  chat->until("created note.txt");
}

TEST_CASE("a question that does not fit in one line has its keys and its answer in the next", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat("agent.yaml", {}, 70);
  chat.say("write", "[y] once");
  chat->press({"C-c"});
  chat->until(
      "? Allow files_write (it changes data)\n"
      "  [y] once  [a] always  [n] no  cancelled\n");
}

TEST_CASE("an approval for always is not asked for again", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat;
  chat.say("write", "[n] no");
  chat->press({"a"});
  chat->until("created note.txt");
  chat->until("1 tool call\n\n›");
  chat.say("write", "replaced note.txt");
}

TEST_CASE("keys typed before an approval was asked do not answer it", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat;
  chat->type("late");
  chat->press({"Enter", "y", "y"});  // the model takes its time to call
  chat->until("[n] no");
  CHECK_FALSE(std::filesystem::exists(chat.folder / "note.txt"));
  chat->press({"n"});
  chat->until("declined by the person");
  chat->until("› yy");
}

TEST_CASE("Ctrl-C stops an answer and the conversation goes on", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat;
  chat.say("stall", "I begin");
  chat->press({"C-c"});
  chat->until("cancelled: interrupt");
  chat.say("still there", "<still there> 3 sent");
}

TEST_CASE("Ctrl-C during an approval cancels the run", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat;
  chat.say("write", "[n] no");
  chat->press({"C-c"});
  chat->until("cancelled: interrupt");
  CHECK_FALSE(std::filesystem::exists(chat.folder / "note.txt"));
  chat.say("next", "<next>");
}

TEST_CASE("Ctrl-C at the prompt clears the line, and twice on an empty one leaves", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat;
  chat->type("never mind");
  chat->until("› never mind");
  chat->press({"C-c"});
  chat->until_gone("never mind");
  chat->press({"C-c"});
  chat->until("Ctrl-C again");
  chat->press({"C-c"});
  chat->until("[status 0]");
  CHECK(chat.server.requests().empty());
}

TEST_CASE("undo takes back the last exchange", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat;
  chat.say("one", "<one> 1 sent");
  chat.say("two", "<two> 3 sent");
  chat.say("/undo", "The last exchange is taken back.");
  chat.say("three", "<three> 3 sent");
  CHECK_THAT(chat.server.requests().back().body, !ContainsSubstring("\"two\""));
}

TEST_CASE("commands tell what there is", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat("agent.yaml", "memory: true\n");
  chat.say("hello", "<hello>");
  chat.say("/cost", "1 run · 100 in · 7 out");
  chat.say("/tools", "asks first · ");
  chat.say("/model", "The model is openai-compatible/test");
  chat.say("/memory", "There are no notes yet.");
  chat.say("/session", "2 messages");
  chat.say("/save out.md", "messages are in out.md");
  CHECK_THAT(read_file(chat.folder / "out.md"), ContainsSubstring("## user\n\nhello\n"));
  chat.say("/save out.json", "messages are in out.json");
  CHECK(json::parse(read_file(chat.folder / "out.json")).as_array().size() >= 2);
  chat.say("/save out.md", "`/save! FILE` replaces it");
  chat.say("again", "<again>");
  chat.say("/save! ~/out.md", "messages are in " + (chat.folder / "out.md").string());
  CHECK_THAT(read_file(chat.folder / "out.md"), ContainsSubstring("## user\n\nagain\n"));
  chat.say("/save out.txt", "saved as .md");
  chat.say("/save none/out.md", "No such file or directory");
  chat.say("/tols", "did you mean /tools?");
  chat.say("/model nosuch/thing", "error:");
  chat.say("/quit", "[status 0]");
}

TEST_CASE("a saved conversation has recalled notes apart from what the person said", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat("agent.yaml", "memory: true\npolicy: {allow: remember}\n");
  chat.say("learn", "1 tool call\n\n›");
  chat.say("/session new", "0 messages");
  chat.say("the cat", "recalled: The cat is called Mog.");
  chat->until("the cat> 1 sent");
  chat.say("/save out.md", "messages are in out.md");
  CHECK_THAT(read_file(chat.folder / "out.md"),
             ContainsSubstring("## recalled notes\n\n- The cat is called Mog.\n\n## user\n\nthe cat\n"));
}

TEST_CASE("history comes back in the next conversation, and is nobody else's business", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat;
  chat.say("remember this line", "<remember this line>");
  chat->press({"C-d"});
  chat->until("[status 0]");
  struct stat facts{};
  REQUIRE(::stat((chat.folder / "state/history").c_str(), &facts) == 0);
  CHECK((facts.st_mode & 0777U) == 0600U);
  chat.begin();
  chat->press({"Up"});
  chat->until("› remember this line");
}

TEST_CASE("a named session goes on", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat("--session mine agent.yaml");
  chat.say("one", "<one> 1 sent");
  chat->press({"C-d"});
  chat->until("Continue with: " SENNIT_PROGRAM " --session mine");
  chat.begin("--session mine agent.yaml");
  chat.say("two", "<two> 3 sent");
  chat.say("/session new", "0 messages");
  chat.say("three", "<three> 1 sent");
}

TEST_CASE("the footer begins on a line of its own where the answer came through a pipe", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat;
  chat.terminal = std::make_unique<Tmux>(chat.folder.path(), SENNIT_PROGRAM " run agent.yaml hello | cat");
  const std::string screen = chat->until("[status 0]");
  CHECK_THAT(screen, ContainsSubstring("\nopenai-compatible/test · ") && ContainsSubstring("<hello> 1 sent\n"));
}

TEST_CASE("a narrow terminal wraps words", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat("agent.yaml", {}, 40);
  chat.say("aaaaaaaaaa bbbbbbbbbb cccccccccc dddddddddd", "<aaaaaaaaaa bbbbbbbbbb cccccccccc\ndddddddddd> 1 sent");
}
