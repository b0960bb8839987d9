// The tool `openapi`: the operations of an API, each a tool of its own, from the document that describes the API.
//
//   tools:
//     - openapi:
//         document: petstore.yaml
//         operations: [listPets, "POST /pets", "get*"]
//         auth: { scheme: api_key, value: "${env:PETSTORE_KEY}" }
//
// The document says what is sent and where it belongs; a model fills in values and nothing else. What is reached is the
// API's own host, checked like everything that a model steers (http_tool.hpp), and credentials go to no other origin.
#pragma once

#include <sennit/agent/registry.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sennit {

struct OpenApiSettings {
  std::filesystem::path document;                ///< OpenAPI 3.0 or 3.1, YAML or JSON
  std::vector<std::string> operations{};         ///< ids, "METHOD /path", or patterns of either with `*`
  std::string base_url{};                        ///< empty: the document's first server; may refer to secrets
  std::string auth_scheme{};                     ///< of the document; empty: its only one
  std::string auth_value{};                      ///< may refer to secrets; empty: nothing is sent
  std::map<std::string, std::string> headers{};  ///< with each request; values may refer to secrets
  std::string prefix{};                          ///< before the tools' names
  std::string ca_file{};                         ///< certificate authorities instead of the system's
  bool allow_private = false;                    ///< also addresses that are not public, and credentials over http
  bool trusted = false;                          ///< what the API says is no untrusted text
  milliseconds timeout{30'000};                  ///< of a call
};

/// Throws Error(errc::config) for a document that cannot be used, at the place that is wrong, for operations that it
/// does not have, and for settings that cannot be.
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_openapi(const OpenApiSettings& settings);

/// The factory. Options: document, operations, base_url, auth (scheme, value), headers, prefix, ca_file, allow_private,
/// trusted, timeout.
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_openapi_tools(const json::object& options,
                                                                    const PartContext& context);

}  // namespace sennit
