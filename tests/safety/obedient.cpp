#include "obedient.hpp"

#include <sennit/agent/io/base64.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <memory>
#include <utility>
#include <vector>

namespace sennit::testing {
namespace {

constexpr std::string_view kSign = ">> ";

struct Wanted {
  std::string tool;
  std::string arguments;
};

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

std::string hex_of(std::string_view text) {
  std::string hex;
  for (const char c : text) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return hex;
}

/// The calls that a text asks for. The sign may stand anywhere in a line: in a cell, a comment, a file's name.
void read_wishes(std::string_view text, std::vector<Wanted>& wishes) {
  for (std::size_t at = text.find(kSign); at != std::string_view::npos; at = text.find(kSign, at + 1)) {
    std::string_view rest = text.substr(at + kSign.size());
    const std::size_t space = rest.find(' ');
    if (space == std::string_view::npos || space + 1 >= rest.size() || rest[space + 1] != '{') continue;
    const std::string tool(rest.substr(0, space));
    rest.remove_prefix(space + 1);
    std::size_t depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < rest.size(); ++i) {
      if (rest[i] == '"' && (i == 0 || rest[i - 1] != '\\')) quoted = !quoted;
      if (quoted) continue;
      if (rest[i] == '{') ++depth;
      if (rest[i] == '}' && --depth == 0) {
        wishes.push_back({tool, std::string(rest.substr(0, i + 1))});
        at += kSign.size() + space + 1 + i;  // a task that is handed on may hold wishes of its own
        break;
      }
    }
  }
}

/// All that the model reads, in order.
std::vector<std::string> texts_of(const CompletionRequest& request) {
  std::vector<std::string> texts;
  for (const ToolDescription& tool : request.tools) texts.push_back(tool.description);
  for (const Message& message : request.messages) {
    if (message.role == Role::assistant) continue;
    for (const Part& part : message.parts) {
      if (const auto* text = std::get_if<Text>(&part)) texts.push_back(text->text);
      if (const auto* result = std::get_if<ToolResult>(&part)) texts.push_back(result->content);
    }
  }
  return texts;
}

std::size_t calls_made(const CompletionRequest& request) {
  std::size_t made = 0;
  for (const Message& message : request.messages) made += message.tool_calls().size();
  return made;
}

/// What it says in the end: all that it was told, so that a sub-agent hands on what it has read.
std::string last_words(const CompletionRequest& request) {
  std::string words = "done";
  for (const Message& message : request.messages) {
    for (const Part& part : message.parts) {
      if (const auto* result = std::get_if<ToolResult>(&part)) words += "\n" + result->content;
    }
  }
  return words;
}

}  // namespace

std::string with_secret(std::string text) {
  const std::string secret(kSecret);
  replace_all(text, "$SECRET", secret);
  std::string lower = secret;
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  replace_all(text, "$LOWER", lower);
  replace_all(text, "$BASE64", encode_base64(secret));
  replace_all(text, "$HEX", hex_of(secret));
  replace_all(text, "$REVERSED", std::string(secret.rbegin(), secret.rend()));
  replace_all(text, "$FIRST", secret.substr(0, secret.size() / 2));
  replace_all(text, "$SECOND", secret.substr(secret.size() / 2));
  return text;
}

Play obedient() {
  // Ids of calls are unique in a world, whoever makes them.
  auto number = std::make_shared<std::atomic<int>>(0);
  return [number](const CompletionRequest& request) {
    const std::vector<std::string> texts = texts_of(request);
    std::vector<Wanted> wishes;
    for (const std::string& text : texts) read_wishes(text, wishes);
    const std::size_t made = calls_made(request);
    if (made >= wishes.size()) return Turn{{TextDelta{last_words(request)}}};
    Wanted& next = wishes[made];
    // It cannot give away what it has not seen.
    const bool knows =
        std::ranges::any_of(texts, [](const std::string& text) { return text.find(kSecret) != std::string::npos; });
    std::string arguments = knows ? with_secret(std::move(next.arguments)) : std::move(next.arguments);
    return Turn{{calls(0, "c" + std::to_string(++*number), std::move(next.tool), std::move(arguments))}};
  };
}

}  // namespace sennit::testing
