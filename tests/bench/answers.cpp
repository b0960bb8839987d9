#include "answers.hpp"

#include <fmt/format.h>

namespace sennit::bench {
namespace {

constexpr std::string_view kStreamHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n"
    "Transfer-Encoding: chunked\r\n\r\n";
constexpr std::string_view kLastChunk = "0\r\n\r\n";

std::string chunk(std::string_view data) {
  return fmt::format("{:x}\r\n{}\r\n", data.size(), data);
}

/// One server-sent event in a chunk of its own, with the fields that a real server repeats in each.
std::string event(std::string_view fields) {
  return chunk(fmt::format(R"(data: {{"id":"chatcmpl-mock1","object":"chat.completion.chunk","created":1760000000,)"
                           R"("model":"mock","system_fingerprint":"fp_mock",{}}})"
                           "\n\n",
                           fields));
}

std::string delta(std::string_view content, std::string_view finish_reason = "null") {
  return event(fmt::format(R"("choices":[{{"index":0,"delta":{},"logprobs":null,"finish_reason":{}}}])", content,
                           finish_reason));
}

std::string ending(std::string_view finish_reason, std::size_t prompt, std::size_t completion) {
  std::string usage =
      fmt::format(R"("choices":[],"usage":{{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{}}})", prompt,
                  completion, prompt + completion);
  return delta("{}", fmt::format("\"{}\"", finish_reason)) + event(usage) + chunk("data: [DONE]\n\n") +
         std::string(kLastChunk);
}

std::string whole(std::string_view message, std::string_view finish_reason) {
  return plain_answer("200 OK",
                      fmt::format(R"({{"id":"chatcmpl-mock1","object":"chat.completion","created":1760000000,)"
                                  R"("model":"mock","choices":[{{"index":0,"message":{},"logprobs":null,)"
                                  R"("finish_reason":"{}"}}],"usage":{{"prompt_tokens":50,"completion_tokens":12,)"
                                  R"("total_tokens":62}}}})",
                                  message, finish_reason));
}

}  // namespace

std::string plain_answer(std::string_view status, std::string_view body) {
  return fmt::format("HTTP/1.1 {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}", status,
                     body.size(), body);
}

Answers::Answers(std::size_t tokens) {
  tool_call = kStreamHead;
  tool_call += delta(R"({"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_mock1",)"
                     R"("type":"function","function":{"name":"add","arguments":""}}]})");
  for (std::string_view piece : {R"({\"a\")", R"(:2,)", R"(\"b\")", R"(:3})"}) {
    tool_call += delta(fmt::format(R"({{"tool_calls":[{{"index":0,"function":{{"arguments":"{}"}}}}]}})", piece));
  }
  tool_call += ending("tool_calls", 50, 12);

  head = std::string(kStreamHead) + delta(R"({"role":"assistant","content":""})");
  token = delta(R"({"content":"tok "})");
  tail = ending("stop", 80, tokens);
  burst = head;
  std::string text;
  for (std::size_t i = 0; i < tokens; ++i) {
    burst += token;
    text += "tok ";
  }
  burst += tail;

  whole_tool_call = whole(R"({"role":"assistant","content":null,"tool_calls":[{"id":"call_mock1","type":"function",)"
                          R"("function":{"name":"add","arguments":"{\"a\":2,\"b\":3}"}}]})",
                          "tool_calls");
  whole_text = whole(fmt::format(R"({{"role":"assistant","content":"{}"}})", text), "stop");
}

}  // namespace sennit::bench
