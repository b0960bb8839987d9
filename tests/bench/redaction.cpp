// What it costs to look for secrets: nanoseconds a byte of ordinary text, as a whole and as the deltas of a stream.
//   redaction [MEGABYTES]    prints one JSON object a number of secrets: 0, 1, 100
#include <sennit/agent/io/secrets.hpp>

#include <fmt/core.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace sennit;

std::uint64_t next(std::uint64_t& state) {
  constexpr std::uint64_t kMultiplier = 6364136223846793005;
  state = state * kMultiplier + 1442695040888963407;
  return state >> 33U;
}

/// Words of letters, numbers and marks, as models write.
std::string prose(std::size_t bytes) {
  constexpr std::string_view kLetters = "etaoinshrdlcumwfgypbvkjxqzETAOINS0123456789";
  std::string text;
  std::uint64_t state = 1;
  while (text.size() < bytes) {
    for (std::uint64_t left = 1 + next(state) % 9; left > 0; --left) text += kLetters[next(state) % kLetters.size()];
    text += next(state) % 8 == 0 ? ", " : " ";
  }
  return text;
}

/// Of `kRounds` the best: what else the machine does is not measured.
template <class Work>
double nanoseconds(std::size_t bytes, Work work) {
  constexpr int kRounds = 5;
  double best = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    const auto begun = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - begun;
    best = std::min(best, taken.count() / static_cast<double>(bytes));
  }
  return best;
}

void measure(std::size_t secrets, const std::string& text) {
  std::size_t shown = 0;
  const double whole = nanoseconds(text.size(), [&] { shown += secrets::redact(text).size(); });
  const double copied = nanoseconds(text.size(), [&] { shown += std::string(text).size(); });
  const double streamed = nanoseconds(text.size(), [&] {
    constexpr std::size_t kDelta = 20;
    secrets::Stream stream;
    for (std::size_t at = 0; at < text.size(); at += kDelta)
      shown += stream.push(std::string_view(text).substr(at, kDelta)).size();
    shown += stream.finish().size();
  });
  fmt::print("{{\"secrets\":{},\"bytes\":{},\"ns_a_byte\":{:.3f},\"of_a_copy\":{:.3f},\"streamed\":{:.3f}}}\n", secrets,
             text.size(), whole, copied, streamed);
  if (shown == 0) std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t megabytes = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 16;
  const std::string text = prose(megabytes << 20U);
  measure(0, text);
  std::uint64_t state = 7;
  for (std::size_t known = 0; known < 100; ++known) {
    std::string secret = "sk-";
    for (int i = 0; i < 6; ++i) secret += fmt::format("{:08x}", next(state));
    secrets::add(secret);
    if (known == 0) measure(1, text);
  }
  measure(100, text);
}
