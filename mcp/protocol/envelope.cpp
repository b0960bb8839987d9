#include <sennit/agent/io/base64.hpp>
#include <sennit/mcp/protocol/envelope.hpp>
#include <sennit/mcp/protocol/names.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace sennit::mcp {
namespace {

constexpr std::string_view kEncodedStart = "=?base64?";
constexpr std::string_view kEncodedEnd = "?=";
constexpr std::string_view kAnnotation = "x-mcp-header";
constexpr std::int64_t kSafeInteger = (1LL << 53U) - 1;  // what every JSON reader keeps exactly

constexpr std::array<std::string_view, 18> kSubschemas{"items",
                                                       "prefixItems",
                                                       "contains",
                                                       "additionalProperties",
                                                       "unevaluatedProperties",
                                                       "propertyNames",
                                                       "patternProperties",
                                                       "dependentSchemas",
                                                       "unevaluatedItems",
                                                       "oneOf",
                                                       "anyOf",
                                                       "allOf",
                                                       "not",
                                                       "if",
                                                       "then",
                                                       "else",
                                                       "$defs",
                                                       "definitions"};
constexpr std::array<std::string_view, 4> kNamedSubschemas{"patternProperties", "dependentSchemas", "$defs",
                                                           "definitions"};

template <std::size_t N>
bool holds(const std::array<std::string_view, N>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return std::isalnum(c) != 0 || kMarks.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

/// Walks a schema for annotations. A place is good if `properties` alone leads there.
class AnnotationSearch {
 public:
  // Empty: nothing is wrong. The schema was parsed with a bound on its depth.
  std::string visit(const json::value& node, const std::vector<std::string>& path, bool reachable) {
    const json::object* schema = node.if_object();
    if (schema == nullptr) return {};
    if (const json::value* name = schema->if_contains(kAnnotation)) {
      if (std::string fault = take(*schema, *name, path, reachable); !fault.empty()) return fault;
    }
    if (const json::object* properties = mcp::find_object(*schema, "properties")) {
      for (const auto& [key, child] : *properties) {
        std::vector<std::string> below = path;
        below.emplace_back(key);
        if (std::string fault = visit(child, below, reachable); !fault.empty()) return fault;
      }
    }
    return visit_others(*schema, path);
  }

  std::vector<HeaderParameter> found;

 private:
  std::string take(const json::object& schema, const json::value& name, const std::vector<std::string>& path,
                   bool reachable) {
    if (!reachable || path.empty()) return "x-mcp-header stands where not `properties` alone lead to";
    const std::string_view text = name.is_string() ? std::string_view(name.get_string()) : std::string_view();
    if (!is_token(text)) return "x-mcp-header of '" + path.back() + "' is no name of a header field";
    const std::string_view type = text_at(schema, "type");
    if (type != "string" && type != "integer" && type != "boolean") {
      return "x-mcp-header of '" + path.back() + "' needs the type string, integer or boolean";
    }
    for (const HeaderParameter& known : found) {
      if (lower(known.header) == lower(text)) return "x-mcp-header '" + std::string(text) + "' stands twice";
    }
    found.push_back({std::string(text), path});
    return {};
  }

  std::string visit_others(const json::object& schema, const std::vector<std::string>& path) {
    for (const auto& [key, value] : schema) {
      if (!holds(kSubschemas, key)) continue;
      if (const json::array* list = value.if_array()) {
        for (const json::value& one : *list) {
          if (std::string fault = visit(one, path, false); !fault.empty()) return fault;
        }
      } else if (value.is_object() && holds(kNamedSubschemas, key)) {
        for (const auto& [name, one] : value.get_object()) {
          if (std::string fault = visit(one, path, false); !fault.empty()) return fault;
        }
      } else if (std::string fault = visit(value, path, false); !fault.empty()) {
        return fault;
      }
    }
    return {};
  }
};

std::optional<std::string> plain_text(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_bool()) return value.get_bool() ? "true" : "false";
  if (value.is_int64() && value.get_int64() >= -kSafeInteger && value.get_int64() <= kSafeInteger) {
    return std::to_string(value.get_int64());
  }
  return std::nullopt;
}

}  // namespace

json::object implementation_info() {
  return {{"name", "sennit"}, {"version", kProgramVersion}};
}

void add_envelope(json::object& params, std::string_view version, const json::object& capabilities) {
  json::value& place = params[kMetaKey];
  if (!place.is_object()) place = json::object();
  json::object& about = place.get_object();
  about[meta::kVersion] = version;
  about[meta::kClientCapabilities] = capabilities;
  about[meta::kClientInfo] = implementation_info();
}

std::string_view version_in(const json::object& params) noexcept {
  const json::object* about = mcp::find_object(params, kMetaKey);
  return about == nullptr ? std::string_view() : text_at(*about, meta::kVersion);
}

std::optional<std::string> name_for_header(std::string_view method, const json::object& params) {
  if (method == "tasks/get" || method == "tasks/update" || method == "tasks/cancel") {
    return std::string(text_at(params, "taskId"));
  }
  const bool named = method == "tools/call" || method == "prompts/get";
  if (!named && method != "resources/read") return std::nullopt;
  return std::string(text_at(params, named ? "name" : "uri"));
}

std::string encode_header(std::string_view value) {
  const bool looks_encoded = value.starts_with(kEncodedStart) && value.ends_with(kEncodedEnd);
  const bool plain =
      std::all_of(value.begin(), value.end(), [](char c) { return c == '\t' || (c >= ' ' && c <= '~'); });
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  if (!value.empty() && plain && !looks_encoded && !blank(value.front()) && !blank(value.back())) {
    return std::string(value);
  }
  return std::string(kEncodedStart) + encode_base64(value) + std::string(kEncodedEnd);
}

std::optional<std::string> decode_header(std::string_view text) {
  if (!text.starts_with(kEncodedStart) || !text.ends_with(kEncodedEnd) ||
      text.size() < kEncodedStart.size() + kEncodedEnd.size()) {
    return std::string(text);
  }
  text.remove_prefix(kEncodedStart.size());
  text.remove_suffix(kEncodedEnd.size());
  return decode_base64(text);
}

std::optional<std::vector<HeaderParameter>> header_parameters(const json::object& schema, std::string* why) {
  AnnotationSearch search;
  std::string fault = search.visit(json::value(schema), {}, true);
  if (fault.empty()) return std::move(search.found);
  if (why != nullptr) *why = std::move(fault);
  return std::nullopt;
}

std::optional<std::string> header_value(const HeaderParameter& parameter, const json::object& arguments) {
  const json::object* place = &arguments;
  for (std::size_t i = 0; i + 1 < parameter.path.size() && place != nullptr; ++i) {
    place = mcp::find_object(*place, parameter.path[i]);
  }
  const json::value* value = place == nullptr ? nullptr : place->if_contains(parameter.path.back());
  const std::optional<std::string> text = value == nullptr ? std::nullopt : plain_text(*value);
  if (!text) return std::nullopt;
  return encode_header(*text);
}

}  // namespace sennit::mcp
