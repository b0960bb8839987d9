// Any bytes, cut anywhere, give the same events as the same bytes in one piece; bounds throw and nothing else does.
#include <sennit/agent/io/sse.hpp>

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using Events = std::vector<std::pair<std::string, std::string>>;

constexpr sennit::StreamLimits kLimits{.line = 4'096, .event = 8'192, .lines = 64, .events = 1'000};

/// Nothing if a bound was exceeded.
std::optional<Events> read(std::string_view stream, std::size_t piece) {
  sennit::SseReader reader(kLimits);
  Events events;
  try {
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      reader.push(stream.substr(at, piece));
      while (const auto event = reader.next()) events.emplace_back(event->name, event->data);
    }
    if (const auto event = reader.finish()) events.emplace_back(event->name, event->data);
  } catch (const sennit::Error& error) {
    if (error.code() != sennit::errc::too_large) std::abort();
    return std::nullopt;
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0] % 16;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (read(stream, piece) != read(stream, stream.size() + 1)) std::abort();
  return 0;
}
