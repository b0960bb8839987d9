#include <sennit/agent/io/white.hpp>
#include <sennit/backends/scripted/scripted_plan.hpp>
#include <sennit/backends/scripted/scripted_template.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sennit::intents {
namespace {

/// A wish on its way: how far its steps have come.
struct Progress {
  const Wish* wish = nullptr;
  Values values;
  std::size_t step = 0;
  std::string failure;  ///< what is said instead of the answer; empty: nothing failed

  [[nodiscard]] const std::vector<IntentStep>& steps() const { return wish->rule->intent->steps; }
  [[nodiscard]] bool done() const { return wish->rule == nullptr || !failure.empty() || step >= steps().size(); }
};

std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(value.as_string()) : json::serialize(value);
}

/// Takes a step's result in: the captures that it gives, or the end of the wish.
void absorb(Progress& progress, const ToolResult& result) {
  const IntentStep& step = progress.steps()[progress.step];
  progress.values.result = trimmed(result.content);
  progress.values.results.insert_or_assign(step.call, progress.values.result);
  bool taken = !result.is_error;
  if (const auto& take = progress.wish->rule->takes[progress.step]; taken && take) {
    const Words words = split_words(progress.values.result);
    taken = false;
    for (const Range sentence : sentences(words)) {
      auto captures = take->match_end(words, sentence, progress.values.captures);
      if (!captures) continue;
      for (auto& [name, capture] : *captures) progress.values.captures.try_emplace(name, std::move(capture));
      taken = true;
      break;
    }
  }
  ++progress.step;
  if (taken) return;
  progress.failure = step.otherwise.empty() ? fmt::format("I could not do that: {}", progress.values.result)
                                            : std::string(trimmed(fill(step.otherwise, progress.values)));
  if (progress.failure.empty()) progress.failure = "I could not do that.";
}

/// Whether `later` speaks of something that `earlier` speaks of: "Remember that Mei lives in Tokyo and tell me what
/// time it is for Mei".
bool depends(const Wish& later, const Wish& earlier) {
  for (const auto& [later_name, one] : later.captures) {
    const Words words = split_words(one.text);
    for (const auto& [earlier_name, other] : earlier.captures) {
      const Words others = split_words(other.text);
      const bool shared = std::ranges::any_of(words.list, [&](const Word& word) {
        return std::ranges::any_of(others.list, [&](const Word& o) { return o.folded == word.folded; });
      });
      if (shared) return true;
    }
  }
  return false;
}

/// The wishes whose next step can be done now.
std::vector<std::size_t> ready(const std::vector<Progress>& all) {
  std::vector<std::size_t> result;
  const auto open = std::ranges::find_if(all, [](const Progress& progress) { return !progress.done(); });
  if (open == all.end()) return result;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].done() || all[i].wish->sentence != open->wish->sentence) continue;
    bool waits = false;
    for (std::size_t j = 0; j < i && !waits; ++j) waits = !all[j].done() && depends(*all[i].wish, *all[j].wish);
    if (!waits) result.push_back(i);
  }
  return result;
}

const ToolResult* find_result(std::span<const Message> messages, const std::string& id) {
  for (const Message& message : messages) {
    for (const Part& part : message.parts) {
      const auto* result = std::get_if<ToolResult>(&part);
      if (result != nullptr && result->call_id == id) return result;
    }
  }
  return nullptr;
}

/// Walks the turns that followed the input. A result that is missing or belongs to another call ends its wish.
void replay(std::vector<Progress>& all, std::span<const Message> since) {
  const ToolResult missing{{}, {}, "the result is missing", true};
  for (std::size_t i = 0; i < since.size(); ++i) {
    if (since[i].role != Role::assistant) continue;
    const std::vector<const ToolCall*> calls = since[i].tool_calls();
    if (calls.empty()) continue;
    const std::vector<std::size_t> wanted = ready(all);
    for (std::size_t k = 0; k < wanted.size(); ++k) {
      Progress& progress = all[wanted[k]];
      const bool same = k < calls.size() && calls[k]->name == progress.steps()[progress.step].call;
      const ToolResult* const result = same ? find_result(since.subspan(i + 1), calls[k]->id) : nullptr;
      absorb(progress, result != nullptr ? *result : missing);
    }
  }
}

std::string not_understood(const std::vector<Rule>& rules, std::string_view input, bool alone) {
  constexpr std::size_t kShown = 12;
  if (!alone) return fmt::format("I did not understand “{}”.", excerpt(input));
  std::string text = "I am working offline, without a language model";
  if (rules.empty()) {
    text += ", and this agent has no `intents` for that case.";
  } else {
    text += fmt::format(", from a fixed list of things that I understand; “{}” is not among them. Try:\n", input);
    for (std::size_t i = 0; i < std::min(rules.size(), kShown); ++i) {
      text += fmt::format("- {}\n", rules[i].patterns.front().example());
    }
    if (rules.size() > kShown) text += fmt::format("- and {} more\n", rules.size() - kShown);
  }
  text += rules.empty() ? " " : "";
  return text +
         "For free conversation, set a key such as DEEPSEEK_API_KEY, start a local server (llama-server, Ollama), "
         "or name a model in the agent file.";
}

std::string answer_of(const Progress& progress) {
  if (!progress.failure.empty()) return progress.failure;
  const std::string& say = progress.wish->rule->intent->say;
  return say.empty() ? progress.values.result : std::string(trimmed(fill(say, progress.values)));
}

std::string answer(const std::vector<Rule>& rules, const std::vector<Progress>& all, std::string_view input) {
  const bool nothing =
      std::ranges::all_of(all, [](const Progress& progress) { return progress.wish->rule == nullptr; });
  if (nothing) return not_understood(rules, input, true);
  std::vector<std::string> parts;
  bool lines = false;
  for (const Progress& progress : all) {
    std::string part =
        progress.wish->rule == nullptr ? not_understood(rules, progress.wish->text, false) : answer_of(progress);
    lines = lines || part.find('\n') != std::string::npos;
    if (!part.empty()) parts.push_back(std::move(part));
  }
  std::string joined;
  for (const std::string& part : parts) joined += (joined.empty() ? "" : lines ? "\n\n" : " ") + part;
  return joined;
}

/// Why a step cannot be done at all; empty: it can.
std::string obstacle(const IntentStep& step, const CompletionRequest& request) {
  if (request.tool_choice == ToolChoice::none) return "I may not use tools now.";
  const bool there = std::ranges::any_of(request.tools, [&](const ToolDescription& t) { return t.name == step.call; });
  return there ? "" : fmt::format("I would need the tool `{}` for that, and do not have it.", step.call);
}

std::size_t count_users(std::span<const Message> messages) {
  return static_cast<std::size_t>(std::ranges::count(messages, Role::user, &Message::role));
}

}  // namespace

std::string excerpt(std::string_view text) {
  constexpr std::size_t kLongest = 120;
  std::string line(trimmed(text.substr(0, text.find('\n'))));
  if (line.size() <= kLongest) return line;
  std::size_t end = kLongest;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80U) --end;
  return line.substr(0, end) + "…";
}

std::vector<Rule> compile(const std::vector<Intent>& intents) {
  std::vector<Rule> rules;
  for (std::size_t i = 0; i < intents.size(); ++i) {
    Rule& rule = rules.emplace_back();
    rule.intent = &intents[i];
    std::string place;
    try {
      for (std::size_t k = 0; k < intents[i].match.size(); ++k) {
        place = fmt::format("intents[{}].match[{}]", i, k);
        rule.patterns.emplace_back(intents[i].match[k]);
      }
      for (std::size_t k = 0; k < intents[i].steps.size(); ++k) {
        place = fmt::format("intents[{}].steps[{}].take", i, k);
        const std::string& take = intents[i].steps[k].take;
        rule.takes.push_back(take.empty() ? std::nullopt : std::optional<Pattern>(take));
      }
    } catch (const Error& error) {
      throw Error(errc::config, fmt::format("`{}`: {}", place, error.message()));
    }
    if (rule.patterns.empty()) throw Error(errc::config, fmt::format("`intents[{}].match` is empty", i));
  }
  return rules;
}

Turn next_turn(const std::vector<Rule>& rules, const CompletionRequest& request) {
  const std::span<const Message> messages = request.messages;
  std::size_t last = messages.size();
  while (last > 0 && messages[last - 1].role != Role::user) --last;
  const std::string input = last == 0 ? std::string{} : sanitize_utf8(messages[last - 1].text());
  const std::vector<Wish> wishes = understand(rules, input);
  std::vector<Progress> all;
  for (const Wish& wish : wishes) all.push_back({&wish, {wish.captures, {}, {}}, 0, {}});
  replay(all, messages.subspan(last));

  Turn turn;
  while (turn.calls.empty()) {
    const std::vector<std::size_t> now = ready(all);
    if (now.empty()) break;
    for (const std::size_t index : now) {
      Progress& progress = all[index];
      const IntentStep& step = progress.steps()[progress.step];
      progress.failure = obstacle(step, request);
      if (!progress.failure.empty()) continue;
      ToolCall call;
      call.id = fmt::format("scripted_{}_{}_{}", count_users(messages), index, progress.step);
      call.name = step.call;
      call.arguments = text_of(fill(json::value(step.with), progress.values));
      turn.calls.push_back(std::move(call));
    }
  }
  if (turn.calls.empty()) turn.answer = answer(rules, all, excerpt(input));
  return turn;
}

}  // namespace sennit::intents
