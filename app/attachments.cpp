#include <sennit/agent/io/base64.hpp>
#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/json.hpp>
#include <sennit/app/attachments.hpp>

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace sennit::app {
namespace {

constexpr std::uintmax_t kMaxFile = 20ULL << 20U;  // what providers take in one request

struct Magic {
  std::string_view bytes;
  std::size_t at;
  std::string_view type;
};

// https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern, and its neighbours
constexpr std::array<Magic, 10> kMagic{{{"\x89PNG\r\n\x1A\n", 0, "image/png"},
                                        {"\xFF\xD8\xFF", 0, "image/jpeg"},
                                        {"GIF8", 0, "image/gif"},
                                        {"WEBP", 8, "image/webp"},
                                        {"%PDF-", 0, "application/pdf"},
                                        {"WAVE", 8, "audio/wav"},
                                        {"ID3", 0, "audio/mpeg"},
                                        {"\xFF\xFB", 0, "audio/mpeg"},
                                        {"fLaC", 0, "audio/flac"},
                                        {"OggS", 0, "audio/ogg"}}};

std::string_view type_of(std::string_view bytes) {
  for (const Magic& magic : kMagic) {
    if (bytes.size() > magic.at && bytes.substr(magic.at).starts_with(magic.bytes)) return magic.type;
  }
  const bool text = bytes.find('\0') == std::string_view::npos && sanitize_utf8(bytes) == bytes;
  return text ? "text/plain" : "";
}

std::string read_bytes(const std::filesystem::path& file) {
  std::error_code failure;
  const auto status = std::filesystem::status(file, failure);
  if (!std::filesystem::exists(status)) throw Error(errc::not_found, "no such file to attach").at(file.string());
  if (!std::filesystem::is_regular_file(status)) throw Error(errc::io, "this is no file").at(file.string());
  if (std::filesystem::file_size(file, failure) > kMaxFile) {
    throw Error(errc::too_large, fmt::format("a file of more than {} MiB cannot be attached", kMaxFile >> 20U))
        .at(file.string());
  }
  std::ifstream stream(file, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  if (!stream || bytes.empty()) throw Error(errc::io, "nothing can be read from it").at(file.string());
  return bytes;
}

/// data:image/png;base64,AAAA
Blob read_data_url(std::string_view url) {
  const std::size_t comma = url.find(',');
  const std::string_view head = url.substr(5, std::min(comma, url.size()) - 5);
  if (comma == std::string_view::npos || !head.ends_with(";base64")) {
    throw Error(errc::invalid_argument, "a data: URL is data:TYPE;base64,BYTES").at(std::string(url.substr(0, 40)));
  }
  return {std::string(head.substr(0, head.size() - 7)), std::string(url.substr(comma + 1)), {}};
}

/// Of a URL the ending is all there is to go by; the provider looks at the bytes.
std::string type_of_url(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  if (url.ends_with(".pdf")) return "application/pdf";
  if (url.ends_with(".jpg") || url.ends_with(".jpeg")) return "image/jpeg";
  if (url.ends_with(".gif")) return "image/gif";
  if (url.ends_with(".webp")) return "image/webp";
  return "image/png";
}

}  // namespace

Blob read_attachment(std::string_view what) {
  if (what.starts_with("http://") || what.starts_with("https://")) return {type_of_url(what), {}, std::string(what)};
  if (what.starts_with("data:")) return read_data_url(what);
  const std::string bytes = read_bytes(what);
  const std::string_view type = type_of(bytes);
  if (type.empty()) {
    throw Error(errc::invalid_argument, "this is no image, PDF, sound or text").at(std::string(what));
  }
  return {std::string(type), encode_base64(bytes), {}};
}

std::vector<Blob> read_attachments(const std::vector<std::string>& all) {
  std::vector<Blob> files;
  for (const std::string& what : all) files.push_back(read_attachment(what));
  return files;
}

std::string describe_attachment(const Blob& file) {
  if (!file.url.empty()) return fmt::format("{}, {}", file.media_type, file.url);
  return fmt::format("{}, {} KB", file.media_type, (file.data.size() * 3 / 4 + 1023) / 1024);
}

}  // namespace sennit::app
