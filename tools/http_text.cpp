#include <sennit/agent/io/json.hpp>
#include <sennit/tools/http_text.hpp>

#include <fmt/format.h>
#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <utility>

namespace sennit::http {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

std::string lowered(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

/// iconv's own names for the charsets that the web still has. The peer's words never reach iconv_open: some of its
/// converters are obscure, stateful and have been exploitable (CVE-2024-2961). Labels follow the WHATWG's encoding
/// list.
const char* converter_for(std::string_view label) {
  using Row = std::pair<std::string_view, const char*>;
  static constexpr std::array<Row, 36> kConverters{{
      {"iso-8859-1", "WINDOWS-1252"},
      {"latin1", "WINDOWS-1252"},
      {"windows-1252", "WINDOWS-1252"},
      {"cp1252", "WINDOWS-1252"},
      {"us-ascii", "WINDOWS-1252"},
      {"ascii", "WINDOWS-1252"},
      {"iso-8859-2", "ISO-8859-2"},
      {"latin2", "ISO-8859-2"},
      {"iso-8859-5", "ISO-8859-5"},
      {"iso-8859-7", "ISO-8859-7"},
      {"iso-8859-9", "WINDOWS-1254"},
      {"iso-8859-15", "ISO-8859-15"},
      {"windows-1250", "WINDOWS-1250"},
      {"windows-1251", "WINDOWS-1251"},
      {"windows-1253", "WINDOWS-1253"},
      {"windows-1254", "WINDOWS-1254"},
      {"windows-1255", "WINDOWS-1255"},
      {"windows-1256", "WINDOWS-1256"},
      {"windows-1257", "WINDOWS-1257"},
      {"koi8-r", "KOI8-R"},
      {"koi8-u", "KOI8-U"},
      {"gb2312", "GB18030"},
      {"gbk", "GB18030"},
      {"gb18030", "GB18030"},
      {"big5", "BIG5"},
      {"shift_jis", "CP932"},
      {"shift-jis", "CP932"},
      {"sjis", "CP932"},
      {"x-sjis", "CP932"},
      {"windows-31j", "CP932"},
      {"euc-jp", "EUC-JP"},
      {"euc-kr", "CP949"},
      {"ks_c_5601-1987", "CP949"},
      {"utf-16", "UTF-16LE"},
      {"utf-16le", "UTF-16LE"},
      {"utf-16be", "UTF-16BE"},
  }};
  const auto* found =
      std::find_if(kConverters.begin(), kConverters.end(), [label](const Row& row) { return row.first == label; });
  return found == kConverters.end() ? nullptr : found->second;
}

class Converter {
 public:
  explicit Converter(const char* from) : handle_(::iconv_open("UTF-8", from)) {}
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;
  ~Converter() {
    if (ok()) ::iconv_close(handle_);
  }
  [[nodiscard]] bool ok() const { return reinterpret_cast<std::intptr_t>(handle_) != -1; }

  /// What cannot be converted becomes U+FFFD, a byte at a time.
  [[nodiscard]] std::string convert(std::string_view body) const {
    std::string input(body);
    std::string result;
    char* in = input.data();
    std::size_t left = input.size();
    std::array<char, 4096> buffer{};
    while (left > 0) {
      char* out = buffer.data();
      std::size_t space = buffer.size();
      const std::size_t outcome = ::iconv(handle_, &in, &left, &out, &space);
      const int error = errno;
      result.append(buffer.data(), buffer.size() - space);
      if (outcome != static_cast<std::size_t>(-1) || error == E2BIG) continue;
      result += kReplacement;
      if (error != EILSEQ) break;  // EINVAL: the last character is cut off
      ++in, --left;
    }
    return result;
  }

 private:
  iconv_t handle_;
};

/// The value of a `charset=` in `text`; empty if there is none.
std::string charset_in(std::string_view text) {
  const std::string lower = lowered(text);
  std::size_t at = lower.find("charset=");
  if (at == std::string::npos) return {};
  at = lower.find_first_not_of(" \"'", at + 8);
  if (at == std::string::npos) return {};
  return lower.substr(at, lower.find_first_of(" \"';>/", at) - at);
}

std::string media_type(std::string_view content_type) {
  std::string type = lowered(content_type.substr(0, content_type.find(';')));
  std::erase_if(type, [](char c) { return c == ' ' || static_cast<unsigned char>(c) < 0x20; });
  return type;
}

std::string charset_of(std::string_view body, std::string_view content_type) {
  if (body.starts_with("\xEF\xBB\xBF")) return "utf-8";
  if (body.starts_with("\xFF\xFE")) return "utf-16le";
  if (body.starts_with("\xFE\xFF")) return "utf-16be";
  if (std::string charset = charset_in(content_type); !charset.empty()) return charset;
  constexpr std::size_t kHead = 1024;  // where HTML's own rules look for it
  return media_type(content_type).find("html") == std::string::npos ? "" : charset_in(body.substr(0, kHead));
}

bool is_text_type(std::string_view type) {
  constexpr std::array<std::string_view, 12> kTypes{"application/json",
                                                    "application/xml",
                                                    "application/javascript",
                                                    "application/ecmascript",
                                                    "application/x-www-form-urlencoded",
                                                    "application/yaml",
                                                    "application/x-yaml",
                                                    "application/toml",
                                                    "application/sql",
                                                    "application/graphql",
                                                    "application/x-ndjson",
                                                    "application/x-sh"};
  return type.starts_with("text/") || type.ends_with("+json") || type.ends_with("+xml") || type.ends_with("+yaml") ||
         std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

/// The same without the beginning of a character at its end, as a cut leaves it.
std::string_view whole_characters(std::string_view body) {
  std::size_t lead = body.size();
  for (std::size_t back = 1; back <= 3 && back <= body.size(); ++back) {
    const auto byte = static_cast<unsigned char>(body[body.size() - back]);
    if ((byte & 0xC0U) == 0x80U) continue;
    const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
    if (byte >= 0xC2 && byte <= 0xF4 && back < length) lead -= back;
    break;
  }
  return body.substr(0, lead);
}

bool is_utf8(std::string_view body) {
  const std::string_view whole = whole_characters(body);
  return sanitize_utf8(whole) == whole;
}

}  // namespace

std::string body_text(std::string_view body, std::string_view content_type) {
  const std::string type = media_type(content_type);
  const bool unknown = type.empty() || type == "application/octet-stream" || type == "binary/octet-stream";
  std::string text;
  const char* converter_name = converter_for(charset_of(body, content_type));
  if (is_text_type(type) && converter_name != nullptr) {
    const Converter converter(converter_name);
    text = converter.ok() ? converter.convert(body) : sanitize_utf8(body);
  } else {
    text = sanitize_utf8(body);
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  // A type may lie: what holds NULs is no text, and what nobody names is text if it reads as such.
  const bool readable = text.find('\0') == std::string::npos && (is_text_type(type) || (unknown && is_utf8(body)));
  if (readable) return text;
  return fmt::format("[binary data: {}, {} bytes]", type.empty() ? "unknown type" : sanitize_utf8(type), body.size());
}

}  // namespace sennit::http
