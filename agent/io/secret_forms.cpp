#include <sennit/agent/io/json.hpp>
#include <sennit/agent/io/secret_forms.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace sennit {
namespace {

constexpr std::string_view kStandard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kForUrls = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The digits of Base64 that `value` alone decides where `before` bytes (0 to 2) stand before it in its group of
/// three. Of the digits at its ends that others share six bits with, none is in it.
std::string base64_core(std::string_view value, std::size_t before, std::string_view alphabet) {
  std::string digits;
  const std::size_t bits = (before + value.size()) * 8;
  const auto bit = [&](std::size_t at) {
    return (static_cast<unsigned char>(value[at / 8 - before]) >> (7 - at % 8)) & 1U;
  };
  constexpr std::size_t kBits = 6;
  for (std::size_t at = (before * 8 + kBits - 1) / kBits * kBits; at + kBits <= bits; at += kBits) {
    unsigned digit = 0;
    for (std::size_t i = 0; i < kBits; ++i) digit = digit << 1U | bit(at + i);
    digits += alphabet[digit];
  }
  return digits;
}

std::string in_hex(std::string_view value, bool large) {
  std::string digits;
  for (const unsigned char byte : value) digits += large ? fmt::format("{:02X}", byte) : fmt::format("{:02x}", byte);
  return digits;
}

/// `plain`: the bytes beside letters and digits that are not encoded.
std::string in_url(std::string_view value, std::string_view plain, bool large, bool plus) {
  std::string text;
  for (const char c : value) {
    const bool simple = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plus && c == ' ') {
      text += '+';
    } else if (simple || plain.find(c) != std::string_view::npos) {
      text += c;
    } else {
      text += '%' + in_hex({&c, 1}, large);
    }
  }
  return text;
}

/// As serializers write it that escape slashes, or all that is not ASCII.
std::string in_json(std::string_view value, bool slashes, bool ascii) {
  std::string quoted = json::serialize(json::value(value));
  std::string text;
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    const auto byte = static_cast<unsigned char>(quoted[i]);
    if (slashes && byte == '/') text += '\\';
    if (!ascii || byte < 0x80) {
      text += quoted[i];
      continue;
    }
    const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
    std::uint32_t character = byte & (0xFFU >> (length + 1));
    for (std::size_t k = 1; k < length && i + 1 < quoted.size(); ++k) {
      character = character << 6U | (static_cast<unsigned char>(quoted[++i]) & 0x3FU);
    }
    if (character >= 0x10000) {
      character -= 0x10000;
      text += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (character >> 10U), 0xDC00 + (character & 0x3FFU));
    } else {
      text += fmt::format("\\u{:04x}", character);
    }
  }
  return text;
}

}  // namespace

std::vector<std::string> secret_forms(std::string_view value) {
  std::vector<std::string> forms{std::string(value)};
  for (const std::string_view alphabet : {kStandard, kForUrls}) {
    for (std::size_t before = 0; before < 3; ++before) forms.push_back(base64_core(value, before, alphabet));
  }
  // What is left alone in a URL differs from writer to writer: by RFC 3986, in a path, in a form.
  for (const std::string_view plain : {"-._~", "-._~!$&'()*+,;=:@/", "-._*"}) {
    for (const bool large : {true, false}) {
      forms.push_back(in_url(value, plain, large, false));
      forms.push_back(in_url(value, plain, large, true));
    }
  }
  for (const bool slashes : {false, true}) {
    for (const bool ascii : {false, true}) forms.push_back(in_json(value, slashes, ascii));
  }
  forms.push_back(in_hex(value, false));
  forms.push_back(in_hex(value, true));
  std::sort(forms.begin(), forms.end());
  forms.erase(std::unique(forms.begin(), forms.end()), forms.end());
  return forms;
}

}  // namespace sennit
