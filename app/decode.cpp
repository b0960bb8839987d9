#include <sennit/app/decode.hpp>
#include <sennit/app/exit_code.hpp>
#include <sennit/app/output.hpp>
#include <sennit/backends/replay.hpp>
#include <sennit/backends/wire/answer_reading.hpp>
#include <sennit/backends/wire/wire_json.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sennit::app {

namespace {

struct Arguments {
  std::string api = "chat-completions";
  int status = 200;
  bool split_think = false;
  std::string file;
};

/// Whether the answer has none of the parts that an answer can have.
bool says_nothing(const json::value& value) {
  if (const auto* object = value.if_object()) {
    return std::all_of(object->begin(), object->end(), [](const auto& entry) { return says_nothing(entry.value()); });
  }
  return value.is_null() || (value.is_string() && value.get_string().empty()) ||
         (value.is_array() && value.get_array().empty());
}

int run(const Arguments& arguments) {
  const std::optional<Api> api = parse_api(arguments.api);
  if (!api) {
    std::string known;
    for (const std::string_view name : api_names()) known.append(known.empty() ? "" : ", ").append(name);
    std::fprintf(stderr, "sennit decode: unknown --api %s; known: %s\n", arguments.api.c_str(), known.c_str());
    return 1;
  }
  try {
    const std::string body = read_recording(arguments.file);
    const ReadingOptions options{*api, framing_of(arguments.file), arguments.status, arguments.split_think};
    const json::object answer = read_answer(body, options, {});
    std::string text;
    append_json(text, answer);
    const int printed = print(text + "\n");
    // Servers do send empty answers, so this is no failure.
    if (printed == kExitCompleted && says_nothing(answer)) {
      std::fprintf(stderr, "sennit decode: %s: nothing in it was recognised as an answer of --api %s\n",
                   arguments.file.c_str(), arguments.api.c_str());
    }
    return printed;
  } catch (const Error& error) {
    std::fprintf(stderr, "sennit decode: %s\n", error.describe().c_str());
    return 1;
  }
}

}  // namespace

void add_decode(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("decode", "Show what Sennit reads in a recorded answer of a model server");
  auto arguments = std::make_shared<Arguments>();
  command
      ->add_option("--api", arguments->api,
                   "The protocol of the answer: chat-completions, messages, responses, "
                   "generate-content or ollama-chat")
      ->type_name("NAME");
  command->add_option("--status", arguments->status, "HTTP status of the answer, 100 to 599 (default: 200)")
      ->check(CLI::Range(100, 599))
      ->type_name("CODE");
  command->add_flag("--split-think", arguments->split_think,
                    "Move <think> text into the reasoning, as an agent sees it");
  command->add_option("FILE", arguments->file, "The body; its ending (.sse, .ndjson, .json) tells the framing")
      ->required();
  command->footer("Exit status: 0 where it was read, 1 where it could not be, 2 where the command was used wrongly.\n");
  command->callback([arguments, &exit_code] { exit_code = run(*arguments); });
}

}  // namespace sennit::app
