// Every protocol against a server that fails in every way: which of our errors it is, how often the server is asked,
// and whether another model takes over.
#include "support/http_server.hpp"
#include "support/world.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <atomic>
#include <string>
#include <vector>

namespace sennit::testing {
namespace {

using namespace std::chrono_literals;

/// A protocol's bodies.
struct Wire {
  std::string model;
  std::string type;   // of a stream's content
  std::string text;   // the beginning of a stream: up to its first words
  std::string rest;   // and from there to its end
  std::string error;  // an error in mid-stream, where the protocol says that the server is busy
  std::string busy;   // the body of a refusal
};

std::string named(std::string_view data) {
  const std::optional<json::value> event = parse_json(data);
  return "event: " + std::string(find_string(*event, "type")) + "\ndata: " + std::string(data) + "\n\n";
}

const Wire& chat() {
  static const Wire kWire{
      "openai-compatible/x",
      "text/event-stream",
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hel\"}}]}\n\n",
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"lo\"},\"finish_reason\":\"stop\"}]}\n\ndata: "
      "[DONE]\n\n",
      "data: {\"error\":{\"message\":\"busy\",\"type\":\"overloaded_error\"}}\n\n",
      R"({"error":{"message":"busy","type":"server_is_overloaded"}})"};
  return kWire;
}

const Wire& messages() {
  static const Wire kWire{
      "anthropic/claude-x",
      "text/event-stream",
      named(
          R"({"type":"message_start","message":{"type":"message","role":"assistant","content":[],"usage":{"input_tokens":1}}})") +
          named(R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})") +
          named(R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hel"}})"),
      named(R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"lo"}})") +
          named(R"({"type":"content_block_stop","index":0})") +
          named(R"({"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}})") +
          named(R"({"type":"message_stop"})"),
      named(R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})"),
      R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})"};
  return kWire;
}

const Wire& responses() {
  static const Wire kWire{
      "openai/gpt-x",
      "text/event-stream",
      named(R"({"type":"response.created","response":{"id":"r","status":"in_progress","output":[]}})") +
          named(
              R"({"type":"response.output_item.added","output_index":0,"item":{"type":"message","id":"m","role":"assistant","content":[]}})") +
          named(
              R"({"type":"response.output_text.delta","item_id":"m","output_index":0,"content_index":0,"delta":"hel"})"),
      named(R"({"type":"response.output_text.delta","item_id":"m","output_index":0,"content_index":0,"delta":"lo"})") +
          named(R"({"type":"response.completed","response":{"id":"r","status":"completed","output":[]}})"),
      named(R"({"type":"error","error":{"type":"server_error","code":"server_is_overloaded","message":"busy"}})"),
      R"({"error":{"message":"busy","type":"service_unavailable_error","code":"server_is_overloaded"}})"};
  return kWire;
}

const Wire& gemini() {
  static const Wire kWire{
      "gemini/gemini-x",
      "text/event-stream",
      "data: {\"candidates\":[{\"index\":0,\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"hel\"}]}}]}\n\n",
      "data: "
      "{\"candidates\":[{\"index\":0,\"content\":{\"parts\":[{\"text\":\"lo\"}]},\"finishReason\":\"STOP\"}]}\n\n",
      "data: {\"error\":{\"code\":503,\"message\":\"busy\",\"status\":\"UNAVAILABLE\"}}\n\n",
      R"({"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}})"};
  return kWire;
}

const Wire& ollama() {
  static const Wire kWire{"ollama/x",
                          "application/x-ndjson",
                          "{\"model\":\"x\",\"message\":{\"role\":\"assistant\",\"content\":\"hel\"},\"done\":false}\n",
                          "{\"model\":\"x\",\"message\":{\"role\":\"assistant\",\"content\":\"lo\"},\"done\":false}\n"
                          "{\"model\":\"x\",\"done\":true,\"done_reason\":\"stop\",\"eval_count\":2}\n",
                          "{\"error\":\"server busy, please try again. maximum pending requests exceeded\"}\n",
                          R"({"error":"server busy, please try again. maximum pending requests exceeded"})"};
  return kWire;
}

Reply streamed(const Wire& wire, std::string body) {
  return Reply::text(std::move(body)).header("Content-Type", wire.type).chunked();
}

Reply refusal(int status, std::string body) {
  return Reply::text(std::move(body)).status(status).header("Content-Type", "application/json");
}

ModelSpec spec_of(const Wire& wire, const HttpServer& server) {
  ModelSpec spec;
  spec.name = wire.model;
  if (wire.model.starts_with("openai/")) spec.api = "responses";
  spec.base_url = server.url("/v1");
  spec.api_key = Secret("none");
  spec.retry.attempts = 3;
  spec.retry.delay = 1ms;
  return spec;
}

struct Seen {
  Outcome outcome;
  std::size_t requests = 0;
  milliseconds took{};
};

Seen ask(const ModelSpec& spec, const HttpServer& server) {
  World world(says("unused"));
  Definition definition;
  definition.model = spec;
  const auto begun = std::chrono::steady_clock::now();
  Run run = world.agent(definition).session().start("hello");
  Seen seen;
  seen.outcome = elsewhere(run.wait());
  seen.took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begun);
  seen.requests = server.requests().size();
  return seen;
}

struct Fault {
  std::string name;
  Reply reply;
  errc code;
  std::size_t requests;
};

std::vector<Fault> faults(const Wire& wire) {
  const std::string page = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head></html>";
  return {
      {"429", refusal(429, R"({"error":{"message":"slow down"}})"), errc::rate_limited, 3},
      {"429 with a short Retry-After", refusal(429, "{}").header("retry-after-ms", "60"), errc::rate_limited, 3},
      {"429 with a long Retry-After", refusal(429, "{}").header("Retry-After", "3600"), errc::rate_limited, 1},
      {"429 because the account is empty", refusal(429, R"({"error":{"code":"insufficient_quota"}})"), errc::quota, 1},
      {"400", refusal(400, R"({"error":{"message":"no"}})"), errc::bad_request, 1},
      {"401", refusal(401, R"({"error":{"message":"no"}})"), errc::authentication, 1},
      {"402", refusal(402, R"({"error":{"message":"no"}})"), errc::quota, 1},
      {"404", refusal(404, R"({"error":{"message":"no"}})"), errc::bad_request, 1},
      {"500", refusal(500, R"({"error":{"message":"oops"}})"), errc::server, 3},
      {"503", refusal(503, wire.busy), errc::overloaded, 3},
      {"529", refusal(529, wire.busy), errc::overloaded, 3},
      {"502 of a gateway", refusal(502, page).header("Content-Type", "text/html"), errc::server, 3},
      {"an error in mid-stream, before any word", streamed(wire, wire.error), errc::overloaded, 3},
      {"an error in mid-stream, after words", streamed(wire, wire.text + wire.error), errc::overloaded, 1},
      {"the end in mid-stream, after words", streamed(wire, wire.text), errc::truncated, 1},
      {"nothing at all", streamed(wire, ""), errc::truncated, 3},
      {"silence before any word", streamed(wire, wire.text + wire.rest).stall_after(0), errc::timeout, 3},
      {"silence after words", streamed(wire, wire.text + wire.rest).stall_after(wire.text.size()), errc::timeout, 1},
      {"garbage", streamed(wire, std::string("\x01\x02\xFF garbage\n\nmore of it\n")), errc::protocol, 1},
      {"a page instead of an answer", Reply::text(page).header("Content-Type", "text/html"), errc::protocol, 1},
      {"a huge line", streamed(wire, "data: " + std::string(20ULL << 20U, 'x')), errc::too_large, 1},
  };
}

}  // namespace

TEST_CASE("every failure of every protocol is told from the others and asked again where that helps") {
  const Wire& wire = GENERATE(std::cref(chat()), std::cref(messages()), std::cref(responses()), std::cref(gemini()),
                              std::cref(ollama()));
  for (const Fault& fault : faults(wire)) {
    INFO(wire.model << ": " << fault.name);
    const HttpServer server(fault.reply);
    ModelSpec spec = spec_of(wire, server);
    if (fault.code == errc::timeout) spec.first_token_timeout = spec.idle_timeout = 300ms;
    const Seen seen = ask(spec, server);
    REQUIRE(seen.outcome.error);
    INFO(seen.outcome.error->describe());
    CHECK(to_string(seen.outcome.error->code()) == to_string(fault.code));
    CHECK(seen.requests == fault.requests);
    if (fault.name.find("short Retry-After") != std::string::npos) CHECK(seen.took >= 120ms);
  }
}

TEST_CASE("a failure that passes is not seen") {
  const Wire& wire = GENERATE(std::cref(chat()), std::cref(messages()), std::cref(responses()), std::cref(gemini()),
                              std::cref(ollama()));
  INFO(wire.model);
  std::atomic<int> asked{0};
  const HttpServer server([&](const HttpRequest&) {
    const int turn = asked++;
    if (turn == 0) return refusal(503, wire.busy);
    if (turn == 1) return streamed(wire, wire.error);
    return streamed(wire, wire.text + wire.rest);
  });
  const Seen seen = ask(spec_of(wire, server), server);
  CHECK(seen.outcome.text == "hello");
  CHECK(seen.requests == 3);
}

TEST_CASE("where all attempts fail, the next model answers") {
  const Wire& wire = GENERATE(std::cref(chat()), std::cref(messages()), std::cref(responses()), std::cref(gemini()),
                              std::cref(ollama()));
  INFO(wire.model);
  const HttpServer broken(refusal(503, wire.busy));
  const HttpServer empty(refusal(402, R"({"error":{"message":"no credit"}})"));
  const HttpServer good(streamed(chat(), chat().text + chat().rest));
  ModelSpec spec = spec_of(wire, broken);
  ModelSpec second = spec_of(messages(), empty);
  second.name = "anthropic/claude-other";
  ModelSpec third = spec_of(chat(), good);
  third.name = "openai-compatible/third";
  spec.fallback = {second, third};
  const Seen seen = ask(spec, broken);
  CHECK(seen.outcome.text == "hello");
  CHECK(seen.requests == 3);
  CHECK(empty.requests().size() == 1);
  CHECK(good.requests().size() == 1);
}

}  // namespace sennit::testing
