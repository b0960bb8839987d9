#include <sennit/backends/wire/told_text.hpp>

namespace sennit {

namespace {

std::uint64_t hash_on(std::uint64_t hash, std::string_view text) noexcept {
  constexpr std::uint64_t kPrime = 0x100000001B3U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * kPrime;
  return hash;
}

}  // namespace

void ToldText::add(std::string_view piece) noexcept {
  hash_ = hash_on(hash_, piece);
  size_ += piece.size();
}

std::string_view ToldText::rest_of(std::string_view whole) const noexcept {
  if (whole.size() <= size_ || hash_on(kSeed, whole.substr(0, size_)) != hash_) return {};
  return whole.substr(size_);
}

}  // namespace sennit
