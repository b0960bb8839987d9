// A server of the Model Context Protocol whose tools an agent uses, as data: an entry of `mcp:` of an agent file.
#pragma once

#include <sennit/agent/policy_settings.hpp>
#include <sennit/agent/sandbox_settings.hpp>
#include <sennit/agent/secret.hpp>

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace sennit {

/// Either `command` or `url`.
struct McpServer {
  std::string name;                        ///< before the names of its tools: "github" gives github_search
  std::vector<std::string> command;        ///< of a local server: the program and its arguments
  std::map<std::string, std::string> env;  ///< its environment; values may refer to secrets
  std::filesystem::path directory;  ///< where it works; relative to the agent file, empty: the agent file's folder
  std::string url;                  ///< of a remote server; may refer to secrets
  std::map<std::string, std::string> headers;  ///< values may refer to secrets
  std::string transport = "auto";              ///< of a remote server: "auto", "http", "sse"
  std::string era = "auto";                    ///< of the protocol: "auto", "modern" (2026-07-28 on), "legacy"
  std::string auth;                            ///< "oauth": sign in where the server asks for it; empty: never
  std::string client_id;                       ///< of OAuth, where the server knows us already
  Secret client_secret;
  std::string issuer;  ///< the authorization server; no other one is signed in to. Needed for a client_secret
  std::vector<std::string> scopes;
  std::vector<std::string> tools{"*"};        ///< patterns of the tools that are offered, by the server's own names
  std::chrono::milliseconds timeout{60'000};  ///< of a call; progress makes it longer, ten times at most
  std::chrono::milliseconds start_timeout{30'000};  ///< until its tools are known
  bool required = false;                            ///< a run fails where it cannot be had
  bool reviewed = false;            ///< what its tools are said to do was read, and counts as the agent's own words
  bool trusted = false;             ///< what it says and declares is taken for true
  bool allow_private = false;       ///< its address may be one that is not public; loopback always may
  Verdict sampling = Verdict::ask;  ///< whether it may have the agent's model answer it
  std::vector<std::filesystem::path> roots;  ///< folders that it is told of
  SandboxSpec sandbox;                       ///< of a local server
  friend bool operator==(const McpServer&, const McpServer&) = default;
};

}  // namespace sennit
