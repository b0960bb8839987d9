// The bodies that each protocol's writer makes, against files that were written by hand from the providers' documents:
// below requests/, a folder a protocol. A file is {"about", "source": where the facts stand, "model": fields of a
// ModelSpec, "request": {instructions, messages as message_from_json reads them, tools, output, options, tool_choice},
// "body": the whole body}. They are read with the shipped catalogue, not with one of the machine's.
#include "support/fixtures.hpp"
#include <sennit/backends/wire/wire_json.hpp>
#include <sennit/backends/wire/wire_model.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <regex>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sennit::testing {
namespace {

struct GoldenRequest {
  std::string name;  ///< "messages/plain"
  ModelSpec spec;
  std::string instructions;
  std::vector<Message> messages;
  std::vector<ToolDescription> tools;
  std::optional<json::object> output;
  ToolChoice choice = ToolChoice::automatic;
  CompletionOptions options;
  json::value body;

  [[nodiscard]] WireModel model() const {
    const auto catalogue = shipped_catalogue();
    const Provider* provider = catalogue->provider(spec.name.substr(0, spec.name.find('/')));
    if (provider == nullptr) throw std::runtime_error("there is no provider of " + spec.name);
    return resolve_model(catalogue, *provider, spec);
  }
  /// Of the conversation's first `count` messages.
  [[nodiscard]] std::string written(const WireModel& model, std::size_t count) const {
    CompletionRequest request;
    request.instructions = instructions;
    request.messages = std::span(messages).first(count);
    request.tools = tools;
    if (output) request.output_schema = &*output;
    request.tool_choice = choice;
    request.options = options;
    return request_body(model, request);
  }
};

/// A misspelt field would be a test of nothing.
void only(const json::object& object, std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : object) {
    if (std::find(known.begin(), known.end(), std::string_view(key)) == known.end())
      throw std::runtime_error("unknown field " + std::string(key));
  }
}

template <class T>
void read(const json::object& object, std::string_view key, T& to) {
  if (const json::value* value = object.if_contains(key)) to = json::value_to<T>(*value);
}
template <class T>
void read(const json::object& object, std::string_view key, std::optional<T>& to) {
  if (const json::value* value = object.if_contains(key)) to = json::value_to<T>(*value);
}

CompletionOptions read_options(const json::object& object) {
  only(object,
       {"temperature", "top_p", "max_tokens", "seed", "stop", "reasoning_effort", "parallel_tool_calls", "extra"});
  CompletionOptions options;
  read(object, "temperature", options.temperature);
  read(object, "top_p", options.top_p);
  read(object, "max_tokens", options.max_tokens);
  read(object, "seed", options.seed);
  read(object, "stop", options.stop);
  read(object, "reasoning_effort", options.reasoning_effort);
  read(object, "parallel_tool_calls", options.parallel_tool_calls);
  if (const json::value* extra = object.if_contains("extra")) options.extra = extra->as_object();
  return options;
}

ModelSpec read_spec(const json::object& object) {
  only(object, {"name", "api", "base_url", "strict_tools", "reasoning_replay", "split_think", "stream", "options"});
  ModelSpec spec;
  read(object, "name", spec.name);
  read(object, "api", spec.api);
  read(object, "base_url", spec.base_url);
  read(object, "strict_tools", spec.strict_tools);
  read(object, "reasoning_replay", spec.reasoning_replay);
  read(object, "split_think", spec.split_think);
  read(object, "stream", spec.stream);
  if (const json::value* options = object.if_contains("options")) spec.options = read_options(options->as_object());
  return spec;
}

ToolDescription read_tool(const json::object& object) {
  only(object, {"name", "description", "parameters"});
  ToolDescription tool;
  read(object, "name", tool.name);
  read(object, "description", tool.description);
  if (const json::value* parameters = object.if_contains("parameters")) tool.parameters = parameters->as_object();
  return tool;
}

ToolChoice read_choice(std::string_view word) {
  if (word == "none") return ToolChoice::none;
  if (word == "required") return ToolChoice::required;
  if (word == "automatic") return ToolChoice::automatic;
  throw std::runtime_error("tool_choice is automatic, none or required, not " + std::string(word));
}

void read_request(const json::object& object, GoldenRequest& request) {
  only(object, {"instructions", "messages", "tools", "output", "options", "tool_choice"});
  read(object, "instructions", request.instructions);
  for (const json::value& message : object.at("messages").as_array()) {
    request.messages.push_back(message_from_json(message));
  }
  if (const json::value* tools = object.if_contains("tools")) {
    for (const json::value& tool : tools->as_array()) request.tools.push_back(read_tool(tool.as_object()));
  }
  if (const json::value* output = object.if_contains("output")) request.output = output->as_object();
  if (const json::value* options = object.if_contains("options")) request.options = read_options(options->as_object());
  if (const json::value* choice = object.if_contains("tool_choice")) request.choice = read_choice(choice->as_string());
}

GoldenRequest read_golden(const std::filesystem::path& file) {
  try {
    const std::optional<json::value> document = parse_exact(read_file(file));
    if (!document) throw std::runtime_error("not JSON");
    const json::object& golden = document->as_object();
    only(golden, {"about", "source", "model", "request", "body"});
    GoldenRequest request;
    request.name = (file.parent_path().filename() / file.stem()).string();
    request.spec = read_spec(golden.at("model").as_object());
    read_request(golden.at("request").as_object(), request);
    request.body = golden.at("body");
    return request;
  } catch (const std::exception& problem) {
    throw std::runtime_error(file.string() + ": " + problem.what());
  }
}

std::vector<GoldenRequest> golden_requests() {
  std::vector<std::filesystem::path> files;
  const auto folder = std::filesystem::path(SENNIT_SOURCE_DIR) / "tests" / "conformance" / "requests";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<GoldenRequest> requests;
  for (const std::filesystem::path& file : files) requests.push_back(read_golden(file));
  return requests;
}

/// What a provider compares with what it kept: the body without the marks for it, which move on, and without the
/// brackets that close the conversation.
std::string kept(const std::string& body, bool open) {
  static const std::regex kMark(R"re(,"cache_control":\{[^}]*\})re");
  std::string text = std::regex_replace(body, kMark, "");
  while (open && !text.empty() && std::string_view("]}\"").find(text.back()) != std::string_view::npos) text.pop_back();
  return text;
}

/// Where turns of the conversation end: what follows is no more of the same, and answers no call.
std::vector<std::size_t> ends_of_turns(const GoldenRequest& request, const WireModel& model) {
  const std::vector<Message>& messages = request.messages;
  const auto is_user = [](const Message& message) { return message.role == Role::user; };
  const auto last = std::find_if(messages.rbegin(), messages.rend(), is_user);
  const auto running = static_cast<std::size_t>(messages.rend() - last);
  std::vector<std::size_t> ends;
  bool begun = false;
  for (std::size_t i = 1; i < messages.size(); ++i) {
    begun = begun || messages[i - 1].role != Role::system;
    if (!begun || messages[i].role == messages[i - 1].role || messages[i].role == Role::tool) continue;
    // What was thought in a turn of before is left out where it shall be sent within its turn only.
    if (model.replay == ReasoningReplay::within_turn && i < running) continue;
    ends.push_back(i);
  }
  return ends;
}

TEST_CASE("requests are written as the providers' documents have them") {
  for (const GoldenRequest& request : golden_requests()) {
    DYNAMIC_SECTION(request.name) {
      const std::string body = request.written(request.model(), request.messages.size());
      INFO(body);
      INFO(json::serialize(request.body));
      const std::optional<json::value> parsed = parse_exact(body);
      REQUIRE(parsed);
      CHECK(*parsed == request.body);
    }
  }
}

TEST_CASE("the same request is the same bytes") {
  for (const GoldenRequest& request : golden_requests()) {
    INFO(request.name);
    const WireModel model = request.model();
    const std::string body = request.written(model, request.messages.size());
    CHECK(request.written(model, request.messages.size()) == body);
    CHECK(request.written(request.model(), request.messages.size()) == body);
  }
}

TEST_CASE("a conversation that grows keeps its beginning, byte by byte, but for the marks of caches") {
  for (const GoldenRequest& request : golden_requests()) {
    const WireModel model = request.model();
    const std::string whole = kept(request.written(model, request.messages.size()), false);
    for (const std::size_t end : ends_of_turns(request, model)) {
      INFO(request.name << ", cut after " << end << " messages");
      const std::string beginning = kept(request.written(model, end), true);
      INFO(whole);
      CHECK(whole.substr(0, beginning.size()) == beginning);
    }
  }
}

}  // namespace
}  // namespace sennit::testing
