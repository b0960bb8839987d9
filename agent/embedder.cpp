#include <sennit/agent/embedder.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace sennit {

Embedder::~Embedder() = default;

double cosine(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) {
    throw Error(errc::invalid_argument,
                fmt::format("vectors of {} and {} dimensions cannot be compared", a.size(), b.size()));
  }
  double product = 0;
  double of_a = 0;
  double of_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i];
    const double y = b[i];
    product += x * y;
    of_a += x * x;
    of_b += y * y;
  }
  if (of_a == 0 || of_b == 0) return 0;
  return std::clamp(product / std::sqrt(of_a) / std::sqrt(of_b), -1.0, 1.0);  // rounding may lead just beyond
}

}  // namespace sennit
