#include <sennit/agent/io/http_path.hpp>
#include <sennit/tools/openapi/request.hpp>

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace sennit::openapi {
namespace {

/// A value within a parameter: text as it is, everything else as JSON.
std::string plain(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  return value.is_null() ? std::string() : json::serialize(value);
}

using Encode = std::string (*)(std::string_view);

std::string as_it_is(std::string_view text) {
  return std::string(text);
}

std::string joined(const std::vector<std::string>& pieces, std::string_view separator) {
  std::string text;
  for (std::size_t i = 0; i < pieces.size(); ++i) text.append(i == 0 ? "" : separator).append(pieces[i]);
  return text;
}

/// A list's elements, or an object's names and values: `a=1` each where it explodes, else both in turn.
std::vector<std::string> pieces_of(const json::value& value, bool explode, Encode encode) {
  std::vector<std::string> pieces;
  if (const json::array* list = value.if_array()) {
    for (const json::value& element : *list) pieces.push_back(encode(plain(element)));
  } else if (const json::object* map = value.if_object()) {
    for (const auto& entry : *map) {
      if (explode) {
        pieces.push_back(encode(entry.key()) + "=" + encode(plain(entry.value())));
      } else {
        pieces.push_back(encode(entry.key()));
        pieces.push_back(encode(plain(entry.value())));
      }
    }
  } else {
    pieces.push_back(encode(plain(value)));
  }
  return pieces;
}

[[noreturn]] void refuse(const Parameter& parameter, std::string_view why) {
  throw Error(errc::invalid_argument, fmt::format("the argument '{}' {}", parameter.argument, why));
}

/// Of a path or a header.
std::string simple(const Parameter& parameter, const json::value& value, Encode encode) {
  if (parameter.style == Style::json) return encode(json::serialize(value));
  const bool single = !value.is_array() && !value.is_object();
  const std::vector<std::string> pieces = pieces_of(value, parameter.explode, encode);
  if (parameter.style == Style::label) return "." + joined(pieces, parameter.explode ? "." : ",");
  if (parameter.style != Style::matrix) return joined(pieces, ",");
  const std::string name = encode(parameter.name);
  if (single || !parameter.explode) return fmt::format(";{}={}", name, joined(pieces, ","));
  std::string text;
  for (const std::string& piece : pieces) {
    text += value.is_array() ? fmt::format(";{}={}", name, piece) : ";" + piece;
  }
  return text;
}

/// A dot segment or an empty one would name another resource than the one that the policy was asked about.
std::string segment(const Parameter& parameter, const json::value& value) {
  std::string text = simple(parameter, value, &encoded);
  if (text.empty() || http::has_dots(text)) {
    refuse(parameter, "must not be empty, and no part of it between slashes `.` or `..`");
  }
  return text;
}

void add_query(const Parameter& parameter, const json::value& value, std::vector<std::string>& query) {
  const std::string name = encoded(parameter.name);
  if (parameter.style == Style::json) return query.push_back(name + "=" + encoded(json::serialize(value)));
  if (parameter.style == Style::deep) {
    if (!value.is_object()) refuse(parameter, "must be an object");
    for (const auto& entry : value.get_object()) {
      query.push_back(fmt::format("{}%5B{}%5D={}", name, encoded(entry.key()), encoded(plain(entry.value()))));
    }
    return;
  }
  const std::vector<std::string> pieces = pieces_of(value, parameter.explode, &encoded);
  if (parameter.explode && value.is_array()) {
    for (const std::string& piece : pieces) query.push_back(fmt::format("{}={}", name, piece));
  } else if (parameter.explode && value.is_object()) {
    query.insert(query.end(), pieces.begin(), pieces.end());
  } else {
    const std::string_view separator = parameter.style == Style::space  ? "%20"
                                       : parameter.style == Style::pipe ? "%7C"
                                                                        : ",";
    query.push_back(name + "=" + joined(pieces, separator));
  }
}

std::string form_body(const json::value& body) {
  const json::object* fields = body.if_object();
  if (fields == nullptr) throw Error(errc::invalid_argument, "the argument 'body' must be an object: it is a form");
  std::vector<std::string> pairs;
  for (const auto& field : *fields) {
    const std::string name = encoded(field.key());
    if (const json::array* list = field.value().if_array()) {
      for (const json::value& element : *list) pairs.push_back(name + "=" + encoded(plain(element)));
    } else {
      pairs.push_back(name + "=" + encoded(plain(field.value())));
    }
  }
  return joined(pairs, "&");
}

void set_body(const Operation& operation, const json::object& arguments, http::Call& call) {
  const json::value* body = arguments.if_contains("body");
  if (operation.body == BodyForm::none || body == nullptr) return;
  call.content_type = operation.content_type;
  if (operation.body == BodyForm::json) {
    call.body = json::serialize(*body);
  } else {
    call.body = operation.body == BodyForm::form ? form_body(*body) : plain(*body);
  }
}

}  // namespace

std::string encoded(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool simple = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                        std::string_view("-._~").find(c) != std::string_view::npos;
    result += simple ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return result;
}

std::string path_of(const Operation& operation, const json::object& arguments) {
  std::string path = operation.path;
  for (const Parameter& parameter : operation.parameters) {
    if (parameter.in != In::path) continue;
    const json::value* value = arguments.if_contains(parameter.argument);
    if (value == nullptr) refuse(parameter, "is missing");
    const std::string hole = "{" + parameter.name + "}";
    const std::string text = segment(parameter, *value);
    for (std::size_t at = path.find(hole); at != std::string::npos; at = path.find(hole, at + text.size())) {
      path.replace(at, hole.size(), text);
    }
  }
  // Two parameters, or one and what stands beside it, may come to one.
  if (http::has_dots(path)) throw Error(errc::invalid_argument, "the arguments make a path with `.` or `..`: " + path);
  return path;
}

http::Call make_call(const Operation& operation, std::string_view base, const json::object& arguments) {
  http::Call call{operation.method, "", {}, "", "", ""};
  std::vector<std::string> query;
  std::vector<std::string> cookies;
  for (const Parameter& parameter : operation.parameters) {
    const json::value* value = arguments.if_contains(parameter.argument);
    if (value == nullptr) continue;
    if (parameter.in == In::query) {
      add_query(parameter, *value, query);
    } else if (parameter.in == In::header) {
      call.headers.push_back({parameter.name, simple(parameter, *value, &as_it_is)});
    } else if (parameter.in == In::cookie) {
      add_query(parameter, *value, cookies);
    }
  }
  if (!cookies.empty()) call.headers.push_back({"Cookie", joined(cookies, "; ")});
  while (base.ends_with('/')) base.remove_suffix(1);
  call.url = std::string(base) + path_of(operation, arguments);
  if (!query.empty()) call.url += "?" + joined(query, "&");
  set_body(operation, arguments, call);
  return call;
}

}  // namespace sennit::openapi
