#include <sennit/agent/io/base64.hpp>

#include <openssl/evp.h>

#include <cstddef>
#include <limits>

namespace sennit {

namespace {

unsigned char* bytes_at(std::string& text, std::size_t at) {
  return reinterpret_cast<unsigned char*>(text.data()) + at;
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string encode_base64(std::string_view bytes) {
  constexpr std::size_t kPiece = 3U << 20U;                // whole groups, so that only the last piece is padded
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // OpenSSL puts a null at the end
  std::size_t size = 0;
  for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
    const std::string_view piece = bytes.substr(at, kPiece);
    const int written = EVP_EncodeBlock(bytes_at(text, size), bytes_of(piece), static_cast<int>(piece.size()));
    size += static_cast<std::size_t>(written);
  }
  text.resize(size);
  return text;
}

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0 || text.size() > std::numeric_limits<int>::max()) return {};
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(bytes_at(bytes, 0), bytes_of(text), static_cast<int>(text.size()));
  // OpenSSL leaves white space at the ends aside, and takes `=` for a digit wherever it stands.
  if (size < 0 || static_cast<std::size_t>(size) != bytes.size()) return {};
  if (text.substr(0, text.size() - padding).find('=') != std::string_view::npos) return {};
  bytes.resize(bytes.size() - padding);
  return bytes;
}

}  // namespace sennit
