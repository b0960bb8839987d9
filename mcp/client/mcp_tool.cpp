#include <sennit/mcp/client/hop.hpp>
#include <sennit/mcp/client/mcp_tool.hpp>
#include <sennit/mcp/client/tool_caller.hpp>
#include <sennit/mcp/client/tool_names.hpp>
#include <sennit/mcp/protocol/content.hpp>

#include <fmt/format.h>

#include <utility>

namespace sennit::mcp {
namespace {

constexpr std::size_t kMostDescription = 8'192;
constexpr milliseconds kToReport{10'000};  // our own limits end a call first, and say more

/// Ends what the caller lends, before the ToolContext goes.
struct Lent {
  std::shared_ptr<ToolCaller> caller;
  ~Lent() { caller->leave(); }
};

/// Throws if the server has changed the tool behind our back. On the connection's shard.
asio::awaitable<void> check_unchanged(std::shared_ptr<ServerTools> tools, std::string name, std::string hash) {
  auto readying = tools->connection->ready();
  (void)co_await std::move(readying);
  if (tools->listed != tools->connection->tools_version()) {
    auto listing = list_tools(tools);
    (void)co_await std::move(listing);
  }
  const auto now = tools->latest.find(name);
  if (now == tools->latest.end()) {
    throw Error(errc::not_found,
                fmt::format("the MCP server '{}' does not have '{}' any more", tools->server->name, name));
  }
  if (now->second != hash) {
    throw Error(errc::denied,
                fmt::format("the MCP server '{}' changed its tool '{}' during this run; the next run asks "
                            "whether the change is right",
                            tools->server->name, name));
  }
}

/// Calls the tool if it is the one that was listed; looks again where the server was lost and met anew between. On the
/// connection's shard.
asio::awaitable<json::object> call_unchanged(std::shared_ptr<ServerTools> tools, std::string name, std::string hash,
                                             json::object params, std::shared_ptr<Caller> caller,
                                             std::vector<http::Header> headers) {
  for (bool again = false;; again = true) {
    auto checking = check_unchanged(tools, name, hash);
    co_await std::move(checking);
    try {
      auto asking = tools->connection->request("tools/call", params, caller, headers);
      co_return co_await std::move(asking);
    } catch (const NotTaken& error) {
      if (again) throw Error(errc::connect_failed, error.message());
    }
  }
}

void check_there(const ServerTools& tools) {
  if (tools.connection->gone()) throw Error(errc::cancelled, "the connection's loop has ended");
}

/// What was listed, and a person may have to approve.
class Listed {
 public:
  Listed(const ServerTools& tools, const json::object& listed, bool suspicious)
      : tools_(tools), name_(text_at(listed, "name")), pinned_(pinned_part(listed)), suspicious_(suspicious) {}

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::string hash() const { return hash_of(pinned_); }

  /// Asked again each time: another run may have got the person's approval.
  [[nodiscard]] std::string concern() const {
    const std::optional<Pins::Tools> known = suspicious_ ? tools_.pins->of(tools_.identity) : std::nullopt;
    if (!known) return {};
    const auto before = known->find(name_);
    const std::string what = fmt::format("the MCP server '{}'", tools_.server->name);
    if (before == known->end()) {
      return fmt::format("{} has the tool '{}' since after it was approved: \"{}\"", what, name_,
                         sanitize_utf8(text_at(pinned_, "description").substr(0, 400)));
    }
    if (before->second == pinned_) return {};
    return fmt::format("{} changed its tool '{}' since it was approved: {}", what, name_,
                       describe_change(before->second, pinned_));
  }

  void accept() const {
    if (suspicious_) tools_.pins->accept(tools_.identity, {{name_, pinned_}});
  }

  /// Keeps what was accepted.
  [[nodiscard]] asio::awaitable<void> save(Environment& environment) const {
    if (!suspicious_) co_return;
    auto saving = mcp::save(tools_.pins, environment);
    co_await std::move(saving);
  }

 private:
  const ServerTools& tools_;  // of the tool that has this
  const std::string name_;
  const json::object pinned_;
  const bool suspicious_;
};

class ServerTool final : public Tool {
 public:
  ServerTool(std::shared_ptr<ServerTools> tools, ToolSpec spec, const json::object& listed,
             std::vector<HeaderParameter> headers, bool suspicious)
      : tools_(std::move(tools)),
        spec_(std::move(spec)),
        listed_(*tools_, listed, suspicious),
        hash_(listed_.hash()),
        headers_(std::move(headers)) {}

  const ToolSpec& spec() const override { return spec_; }

  asio::awaitable<ToolOutput> call(json::object arguments, ToolContext& context) override {
    check_there(*tools_);
    auto saving = listed_.save(context.environment());
    co_await std::move(saving);
    std::vector<http::Header> headers;
    for (const HeaderParameter& parameter : headers_) {
      if (auto value = header_value(parameter, arguments)) {
        headers.push_back({std::string(header::kParameter) + parameter.header, std::move(*value)});
      }
    }
    json::object params{{"name", listed_.name()}, {"arguments", std::move(arguments)}};
    const Lent lent{std::make_shared<ToolCaller>(context, tools_->server)};
    auto calling = call_unchanged(tools_, listed_.name(), hash_, std::move(params), lent.caller, std::move(headers));
    auto there = hop(tools_->connection->executor(), std::move(calling));
    const json::object result = co_await std::move(there);
    co_return ToolOutput{sanitize_utf8(describe_result(result)), true_at(result, "isError")};
  }

  std::string concern(const json::object& /*arguments*/) const override { return listed_.concern(); }
  void accepted() override { listed_.accept(); }

 private:
  const std::shared_ptr<ServerTools> tools_;
  const ToolSpec spec_;
  const Listed listed_;
  const std::string hash_;
  const std::vector<HeaderParameter> headers_;
};

/// What is asked for a call, and how its result reads.
struct ContentMethod {
  std::string method;
  std::function<json::object(json::object arguments)> params;
  std::function<std::string(const json::object& result)> text;
  json::object listed{};  // what is pinned; of a description that is ours: nothing
  bool suspicious = false;
};

class ContentTool final : public Tool {
 public:
  ContentTool(std::shared_ptr<ServerTools> tools, ToolSpec spec, ContentMethod method)
      : tools_(std::move(tools)),
        spec_(std::move(spec)),
        method_(std::move(method)),
        listed_(*tools_, method_.listed, method_.suspicious) {}

  const ToolSpec& spec() const override { return spec_; }

  asio::awaitable<ToolOutput> call(json::object arguments, ToolContext& context) override {
    check_there(*tools_);
    auto saving = listed_.save(context.environment());
    co_await std::move(saving);
    const Lent lent{std::make_shared<ToolCaller>(context, tools_->server)};
    auto asking = tools_->connection->request(method_.method, method_.params(std::move(arguments)), lent.caller);
    auto there = hop(tools_->connection->executor(), std::move(asking));
    const json::object result = co_await std::move(there);
    co_return ToolOutput{sanitize_utf8(method_.text(result)), false};
  }

  std::string concern(const json::object& /*arguments*/) const override { return listed_.concern(); }
  void accepted() override { listed_.accept(); }

 private:
  const std::shared_ptr<ServerTools> tools_;
  const ToolSpec spec_;
  const ContentMethod method_;
  const Listed listed_;
};

json::object text_argument(std::string_view name, std::string_view description) {
  return {{"type", "object"},
          {"properties", json::object{{name, json::object{{"type", "string"}, {"description", description}}}}},
          {"required", json::array{json::value(name)}},
          {"additionalProperties", false}};
}

std::string listed_resources(const json::object& result) {
  std::string text;
  for (const std::string_view key : {"resources", "resourceTemplates"}) {
    const json::array* list = find_array(result, key);
    if (list == nullptr) continue;
    for (const json::value& value : *list) {
      const json::object* one = value.if_object();
      if (one == nullptr) continue;
      const std::string_view uri = text_at(*one, key == std::string_view("resources") ? "uri" : "uriTemplate");
      text += fmt::format("{}  {}", uri, text_at(*one, "name"));
      if (const auto about = text_at(*one, "description"); !about.empty()) text += fmt::format(": {}", about);
      text += '\n';
    }
  }
  if (const auto next = text_at(result, "nextCursor"); !next.empty()) text += fmt::format("more: cursor {}\n", next);
  return text.empty() ? "there are none" : text;
}

std::string read_resources(const json::object& result) {
  std::string text;
  const json::array* contents = find_array(result, "contents");
  if (contents == nullptr) return text;
  for (const json::value& value : *contents) {
    if (const json::object* one = value.if_object()) text += (text.empty() ? "" : "\n") + describe_resource(*one);
  }
  return text;
}

std::string read_prompt(const json::object& result) {
  std::string text;
  const json::array* messages = find_array(result, "messages");
  if (messages == nullptr) return text;
  for (const json::value& value : *messages) {
    const json::object* message = value.if_object();
    const json::object* content = message == nullptr ? nullptr : mcp::find_object(*message, "content");
    if (content != nullptr) text += fmt::format("{}: {}\n", text_at(*message, "role"), describe_content(*content));
  }
  return text;
}

std::string describe_prompts(const std::vector<json::object>& prompts) {
  std::string text = "Gets a prompt that this server has prepared. There are:";
  for (const json::object& prompt : prompts) {
    std::string line = fmt::format("\n{}", text_at(prompt, "name"));
    if (const json::array* arguments = find_array(prompt, "arguments")) {
      for (const json::value& value : *arguments) {
        const json::object* one = value.if_object();
        if (one != nullptr) line += fmt::format(" {}{}", text_at(*one, "name"), true_at(*one, "required") ? "" : "?");
      }
    }
    if (const auto about = text_at(prompt, "description"); !about.empty()) line += fmt::format(": {}", about);
    if (text.size() + line.size() > kMostDescription) return text + "\n…";
    text += line;
  }
  return text;
}

}  // namespace

asio::awaitable<std::vector<json::object>> list_tools(std::shared_ptr<ServerTools> tools) {
  const std::uint64_t version = tools->connection->tools_version();  // it may change while the list is read
  auto listing = tools->connection->list("tools/list", "tools");
  std::vector<json::object> listed = co_await std::move(listing);
  tools->listed = version;
  tools->latest.clear();
  for (const json::object& tool : listed) {
    tools->latest.emplace(std::string(text_at(tool, "name")), hash_of(pinned_part(tool)));
  }
  co_return listed;
}

json::object prompts_as_tool(const std::vector<json::object>& prompts) {
  return {{"name", "prompts/get"}, {"description", describe_prompts(prompts)}};
}

bool is_suspicious(const std::optional<Pins::Tools>& approved, const json::object& listed) {
  if (!approved) return false;
  const auto known = approved->find(text_at(listed, "name"));
  return known == approved->end() || known->second != pinned_part(listed);
}

bool is_shut_in(const McpServer& server, const sandbox::Support& support) {
  return !server.command.empty() && server.sandbox.enabled && server.sandbox.hosts.empty() && support.possible;
}

ToolSpec spec_of(const McpServer& server, std::string name, const std::string& description,
                 const json::object& annotations) {
  const auto said = [&](std::string_view hint, bool fallback) {
    const json::value* value = annotations.if_contains(hint);
    return server.trusted && value != nullptr && value->is_bool() ? value->get_bool() : fallback;
  };
  const bool reads_only = said("readOnlyHint", false);
  // What a sandbox does not let out needs nobody's word.
  const bool shut_in = is_shut_in(server, sandbox::support());
  ToolSpec spec;
  spec.description.name = std::move(name);
  spec.description.description = sanitize_utf8(description.substr(0, kMostDescription));
  spec.touches = {.read = true, .write = !reads_only, .network = !shut_in && said("openWorldHint", true)};
  if (!server.url.empty()) spec.touches.network = true;
  spec.repeat = said("idempotentHint", reads_only) ? Repeat::idempotent : Repeat::never;
  spec.timeout = server.timeout * kLongestCall + server.start_timeout + kToReport;
  spec.facets.emplace("=mcp:" + server.name, "destination");
  if (!server.trusted) spec.gives.add_untrusted("mcp:" + server.name);
  return spec;
}

std::shared_ptr<Tool> make_server_tool(std::shared_ptr<ServerTools> tools, std::string name, const json::object& listed,
                                       std::vector<HeaderParameter> headers, bool suspicious) {
  const json::object* annotations = mcp::find_object(listed, "annotations");
  ToolSpec spec = spec_of(*tools->server, std::move(name), std::string(text_at(listed, "description")),
                          annotations == nullptr ? json::object() : *annotations);
  const json::object* schema = mcp::find_object(listed, "inputSchema");
  spec.description.parameters = schema == nullptr ? json::object{{"type", "object"}} : *schema;
  return std::make_shared<ServerTool>(std::move(tools), std::move(spec), listed, std::move(headers), suspicious);
}

std::vector<std::shared_ptr<Tool>> make_content_tools(const std::shared_ptr<ServerTools>& tools,
                                                      const ServerFacts& facts,
                                                      const std::vector<json::object>& prompts,
                                                      const std::function<std::string(std::string_view)>& named) {
  std::vector<std::shared_ptr<Tool>> made;
  const json::object reads{{"readOnlyHint", true}};
  const auto add = [&](std::string_view name, const std::string& description, json::object parameters,
                       ContentMethod method) {
    ToolSpec spec = spec_of(*tools->server, named(name), description, reads);
    spec.touches.write = false;  // the protocol has no way to change something by these
    spec.description.parameters = std::move(parameters);
    made.push_back(std::make_shared<ContentTool>(tools, std::move(spec), std::move(method)));
  };
  const auto as_given = [](json::object arguments) { return arguments; };
  const json::object cursor{
      {"type", "object"},
      {"properties", {{"cursor", {{"type", "string"}, {"description", "where the last page ended"}}}}},
      {"additionalProperties", false}};
  if (facts.has("resources")) {
    add("list_resources", "Lists the resources (documents, records) that this server has, by their URIs.", cursor,
        {"resources/list", as_given, listed_resources});
    add("list_resource_templates", "Lists the patterns of URIs of resources that this server makes when asked.", cursor,
        {"resources/templates/list", as_given, listed_resources});
    add("read_resource", "Reads a resource of this server.", text_argument("uri", "its URI, as listed"),
        {"resources/read", as_given, read_resources});
  }
  if (facts.has("prompts") && !prompts.empty()) {
    json::object parameters = text_argument("name", "which one");
    parameters["properties"].as_object()["arguments"] = {
        {"type", "object"}, {"description", "its arguments"}, {"additionalProperties", {{"type", "string"}}}};
    const json::object listed = prompts_as_tool(prompts);
    const bool suspicious = is_suspicious(tools->pins->of(tools->identity), listed);
    add("get_prompt", std::string(text_at(listed, "description")), std::move(parameters),
        {"prompts/get", as_given, read_prompt, listed, suspicious});
  }
  return made;
}

}  // namespace sennit::mcp
