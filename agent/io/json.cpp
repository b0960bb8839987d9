#include <sennit/agent/io/json.hpp>

#include <cmath>
#include <limits>

namespace sennit {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

std::optional<json::value> parse(std::string_view text, std::string* why) {
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  json::stream_parser parser(json::storage_ptr{}, options);
  boost::system::error_code error;
  const std::size_t read = parser.write_some(text, error);
  if (!error && read < text.size()) error = json::error::extra_data;
  if (!error) parser.finish(error);
  if (error) {
    if (why != nullptr) *why = error.message() + " at byte " + std::to_string(read);
    return std::nullopt;
  }
  return parser.release();
}

/// Length of the valid UTF-8 sequence at the start of `text`, 0 if it is not valid.
std::size_t utf8_sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  std::size_t length = 0;
  unsigned low = 0x80;
  unsigned high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;   // overlong
    if (lead == 0xED) high = 0x9F;  // surrogates
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;  // beyond U+10FFFF
  } else {
    return 0;
  }
  if (text.size() < length) return 0;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  }
  return length;
}

/// Length of the broken sequence at the start of `text`: as far as it could have become a valid one, at least a byte.
/// So a cut-off character is replaced once, as the Unicode standard recommends (chapter 3.9, U+FFFD substitution).
std::size_t broken_sequence(std::string_view text) {
  const auto fits = [&](std::size_t length) {
    // A beginning is fine if some ending makes it valid; the second byte alone has narrower bounds than the others.
    constexpr std::string_view kEnding = "\x80\x80\x80";
    const std::string_view begin = text.substr(0, length);
    for (std::size_t missing = 1; missing <= kEnding.size(); ++missing) {
      if (utf8_sequence(std::string(begin).append(kEnding.substr(0, missing))) == length + missing) return true;
    }
    return false;
  };
  std::size_t length = 1;
  while (length < 3 && length < text.size() && fits(length + 1)) ++length;
  return length;
}

std::optional<unsigned> hex4(std::string_view text) {
  if (text.size() < 4) return std::nullopt;
  unsigned value = 0;
  for (char c : text.substr(0, 4)) {
    value <<= 4U;
    if (c >= '0' && c <= '9') {
      value |= static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      value |= static_cast<unsigned>(c - 'a' + 10);
    } else if (c >= 'A' && c <= 'F') {
      value |= static_cast<unsigned>(c - 'A' + 10);
    } else {
      return std::nullopt;
    }
  }
  return value;
}

/// Replaces escapes of lone surrogates (\ud83d without its partner), which strict parsers refuse.
std::string repair_surrogates(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '\\' || i + 1 >= text.size()) {
      out += text[i++];
      continue;
    }
    const auto unit = text[i + 1] == 'u' ? hex4(text.substr(i + 2)) : std::nullopt;
    if (!unit || *unit < 0xD800 || *unit > 0xDFFF) {
      out += text.substr(i, 2);
      i += 2;
      continue;
    }
    const bool partner = *unit < 0xDC00 && text.substr(i + 6).starts_with("\\u") &&
                         hex4(text.substr(i + 8)).value_or(0) >= 0xDC00 &&
                         hex4(text.substr(i + 8)).value_or(0) <= 0xDFFF;
    out += partner ? text.substr(i, 12) : std::string_view("\\ufffd");
    i += partner ? 12 : 6;
  }
  return out;
}

}  // namespace

std::optional<json::value> parse_json(std::string_view text, std::string* why) {
  return parse(text, why);
}

std::optional<json::value> parse_json_lenient(std::string_view text) {
  if (auto value = parse(text, nullptr)) return value;
  return parse(repair_surrogates(sanitize_utf8(text)), nullptr);
}

std::string sanitize_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::size_t sound = 0;  // from here to `at` nothing is broken: nearly always the whole text
  for (std::size_t at = 0; at < text.size();) {
    const bool ascii = static_cast<unsigned char>(text[at]) < 0x80U;
    const std::size_t length = ascii ? 1 : utf8_sequence(text.substr(at));
    if (length > 0) {
      at += length;
      continue;
    }
    out.append(text, sound, at - sound).append(kReplacement);
    at += broken_sequence(text.substr(at));
    sound = at;
  }
  return out.append(text, sound);
}

const json::value* find(const json::value& value, std::string_view key) noexcept {
  const json::object* object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains(key);
}

std::string_view find_string(const json::value& value, std::string_view key) noexcept {
  const json::value* member = find(value, key);
  const json::string* text = member == nullptr ? nullptr : member->if_string();
  return text == nullptr ? std::string_view{} : std::string_view(*text);
}

std::optional<std::int64_t> find_int(const json::value& value, std::string_view key) noexcept {
  const json::value* member = find(value, key);
  if (member == nullptr) return std::nullopt;
  if (const auto* number = member->if_int64()) return *number;
  if (const auto* number = member->if_uint64();
      number != nullptr && *number <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return static_cast<std::int64_t>(*number);
  }
  constexpr double kLimit = 9.0e18;
  if (const auto* number = member->if_double();
      number != nullptr && std::isfinite(*number) && *number > -kLimit && *number < kLimit) {
    return static_cast<std::int64_t>(*number);
  }
  return std::nullopt;
}

}  // namespace sennit
