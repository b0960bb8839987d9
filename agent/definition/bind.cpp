#include <sennit/agent/definition/bind.hpp>
#include <sennit/agent/event.hpp>

namespace sennit::format {

void assign_fields(void* object, const Table& table, const json::value& value) {
  const json::object* const map = value.if_object();
  if (map == nullptr) return;
  for (const Field& field : table.fields) {
    const json::value* const found = map->if_contains(field.key);
    if (found != nullptr && field.assign != nullptr) field.assign(object, *found);
  }
}

json::value get_fields(const void* object, const Table& table) {
  json::object map;
  for (const Field& field : table.fields) {
    if (field.get != nullptr) map.emplace(field.key, field.get(object));
  }
  return map;
}

void assign(ModelSpec& model, const json::value& value) {
  if (value.is_string()) return assign(model.name, value);
  assign_fields(&model, table_of(&model), value);
  const std::string_view provider = find_string(value, "provider");
  const std::string_view id = find_string(value, "id");
  if (provider.empty()) return;
  model.name = provider;
  if (!id.empty()) model.name.append("/").append(id);
}

void assign(SubAgent& agent, const json::value& value) {
  if (value.is_string()) return assign(agent.file, value);
  assign_fields(&agent, table_of(&agent), value);
}

void assign(MemorySettings& memory, const json::value& value) {
  memory.enabled = value.is_object() || (value.is_bool() && value.as_bool());
  assign_fields(&memory, table_of(&memory), value);
}

void assign(ToolSelection& tool, const json::value& value) {
  tool.name = find_string(value, "name");
  tool.options = value.at("options").as_object();
}

json::value get(const ToolSelection& tool) {
  return json::object{{"name", tool.name}, {"options", tool.options}};
}

void assign(std::vector<InputSpec>& inputs, const json::value& value) {
  for (const auto& [name, settings] : value.as_object()) {
    InputSpec& input = inputs.emplace_back();
    input.name = name;
    assign_fields(&input, table_of(&input), settings);
  }
}

json::value get(const std::vector<InputSpec>& inputs) {
  json::object map;
  for (const InputSpec& input : inputs) map.emplace(input.name, get_fields(&input, table_of(&input)));
  return map;
}

void assign(std::vector<McpServer>& servers, const json::value& value) {
  for (const auto& [name, settings] : value.as_object()) {
    McpServer& server = servers.emplace_back();
    server.name = name;
    assign_fields(&server, table_of(&server), settings);
  }
}

json::value get(const std::vector<McpServer>& servers) {
  json::object map;
  for (const McpServer& server : servers) map.emplace(server.name, get_fields(&server, table_of(&server)));
  return map;
}

void assign(std::vector<PolicyRule>& rules, const json::value& value) {
  for (const json::value& entry : value.as_array()) {
    if (const json::string* name = entry.if_string()) rules.emplace_back(std::string(*name));
    if (!entry.is_object()) continue;
    for (const auto& [name, conditions] : entry.get_object()) {
      PolicyRule& rule = rules.emplace_back(std::string(name));
      for (const auto& [facet, patterns] : conditions.as_object()) assign(rule.when[facet], patterns);
    }
  }
}

json::value get(const std::vector<PolicyRule>& rules) {
  json::array list;
  for (const PolicyRule& rule : rules) {
    if (rule.when.empty()) {
      list.emplace_back(rule.tool);
      continue;
    }
    json::object conditions;
    for (const auto& [facet, patterns] : rule.when) conditions.emplace(facet, get(patterns));
    list.push_back(json::object{{rule.tool, std::move(conditions)}});
  }
  return list;
}

void assign(Verdict& verdict, const json::value& value) {
  verdict = parse_verdict(std::string_view(value.as_string())).value_or(Verdict::deny);
}

json::value get(Verdict verdict) {
  return json::value(to_string(verdict));
}

void assign(Secret& secret, const json::value& value) {
  secret = Secret(std::string(value.as_string()));
}

json::value get(const Secret& /*secret*/) {
  return nullptr;
}

void assign(std::map<std::string, std::string>& headers, const json::value& value) {
  for (const auto& [name, text] : value.as_object())
    headers.insert_or_assign(std::string(name), std::string(text.as_string()));
}

json::value get(const std::map<std::string, std::string>& headers) {
  json::object map;
  for (const auto& [name, text] : headers) map.emplace(name, Secret(text).describe());
  return map;
}

Field bare_field(std::string_view key, Shape shape, std::string_view about) {
  Field field;
  field.key = key;
  field.shape = std::move(shape);
  field.about = about;
  return field;
}

}  // namespace sennit::format
