#include <sennit/backends/wire/wire_json.hpp>

#include <boost/json/basic_parser_impl.hpp>
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <iterator>
#include <optional>

namespace sennit {

namespace {

/// Documents up to this size use the scratch; a larger one is rare and pays for its own memory.
constexpr std::size_t kScratchDocument = 65'536;

/// The wire nests deeper than what else comes from outside: arguments stand in it, and are shown as they are. Parser
/// and writer recurse, a few hundred bytes of stack a level.
constexpr std::size_t kMaxWireDepth = 512;

json::parse_options strict_options() {
  json::parse_options options;
  options.max_depth = kMaxWireDepth;
  return options;
}

/// Parsing is synchronous and never nests, so one scratch a thread serves all its streams: an idle stream holds none.
struct Scratch {
  unsigned char values[16'384];
  unsigned char stack[4'096];
  std::optional<json::monotonic_resource> memory;  // made anew each time: release() lets its next block double for ever
  json::parser parser{json::storage_ptr{}, strict_options(), stack, sizeof stack};
  std::optional<json::value> result;
};

/// Replaces the numbers that JSON lacks (NaN, Infinity, -Infinity: log probabilities of some servers) by null.
std::string without_non_numbers(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    if (in_string && rest[0] == '\\') {
      out += rest.substr(0, 2);
      ++i;
      continue;
    }
    if (rest[0] == '"') in_string = !in_string;
    bool replaced = false;
    for (const std::string_view word : {"NaN", "Infinity", "-Infinity"}) {
      if (in_string || !rest.starts_with(word)) continue;
      out += "null";
      i += word.size() - 1;
      replaced = true;
      break;
    }
    if (!replaced) out += rest[0];
  }
  return out;
}

std::optional<json::value> parse_repaired(std::string_view text) {
  std::optional<json::value> value = parse_json_lenient(text);
  if (!value) value = parse_json_lenient(without_non_numbers(text));
  return value;
}

}  // namespace

const json::value* parse_scratch(std::string_view text) {
  thread_local Scratch scratch;
  scratch.result.reset();
  scratch.memory.emplace(scratch.values, sizeof scratch.values);
  if (text.size() <= kScratchDocument) {
    boost::system::error_code failure;
    scratch.parser.reset(json::storage_ptr(&*scratch.memory));
    scratch.parser.write(text, failure);
    if (!failure) return &scratch.result.emplace(scratch.parser.release());
  }
  if (std::optional<json::value> value = parse_repaired(text)) return &scratch.result.emplace(*std::move(value));
  return nullptr;
}

namespace {

/// Boost's handler for building values, but for doubles.
struct ExactHandler {
  static constexpr std::size_t max_array_size = json::array::max_size();
  static constexpr std::size_t max_object_size = json::object::max_size();
  static constexpr std::size_t max_string_size = json::string::max_size();
  static constexpr std::size_t max_key_size = json::string::max_size();
  using Failure = boost::system::error_code;
  using View = json::string_view;

  bool on_document_begin(Failure& /*failure*/) { return stack.reset(), true; }
  bool on_document_end(Failure& /*failure*/) { return true; }
  bool on_object_begin(Failure& /*failure*/) { return true; }
  bool on_object_end(std::size_t size, Failure& /*failure*/) { return stack.push_object(size), true; }
  bool on_array_begin(Failure& /*failure*/) { return true; }
  bool on_array_end(std::size_t size, Failure& /*failure*/) { return stack.push_array(size), true; }
  bool on_key_part(View part, std::size_t /*size*/, Failure& /*failure*/) { return stack.push_chars(part), true; }
  bool on_key(View part, std::size_t /*size*/, Failure& /*failure*/) { return stack.push_key(part), true; }
  bool on_string_part(View part, std::size_t /*size*/, Failure& /*failure*/) { return stack.push_chars(part), true; }
  bool on_string(View part, std::size_t /*size*/, Failure& /*failure*/) { return stack.push_string(part), true; }
  bool on_number_part(View part, Failure& /*failure*/) { return number.append(part), true; }
  bool on_int64(std::int64_t value, View /*text*/, Failure& /*failure*/) {
    return number.clear(), stack.push_int64(value), true;
  }
  bool on_uint64(std::uint64_t value, View /*text*/, Failure& /*failure*/) {
    return number.clear(), stack.push_uint64(value), true;
  }
  bool on_double(double value, View text, Failure& /*failure*/) {
    number.append(text);
    std::from_chars(number.data(), number.data() + number.size(), value);
    number.clear();
    return stack.push_double(value), true;
  }
  bool on_bool(bool value, Failure& /*failure*/) { return stack.push_bool(value), true; }
  bool on_null(Failure& /*failure*/) { return stack.push_null(), true; }
  bool on_comment_part(View /*part*/, Failure& /*failure*/) { return true; }
  bool on_comment(View /*part*/, Failure& /*failure*/) { return true; }

  json::value_stack stack;
  std::string number;  // the literal so far
};

}  // namespace

std::optional<json::value> parse_exact(std::string_view text) {
  json::basic_parser<ExactHandler> parser(strict_options());
  boost::system::error_code failure;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), failure);
  if (failure || read != text.size()) return {};
  return parser.handler().stack.release();
}

void append_json_string(std::string& out, std::string_view text) {
  std::string repaired;
  out += '"';
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x80 && repaired.empty()) {
      // Checked once, at the first byte beyond ASCII; what comes before it is unchanged by the repair.
      repaired = sanitize_utf8(text);
      text = repaired;
    }
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    switch (byte) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      default:
        fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    }
  }
  out.append(text, plain);
  out += '"';
}

namespace {

void append_double(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  const std::size_t start = out.size();
  fmt::format_to(std::back_inserter(out), "{}", number);
  if (out.find_first_of(".e", start) == std::string::npos) out += ".0";
}

}  // namespace

void append_json(std::string& out, const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      out += "null";
      break;
    case json::kind::bool_:
      out += value.get_bool() ? "true" : "false";
      break;
    case json::kind::int64:
      fmt::format_to(std::back_inserter(out), "{}", value.get_int64());
      break;
    case json::kind::uint64:
      fmt::format_to(std::back_inserter(out), "{}", value.get_uint64());
      break;
    case json::kind::double_:
      append_double(out, value.get_double());
      break;
    case json::kind::string:
      append_json_string(out, value.get_string());
      break;
    case json::kind::array: {
      char separator = '[';
      for (const json::value& item : value.get_array()) {
        out += separator;
        append_json(out, item);
        separator = ',';
      }
      out += separator == '[' ? "[]" : "]";
      break;
    }
    case json::kind::object: {
      char separator = '{';
      for (const auto& [key, item] : value.get_object()) {
        out += separator;
        append_json_string(out, key);
        out += ':';
        append_json(out, item);
        separator = ',';
      }
      out += separator == '{' ? "{}" : "}";
      break;
    }
  }
}

}  // namespace sennit
