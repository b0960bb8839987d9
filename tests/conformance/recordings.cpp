// Recorded traffic of real providers against the decoder: every case must read as its expected.json
// says, however the network cut it. The recordings live outside of the project ($SENNIT_RECORDINGS, by default
// ../shared/recordings beside the checkout).
#include "recordings.hpp"

#include <sennit/backends/wire/answer_reading.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include <array>
#include <span>

namespace sennit::testing {
namespace {

json::value read(Api api, const RecordedCase& recorded, std::span<const std::size_t> pieces) {
  ReadingOptions options;
  options.api = api;
  options.framing = framing_of(recorded.body_file);
  options.status = recorded.status;
  return read_answer(recorded.body, options, pieces);
}

TEST_CASE("every recorded answer reads as expected, whole and in pieces", "[recordings]") {
  const std::string_view name = GENERATE(from_range(api_names()));
  const Api api = parse_api(name).value();
  const std::vector<RecordedCase> cases = recorded_cases(name);
  REQUIRE_FALSE(cases.empty());
  for (const RecordedCase& recorded : cases) {
    INFO(recorded.name);
    CHECK(read(api, recorded, {}) == recorded.expected);
    for (const std::size_t size : {1UL, 2UL, 3UL, 7UL, 64UL, 1400UL}) {
      INFO("pieces of " << size << " bytes");
      CHECK(read(api, recorded, std::array{size}) == recorded.expected);
    }
    if (recorded.pieces.empty()) continue;
    INFO("the pieces in which it was received");
    CHECK(read(api, recorded, recorded.pieces) == recorded.expected);
  }
}

}  // namespace
}  // namespace sennit::testing
