// A real llama-server, where one is running. Its model may be any, even one with random weights:
//   llama-server -m MODEL.gguf --port 8081 &
//   SENNIT_LLAMA_SERVER=http://127.0.0.1:8081/v1 ./test -R app
#include "app/program.hpp"
#include <sennit/agent/event.hpp>

#include <catch2/catch_test_macros.hpp>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <sstream>

using namespace sennit;
using namespace sennit::testing;

namespace {

struct LocalModel {
  LocalModel(const std::string& address, int tokens) {
    folder.write("agent.yaml", "sennit: 1\nname: local\nmodel: {name: llama-server/any, base_url: \"" + address +
                                   "\", options: {max_tokens: " + std::to_string(tokens) + "}}\n");
  }
  Program::Options options() const { return {.folder = folder.path(), .input = {}, .environment = {}}; }
  const std::vector<std::string> arguments{"run", "--json", "agent.yaml", "Once upon a time"};
  TempDir folder;
};

}  // namespace

TEST_CASE("llama-server streams through the program, counts its tokens, and stops when it is told to") {
  const char* const address = std::getenv("SENNIT_LLAMA_SERVER");
  if (address == nullptr) {
    std::cout << "NOT RUN: llama-server: SENNIT_LLAMA_SERVER names no address (tests/app/llama_server.cpp)\n";
    return;
  }
  const LocalModel brief(address, 24);
  const Ended ended = run_program(brief.arguments, brief.options());
  std::istringstream lines(ended.out);
  std::size_t deltas = 0;
  std::optional<Outcome> outcome;
  for (std::string line; std::getline(lines, line);) {
    const Event event = event_from_json(json::parse(line));
    deltas +=
        std::holds_alternative<TextDelta>(event.data) || std::holds_alternative<ReasoningDelta>(event.data) ? 1 : 0;
    if (const auto* finished = std::get_if<RunFinished>(&event.data)) outcome = finished->outcome;
  }
  REQUIRE(outcome);
  CHECK((outcome->ending == Ending::completed || outcome->ending == Ending::truncated));
  CHECK(deltas > 0);
  CHECK(outcome->usage.input.value_or(0) > 0);
  CHECK(outcome->usage.output.value_or(0) > 0);
  CHECK(outcome->usage.output.value_or(0) <= 24);

  const LocalModel endless(address, 1'000'000);
  Program program(endless.arguments, endless.options());
  program.until_out("\"event\":\"step_started\"");
  program.signal(SIGINT);
  CHECK(program.wait().status == 130);
}

TEST_CASE("llama-server is held to a schema, and keeps the beginning of a prompt") {
  const char* const address = std::getenv("SENNIT_LLAMA_SERVER");
  if (address == nullptr) return;  // said above
  const TempDir folder;
  folder.write("agent.yaml",
               "sennit: 1\nmodel: {name: llama-server/any, base_url: \"" + std::string(address) +
                   "\", options: {max_tokens: 400, temperature: 0}}\n"
                   "instructions: " +
                   std::string(400, 'x') +
                   "\noutput: {type: object, properties: {colour: {enum: [red, green]}, n: {type: integer, minimum: 0, "
                   "maximum: 9}}, required: [colour, n], additionalProperties: false}\n");
  const Program::Options options{.folder = folder.path(), .input = {}, .environment = {}};
  std::optional<Outcome> last;
  for (int i = 0; i < 2; ++i) {
    const Ended ended = run_program({"run", "--json", "agent.yaml", "Which colour?"}, options);
    CHECK(ended.status == 0);
    std::istringstream lines(ended.out);
    for (std::string line; std::getline(lines, line);) {
      const Event event = event_from_json(*parse_json(line));
      if (const auto* finished = std::get_if<RunFinished>(&event.data)) last = finished->outcome;
    }
  }
  REQUIRE(last);
  REQUIRE(last->output.is_object());
  const std::string_view colour = find_string(last->output, "colour");
  CHECK((colour == "red" || colour == "green"));
  CHECK(last->usage.cached_input.value_or(0) > last->usage.input.value_or(0) / 2);
}
