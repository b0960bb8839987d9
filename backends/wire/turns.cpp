#include <sennit/agent/io/fnv1a.hpp>
#include <sennit/agent/io/white.hpp>
#include <sennit/backends/wire/turns.hpp>
#include <sennit/backends/wire/wire_json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sennit {

namespace {

constexpr std::size_t kLongestName = 64;  ///< of a function, and of an id

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

}  // namespace

std::string Turn::text() const {
  std::string all;
  for (const Part* part : parts) {
    if (const auto* text = std::get_if<Text>(part)) all += text->text;
  }
  return all;
}

std::vector<const ToolCall*> Turn::tool_calls() const {
  std::vector<const ToolCall*> calls;
  for (const Part* part : parts) {
    if (const auto* call = std::get_if<ToolCall>(part)) calls.push_back(call);
  }
  return calls;
}

Turns::Turns(std::span<const Message> messages, const std::function<bool(const Turn& turn)>& says_nothing) {
  const auto last_user = std::find_if(messages.rbegin(), messages.rend(),
                                      [](const Message& message) { return message.role == Role::user; });
  const auto running_from = static_cast<std::size_t>(messages.rend() - last_user);
  for (std::size_t i = 0; i < messages.size();) {
    const Message& message = messages[i++];
    if (message.role == Role::tool) {
      i = answer(messages, i - 1, {});
      continue;
    }
    if (message.role != Role::assistant) {
      say(message.role, message);
      continue;
    }
    Turn turn{Role::assistant, {}, {}, i > running_from};
    for (const Part& part : message.parts) turn.parts.push_back(&part);
    const std::vector<const ToolCall*> calls = turn.tool_calls();
    if (!calls.empty() || !says_nothing(turn)) turns_.push_back(std::move(turn));
    i = answer(messages, i, calls);
  }
}

/// What a person said in several messages (a note and a question, a question that was cancelled and the next) is one
/// turn: many chat templates want user and assistant in turn.
void Turns::say(Role role, const Message& message) {
  const bool goes_on = role == Role::user && !turns_.empty() && turns_.back().role == Role::user;
  Turn& turn = goes_on ? turns_.back() : turns_.emplace_back(Turn{role, {}, {}, false});
  if (goes_on && !turn.parts.empty() && !message.parts.empty()) {
    turn.parts.push_back(&added_.emplace_back(Text{"\n\n"}));
  }
  for (const Part& part : message.parts) turn.parts.push_back(&part);
}

/// Takes the tool messages from `next` on and answers the calls that they leave open. A result without its call becomes
/// something that the person says. Returns the place of the first message that is something else.
std::size_t Turns::answer(std::span<const Message> messages, std::size_t next,
                          const std::vector<const ToolCall*>& calls) {
  std::vector<const ToolResult*> results(calls.size(), nullptr);
  std::vector<const ToolResult*> orphans;
  for (; next < messages.size() && messages[next].role == Role::tool; ++next) {
    for (const Part& part : messages[next].parts) {
      const auto* result = std::get_if<ToolResult>(&part);
      if (result == nullptr) continue;
      std::size_t place = 0;
      while (place < calls.size() && (results[place] != nullptr || calls[place]->id != result->call_id)) ++place;
      if (place < calls.size()) {
        results[place] = result;
      } else {
        orphans.push_back(result);
      }
    }
  }
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (results[i] != nullptr) continue;
    added_.emplace_back(ToolResult{calls[i]->id, calls[i]->name, "the call was not carried out", true});
    results[i] = &std::get<ToolResult>(added_.back());
  }
  if (!results.empty()) turns_.push_back(Turn{Role::tool, {}, std::move(results), false});
  for (const ToolResult* orphan : orphans) {
    Part& said = added_.emplace_back(Text{"Result of the tool " + orphan->name + ": " + orphan->content});
    const bool goes_on = !turns_.empty() && turns_.back().role == Role::user;
    if (goes_on) turns_.back().parts.push_back(&added_.emplace_back(Text{"\n\n"}));
    if (!goes_on) turns_.emplace_back();
    turns_.back().parts.push_back(&said);
  }
  return next;
}

std::size_t leading_system(std::span<const Message> messages) {
  const auto first = std::ranges::find_if(messages, [](const Message& m) { return m.role != Role::system; });
  return static_cast<std::size_t>(first - messages.begin());
}

std::string wire_function_name(std::string_view name) {
  if (name.empty()) return "invalid";
  std::string out(name.substr(0, kLongestName));
  std::ranges::replace_if(out, [](char c) { return !is_plain(c); }, '_');
  return out;
}

std::string wire_call_id(std::string_view id, std::string_view also) {
  const auto accepted = [also](char c) { return is_plain(c) || also.find(c) != std::string_view::npos; };
  if (!id.empty() && id.size() <= kLongestName && std::ranges::all_of(id, accepted)) return std::string(id);
  return fmt::format("call_{:016x}", fnv1a(id));
}

std::string short_call_id(std::string_view id, std::size_t length) {
  constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  if (id.size() == length && id.find_first_not_of(kDigits) == std::string_view::npos) return std::string(id);
  std::string out;
  std::uint64_t rest = fnv1a(id);
  while (out.size() < length) {
    if (rest == 0) rest = fnv1a(std::string(id) + out);
    out += kDigits[rest % kDigits.size()];
    rest /= kDigits.size();
  }
  return out;
}

std::string wire_arguments(std::string_view arguments) {
  const json::value* parsed = parse_scratch(arguments);
  if (parsed != nullptr && parsed->is_object()) return std::string(arguments);
  if (is_blank(arguments)) return "{}";
  std::string wrapped = "{\"invalid_arguments\":";
  append_json_string(wrapped, arguments);
  wrapped += '}';
  return wrapped;
}

void append_wire_arguments(std::string& out, std::string_view arguments) {
  const std::string object = wire_arguments(arguments);
  if (parse_exact(object)) {
    out += object;
  } else if (const json::value* repaired = parse_scratch(object)) {
    append_json(out, *repaired);
  }
}

std::string_view wire_result(const ToolResult& result) {
  if (!result.content.empty()) return result.content;
  return result.is_error ? "failed" : "(no output)";
}

std::string wire_result_in_words(const ToolResult& result) {
  return fmt::format("{}{}", result.is_error ? "Error: " : "", wire_result(result));
}

std::string wire_url(const Blob& blob) {
  return blob.url.empty() ? fmt::format("data:{};base64,{}", blob.media_type, blob.data) : blob.url;
}

}  // namespace sennit
