#include "backends/messages/messages_asked.hpp"

#include <set>

namespace sennit::testing {
namespace {

TEST_CASE("marks for the cache: four at most, and none where they are not wanted or not understood") {
  Asked asked;
  asked.instructions = "Be brief.";
  asked.tools = {add_tool(), add_tool()};
  for (int i = 0; i < 5; ++i) {
    asked.messages.push_back(user_message("one"));
    asked.messages.push_back(assistant("1"));
  }
  const auto marks = [&](std::string name) { return count_of(bytes_of(asked, std::move(name)), "cache_control"); };
  CHECK(marks("anthropic/claude-new") == 4);
  CHECK(marks("other/who-knows") == 4);
  CHECK(marks("anthropic/claude-plain") == 0);
  for (const json::value& off : {json::value(false), json::value(nullptr)}) {
    asked.options.extra = {{"cache_control", off}};
    CHECK(marks("anthropic/claude-new") == 0);
  }
  asked.options.extra = {{"cache_control", json::object{{"type", "ephemeral"}, {"ttl", "1h"}}}};
  CHECK(marks("anthropic/claude-plain") == 4);
  CHECK(count_of(bytes_of(asked), R"("ttl":"1h")") == 4);
}

// Marks move to the newest messages, so the bytes of two requests differ there. A provider does not compare marks: what
// counts is that the text up to a mark is the same in the next request, which has a mark in the same place, and that
// the rest of both begins alike.
TEST_CASE("the prefix up to a mark is found again in the next request, where the same place is marked again") {
  Asked asked = saying("Go.");
  asked.instructions = "Be brief.";
  asked.tools = {add_tool()};
  std::string before = bytes_of(asked);
  for (const char* const id : {"c1", "c2", "c3"}) {
    asked.messages.push_back(assistant("", {{id, "add", "{}"}}));
    asked.messages.push_back(result(id, "5"));
    const std::string body = bytes_of(asked);
    const std::string prefix = without_marks(before.substr(0, before.rfind(kMark)));
    CHECK(without_marks(body).starts_with(prefix));
    const std::size_t of_before = body.rfind(kMark, body.rfind(kMark) - 1);
    CHECK(without_marks(body.substr(0, of_before)) == prefix);
    before = body;
  }
}

TEST_CASE("what was never signed goes back to servers that do not sign, not to Claude") {
  Asked asked;
  const auto answered = [&](const std::string& model, std::string signature) {
    asked.messages = {user_message("a"), assistant("b", {}, thought("Hm.", std::move(signature), model)),
                      user_message("c")};
  };
  answered("anthropic/claude-new", "sig");
  CHECK(lines_of(body_of(asked)) == "user: text(a)\nassistant: thinking(Hm.) text(b)\nuser: text(c)");
  CHECK(lines_of(body_of(asked, "anthropic/claude-mid")) == "user: text(a)\nassistant: text(b)\nuser: text(c)");
  answered("anthropic/claude-new", "");
  CHECK(lines_of(body_of(asked)) == "user: text(a)\nassistant: text(b)\nuser: text(c)");
  answered("other/who-knows", "");
  CHECK(lines_of(body_of(asked, "other/who-knows")) ==
        "user: text(a)\nassistant: thinking(Hm.) text(b)\nuser: text(c)");
}

TEST_CASE("thoughts alone, and thoughts at the end, are left out") {
  Asked asked;
  asked.messages = {user_message("a"), assistant("", {}, thought("Hm.", "sig")), user_message("b"),
                    assistant("c \n", {}), user_message("d")};
  asked.messages[3].parts.emplace_back(thought("Hm.", "sig"));
  CHECK(lines_of(body_of(asked)) == "user: text(a) text(b)\nassistant: text(c)\nuser: text(d)");
}

TEST_CASE("two speakers take turns, the person first, and nobody says nothing") {
  Asked asked;
  CHECK(lines_of(body_of(asked)) == "user: text((the conversation begins))");
  asked.messages = {assistant("a"), assistant(" \n"), assistant("b")};
  CHECK(lines_of(body_of(asked)) == "user: text((the conversation begins))\nassistant: text(a) text(b)");
  asked.messages = {user_message(" "), assistant("a"), user_message(""), Message{Role::system, {Text{"s"}}}};
  CHECK(lines_of(body_of(asked)) ==
        "user: text((no text))\nassistant: text(a)\nuser: text((no text)) text([system] s)");
  asked.messages = {Message{Role::system, {Text{"s"}}}, user_message("a")};
  CHECK(lines_of(body_of(asked)) == "user: text(a)");
  CHECK(text_of(body_of(asked), "system").find(R"("text":"s")") != std::string::npos);
}

TEST_CASE("ids of calls are as the protocol has them, each one once, and answers have them too") {
  const std::vector<std::string> given = {
      "toolu_01", "call|1", "call/1", "", "toolu_01", std::string(300, 'x'), std::string(299, 'x')};
  Asked asked;
  asked.messages = {user_message("Go.")};
  for (const std::string& id : given) {
    asked.messages.push_back(assistant("", {{id, "add", "{}"}, {id + "b", "add", "{}"}}));
    asked.messages.push_back(result(id + "b", "second"));
    asked.messages.push_back(result(id, "first"));
  }
  std::set<std::string> ids;
  std::vector<std::string> open;
  for (const json::value& message : messages_of(body_of(asked))) {
    std::size_t next = 0;
    if (message.at("role") == "assistant") open.clear();
    for (const json::value& block : message.at("content").as_array()) {
      if (block.at("type") == "tool_use") {
        open.emplace_back(block.at("id").as_string());
        CHECK(ids.insert(open.back()).second);
        CHECK(open.back().size() <= 70);
        CHECK(open.back().find_first_of("|/. ") == std::string::npos);
      } else if (block.at("type") == "tool_result") {
        CHECK(block.at("content") == json::value(next == 0 ? "first" : "second"));
        CHECK(std::string(block.at("tool_use_id").as_string()) == open.at(next++));
      }
    }
  }
  CHECK(ids.size() == 2 * given.size());
  CHECK(ids.contains("toolu_01"));
}

TEST_CASE("arguments are an object, whatever the model wrote") {
  const auto input = [](std::string arguments) {
    Asked asked;
    asked.messages = {user_message("Go."), assistant("", {{"c1", "add", std::move(arguments)}}), result("c1", " ")};
    const json::array messages = messages_of(body_of(asked));
    CHECK(messages[2].at("content").at(0).at("content") == "(no output)");
    return json::serialize(messages[1].at("content").at(0).at("input"));
  };
  CHECK(input("") == "{}");
  CHECK(input(R"({"a" : [1, "é"]})") == R"({"a":[1,"é"]})");
  CHECK(input("{\"a\":\"\xFF\"}") == "{\"a\":\"\xEF\xBF\xBD\"}");
  CHECK(input(R"({"a":NaN})") == R"({"a":null})");
  CHECK(input("[1]") == R"({"invalid_arguments":"[1]"})");
  CHECK(input(R"({"a":)") == R"({"invalid_arguments":"{\"a\":"})");
}

TEST_CASE("files that the protocol has no place for are refused") {
  const auto refused = [](const Blob& blob) {
    Asked asked;
    asked.messages = {Message{Role::user, {blob}}};
    try {
      static_cast<void>(body_of(asked));
    } catch (const Error& error) {
      return error.code() == errc::invalid_argument;
    }
    return false;
  };
  CHECK(refused({"audio/wav", "AAAA", ""}));
  CHECK(refused({"text/plain", "", "https://example.com/a.txt"}));
  CHECK(refused({"text/plain", "no base64", ""}));
  CHECK(refused({"application/zip", "AAAA", ""}));
  CHECK_FALSE(refused({"text/plain", "YQ==", ""}));
  CHECK_FALSE(refused({"text/plain", "", "data:text/plain;base64,YQ=="}));
  CHECK_FALSE(refused({"text/plain", "", ""}));
  CHECK_FALSE(refused({"", "", "https://example.com/a"}));
}

}  // namespace
}  // namespace sennit::testing
