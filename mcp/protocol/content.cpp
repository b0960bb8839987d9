#include <sennit/mcp/protocol/content.hpp>

#include <fmt/format.h>

namespace sennit::mcp {
namespace {

std::string size_of_base64(std::string_view data) {
  const std::size_t bytes = data.size() / 4 * 3;
  return bytes < 10'000 ? fmt::format("{} bytes", bytes) : fmt::format("{} kB", bytes / 1'000);
}

std::string describe_bytes(std::string_view type, std::string_view data) {
  return fmt::format("[{}, {}]", type.empty() ? "bytes of unknown type" : type, size_of_base64(data));
}

void append(std::string& text, std::string_view more) {
  if (!text.empty() && !more.empty()) text += '\n';
  text += more;
}

}  // namespace

json::object text_content(std::string_view text) {
  return {{"type", "text"}, {"text", text}};
}

std::string describe_resource(const json::object& contents) {
  const std::string_view uri = text_at(contents, "uri");
  if (contents.contains("text")) return fmt::format("[{}]\n{}", uri, text_at(contents, "text"));
  return fmt::format("[{}] {}", uri, describe_bytes(text_at(contents, "mimeType"), text_at(contents, "blob")));
}

std::string describe_content(const json::object& block) {
  const std::string_view type = text_at(block, "type");
  if (type == "text") return std::string(text_at(block, "text"));
  if (type == "image" || type == "audio") {
    return describe_bytes(text_at(block, "mimeType"), text_at(block, "data"));
  }
  if (type == "resource") {
    const json::object* resource = mcp::find_object(block, "resource");
    return resource == nullptr ? std::string("[an empty resource]") : describe_resource(*resource);
  }
  if (type == "resource_link") {
    std::string text = fmt::format("[resource {}] {}", text_at(block, "uri"), text_at(block, "name"));
    if (const auto about = text_at(block, "description"); !about.empty()) text += fmt::format(": {}", about);
    return text;
  }
  return fmt::format("[content of the unknown type '{}']", type);
}

std::string describe_result(const json::object& result) {
  std::string text;
  if (const json::array* blocks = find_array(result, "content")) {
    for (const json::value& block : *blocks) {
      if (const json::object* one = block.if_object()) append(text, describe_content(*one));
    }
  }
  // Servers repeat it as text, as the protocol asks them to.
  const json::value* structured = result.if_contains("structuredContent");
  if (text.empty() && structured != nullptr) text = json::serialize(*structured);
  return text;
}

}  // namespace sennit::mcp
