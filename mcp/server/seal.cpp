#include <sennit/agent/io/base64.hpp>
#include <sennit/agent/io/digest.hpp>
#include <sennit/mcp/server/seal.hpp>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

namespace sennit::mcp {

Seal::Seal(Environment& environment) : key_(random_word(environment) + random_word(environment)) {}

std::string Seal::code_of(std::string_view text) const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> code{};
  unsigned int size = 0;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  if (HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), bytes, text.size(), code.data(), &size) ==
      nullptr) {
    throw Error(errc::internal, "OpenSSL has no HMAC");
  }
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) hex += fmt::format("{:02x}", code.at(i));
  return hex;
}

std::string Seal::close(std::string_view text) const {
  return encode_base64(text) + "." + code_of(text);
}

std::optional<std::string> Seal::open(std::string_view sealed) const {
  const std::size_t dot = sealed.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  std::optional<std::string> text = decode_base64(sealed.substr(0, dot));
  if (!text || !same_secret(code_of(*text), sealed.substr(dot + 1))) return std::nullopt;
  return text;
}

std::string random_word(Environment& environment) {
  const std::uint64_t first = environment.random();
  return fmt::format("{:016x}{:016x}", first, environment.random());
}

bool same_secret(std::string_view a, std::string_view b) {
  const std::string first = sha256(a);  // of one length, whatever the secrets' are
  const std::string second = sha256(b);
  return CRYPTO_memcmp(first.data(), second.data(), first.size()) == 0;
}

}  // namespace sennit::mcp
