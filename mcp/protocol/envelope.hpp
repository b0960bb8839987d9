// What modern requests carry with them, and which header fields repeat it over HTTP. Pure, and the same for both sides:
// a client writes it, a server checks it.
#pragma once

#include <sennit/mcp/protocol/json_rpc.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sennit::mcp {

/// Name and version of this program, as both sides give it ({"name": …, "version": …}).
[[nodiscard]] json::object implementation_info();

/// Adds version, capabilities and name to params._meta, keeping what stands there.
void add_envelope(json::object& params, std::string_view version, const json::object& capabilities);

/// The version that a request's params._meta names; empty: none, so it is no modern request.
[[nodiscard]] std::string_view version_in(const json::object& params) noexcept;

/// What stands in the header Mcp-Name of a request: params.name of tools/call and prompts/get, params.uri of
/// resources/read; params.taskId of tasks/get, tasks/update and tasks/cancel; nothing for other methods.
[[nodiscard]] std::optional<std::string> name_for_header(std::string_view method, const json::object& params);

/// A value as a header field can carry it: as it is where it is plain visible ASCII without blanks at its ends,
/// `=?base64?…?=` otherwise.
[[nodiscard]] std::string encode_header(std::string_view value);
/// The value that encode_header() was given; nothing if it is damaged.
[[nodiscard]] std::optional<std::string> decode_header(std::string_view text);

/// A property of a tool's arguments that a header repeats: `x-mcp-header` in its input schema.
struct HeaderParameter {
  std::string header;             ///< without "Mcp-Param-"
  std::vector<std::string> path;  ///< members that lead to it, from the arguments' top
  friend bool operator==(const HeaderParameter&, const HeaderParameter&) = default;
};

/// All of them. Nothing, and the reason in `why`, where one is not allowed: a bad or doubled name, a type other than
/// string, integer or boolean, a place that is not reached by `properties` alone.
[[nodiscard]] std::optional<std::vector<HeaderParameter>> header_parameters(const json::object& schema,
                                                                            std::string* why = nullptr);

/// The value as a header field repeats it, encoded; nothing where the arguments lack it (or it is null).
[[nodiscard]] std::optional<std::string> header_value(const HeaderParameter& parameter, const json::object& arguments);

}  // namespace sennit::mcp
