#include "backends/wire/asked.hpp"

namespace sennit::testing {
namespace {

TEST_CASE("what a person said in several messages goes as one: templates want user and assistant in turn") {
  Asked asked;
  asked.messages = {user_message("Notes: tea."),
                    user_message("Hello"),
                    assistant("Hi."),
                    user_message("long"),
                    user_message("again"),
                    Message{Role::user, {Blob{"image/png", "", "https://a/b.png"}}}};
  CHECK(json::serialize(messages_of(asked.parsed("ollama/x"))) ==
        R"([{"role":"user","content":"Notes: tea.\n\nHello"},{"role":"assistant","content":"Hi."},)"
        R"({"role":"user","content":[{"type":"text","text":"long"},{"type":"text","text":"again"},)"
        R"({"type":"image_url","image_url":{"url":"https://a/b.png"}}]}])");
}

TEST_CASE("earlier reasoning goes back as each model wants it") {
  const auto deepseek = two_turns("deepseek");
  CHECK(replayed(deepseek.parsed("deepseek/deepseek-v4-pro"), "reasoning_content") == "first,second,third");
  CHECK(replayed(deepseek.parsed("deepseek/deepseek-v3.2"), "reasoning_content") == "-,-,third");
  CHECK(replayed(deepseek.parsed("deepseek/deepseek-r1"), "reasoning_content") == "-,-,-");
  CHECK(replayed(two_turns("openai").parsed("openai/gpt-5"), "reasoning_content") == "-,-,-");
  CHECK(replayed(two_turns("llama-server").parsed("llama-server/qwen3"), "reasoning_content") == "-,-,third");
  CHECK(replayed(two_turns("ollama").parsed("ollama/qwen3"), "reasoning") == "-,-,third");
  ModelSpec spec;
  spec.name = "deepseek/deepseek-flash";
  spec.reasoning_replay = "never";
  CHECK(replayed(deepseek.parsed(spec), "reasoning_content") == "-,-,-");
}

TEST_CASE("DeepSeek V4 gets the field that it insists on wherever it runs, and so does whoever wants it always") {
  const Asked asked = two_turns("somebody");
  CHECK(replayed(asked.parsed("vllm/deepseek-ai/DeepSeek-V4-Pro"), "reasoning_content") == ",-,");
  CHECK(replayed(two_turns("vllm").parsed("vllm/deepseek-v4-flash"), "reasoning_content") == "first,second,third");
  CHECK(replayed(asked.parsed("openai-compatible/deepseek-v4-pro"), "reasoning_content") == ",-,");
  ModelSpec spec;
  spec.name = "openai-compatible/x";
  spec.base_url = "http://localhost:1/v1";
  spec.reasoning_replay = "always";
  CHECK(replayed(asked.parsed(spec), "reasoning_content") == ",-,");
  spec.reasoning_replay = "within_turn";
  CHECK(replayed(asked.parsed(spec), "reasoning_content") == "-,-,-");
}

TEST_CASE("a turn that would be an empty message is left out") {
  Asked asked;
  asked.messages = {user_message("one"), assistant("", {}, Reasoning{"hm", "deepseek", nullptr}), user_message("two")};
  const json::array together{json::object{{"role", "user"}, {"content", "one\n\ntwo"}}};
  CHECK(messages_of(asked.parsed("openai/gpt-4o")) == together);
  CHECK(messages_of(asked.parsed("deepseek/deepseek-flash")).size() == 3);
  asked.messages[1] = assistant("");
  CHECK(messages_of(asked.parsed("deepseek/deepseek-flash")) == together);
  asked.messages.pop_back();
  CHECK(messages_of(asked.parsed("deepseek/deepseek-flash")).size() == 1);
}

TEST_CASE("names that models invent are made fit for servers") {
  Asked asked;
  asked.messages = {assistant("", {{"c1", "multi_tool_use.parallel", "{}"},
                                   {"c2", "", "{}"},
                                   {"c3", "größe", "{}"},
                                   {"c4", std::string(100, 'x'), "{}"}})};
  const json::value message = messages_of(asked.parsed("vllm/x"))[0];
  const auto name = [&](std::size_t call) {
    return std::string(message.at("tool_calls").at(call).at("function").at("name").as_string());
  };
  CHECK(name(0) == "multi_tool_use_parallel");
  CHECK(name(1) == "invalid");
  CHECK(name(2) == "gr____e");
  CHECK(name(3) == std::string(64, 'x'));
}

TEST_CASE("another provider's reasoning is not passed on, but DeepSeek gets the field that it insists on") {
  CHECK(replayed(two_turns("openai").parsed("deepseek/deepseek-flash"), "reasoning_content") == ",-,");
  CHECK(replayed(two_turns("deepseek").parsed("vllm/x"), "reasoning_content") == "-,-,-");
}

TEST_CASE("a conversation that grows keeps its beginning byte by byte") {
  Asked asked = two_turns("deepseek");
  asked.tools = {add_tool()};
  const std::string first = asked.body("deepseek/deepseek-flash");
  asked.messages.push_back(assistant("dos", {}));
  asked.messages.push_back(user_message("three"));
  const std::string second = asked.body("deepseek/deepseek-flash");
  CHECK(second.starts_with(first.substr(0, first.size() - 2)));
  CHECK(asked.body("deepseek/deepseek-flash") == second);
}

TEST_CASE("every tool call is answered, and every result has its call") {
  Asked asked;
  asked.messages = {user_message("go"),
                    assistant("", {{"c1", "add", "{}"}, {"c2", "add", "{}"}, {"c3", "add", "{}"}}),
                    result("c2", ""),
                    result("stray", "lost"),
                    result("c3", "no such file", true),
                    user_message("well?")};
  const json::array messages = messages_of(asked.parsed("openai/gpt-4o"));
  REQUIRE(messages.size() == 6);
  CHECK(messages[2] ==
        json::value(json::object{
            {"role", "tool"}, {"tool_call_id", "c1"}, {"content", "Error: the call was not carried out"}}));
  CHECK(messages[3] == json::value(json::object{{"role", "tool"}, {"tool_call_id", "c2"}, {"content", "(no output)"}}));
  CHECK(messages[4] ==
        json::value(json::object{{"role", "tool"}, {"tool_call_id", "c3"}, {"content", "Error: no such file"}}));
  CHECK(messages[5] ==
        json::value(json::object{{"role", "user"}, {"content", "Result of the tool add: lost\n\nwell?"}}));
}

TEST_CASE("arguments that are no JSON are wrapped, so that servers can read the history") {
  Asked asked;
  asked.messages = {assistant("", {{"c1", "add", R"({"a": )"}, {"c2", "add", ""}, {"c3", "add", "[1]"}})};
  const json::value message = messages_of(asked.parsed("vllm/x"))[0];
  const auto arguments = [&](std::size_t call) {
    return message.at("tool_calls").at(call).at("function").at("arguments").as_string();
  };
  CHECK(arguments(0) == R"({"invalid_arguments":"{\"a\": "})");
  CHECK(arguments(1) == "{}");
  CHECK(arguments(2) == R"({"invalid_arguments":"[1]"})");
}

TEST_CASE("images travel as URLs, other files are refused with their type") {
  Message message = user_message("what is this?");
  message.parts.emplace_back(Blob{"image/png", "aGk=", ""});
  message.parts.emplace_back(Blob{"", "", "https://example.org/cat.jpg"});
  Asked asked;
  asked.messages = {message};
  CHECK(asked.body("openai/gpt-4o")
            .ends_with(R"("messages":[{"role":"user","content":[{"type":"text","text":"what is this?"},)"
                       R"({"type":"image_url","image_url":{"url":"data:image/png;base64,aGk="}},)"
                       R"({"type":"image_url","image_url":{"url":"https://example.org/cat.jpg"}}]}]})"));
  const auto refused = [&asked](Blob blob) {
    asked.messages[0].parts = {std::move(blob)};
    const Error error = error_of([&] { (void)asked.body("openai/gpt-4o"); });
    CHECK(error.code() == errc::invalid_argument);
    return error.message();
  };
  CHECK(refused({"application/zip", "aGk=", ""}).find("application/zip") != std::string::npos);
  CHECK(refused({"audio/ogg", "aGk=", ""}).find("WAV") != std::string::npos);
  CHECK(refused({"audio/wav", "", "https://example.org/a.wav"}).find("bytes") != std::string::npos);
  CHECK(refused({"application/pdf", "", "https://example.org/a.pdf"}).find("bytes") != std::string::npos);
}

TEST_CASE("sound and documents travel as bytes") {
  Asked asked;
  asked.messages = {{Role::user,
                     {Blob{"audio/wav", "aGk=", ""}, Blob{"audio/mpeg", "aGk=", ""},
                      Blob{"application/pdf", "aGk=", ""}, Text{"Well?"}}}};
  CHECK(json::serialize(messages_of(asked.parsed("openai/gpt-4o"))[0].at("content")) ==
        R"([{"type":"input_audio","input_audio":{"data":"aGk=","format":"wav"}},)"
        R"({"type":"input_audio","input_audio":{"data":"aGk=","format":"mp3"}},)"
        R"({"type":"file","file":{"filename":"file.pdf","file_data":"data:application/pdf;base64,aGk="}},)"
        R"({"type":"text","text":"Well?"}])");
}

TEST_CASE("text that is no UTF-8 is repaired before it is sent") {
  Asked asked;
  asked.messages = {user_message("a\xFF\"\n\x01")};
  CHECK(asked.body("ollama/x").ends_with("\"content\":\"a\xEF\xBF\xBD\\\"\\n\\u0001\"}]}"));
}

TEST_CASE("ids of calls are such as the server accepts, the same in call and answer") {
  const auto ids = [](std::string id, std::string model) {
    Asked asked;
    asked.messages = {user_message("a"), assistant("", {{id, "add", "{}"}}), result(id, "1")};
    const json::array messages = messages_of(asked.parsed(std::move(model)));
    const std::string called(messages.at(1).at("tool_calls").at(0).at("id").as_string());
    CHECK(messages.at(2).at("tool_call_id") == called.c_str());
    return called;
  };
  CHECK(ids("call_1_0", "openai/gpt-4o") == "call_1_0");
  CHECK(ids(std::string(41, 'x'), "openai/gpt-4o").size() == 20);
  CHECK(ids("abcDEF123", "mistral/m") == "abcDEF123");
  const std::string renamed = ids("toolu_01A", "mistral/m");
  CHECK(renamed.size() == 9);
  CHECK(renamed.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") ==
        std::string::npos);
  CHECK(ids("toolu_01B", "mistral/m") != renamed);
}

}  // namespace
}  // namespace sennit::testing
