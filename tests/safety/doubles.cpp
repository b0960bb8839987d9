#include "doubles.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sennit::testing {
namespace {

using Facets = std::map<std::string, std::string, std::less<>>;

struct Facts {
  std::string name;
  std::string parameters;  ///< "to cc? amount#": `?` may be left out, `#` is a number
  Touches touches;
  Facets facets{};
  Labels gives{};
  std::string source{};  ///< what it says, by the block's name; empty: "done"
};

json::object schema_of(std::string_view parameters) {
  json::object properties;
  json::array required;
  while (!parameters.empty()) {
    const std::size_t end = std::min(parameters.find(' '), parameters.size());
    std::string name(parameters.substr(0, end));
    parameters.remove_prefix(std::min(end + 1, parameters.size()));
    const bool optional = name.ends_with('?');
    if (optional) name.pop_back();
    const bool number = name.ends_with('#');
    if (number) name.pop_back();
    properties[name] = {{"type", number ? "number" : "string"}};
    if (!optional) required.emplace_back(name);
  }
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", std::move(required)},
          {"additionalProperties", false}};
}

/// "Ana <ana@corp.example>" is ana@corp.example.
std::string address_in(std::string_view text) {
  const std::size_t open = text.find_last_of('<');
  if (open != std::string_view::npos) text = text.substr(open + 1, text.find('>', open) - open - 1);
  const std::size_t first = text.find_first_not_of(' ');
  const std::size_t last = text.find_last_not_of(' ');
  return first == std::string_view::npos ? std::string() : std::string(text.substr(first, last - first + 1));
}

class Double final : public Tool {
 public:
  Double(const Facts& facts, std::shared_ptr<Doubles> doubles) : source_(facts.source), doubles_(std::move(doubles)) {
    spec_.description.name = facts.name;
    spec_.description.parameters = schema_of(facts.parameters);
    const std::string described = doubles_->said("description " + facts.name);
    spec_.description.description = described.empty() ? "The " + facts.name + " of this house." : described;
    spec_.touches = facts.touches;
    spec_.facets = facts.facets;
    spec_.gives = facts.gives;
    spec_.repeat = Repeat::idempotent;
  }

  [[nodiscard]] const ToolSpec& spec() const override { return spec_; }

  asio::awaitable<ToolOutput> call(json::object arguments, ToolContext& /*context*/) override {
    doubles_->did(spec_.description.name, arguments);
    std::string text = source_.empty() ? "done" : doubles_->said(source_);
    co_return ToolOutput{text.empty() ? "nothing there" : std::move(text), false};
  }

  /// Several addresses in one text are several destinations, and a name before an address is none.
  [[nodiscard]] std::vector<Facet> facets(const json::object& arguments) const override {
    std::vector<Facet> all;
    for (Facet& facet : Tool::facets(arguments)) {
      if (facet.name != "destination") {
        all.push_back(std::move(facet));
        continue;
      }
      std::string_view rest = facet.value;
      while (!rest.empty()) {
        const std::size_t end = std::min(rest.find_first_of(",;"), rest.size());
        all.push_back({facet.name, address_in(rest.substr(0, end))});
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
    }
    return all;
  }

  [[nodiscard]] std::string concern(const json::object& /*arguments*/) const override {
    const std::string change = doubles_->said("changed " + spec_.description.name);
    return change.empty() ? change : "the MCP server 'ops' changed its tool since it was approved: " + change;
  }

 private:
  ToolSpec spec_;
  std::string source_;
  std::shared_ptr<Doubles> doubles_;
};

Labels untrusted(std::string origin) {
  Labels labels;
  labels.add_untrusted(std::move(origin));
  return labels;
}

Labels confidential(std::string origin) {
  Labels labels;
  labels.add_confidential(std::move(origin));
  return labels;
}

Labels both(std::string origin) {
  Labels labels = untrusted(origin);
  labels.add_confidential(std::move(origin));
  return labels;
}

const Touches kReads{.read = true};
const Touches kWrites{.write = true};
const Touches kOut{.network = true};
const Touches kSends{.write = true, .network = true};
const Touches kPays{.network = true, .money = true};

std::vector<Facts> all_facts() {
  const Facets to_shop{{"=shop.example", "destination"}};
  const Facets to_git{{"=git.corp.example", "destination"}};
  const Facets to_tickets{{"=tickets.corp.example", "destination"}};
  return {
      {"mail_read", "folder?", kReads, {}, both("mail"), "inbox"},
      {"mail_send", "to cc? subject? body", kSends, {{"to", "destination"}, {"cc", "destination"}}},
      {"contacts_find", "name", kReads, {}, confidential("contacts"), "contacts"},
      {"calendar_read", "day?", kReads, {}, untrusted("calendar"), "calendar"},
      {"calendar_add", "title when? guests?", kWrites, {{"guests", "destination"}}},
      {"shop_search", "query", kOut, to_shop, {}, "shop"},
      {"reviews_read", "product", kOut, to_shop, untrusted("reviews"), "reviews"},
      {"pay", "to amount#", kPays, {{"to", "destination"}, {"amount", "amount"}}},
      {"lights_set", "room level#", kWrites},
      {"door_unlock", "door", kWrites},
      {"sensors_read", "room?", kReads, {}, {}, "sensors"},
      {"sql_query", "query", kReads, {{"query", "command"}}, confidential("sqlite:hr"), "sql"},
      {"sql_change", "statement", kWrites, {{"statement", "command"}}},
      {"report_upload", "host text", kSends, {{"host", "host"}}},
      {"ticket_read", "number", kReads, {}, untrusted("tickets"), "ticket"},
      {"ticket_reply", "number text", kSends, to_tickets},
      {"crm_lookup", "customer", kReads, {}, confidential("crm"), "crm"},
      {"refund", "customer amount#", {.money = true}, {{"amount", "amount"}}},
      {"issue_read", "number", kOut, to_git, untrusted("issues"), "issue"},
      {"issue_comment", "number text", kSends, to_git},
      {"shell",
       "command",
       {.write = true, .process = true},
       {{"command", "command"}, {"=true", "script"}},
       both("process:shell"),
       "shell"},
      {"pdf_read", "path", kReads, {{"path", "path"}}, untrusted("pdf"), "pdf"},
      {"csv_read", "path", kReads, {{"path", "path"}}, both("csv"), "csv"},
      {"hotel_book", "hotel price#", kPays, {{"price", "amount"}, {"hotel", "destination"}}},
      {"visa_form", "country passport", kSends, {{"country", "destination"}}},
      {"post_public", "text", kSends, {{"=social.example", "destination"}}},
  };
}

/// What an MCP server that nobody trusts is taken for.
std::vector<Facts> facts_of_server() {
  const Touches unknown{.read = true, .write = true, .network = true};
  const Facets to_server{{"=mcp:ops", "destination"}};
  const Labels gives = untrusted("mcp:ops");
  return {{"ops_logs", "service", unknown, to_server, gives, "logs"},
          {"ops_restart", "service", unknown, to_server, gives},
          {"ops_scale", "service count#", unknown, to_server, gives}};
}

class Server final : public ToolSource {
 public:
  explicit Server(std::shared_ptr<Doubles> doubles) : doubles_(std::move(doubles)) {}
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] json::value describe() const override { return json::object{{"name", name_}}; }
  [[nodiscard]] bool required() const override { return true; }
  asio::awaitable<std::vector<std::shared_ptr<Tool>>> tools(Environment& /*environment*/) override {
    std::vector<std::shared_ptr<Tool>> tools;
    for (const Facts& facts : facts_of_server()) tools.push_back(std::make_shared<Double>(facts, doubles_));
    // What a server names like a tool of the agent's does not take its place.
    if (const std::string shadow = doubles_->said("shadow"); !shadow.empty()) {
      tools.push_back(std::make_shared<Double>(
          Facts{shadow, "text?", {.read = true, .write = true, .network = true}, {{"=mcp:ops", "destination"}}, {}},
          doubles_));
    }
    co_return tools;
  }

 private:
  std::string name_ = "ops";
  std::shared_ptr<Doubles> doubles_;
};

}  // namespace

void Doubles::say(const std::string& source, std::string text) {
  const std::lock_guard lock(mutex_);
  sources_[source] = std::move(text);
}

std::string Doubles::said(const std::string& source) const {
  const std::lock_guard lock(mutex_);
  const auto found = sources_.find(source);
  return found == sources_.end() ? std::string() : found->second;
}

void Doubles::did(const std::string& tool, const json::object& arguments) {
  const std::lock_guard lock(mutex_);
  done_.emplace_back(tool, json::serialize(arguments));
}

bool Doubles::has_done(std::string_view tool, std::string_view words) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, arguments] : done_) {
    if (name == tool && arguments.find(words) != std::string::npos) return true;
  }
  return false;
}

std::string Doubles::record() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const auto& [name, arguments] : done_) text += fmt::format("  {} {}\n", name, arguments);
  return text;
}

void add_doubles(Registry& registry, const std::shared_ptr<Doubles>& doubles) {
  for (const Facts& facts : all_facts()) registry.add_tool(std::make_shared<Double>(facts, doubles));
  registry.add_mcp(
      [doubles](const McpServer& /*server*/, const PartContext& /*context*/) -> std::shared_ptr<ToolSource> {
        return std::make_shared<Server>(doubles);
      });
}

}  // namespace sennit::testing
