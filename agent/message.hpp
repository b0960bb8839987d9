// What a conversation is made of. Provider quirks are translated at the edge, in the backend, and nowhere else.
#pragma once

#include <sennit/agent/io/json.hpp>
#include <sennit/agent/labels.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sennit {

enum class Role { system, user, assistant, tool };

struct Text {
  std::string text;
  friend bool operator==(const Text&, const Text&) = default;
};

/// What a model thought before it answered.
struct Reasoning {
  std::string text;
  /// The backend that produced it: only that one gets the text and the opaque block back.
  std::string provider;
  /// A signature or an encrypted block, returned to the provider exactly as it came; null if there is none.
  json::value opaque;
  friend bool operator==(const Reasoning&, const Reasoning&) = default;
};

/// An image or another file: either bytes (base64) or a URL.
struct Blob {
  std::string media_type;
  std::string data;  ///< base64, empty if `url` is set
  std::string url;
  friend bool operator==(const Blob&, const Blob&) = default;
};

struct ToolCall {
  std::string id;  ///< unique within the conversation; invented by the run where a server sends none
  std::string name;
  std::string arguments;  ///< JSON text exactly as the model wrote it; may be invalid, "" means {}
  friend bool operator==(const ToolCall&, const ToolCall&) = default;
};

struct ToolResult {
  std::string call_id;
  std::string name;
  std::string content;
  bool is_error = false;
  friend bool operator==(const ToolResult&, const ToolResult&) = default;
};

using Part = std::variant<Text, Reasoning, Blob, ToolCall, ToolResult>;

/// The bytes of its texts, roughly: for estimates.
[[nodiscard]] std::size_t size_of(const Part& part);

struct Message {
  Role role = Role::user;
  std::vector<Part> parts;
  Labels labels{};  ///< of what it is made of

  /// All text parts, joined without separator.
  [[nodiscard]] std::string text() const;
  /// All tool calls, in order. Pointers into this message.
  [[nodiscard]] std::vector<const ToolCall*> tool_calls() const;

  friend bool operator==(const Message&, const Message&) = default;
};

[[nodiscard]] Message user_message(std::string text, const std::vector<Blob>& files = {});
[[nodiscard]] Message assistant_message(std::string text);
[[nodiscard]] Message tool_message(ToolResult result);

[[nodiscard]] std::string_view to_string(Role role) noexcept;

/// JSON both ways, in the shape that the store and exports keep:
/// {"role":"assistant","parts":[{"type":"text","text":"…"},{"type":"tool_call","id":…,"name":…,"arguments":"…"}]}
/// message_from_json throws Error(errc::invalid_argument) on anything else.
[[nodiscard]] json::value to_json(const Message& message);
[[nodiscard]] Message message_from_json(const json::value& value);

}  // namespace sennit
