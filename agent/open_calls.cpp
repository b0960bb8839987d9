#include <sennit/agent/open_calls.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace sennit {
namespace {

constexpr const char* kUnknown =
    "the program ended while this ran: it is not known whether it was done; find out before you do it again";

/// What the journal has of a call: nothing, where it was only begun.
using CallRecords = std::map<std::string, std::optional<json::value>, std::less<>>;

CallRecords call_records(const std::vector<JournalEntry>& journal) {
  std::map<std::string, std::string, std::less<>> calls;  // by effect
  CallRecords records;
  for (const JournalEntry& entry : journal) {
    // A sub-agent's calls are in a conversation of its own.
    if (entry.kind != "tool" || entry.effect.find('/') != std::string::npos) continue;
    const std::optional<json::value> data = parse_json(entry.data);
    if (!data) continue;
    const json::value* in = find(*data, "in");
    const json::value* call = in == nullptr ? nullptr : find(*in, "call");
    if (call != nullptr && call->is_string()) {
      std::string& id = calls[entry.effect];
      id = std::string(call->get_string());
      records.try_emplace(id);
    }
    const auto known = calls.find(entry.effect);
    const json::value* out = find(*data, "out");
    if (known != calls.end() && out != nullptr) records[known->second] = *out;
  }
  return records;
}

void take(const json::value& out, ToolResult& result) {
  if (const json::value* error = find(out, "error")) {
    result.content = "it failed: " + std::string(find_string(*error, "message"));
    return;
  }
  const json::value* is_error = find(out, "is_error");
  result.content = std::string(find_string(out, "content"));
  result.is_error = is_error != nullptr && *is_error == json::value(true);
}

std::vector<const ToolCall*> left_open(const std::vector<Message>& conversation) {
  std::vector<const ToolCall*> open;
  const auto is_calling = [](const Message& message) { return !message.tool_calls().empty(); };
  const auto last = std::find_if(conversation.rbegin(), conversation.rend(), is_calling);
  if (last == conversation.rend()) return open;
  open = last->tool_calls();
  for (auto message = last.base(); message != conversation.end(); ++message) {
    for (const Part& part : message->parts) {
      const auto* result = std::get_if<ToolResult>(&part);
      if (result != nullptr) std::erase_if(open, [&](const ToolCall* call) { return call->id == result->call_id; });
    }
  }
  return open;
}

}  // namespace

std::vector<Message> closing_messages(const std::vector<Message>& conversation,
                                      const std::vector<JournalEntry>& journal, std::string_view otherwise) {
  std::vector<Message> messages;
  const std::vector<const ToolCall*> open = left_open(conversation);
  if (open.empty()) return messages;
  const CallRecords records = call_records(journal);
  for (const ToolCall* call : open) {
    ToolResult result{call->id, call->name, std::string(otherwise), true};
    if (const auto known = records.find(call->id); known != records.end()) {
      result.content = kUnknown;
      if (known->second) take(*known->second, result);
    }
    messages.push_back(tool_message(std::move(result)));
  }
  return messages;
}

}  // namespace sennit
