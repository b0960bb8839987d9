// Every recorded answer once more, through real sockets and the backend that agents use.
#include "recordings.hpp"
#include "support/fixtures.hpp"
#include "support/http_server.hpp"
#include <sennit/backends/remote.hpp>
#include <sennit/backends/wire/wire_json.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <map>

namespace sennit::testing {
namespace {

struct Heard {
  std::string text;
  std::string reasoning;
  std::string refusal;
  std::map<std::uint32_t, ToolCall> calls;
  std::size_t terminals = 0;
  bool terminal_is_last = false;
  std::optional<Error> error;
};

void hear(Heard& heard, const Event& event) {
  heard.terminal_is_last = false;
  if (const auto* delta = std::get_if<TextDelta>(&event.data)) heard.text += delta->text;
  if (const auto* delta = std::get_if<ReasoningDelta>(&event.data)) heard.reasoning += delta->text;
  if (const auto* delta = std::get_if<RefusalDelta>(&event.data)) heard.refusal += delta->text;
  if (const auto* delta = std::get_if<ToolCallDelta>(&event.data)) {
    ToolCall& call = heard.calls[delta->call];
    call.id += delta->id;
    call.name += delta->name;
    call.arguments += delta->arguments.value_or("");
  }
  const auto* failed = std::get_if<Failed>(&event.data);
  if (failed != nullptr) heard.error = failed->error;
  if (failed == nullptr && !std::holds_alternative<Finished>(event.data)) return;
  ++heard.terminals;
  heard.terminal_is_last = true;
}

asio::awaitable<Heard> listen(TokenStream& stream) {
  Heard heard;
  for (;;) {
    const std::span<Event> batch = co_await stream.next();
    if (batch.empty()) co_return heard;
    for (const Event& event : batch) hear(heard, event);
  }
}

ModelSpec spec_for(const std::string& base_url) {
  ModelSpec spec;
  spec.name = "openai-compatible/recorded";
  spec.base_url = base_url;
  spec.api_key = Secret("none");
  spec.split_think = false;  // expected.json leaves the tags in the text
  return spec;
}

Reply reply_of(const RecordedCase& recorded) {
  Reply reply = Reply::text(recorded.body).status(recorded.status).chunked();
  if (!recorded.content_type.empty()) std::move(reply).header("Content-Type", recorded.content_type);
  std::vector<std::string> pieces;
  std::string_view rest = recorded.body;
  for (const std::size_t size : recorded.pieces) {
    pieces.emplace_back(rest.substr(0, size));
    rest.remove_prefix(std::min(size, rest.size()));
  }
  return pieces.empty() ? std::move(reply).cut_into(997) : std::move(reply).pieces(std::move(pieces));
}

/// A stream that breaks off at an error is not read further: what was heard is the beginning of what was sent.
bool heard_all(const std::string& heard, std::string_view sent, bool broke_off) {
  return broke_off ? sent.starts_with(heard) : heard == sent;
}

/// expected.json leaves out content that is an object (Cloudflare parses answers that are JSON); an agent gets it as
/// text.
std::string sent_text(const RecordedCase& recorded) {
  std::string text(find_string(recorded.expected, "text"));
  const std::optional<json::value> body = recorded.streaming ? std::nullopt : parse_exact(recorded.body);
  if (!text.empty() || !body || !body->is_object() || !body->as_object().contains("choices")) return text;
  boost::system::error_code absent;
  const json::value* content = body->find_pointer("/choices/0/message/content", absent);
  if (content != nullptr && content->is_object()) append_json(text, *content);
  return text;
}

void check_heard(const Heard& heard, const RecordedCase& recorded) {
  const json::value& expected = recorded.expected;
  INFO((heard.error ? heard.error->describe() : "no error"));
  CHECK(heard.terminals == 1);
  CHECK(heard.terminal_is_last);
  // Some recordings hold several answers one after the other; a request has one.
  const std::size_t stop = recorded.body.find("event: message_stop");
  const bool several =
      stop != std::string::npos && recorded.body.find("event: message_start", stop) != std::string::npos;
  const bool broke_off = !expected.at("error").is_null();
  CHECK((!broke_off || heard.error));
  CHECK(heard_all(heard.text, sent_text(recorded), broke_off || several));
  CHECK(heard_all(heard.reasoning, find_string(expected, "reasoning"), broke_off));
  // Why Gemini blocks a prompt is a refusal for an agent; expected.json has it as a detail of the end.
  const bool blocked = expected.at("text") == "" && !expected.at("finish_detail").is_null();
  CHECK((blocked || heard_all(heard.refusal, find_string(expected, "refusal"), broke_off)));
  std::vector<std::string> named;  // a call that says nothing is none for an agent
  for (const json::value& call : expected.at("tool_calls").as_array()) {
    if (!find_string(call, "name").empty()) named.emplace_back(find_string(call, "name"));
  }
  REQUIRE((broke_off || several || heard.calls.size() == named.size()));
  for (const auto& [number, call] : heard.calls) CHECK(call.name == named.at(number));
  if (const json::value& status =
          expected.at("error").is_null() ? expected.at("error") : expected.at("error").at("status");
      heard.error && status.is_int64()) {
    CHECK(heard.error->status() == status.as_int64());
  }
}

/// A provider of each protocol, and where its endpoint is below the address that the agent file names.
struct Way {
  const char* recordings;
  const char* provider;
  const char* api;
  std::string path;
  std::string path_whole;  ///< of an answer that is not streamed, where that is another
};

const std::vector<Way>& ways() {
  static const std::vector<Way> kWays{
      {"chat-completions", "openai-compatible", "chat-completions", "/chat/completions", ""},
      {"messages", "anthropic", "messages", "/messages", ""},
      {"responses", "openai", "responses", "/responses", ""},
      {"generate-content", "gemini", "generate-content", "/models/recorded:streamGenerateContent?alt=sse",
       "/models/recorded:generateContent"},
      {"ollama-chat", "ollama", "ollama-chat", "/api/chat", ""}};
  return kWays;
}

ModelSpec spec_for(const Way& way, const RecordedCase& recorded, const HttpServer& server) {
  ModelSpec spec = spec_for(server.url("/" + recorded.name));
  spec.name = std::string(way.provider) + "/recorded";
  spec.api = way.api;
  if (!way.path_whole.empty()) spec.stream = recorded.streaming;
  return spec;
}

TEST_CASE("every recorded answer ends in the right event when it comes through a socket", "[recordings]") {
  for (const Way& way : ways()) {
    const std::vector<RecordedCase> cases = recorded_cases(way.recordings);
    std::map<std::string, const RecordedCase*> by_path;
    for (const RecordedCase& recorded : cases) {
      by_path["/" + recorded.name + way.path] = &recorded;
      if (!way.path_whole.empty()) by_path["/" + recorded.name + way.path_whole] = &recorded;
    }
    const HttpServer server([&by_path](const HttpRequest& request) { return reply_of(*by_path.at(request.target)); });
    TestEnvironment environment;
    for (const RecordedCase& recorded : cases) {
      INFO(way.recordings << "/" << recorded.name);
      const auto stream =
          make_remote_backend(spec_for(way, recorded, server))->stream(environment, CompletionRequest{});
      check_heard(run(environment, listen(*stream)), recorded);
    }
  }
}

}  // namespace
}  // namespace sennit::testing
