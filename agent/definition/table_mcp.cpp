// The part of the format that says which MCP servers an agent uses, and what child programs may reach.
#include <sennit/agent/definition/bind.hpp>
#include <sennit/agent/definition/reader.hpp>
#include <sennit/agent/secret_words.hpp>

#include <fmt/format.h>

namespace sennit::format {
namespace {

using Kind = Shape::Kind;

constexpr double kDay = 86'400'000;
constexpr double kMostBytes = 10.0 * (1LL << 40U);

Shape words() {
  return list_of(some_text());
}

void warn_of_secrets(Reader& reader, const CheckedMap& map, const json::array& command) {
  std::vector<std::string> words;
  for (const json::value& word : command) words.emplace_back(word.as_string());
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!secret_in(words, i)) continue;
    reader.warning(map.node.find("command")->at,
                   fmt::format("`{}.command[{}]`: it seems to hold a secret, and everybody on this machine can see the "
                               "arguments of a program; give it in `env`, as `${{env:NAME}}`",
                               map.path, i));
  }
}

void check_server(Reader& reader, const CheckedMap& map) {
  const bool local = map.node.find("command") != nullptr;
  const bool remote = map.node.find("url") != nullptr;
  if (local == remote) {
    reader.error(map.node.at, fmt::format("`{}`: {}", map.path,
                                          local ? "it has both `command` and `url`: a server is one or the other"
                                                : "it needs `command` (a local server) or `url` (a remote one)"));
  }
  const json::value* const command = map.value.if_contains("command");
  if (command != nullptr && command->as_array().empty()) {
    reader.error(map.node.find("command")->at, fmt::format("`{}.command` is empty: name the program", map.path));
  }
  if (command != nullptr) warn_of_secrets(reader, map, command->as_array());
  if (map.has("client_secret") && !map.has("issuer")) {
    reader.error(map.node.find("client_secret")->at,
                 fmt::format("`{}.client_secret` needs `issuer` beside it: the address of the authorization server, "
                             "which alone gets the secret",
                             map.path));
  }
}

}  // namespace

const Table& table_of(const McpServer* /*tag*/) {
  static const Table kTable{
      "mcp.*",
      "A server of the Model Context Protocol; its tools are called `NAME_TOOL`. A local one is a command, which runs "
      "in "
      "a sandbox, a remote one a URL. See [mcp.md](mcp.md).",
      {
          field<&McpServer::command>("command", words(), "The program and its arguments, one a list entry."),
          field<&McpServer::env>("env", map_of(text().with_references()), "Its environment, beside PATH and HOME."),
          field<&McpServer::directory>("directory", some_text(),
                                       "Where it works, relative to the agent file. Absent: the agent file's folder.")
              .with_default(nullptr)
              .also({"cwd"}),
          field<&McpServer::url>("url", http_url(), "Where a remote server is."),
          field<&McpServer::headers>("headers", map_of(text().with_references()), "Sent with each request."),
          field<&McpServer::transport>("transport", one_of({"auto", "http", "sse"}),
                                       "How a remote server is spoken to: Streamable HTTP, or the older HTTP+SSE."),
          field<&McpServer::era>("era", one_of({"auto", "modern", "legacy"}),
                                 "Of the protocol: from 2026-07-28 on, or before."),
          field<&McpServer::auth>("auth", one_of({"oauth"}), "Sign in where the server asks for it.")
              .with_default(nullptr),
          field<&McpServer::client_id>("client_id", text(), "Of OAuth, where the server knows this client already."),
          field<&McpServer::client_secret>("client_secret", text().with_references(), "The secret of that client."),
          field<&McpServer::issuer>("issuer", some_text(),
                                    "The authorization server, where a client secret is configured: it is sent there "
                                    "only.")
              .with_default(nullptr),
          field<&McpServer::scopes>("scopes", texts(some_text()), "What is asked for when it signs in."),
          field<&McpServer::tools>("tools", texts(some_text()), "Which of its tools are offered, by its own names."),
          field<&McpServer::timeout>("timeout", plain(Kind::duration).between(1, kDay),
                                     "Of a call. Progress makes it longer, ten times at most."),
          field<&McpServer::start_timeout>("start_timeout", plain(Kind::duration).between(1, kDay),
                                           "Until its tools are known."),
          field<&McpServer::required>("required", plain(Kind::boolean),
                                      "A run fails where the server cannot be had; otherwise it goes on without."),
          field<&McpServer::reviewed>("reviewed", plain(Kind::boolean),
                                      "You have read what its tools are said to do (`policy show`, the first run's "
                                      "notice): the descriptions do not count as text from outside. A change is asked "
                                      "about."),
          field<&McpServer::trusted>("trusted", plain(Kind::boolean), "What it says and declares is taken for true."),
          field<&McpServer::allow_private>("allow_private", plain(Kind::boolean),
                                           "Its address may be one that is not public. Loopback always may."),
          field<&McpServer::sampling>("sampling", one_of({"allow", "ask", "deny"}),
                                      "Whether it may have the agent's model answer it."),
          field<&McpServer::roots>("roots", texts(some_text()), "Folders that it is told of."),
          field<&McpServer::sandbox>("sandbox", map_with(table_of(static_cast<const SandboxSpec*>(nullptr))),
                                     "What a local server may reach."),
      },
      {{"args", "command"}, {"cmd", "command"}, {"uri", "url"}, {"type", "transport"}, {"trust", "trusted"}},
      &check_server};
  return kTable;
}

const Table& table_of(const SandboxSpec* /*tag*/) {
  static const Table kTable{
      "mcp.*.sandbox",
      "What a child program may reach. It can always read the system's programs and libraries; beside them nothing but "
      "what is named here. See [sandbox.md](sandbox.md).",
      {
          field<&SandboxSpec::enabled>("enabled", plain(Kind::boolean), "false: it runs as Sennit itself does."),
          field<&SandboxSpec::read>("read", texts(some_text()), "Folders and files that it may read."),
          field<&SandboxSpec::write>("write", texts(some_text()), "Folders that it may change."),
          field<&SandboxSpec::hosts>("hosts", texts(some_text()),
                                     "Hosts that it may reach, through Sennit's proxy: `api.example.com`, "
                                     "`*.example.com`. None: no network."),
          field<&SandboxSpec::memory>("memory", plain(Kind::bytes).between(16 << 20, kMostBytes),
                                      "Memory of all its processes."),
          field<&SandboxSpec::disk>("disk", plain(Kind::bytes).between(1 << 20, kMostBytes),
                                    "Of its own temporary folder."),
          field<&SandboxSpec::processes>("processes", plain(Kind::integer).between(1, 100'000),
                                         "Processes and threads at a time."),
          field<&SandboxSpec::cpu>("cpu", plain(Kind::duration).between(0, kDay),
                                   "Processor time of each process; 0: no limit."),
      },
      {{"network", "hosts"}, {"allow_hosts", "hosts"}},
      nullptr};
  return kTable;
}

}  // namespace sennit::format
