#include <sennit/agent/typed_tool.hpp>
#include <sennit/tools/ask.hpp>
#include <sennit/tools/options.hpp>

#include <charconv>
#include <string>
#include <string_view>
#include <utility>

namespace sennit {
namespace {

constexpr std::size_t kMaxQuestion = 4000;  // characters: what a person reads before answering
constexpr std::size_t kMaxChoice = 400;     // bytes of one answer to choose

struct NoOptions {};
SENNIT_DESCRIBE(NoOptions)

struct AskArguments {
  std::string question;
  std::vector<std::string> choices;
};
SENNIT_DESCRIBE(AskArguments, (question, "one clear question", {.min_length = 1, .max_length = kMaxQuestion}),
                (choices, "answers to choose from; the person may also answer in other words",
                 {.max_length = 20, .required = false}))

/// The question as the person reads it, choices numbered.
std::string question_text(const AskArguments& arguments) {
  std::string text = arguments.question;
  for (std::size_t i = 0; i < arguments.choices.size(); ++i) {
    text += "\n  " + std::to_string(i + 1) + ". " + arguments.choices[i];
  }
  return text;
}

/// A number means that choice; everything else is the person's own words.
std::string chosen(std::string answer, const std::vector<std::string>& choices) {
  const std::size_t begin = answer.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return answer;
  std::string_view words(answer);
  words = words.substr(begin, answer.find_last_not_of(" \t\r\n.)") + 1 - begin);
  std::size_t number = 0;
  const auto [end, failed] = std::from_chars(words.data(), words.data() + words.size(), number);
  const bool whole = failed == std::errc{} && end == words.data() + words.size();
  return whole && number >= 1 && number <= choices.size() ? choices[number - 1] : answer;
}

asio::awaitable<std::string> ask(AskArguments arguments, ToolContext& context) {
  for (const std::string& choice : arguments.choices) {
    if (choice.empty() || choice.size() > kMaxChoice) {
      throw Error(errc::invalid_argument, "each choice has 1 to " + std::to_string(kMaxChoice) + " bytes");
    }
  }
  asio::awaitable<std::string> pending = context.ask(question_text(arguments));
  std::string answer = co_await std::move(pending);
  co_return chosen(std::move(answer), arguments.choices);
}

}  // namespace

std::vector<std::shared_ptr<Tool>> make_ask_tools(const json::object& options, const PartContext& /*context*/) {
  (void)read_options<NoOptions>(options, "ask");
  // Two questions at once confuse people.
  const ToolTraits traits{.repeat = Repeat::replayed, .timeout = milliseconds{0}, .concurrency = 1};
  return {make_tool(
      "ask", "Asks the person who uses you, and waits for the answer. Use it where only they can know or decide.", &ask,
      traits)};
}

}  // namespace sennit
