// Grapheme clusters as characters of the line editor.
#include "app/conversation.hpp"
#include <sennit/app/clusters.hpp>
#include <sennit/app/wide.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace sennit;
using namespace sennit::app;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr std::string_view kAccent = "e\u0301";
constexpr std::string_view kTinted = "\U0001F44D\U0001F3FD";
constexpr std::string_view kFamily = "\U0001F468\u200D\U0001F469\u200D\U0001F467";
constexpr std::string_view kFlag = "\U0001F1E9\U0001F1EA";

/// The last message that the server got.
std::string sent(const Conversation& chat) {
  return last_message(chat.server.requests().back()).second;
}

}  // namespace

TEST_CASE("a cluster is one character, and comes back as it was") {
  Clusters clusters;
  for (const std::string_view cluster :
       {kAccent, kTinted, kFamily, kFlag, std::string_view("\u2764\uFE0F"), std::string_view("\u1112\u1161\u11AB"),
        std::string_view("\u0301"), std::string_view("\U000F0000"), std::string_view("\U00017000")}) {
    INFO(cluster);
    const std::wstring wide = clusters.widen(cluster);
    CHECK(wide.size() == 1);
    CHECK(columns(static_cast<char32_t>(wide[0])) > 0);
    CHECK(clusters.widen(cluster) == wide);
    CHECK(clusters.narrow(wide) == cluster);
  }
  const std::string text = "a" + std::string(kFlag) + std::string(kFlag) + "\n\u0301 x" + std::string(kFamily) + "中";
  CHECK(clusters.widen(text).size() == 9);
  CHECK(clusters.narrow(clusters.widen(text)) == text);
  CHECK(clusters.widen("plain é 中") == L"plain é 中");
}

TEST_CASE("what is typed piece by piece is joined") {
  Clusters clusters;
  for (const std::string_view cluster : {kAccent, kTinted, kFamily, kFlag}) {
    std::wstring line;
    for (const wchar_t c : widen(cluster)) {
      const auto joined = line.empty() ? std::nullopt : clusters.join(line.back(), static_cast<char32_t>(c));
      if (joined) line.pop_back();
      line += joined.value_or(c);
    }
    CHECK(line == clusters.widen(cluster));
  }
  CHECK_FALSE(clusters.join(L'a', U'b'));
  CHECK_FALSE(clusters.join(L'\n', U'\u0301'));
}

TEST_CASE("the screen shows what is sent: accents that are typed apart, and emoji of several parts", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat;
  const std::string accent(kAccent);
  chat->type("caf" + accent + " " + std::string(kFlag) + "x");
  chat->until("› caf" + accent + " " + std::string(kFlag) + "x");
  chat->press({"Enter"});
  chat->until("1 sent");
  CHECK(sent(chat) == "caf" + accent + " " + std::string(kFlag) + "x");
}

TEST_CASE("Backspace and the arrows go by cluster", "[tmux]") {
  NEEDS_TMUX;
  Conversation chat;
  chat->type("a" + std::string(kAccent) + std::string(kFamily) + "b");
  chat->press({"Left", "BSpace", "Left"});
  chat->type("c");
  chat->until("› ac" + std::string(kAccent) + "b");
  chat->press({"Enter"});
  chat->until("1 sent");
  CHECK(sent(chat) == "ac" + std::string(kAccent) + "b");
  chat->paste(std::string(kTinted) + std::string(kFlag));
  chat->press({"BSpace"});
  chat->type("!");
  chat->press({"Enter"});
  chat->until("3 sent");
  CHECK(sent(chat) == std::string(kTinted) + "!");
  chat->press({"C-d"});
  chat->until("[status 0]");
  chat.begin();
  chat->press({"Up", "Up"});
  chat->until("› ac" + std::string(kAccent) + "b");
  chat->press({"Right", "BSpace", "BSpace", "Enter"});
  chat->until("1 sent");
  CHECK(sent(chat) == "ac");
}
