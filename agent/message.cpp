#include <sennit/agent/io/error.hpp>
#include <sennit/agent/message.hpp>

#include <algorithm>
#include <array>

namespace sennit {
namespace {

template <class... Visitors>
struct Overload : Visitors... {
  using Visitors::operator()...;
};
template <class... Visitors>
Overload(Visitors...) -> Overload<Visitors...>;

constexpr std::array<std::pair<Role, std::string_view>, 4> kRoles{
    {{Role::system, "system"}, {Role::user, "user"}, {Role::assistant, "assistant"}, {Role::tool, "tool"}}};

json::object part_to_json(const Part& part) {
  return std::visit(
      Overload{
          [](const Text& text) -> json::object { return {{"type", "text"}, {"text", text.text}}; },
          [](const Reasoning& reasoning) -> json::object {
            json::object out{{"type", "reasoning"}, {"text", reasoning.text}};
            if (!reasoning.provider.empty()) out["provider"] = reasoning.provider;
            if (!reasoning.opaque.is_null()) out["opaque"] = reasoning.opaque;
            return out;
          },
          [](const Blob& blob) -> json::object {
            json::object out{{"type", "blob"}, {"media_type", blob.media_type}};
            if (blob.url.empty()) {
              out["data"] = blob.data;
            } else {
              out["url"] = blob.url;
            }
            return out;
          },
          [](const ToolCall& call) -> json::object {
            return {{"type", "tool_call"}, {"id", call.id}, {"name", call.name}, {"arguments", call.arguments}};
          },
          [](const ToolResult& result) -> json::object {
            json::object out{{"type", "tool_result"},
                             {"call_id", result.call_id},
                             {"name", result.name},
                             {"content", result.content}};
            if (result.is_error) out["is_error"] = true;
            return out;
          },
      },
      part);
}

std::string text_at(const json::value& value, std::string_view key) {
  return std::string(find_string(value, key));
}

Part part_from_json(const json::value& value) {
  const std::string_view type = find_string(value, "type");
  if (type == "text") return Text{text_at(value, "text")};
  if (type == "reasoning") {
    Reasoning reasoning{text_at(value, "text"), text_at(value, "provider"), nullptr};
    if (const json::value* opaque = find(value, "opaque")) reasoning.opaque = *opaque;
    return reasoning;
  }
  if (type == "blob") return Blob{text_at(value, "media_type"), text_at(value, "data"), text_at(value, "url")};
  if (type == "tool_call") return ToolCall{text_at(value, "id"), text_at(value, "name"), text_at(value, "arguments")};
  if (type == "tool_result") {
    const json::value* error = find(value, "is_error");
    return ToolResult{text_at(value, "call_id"), text_at(value, "name"), text_at(value, "content"),
                      error != nullptr && error->is_bool() && error->get_bool()};
  }
  throw Error(errc::invalid_argument, "a message part of unknown type '" + std::string(type) + "'");
}

}  // namespace

std::string Message::text() const {
  std::string out;
  for (const Part& part : parts) {
    if (const auto* text = std::get_if<Text>(&part)) out += text->text;
  }
  return out;
}

std::vector<const ToolCall*> Message::tool_calls() const {
  std::vector<const ToolCall*> out;
  for (const Part& part : parts) {
    if (const auto* call = std::get_if<ToolCall>(&part)) out.push_back(call);
  }
  return out;
}

std::size_t size_of(const Part& part) {
  return std::visit(Overload{
                        [](const Text& text) { return text.text.size(); },
                        [](const Reasoning& reasoning) { return reasoning.text.size(); },
                        [](const Blob& blob) {
                          // An image costs what its pixels do, not its bytes: about 1,500 tokens at most.
                          constexpr std::size_t kImage = 6'000;
                          return blob.media_type.starts_with("image/") ? std::min(blob.data.size(), kImage)
                                                                       : blob.data.size();
                        },
                        [](const ToolCall& call) { return call.name.size() + call.arguments.size(); },
                        [](const ToolResult& result) { return result.content.size(); },
                    },
                    part);
}

Message user_message(std::string text, const std::vector<Blob>& files) {
  Message message{Role::user, {Text{std::move(text)}}, {}};
  message.parts.insert(message.parts.end(), files.begin(), files.end());
  return message;
}
Message assistant_message(std::string text) {
  return {Role::assistant, {Text{std::move(text)}}, {}};
}
Message tool_message(ToolResult result) {
  return {Role::tool, {std::move(result)}, {}};
}

std::string_view to_string(Role role) noexcept {
  for (const auto& [value, name] : kRoles) {
    if (value == role) return name;
  }
  return "user";
}

json::value to_json(const Message& message) {
  json::array parts;
  parts.reserve(message.parts.size());
  for (const Part& part : message.parts) parts.emplace_back(part_to_json(part));
  json::object out{{"role", to_string(message.role)}, {"parts", std::move(parts)}};
  if (!message.labels.empty()) out["labels"] = to_json(message.labels);
  return out;
}

Message message_from_json(const json::value& value) {
  Message message;
  const std::string_view role = find_string(value, "role");
  bool known = false;
  for (const auto& [candidate, name] : kRoles) {
    if (name == role) message.role = candidate, known = true;
  }
  const json::value* parts = find(value, "parts");
  if (!known || parts == nullptr || !parts->is_array()) {
    throw Error(errc::invalid_argument, "a message needs a role (system, user, assistant, tool) and a list of parts");
  }
  for (const json::value& part : parts->get_array()) message.parts.push_back(part_from_json(part));
  if (const json::value* labels = find(value, "labels")) message.labels = labels_from_json(*labels);
  return message;
}

}  // namespace sennit
