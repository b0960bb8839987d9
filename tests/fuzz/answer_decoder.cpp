// Any body of a model server, cut anywhere, reads as the same body in one piece, and always ends in one terminal event.
#include <sennit/backends/wire/answer_reading.hpp>
#include <sennit/backends/wire/wire_json.hpp>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <vector>

namespace {

using namespace sennit;

/// Nothing if a bound was exceeded.
std::optional<json::object> read(std::string_view body, const ReadingOptions& options,
                                 std::span<const std::size_t> pieces) {
  try {
    return read_answer(body, options, pieces);
  } catch (const Error& error) {
    if (error.code() != errc::too_large) std::abort();
    return std::nullopt;
  }
}

void check_events(std::string_view body, const DecoderOptions& options) {
  AnswerDecoder decoder(options);
  std::vector<Event> events;
  try {
    decoder.push(body, events);
    decoder.finish(events);
  } catch (const Error&) {
    return;
  }
  std::size_t terminals = 0;
  for (const Event& event : events) {
    terminals += std::holds_alternative<Finished>(event.data) || std::holds_alternative<Failed>(event.data) ? 1 : 0;
    std::string text;
    append_json(text, to_json(event));
  }
  const bool last = !events.empty() && (std::holds_alternative<Finished>(events.back().data) ||
                                        std::holds_alternative<Failed>(events.back().data));
  if (terminals != 1 || !last) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  constexpr std::array kFramings = {Framing::sse, Framing::document, Framing::detect, Framing::ndjson,
                                    Framing::ndjson_or_sse};
  ReadingOptions options;
  // Three bits that are clear in the seeds of chat completions.
  const std::size_t api = (data[0] >> 6U) + ((data[0] & 0x08U) >> 1U);
  options.api = static_cast<Api>(api % api_names().size());
  options.framing = kFramings[data[0] % kFramings.size()];
  options.status = (data[0] & 0x10U) != 0 ? 429 : 200;
  options.split_think = (data[0] & 0x20U) != 0;
  const std::array<std::size_t, 2> pieces = {1UL + data[1] % 8U, 1UL + data[1] / 8U};
  const std::string_view body(reinterpret_cast<const char*>(data) + 2, size - 2);
  if (read(body, options, pieces) != read(body, options, {})) std::abort();
  check_events(body, {.api = options.api,
                      .framing = options.framing,
                      .status = options.status,
                      .think = options.split_think ? ThinkStart::inside : ThinkStart::off,
                      .names = {"the server", ""},
                      .advice = {}});
  return 0;
}
