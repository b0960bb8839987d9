#include <sennit/agent/io/base64.hpp>
#include <sennit/agent/io/json.hpp>
#include <sennit/tools/images_wire.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace sennit::images {
namespace {

using namespace std::string_view_literals;

constexpr auto kPng = "\x89PNG\r\n\x1a\n"sv;

std::uint32_t big_endian(std::string_view four) {
  std::uint32_t number = 0;
  for (const char c : four) number = (number << 8U) | static_cast<unsigned char>(c);
  return number;
}

/// Where a PNG that begins at the start of `bytes` ends; nothing if it does not. Chunks of length, name, data, check
/// sum up to IEND: https://www.w3.org/TR/png-3/#5DataRep
std::optional<std::size_t> end_of_png(std::string_view bytes) {
  constexpr std::size_t kAround = 12;
  for (std::size_t at = kPng.size(); at + kAround <= bytes.size();) {
    const std::size_t end = at + kAround + big_endian(bytes.substr(at, 4));
    if (end > bytes.size()) return {};
    if (bytes.substr(at + 4, 4) == "IEND") return end;
    at = end;
  }
  return {};
}

std::string decoded(std::string_view text) {
  // Some servers write a data: URL where the bare text is due.
  if (text.starts_with("data:")) text.remove_prefix(std::min(text.find(',') + 1, text.size()));
  if (text.size() / 4 * 3 > kMaxPictureBytes) {
    throw Error(errc::too_large, fmt::format("a picture is larger than {} MiB", kMaxPictureBytes >> 20U));
  }
  std::optional<std::string> bytes = decode_base64(text);
  if (!bytes || bytes->empty()) throw Error(errc::protocol, "a picture of the answer is not base64");
  return *std::move(bytes);
}

std::string form_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || c == '.' || c == '~';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

/// For a message: on one line, not too long, without what is no text.
std::string shown(std::string_view words) {
  constexpr std::size_t kShown = 400;
  if (const std::size_t first = words.find_first_not_of(" \r\n\t");
      first != std::string_view::npos && words[first] == '<') {
    return "an HTML page";
  }
  std::string text = sanitize_utf8(words.substr(0, kShown));
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return text;
}

std::string lowered(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

/// `{error: {message, type, code}}` of OpenAI's kind, `{detail}` of FastAPI, or whatever else came.
struct Said {
  std::string words;
  std::string kinds;  ///< type and code, in lower case
};

Said said_by(std::string_view body) {
  const std::optional<json::value> document = parse_json_lenient(body);
  if (!document) return {shown(body), ""};
  const json::value* inner = find(*document, "error");
  const json::value& error = inner != nullptr && inner->is_object() ? *inner : *document;
  Said said;
  for (const std::string_view name : {"message", "detail", "error"}) {
    if (const std::string_view text = find_string(error, name); said.words.empty()) said.words = shown(text);
  }
  if (said.words.empty()) said.words = shown(body);
  said.kinds = lowered(fmt::format("{} {}", find_string(error, "type"), find_string(error, "code")));
  return said;
}

bool is_policy(const Said& said, int status) {
  for (const std::string_view kind : {"moderation", "content_policy", "content_filter"}) {
    if (said.kinds.find(kind) != std::string::npos) return true;
  }
  if (status != 400) return false;
  const std::string words = lowered(said.words);
  return words.find("safety system") != std::string::npos || words.find("content policy") != std::string::npos;
}

errc code_of(int status, const Said& said) {
  if (is_policy(said, status)) return errc::content_filter;
  if (status == 402 || said.kinds.find("quota") != std::string::npos || said.kinds.find("billing") != std::string::npos)
    return errc::quota;
  switch (status) {
    case 401:
      return errc::authentication;
    case 403:
      return errc::permission;
    case 429:
      return errc::rate_limited;
    case 503:
    case 529:
      return errc::overloaded;
    default:
      return status >= 500 ? errc::server : status >= 400 ? errc::bad_request : errc::protocol;
  }
}

std::string_view meaning_of(errc code) {
  switch (code) {
    case errc::content_filter:
      return "refused the picture, by its content policy";
    case errc::quota:
      return "is not paid for this; waiting does not help";
    case errc::authentication:
      return "did not take the key";
    case errc::permission:
      return "does not permit this to the key";
    case errc::rate_limited:
    case errc::overloaded:
      return "is busy";
    case errc::server:
      return "failed";
    case errc::bad_request:
      return "refused the request";
    default:
      return "answered with something else";
  }
}

std::vector<Picture> read_openai(std::string_view body) {
  const std::optional<json::value> document = parse_json(body);
  if (!document) {
    throw Error(errc::protocol, fmt::format("the answer is not JSON: {}", shown(body.substr(0, 200))));
  }
  const json::value* list = find(*document, "data");
  if (list == nullptr || !list->is_array()) list = find(*document, "images");
  if (list == nullptr || !list->is_array()) {
    throw Error(errc::protocol, fmt::format("the answer holds no pictures: {}", shown(body.substr(0, 200))));
  }
  std::vector<Picture> pictures;
  for (const json::value& entry : list->get_array()) {
    Picture picture{{}, std::string(find_string(entry, "url")), shown(find_string(entry, "revised_prompt"))};
    const std::string_view text = find_string(entry, "b64_json");
    if (!text.empty() || picture.url.starts_with("data:")) {
      picture.bytes = decoded(text.empty() ? std::string_view(picture.url) : text);
      picture.url.clear();
    } else if (picture.url.empty()) {
      throw Error(errc::protocol, "an entry of the answer has neither b64_json nor url");
    }
    pictures.push_back(std::move(picture));
  }
  return pictures;
}

/// The demo declares multipart/related and sends PNG files one after another, with nothing between them: they are told
/// apart by their own chunks. Whatever a kinder server puts between them is skipped.
std::vector<Picture> read_janus(std::string_view body) {
  std::vector<Picture> pictures;
  for (std::size_t at = body.find(kPng); at != std::string_view::npos; at = body.find(kPng, at)) {
    const std::optional<std::size_t> size = end_of_png(body.substr(at));
    if (!size) throw Error(errc::truncated, "the answer ends within a picture").retry();
    pictures.push_back({std::string(body.substr(at, *size)), "", ""});
    at += *size;
  }
  if (!pictures.empty()) return pictures;
  (void)kind_of(body);  // throws where it is no picture at all
  return {{std::string(body), "", ""}};
}

}  // namespace

Kind kind_of(std::string_view bytes) {
  if (bytes.starts_with(kPng)) {
    constexpr std::size_t kWidth = 16;  // behind the signature and the head of IHDR, which is always the first chunk
    std::string pixels;
    if (bytes.size() >= kWidth + 8) {
      pixels = fmt::format("{}x{}", big_endian(bytes.substr(kWidth, 4)), big_endian(bytes.substr(kWidth + 4, 4)));
    }
    return {"image/png", ".png", std::move(pixels)};
  }
  if (bytes.starts_with("\xFF\xD8\xFF"sv)) return {"image/jpeg", ".jpg", ""};
  if (bytes.starts_with("RIFF") && bytes.substr(8 < bytes.size() ? 8 : bytes.size()).starts_with("WEBP")) {
    return {"image/webp", ".webp", ""};
  }
  throw Error(errc::protocol, fmt::format("what came is no picture (PNG, JPEG or WebP) but {} bytes that begin: {}",
                                          bytes.size(), shown(bytes.substr(0, 80))));
}

Body request_body(const ImagesSettings& settings, std::string_view base, std::string_view prompt) {
  while (base.ends_with('/')) base.remove_suffix(1);
  if (settings.style == ImageStyle::janus) {
    std::string form = "prompt=" + form_encoded(prompt);
    if (settings.seed) form += fmt::format("&seed={}", *settings.seed);
    if (settings.guidance) form += fmt::format("&guidance={}", *settings.guidance);
    // Without the slash at the end the demo redirects, and a form does not survive that.
    return {fmt::format("{}/generate_images/", base), "application/x-www-form-urlencoded", std::move(form)};
  }
  json::object body;
  if (!settings.model.empty()) body["model"] = settings.model;
  body["prompt"] = prompt;
  body["n"] = settings.n;
  // `response_format` is left out: the GPT image models refuse it, and both of its forms are understood.
  if (!settings.size.empty()) body["size"] = settings.size;
  if (!settings.quality.empty()) body["quality"] = settings.quality;
  return {fmt::format("{}/images/generations", base), "application/json", json::serialize(body)};
}

std::vector<Picture> read_answer(const ImagesSettings& settings, std::string_view body) {
  std::vector<Picture> pictures = settings.style == ImageStyle::janus ? read_janus(body) : read_openai(body);
  if (pictures.empty()) throw Error(errc::protocol, "the answer holds no pictures");
  if (pictures.size() > settings.n) pictures.resize(settings.n);
  return pictures;
}

Error refusal(const ImagesSettings& settings, int status, std::string_view body, std::string_view retry_after) {
  const Said said = said_by(body);
  const errc code = code_of(status, said);
  std::string message = fmt::format("{} {} (HTTP {})", settings.server.title, meaning_of(code), status);
  if (!said.words.empty()) message += ": " + said.words;
  if (code == errc::authentication) {
    message += settings.api_key.empty() && !settings.server.key_variable.empty()
                   ? fmt::format("; check the key in {}", settings.server.key_variable)
                   : "; check the option api_key of `images`";
  }
  Error error = Error(code, std::move(message)).provider(status, said.kinds, said.words);
  if (code != errc::rate_limited && code != errc::overloaded && code != errc::server) return error;
  double seconds = 0;
  const auto [end, failed] = std::from_chars(retry_after.data(), retry_after.data() + retry_after.size(), seconds);
  constexpr double kMost = 86'400;
  if (failed != std::errc{} || !(seconds >= 0) || end == retry_after.data()) return std::move(error).retry();
  return std::move(error).retry(milliseconds(static_cast<std::int64_t>(std::min(seconds, kMost) * 1000)));
}

std::string file_stem(std::string_view words) {
  constexpr std::size_t kLongest = 48;
  std::string stem;
  for (const char c : lowered(words)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain) {
      stem += c;
    } else if (!stem.empty() && stem.back() != '-') {
      stem += '-';
    }
    if (stem.size() >= kLongest) break;
  }
  while (stem.ends_with('-')) stem.pop_back();
  return stem.empty() ? "image" : stem;
}

}  // namespace sennit::images
