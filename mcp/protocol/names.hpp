// What the Model Context Protocol calls things: versions, keys of `_meta`, header fields, error codes.
// https://modelcontextprotocol.io/specification/2026-07-28
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sennit::mcp {

/// Two ways to speak. Legacy: a handshake (`initialize`) opens a session. Modern (2026-07-28 on): every request says
/// who asks and in which version, and stands alone.
enum class Era : std::uint8_t { legacy, modern };

inline constexpr std::string_view kModernVersion = "2026-07-28";
/// Newest first.
inline constexpr std::array<std::string_view, 1> kModernVersions{kModernVersion};
inline constexpr std::array<std::string_view, 4> kLegacyVersions{"2025-11-25", "2025-06-18", "2025-03-26",
                                                                 "2024-11-05"};

inline constexpr std::string_view kProgramVersion = "0.1.0";  ///< what we say of ourselves
inline constexpr std::string_view kMetaKey = "_meta";

[[nodiscard]] constexpr bool is_modern_version(std::string_view version) noexcept {
  for (const std::string_view known : kModernVersions) {
    if (known == version) return true;
  }
  return false;
}
[[nodiscard]] constexpr bool is_legacy_version(std::string_view version) noexcept {
  for (const std::string_view known : kLegacyVersions) {
    if (known == version) return true;
  }
  return false;
}

namespace meta {  // keys of params._meta and result._meta
inline constexpr std::string_view kVersion = "io.modelcontextprotocol/protocolVersion";
inline constexpr std::string_view kClientCapabilities = "io.modelcontextprotocol/clientCapabilities";
inline constexpr std::string_view kClientInfo = "io.modelcontextprotocol/clientInfo";
inline constexpr std::string_view kServerInfo = "io.modelcontextprotocol/serverInfo";
inline constexpr std::string_view kLogLevel = "io.modelcontextprotocol/logLevel";
inline constexpr std::string_view kSubscription = "io.modelcontextprotocol/subscriptionId";
inline constexpr std::string_view kProgressToken = "progressToken";
}  // namespace meta

namespace header {  // of Streamable HTTP
inline constexpr std::string_view kVersion = "MCP-Protocol-Version";
inline constexpr std::string_view kMethod = "Mcp-Method";
inline constexpr std::string_view kName = "Mcp-Name";
inline constexpr std::string_view kParameter = "Mcp-Param-";
inline constexpr std::string_view kSession = "Mcp-Session-Id";
inline constexpr std::string_view kLastEvent = "Last-Event-ID";
}  // namespace header

namespace code {  // of JSON-RPC errors
inline constexpr std::int64_t kParse = -32700;
inline constexpr std::int64_t kInvalidRequest = -32600;
inline constexpr std::int64_t kNoMethod = -32601;
inline constexpr std::int64_t kInvalidParams = -32602;
inline constexpr std::int64_t kInternal = -32603;
inline constexpr std::int64_t kLegacyNoResource = -32002;
inline constexpr std::int64_t kHeaderMismatch = -32020;
inline constexpr std::int64_t kMissingCapability = -32021;
inline constexpr std::int64_t kUnsupportedVersion = -32022;
inline constexpr std::int64_t kUserRejected = -1;  // what clients answer where a person said no to sampling
}  // namespace code

}  // namespace sennit::mcp
