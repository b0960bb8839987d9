// How long a request that failed waits before it is sent again.
#include <sennit/agent/retry.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstdint>
#include <limits>

using namespace sennit;
using namespace std::chrono_literals;

TEST_CASE("the wait before another attempt doubles up to the longest, spread around its middle") {
  RetrySettings retry;
  retry.delay = 1s;
  retry.longest = 5s;
  const auto delay = [&](std::uint32_t attempt, std::uint64_t random) {
    return retry_delay(retry, attempt, Error(errc::overloaded, "busy"), random);
  };
  CHECK(delay(2, 0) == 500ms);
  CHECK(delay(2, 999) == 1'499ms);
  CHECK(delay(2, 1'000) == 500ms);
  CHECK(delay(3, 0) == 1s);
  CHECK(delay(4, 0) == 2s);
  CHECK(delay(5, 0) == 2'500ms);
  CHECK(delay(5, 4'999) == 5s);
  CHECK(delay(std::numeric_limits<std::uint32_t>::max(), 0) == 2'500ms);
}

TEST_CASE("what the server asks for is waited, however long, and no jitter is added") {
  RetrySettings retry;
  retry.longest = 1s;
  CHECK(retry_delay(retry, 2, Error(errc::rate_limited, "slow down").retry(7s), 123) == 7s);
}

TEST_CASE("a wait too short to be spread is waited as it is") {
  RetrySettings retry;
  retry.delay = 1ms;
  CHECK(retry_delay(retry, 2, Error(errc::server, "oops"), 123) == 1ms);
  retry.delay = 0ms;
  CHECK(retry_delay(retry, 9, Error(errc::server, "oops"), 123) == 0ms);
}
