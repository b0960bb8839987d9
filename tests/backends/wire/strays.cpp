// What a 200 answer says beside its chunks: errors that would otherwise be lost, and answers that would seem whole.
#include "backends/chat/chat_bodies.hpp"
#include <sennit/backends/wire/answer_decoder.hpp>

#include <catch2/catch_test_macros.hpp>

#include <variant>

namespace sennit::testing {
namespace {

Error failed(const std::vector<Event>& events) {
  REQUIRE_FALSE(events.empty());
  REQUIRE(std::holds_alternative<Failed>(events.back().data));
  return std::get<Failed>(events.back().data).error;
}

std::string notices(const std::vector<Event>& events) {
  std::string text;
  for (const Event& event : events) {
    if (const auto* notice = std::get_if<Notice>(&event.data)) text += notice->message;
  }
  return text;
}

struct Row {
  std::string_view what;
  std::string body;
  errc code;
  bool retryable;
  std::string_view words;
};

void check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    for (const std::size_t piece : {1UL, 7UL, std::string::npos}) {
      INFO(row.what << ", pieces of " << piece);
      const Error error = failed(decode(row.body, {}, piece));
      CHECK(to_string(error.code()) == to_string(row.code));
      CHECK(error.retryable() == row.retryable);
      CHECK(error.message().find(row.words) != std::string::npos);
    }
  }
}

TEST_CASE("an error in a field of its own is the end of the answer, as older llama-servers write it") {
  const std::string done = sse({kDone});
  const std::string shift = R"(error: {"code":500,"message":"context shift is disabled","type":"server_error"})";
  check({
      {"after text", sse({text_chunk("a")}) + shift + "\n\n" + done, errc::server, true, "context shift is disabled"},
      {"alone", shift + "\n\n" + done, errc::server, true, "context shift is disabled"},
      {"without an end", sse({text_chunk("a")}) + shift, errc::server, true, "context shift is disabled"},
      {"the conversation is too long",
       R"(error: {"code":500,"message":"the request exceeds the available context size. try increasing it","type":"server_error"})"
       "\n\n" +
           done,
       errc::context_length, false, "available context size"},
      {"an object around it", "error: {\"error\":{\"code\":503,\"message\":\"busy\"}}\n\n" + done, errc::overloaded,
       true, "busy"},
      {"plain words", sse({text_chunk("a")}) + "error: out of memory\n\n" + done, errc::server, true, "out of memory"},
  });
}

TEST_CASE("an event that is shaped like an error is one, before the answer and in the middle of it") {
  const std::string text = sse({text_chunk("a")});
  const std::string memory = R"({"object":"error","message":"CUDA OOM","type":"InternalServerError","code":500})";
  const std::string inspection = R"({"code":"DataInspectionFailed","message":"inappropriate content"})";
  check({
      {"vLLM", text + sse({memory, kDone}), errc::server, true, "CUDA OOM"},
      {"vLLM, then a finish", text + sse({memory, finish_chunk("stop"), kDone}), errc::server, true, "CUDA OOM"},
      {"the first event", sse({R"({"object":"error","message":"x","type":"overloaded_error","code":503})", kDone}),
       errc::overloaded, true, "HTTP 503"},
      {"named error, JSON", text + "event: error\ndata: {\"message\":\"lost\"}\n\n" + sse({kDone}), errc::server, true,
       "lost"},
      {"named error, words", text + "event: error\ndata: out of memory\n\n" + sse({kDone}), errc::server, true,
       "out of memory"},
      {"named error, nothing else", "event: error\ndata: out of memory\n\n", errc::server, true, "out of memory"},
      {"DashScope", "event:error\ndata:" + inspection + "\n\n", errc::content_filter, false, "inappropriate"},
      {"DashScope, no name", sse({inspection}), errc::content_filter, false, "inappropriate"},
      {"words", text + sse({"Internal Server Error", kDone}), errc::server, true, "Internal Server Error"},
      {"a detail", sse({R"({"detail":"no GPU left"})", kDone}), errc::server, true, "no GPU left"},
      {"only a code", sse({R"({"code":20012})", kDone}), errc::server, true, R"({"code":20012})"},
      {"Google", text + sse({R"([{"error":{"code":503,"message":"later","status":"UNAVAILABLE"}}])", kDone}),
       errc::overloaded, true, "later"},
  });
}

TEST_CASE("a document that is an error without saying so by its status is classified") {
  check({
      {"vLLM", R"({"object":"error","message":"no","type":"NotFoundError","code":404})", errc::bad_request, false,
       "HTTP 404"},
      {"DashScope", R"({"code":"DataInspectionFailed","message":"inappropriate","request_id":"r"})",
       errc::content_filter, false, "inappropriate"},
  });
}

TEST_CASE("a chunk that cannot be read leaves a hole in the answer, and that is a failure") {
  const std::string cut = R"({"choices":[{"index":0,"delta":{"content":"b)";
  check({
      {"before a finish", sse({text_chunk("a"), cut, finish_chunk("stop"), kDone}), errc::protocol, true,
       R"("content":"b)"},
      {"before the end mark", sse({text_chunk("a"), cut, kDone}), errc::protocol, true, "cannot be read"},
      {"at the end: the answer was cut off", sse({text_chunk("a")}) + "data: " + cut, errc::truncated, true, ""},
  });
}

TEST_CASE("what a server says beside a whole answer is shown, and breaks nothing") {
  for (const std::string_view remark : {"ping", R"({"message":"your trial ends soon"})"}) {
    const std::vector<Event> events = decode(sse({text_chunk("a"), remark, finish_chunk("stop"), kDone}));
    CHECK(text_of(events) == "a");
    CHECK(std::holds_alternative<Finished>(events.back().data));
    CHECK(notices(events).find(remark.starts_with('{') ? "your trial ends soon" : "ping") != std::string::npos);
  }
  for (const std::string_view nothing : {"", "  ", "null", "[]", "17", R"({"id":"x"})", R"({"code":0})"}) {
    INFO(nothing);
    const std::vector<Event> events = decode(sse({text_chunk("a"), nothing, finish_chunk("stop"), kDone}));
    CHECK(std::holds_alternative<Finished>(events.back().data));
    CHECK(notices(events).empty());
  }
}

TEST_CASE("a body of plain text is shown") {
  for (const std::string_view body : {"upstream connect error: reset\n", "upstream connect error: reset"}) {
    const Error error = failed(decode(body));
    CHECK(error.code() == errc::protocol);
    CHECK(error.message().find("“upstream connect error: reset”") != std::string::npos);
  }
}

}  // namespace
}  // namespace sennit::testing
