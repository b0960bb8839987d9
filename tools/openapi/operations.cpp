#include <sennit/agent/schema/validate.hpp>
#include <sennit/tools/http_rules.hpp>
#include <sennit/tools/openapi/operations.hpp>
#include <sennit/tools/openapi/schema.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <utility>

namespace sennit::openapi {
namespace {

// No `trace`: its answer is the request, with its credentials.
constexpr std::array<std::string_view, 7> kMethods{"get", "put", "post", "delete", "options", "head", "patch"};

std::string_view text_of(const Place& place, std::string_view key) {
  return place.value == nullptr ? std::string_view() : find_string(*place.value, key);
}

bool is_true(const Place& place, std::string_view key, bool otherwise = false) {
  const Place found = member(place, key);
  return found.value != nullptr && found.value->is_bool() ? found.value->get_bool() : otherwise;
}

/// What a provider takes as the name of an argument.
std::string argument_name(std::string_view name) {
  std::string argument(name.substr(0, 64));
  for (char& c : argument) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '-' && c != '.') c = '_';
  }
  return argument.empty() ? "_" : argument;
}

Style style_of(const Document& document, const Place& place, In in) {
  const std::string_view style = text_of(place, "style");
  static constexpr std::array<std::pair<std::string_view, Style>, 7> kStyles{{{"simple", Style::simple},
                                                                              {"label", Style::label},
                                                                              {"matrix", Style::matrix},
                                                                              {"form", Style::form},
                                                                              {"spaceDelimited", Style::space},
                                                                              {"pipeDelimited", Style::pipe},
                                                                              {"deepObject", Style::deep}}};
  if (style.empty()) return in == In::path || in == In::header ? Style::simple : Style::form;
  const auto* const found = std::ranges::find(kStyles, style, &std::pair<std::string_view, Style>::first);
  if (found == kStyles.end()) document.refuse(place.pointer, fmt::format("the style '{}' is not known", style));
  return found->second;
}

/// One operation's arguments as they are collected.
class Reading {
 public:
  Reading(const Document& document, const Outline& outline) : document_(document), schemas_(document) {
    operation_.id = outline.id;
    operation_.method = outline.method;
    operation_.path = outline.path;
    operation_.pointer = outline.operation.pointer;
    describe(outline);
    take_parameters(outline);
    take_body(member(outline.operation, "requestBody"));
    take_security(outline);
    check_path();
    operation_.server = server_of(document, outline.operation);
    if (operation_.server.empty()) operation_.server = server_of(document, outline.item);
  }

  [[nodiscard]] Operation finish() && {
    json::object& schema = operation_.schema;
    schema["type"] = "object";
    schema["properties"] = std::move(properties_);
    if (!required_.empty()) schema["required"] = std::move(required_);
    schema["additionalProperties"] = false;
    json::object definitions = schemas_.take_definitions();
    if (!definitions.empty()) schema["$defs"] = std::move(definitions);
    const std::size_t size = json::serialize(schema).size();
    if (size > kMaxSchema) {
      document_.refuse(operation_.pointer, fmt::format("what it takes fills {} KiB, and a model would read that with "
                                                       "each step; at most {} KiB",
                                                       size >> 10U, kMaxSchema >> 10U));
    }
    try {
      const Validator usable(schema);
    } catch (const Error& error) {
      document_.refuse(operation_.pointer, error.message());
    }
    return std::move(operation_);
  }

 private:
  void describe(const Outline& outline) {
    const std::string_view summary = text_of(outline.operation, "summary");
    const std::string_view more = text_of(outline.operation, "description");
    std::string text(summary);
    if (!more.empty() && more != summary) text.append(text.empty() ? "" : "\n").append(more);
    if (text.empty()) text = text_of(outline.item, "summary");
    operation_.description =
        fmt::format("{} ({} {})", cut(text, kMaxDescription - 200), outline.method, cut(outline.path, 150));
  }

  /// Those of the operation replace those of its path that have the same name and place.
  void take_parameters(const Outline& outline) {
    std::vector<Place> all;
    std::set<std::pair<std::string, std::string>> known;
    for (const Place& owner : {outline.operation, outline.item}) {
      const Place list = member(owner, "parameters");
      if (list.value == nullptr) continue;
      const json::array* places = list.value->if_array();
      if (places == nullptr) document_.refuse(list.pointer, "expected a list of parameters");
      for (std::size_t i = 0; i < places->size(); ++i) {
        Place place = document_.followed({&(*places)[i], fmt::format("{}/{}", list.pointer, i)});
        const bool is_new = known.emplace(text_of(place, "in"), text_of(place, "name")).second;
        if (is_new) all.push_back(std::move(place));
      }
    }
    if (all.size() > kMaxParameters) {
      document_.refuse(outline.operation.pointer, fmt::format("it has more than {} parameters", kMaxParameters));
    }
    for (const Place& place : all) take_parameter(place);
  }

  void take_parameter(const Place& place) {
    Parameter parameter;
    parameter.name = text_of(place, "name");
    if (parameter.name.empty()) document_.refuse(place.pointer, "a parameter needs a name");
    const std::string_view in = text_of(place, "in");
    if (in == "path") {
      parameter.in = In::path;
    } else if (in == "header") {
      parameter.in = In::header;
    } else if (in == "cookie") {
      parameter.in = In::cookie;
    } else if (in != "query") {
      document_.refuse(place.pointer, fmt::format("a parameter is in path, query, header or cookie, not '{}'", in));
    }
    if (parameter.in == In::header && is_ours(parameter.name)) return;
    if (parameter.in == In::header && http::same_name(parameter.name, "idempotency-key")) {
      operation_.key_header = parameter.name;
      return;
    }
    parameter.style = style_of(document_, place, parameter.in);
    parameter.explode = is_true(place, "explode", parameter.style == Style::form || parameter.style == Style::deep);
    parameter.required = parameter.in == In::path || is_true(place, "required");
    Place schema = member(place, "schema");
    if (schema.value == nullptr) {
      const Place content = member(place, "content");
      if (content.value != nullptr) parameter.style = Style::json;
      schema = member(member(content, "application/json"), "schema");
    }
    json::value converted = schemas_.convert(schema);
    const std::string_view about = text_of(place, "description");
    if (!about.empty() && converted.is_object()) {
      converted.get_object()["description"] = cut(about, kMaxSchemaDescription);
    }
    parameter.argument = free_name(argument_name(parameter.name), in);
    add_argument(parameter.argument, std::move(converted), parameter.required);
    operation_.parameters.push_back(std::move(parameter));
  }

  /// Headers that the specification leaves to others, or that the connection sets.
  static bool is_ours(std::string_view name) {
    static constexpr std::array<std::string_view, 3> kOurs{"accept", "content-type", "authorization"};
    return std::ranges::any_of(kOurs, [&](std::string_view ours) { return http::same_name(name, ours); });
  }

  std::string free_name(std::string name, std::string_view in) const {
    if (!properties_.contains(name) && name != "body") return name;
    name = fmt::format("{}_{}", name.substr(0, 50), in);
    std::string free = name;
    for (int number = 2; properties_.contains(free); ++number) free = fmt::format("{}_{}", name, number);
    return free;
  }

  void add_argument(const std::string& name, json::value schema, bool required) {
    properties_[name] = std::move(schema);
    if (required) required_.emplace_back(name);
  }

  void take_body(const Place& given) {
    if (given.value == nullptr) return;
    const Place body = document_.followed(given);
    const Place content = member(body, "content");
    const json::object* types = content.value == nullptr ? nullptr : content.value->if_object();
    if (types == nullptr || types->empty()) document_.refuse(body.pointer, "a body needs a `content`");
    std::string refused;
    for (const BodyForm wanted : {BodyForm::json, BodyForm::form, BodyForm::text}) {
      for (const auto& entry : *types) {
        const std::string type(entry.key());
        if (form_of(type) != wanted) {
          refused = type;
          continue;
        }
        operation_.body = wanted;
        operation_.content_type = type == "*/*" ? "application/json" : type.substr(0, type.find(';'));
        json::value schema = schemas_.convert(member(member(content, type), "schema"));
        add_argument("body", std::move(schema), is_true(body, "required"));
        return;
      }
    }
    document_.refuse(content.pointer,
                     fmt::format("bodies of type '{}' cannot be sent; JSON, application/x-www-form-urlencoded and "
                                 "text/plain can",
                                 refused));
  }

  static BodyForm form_of(std::string_view type) {
    type = type.substr(0, type.find(';'));
    if (type == "application/json" || type.ends_with("+json") || type == "*/*" || type == "application/*") {
      return BodyForm::json;
    }
    if (type == "application/x-www-form-urlencoded") return BodyForm::form;
    return type == "text/plain" || type == "text/*" ? BodyForm::text : BodyForm::none;
  }

  void take_security(const Outline& outline) {
    Place list = member(outline.operation, "security");
    if (list.value == nullptr) list = {document_.root().if_contains("security"), "#/security"};
    const json::array* alternatives = list.value == nullptr ? nullptr : list.value->if_array();
    if (alternatives == nullptr) return;
    for (const json::value& alternative : *alternatives) {
      if (!alternative.is_object()) continue;
      for (const auto& scheme : alternative.get_object()) operation_.security.emplace_back(scheme.key());
    }
  }

  /// Each `{name}` of the path has its parameter: what is left in the path would be sent as it is.
  void check_path() const {
    const std::string& path = operation_.path;
    for (std::size_t open = path.find('{'); open != std::string::npos; open = path.find('{', open + 1)) {
      const std::size_t close = path.find('}', open);
      if (close == std::string::npos) document_.refuse(operation_.pointer, "a `{` of the path is not closed");
      const std::string name = path.substr(open + 1, close - open - 1);
      const bool is_known = std::ranges::any_of(operation_.parameters, [&](const Parameter& parameter) {
        return parameter.in == In::path && parameter.name == name;
      });
      if (!is_known) {
        document_.refuse(operation_.pointer, fmt::format("the path's `{{{}}}` has no parameter", name.substr(0, 60)));
      }
    }
  }

  const Document& document_;
  SchemaWriter schemas_;
  Operation operation_;
  json::object properties_;
  json::array required_;
};

}  // namespace

std::vector<Outline> outline(const Document& document) {
  const json::value* paths = document.root().if_contains("paths");
  if (paths == nullptr) return {};
  const json::object* map = paths->if_object();
  if (map == nullptr) document.refuse("#/paths", "expected a map from paths to their operations");
  const Place root{paths, "#/paths"};
  std::vector<Outline> all;
  for (const auto& entry : *map) {
    const std::string path(entry.key());
    if (path.starts_with("x-")) continue;
    const Place item = document.followed(member(root, path));
    if (!path.starts_with('/') || item.value == nullptr || !item.value->is_object()) {
      document.refuse(member(root, path).pointer, "a path begins with `/` and is a map from methods to operations");
    }
    for (const std::string_view method : kMethods) {
      Place operation = member(item, method);
      if (operation.value == nullptr) continue;
      if (!operation.value->is_object()) document.refuse(operation.pointer, "an operation is a map");
      if (all.size() == kMaxOperations) {
        document.refuse("#/paths", fmt::format("more than {} operations", kMaxOperations));
      }
      std::string name(method);
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
      std::string id(text_of(operation, "operationId"));
      all.push_back({std::move(id), std::move(name), path, std::move(operation), item});
    }
  }
  return all;
}

Operation read_operation(const Document& document, const Outline& outline) {
  return Reading(document, outline).finish();
}

std::string server_of(const Document& document, const Place& owner) {
  const Place list = member(owner, "servers");
  const json::array* servers = list.value == nullptr ? nullptr : list.value->if_array();
  if (servers == nullptr || servers->empty()) return {};
  const Place server{&servers->front(), list.pointer + "/0"};
  std::string url(text_of(server, "url"));
  const Place variables = member(server, "variables");
  for (std::size_t open = url.find('{'); open != std::string::npos; open = url.find('{', open)) {
    const std::size_t close = url.find('}', open);
    if (close == std::string::npos) document.refuse(server.pointer, "a `{` of the server's URL is not closed");
    const std::string name = url.substr(open + 1, close - open - 1);
    const Place variable = member(variables, name);
    const std::string value(text_of(variable, "default"));
    if (value.empty()) document.refuse(variable.pointer, "a variable of the server's URL needs a default");
    url.replace(open, close - open + 1, value);
    open += value.size();
  }
  return url.find("://") == std::string::npos ? std::string() : url;
}

}  // namespace sennit::openapi
