#include <sennit/backends/wire/told_text.hpp>

namespace sennit {

void ToldText::add(std::string_view piece) noexcept {
  hash_ = fnv1a(piece, hash_);
  size_ += piece.size();
}

std::string_view ToldText::rest_of(std::string_view whole) const noexcept {
  if (whole.size() <= size_ || fnv1a(whole.substr(0, size_)) != hash_) return {};
  return whole.substr(size_);
}

}  // namespace sennit
