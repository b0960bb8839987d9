#include <sennit/app/transcript.hpp>

#include <variant>

namespace sennit::app {
namespace {

/// A fence that the text does not contain.
std::string fenced(const std::string& text) {
  std::string fence = "```";
  while (text.find(fence) != std::string::npos) fence += '`';
  return fence + "\n" + text + "\n" + fence + "\n";
}

void append(std::string& out, const Part& part) {
  if (const auto* text = std::get_if<Text>(&part)) out += text->text + "\n";
  if (const auto* call = std::get_if<ToolCall>(&part))
    out += "Calls `" + call->name + "`:\n\n" + fenced(call->arguments);
  if (const auto* result = std::get_if<ToolResult>(&part)) {
    out += std::string(result->is_error ? "Failure" : "Result") + " of `" + result->name + "`:\n\n" +
           fenced(result->content);
  }
  if (const auto* blob = std::get_if<Blob>(&part))
    out += "[" + blob->media_type + (blob->url.empty() ? "" : " " + blob->url) + "]\n";
}

}  // namespace

std::string transcript_markdown(const std::vector<Message>& messages) {
  std::string out;
  for (const Message& message : messages) {
    std::string body;
    for (const Part& part : message.parts) append(body, part);
    if (body.empty()) continue;
    if (!out.empty()) out += "\n";
    if (message.role != Role::tool) out += "## " + std::string(to_string(message.role)) + "\n\n";
    out += body;
  }
  return out;
}

std::string transcript_json(const std::vector<Message>& messages) {
  std::string out = "[";
  for (const Message& message : messages) out += (out.size() > 1 ? ",\n " : "\n ") + json::serialize(to_json(message));
  return out + "\n]\n";
}

}  // namespace sennit::app
