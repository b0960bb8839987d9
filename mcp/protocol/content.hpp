// What results carry: text, pictures, files. For the model it becomes text, because that is what a tool result holds.
#pragma once

#include <sennit/mcp/protocol/json_rpc.hpp>

#include <string>
#include <string_view>

namespace sennit::mcp {

/// {"type":"text","text":…}
[[nodiscard]] json::object text_content(std::string_view text);

/// One block as text: text as it is, a resource with its address, anything else by its kind and size ("[image/png, 12
/// kB]").
[[nodiscard]] std::string describe_content(const json::object& block);
/// The `contents` of resources/read: {uri, mimeType, text|blob}.
[[nodiscard]] std::string describe_resource(const json::object& contents);

/// A result of tools/call as text: its blocks, one after the other; its structuredContent where there are none.
[[nodiscard]] std::string describe_result(const json::object& result);

}  // namespace sennit::mcp
