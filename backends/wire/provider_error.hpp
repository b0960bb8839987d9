// What a provider's error body says, and which of our errors it is. Pure.
//
// The shapes differ by server (an object, an array around it, a bare string, `detail`, an HTML page of a gateway), the
// meaning does not: whether the key, the account, the request or the server is at fault, and whether waiting helps.
#pragma once

#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/json.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace sennit {

/// An error as the provider words it; what it leaves out is null.
struct ProviderError {
  std::optional<int> status;                  ///< HTTP status, or the numeric code of an error inside a 200 answer
  json::value type;                           ///< mostly a string
  json::value message;                        ///< a string or null
  std::string code;                           ///< a textual `error.code` beside the type ("context_length_exceeded")
  std::optional<milliseconds> retry_after{};  ///< asked for in the body, as Google does
  std::string upstream;  ///< what the server behind a gateway said (OpenRouter's metadata.raw), JSON or not
};

/// Reads an error body or an error chunk. `document` null: the body is not JSON, and `raw` is its message.
[[nodiscard]] ProviderError read_provider_error(const json::value* document, int http_status, std::string_view raw);

/// Reads an error that stands in a 200 answer without an `error` around it: there a numeric `code` is the status.
[[nodiscard]] ProviderError read_flat_error(const json::object& event);

/// What the answer's headers say about trying again.
struct RetryAdvice {
  std::optional<milliseconds> after;
  std::optional<bool> should_retry;  ///< `x-should-retry`
};

/// Longer waits than this are cut to it; the run decides whether it waits that long.
inline constexpr milliseconds kMaxRetryAfter{24LL * 3600 * 1000};

/// From the values of `retry-after-ms`, `retry-after` (seconds or an HTTP date) and `x-should-retry`; empty: absent.
[[nodiscard]] RetryAdvice read_retry_advice(std::string_view after_ms, std::string_view after,
                                            std::string_view should_retry, WallTime now);

/// Who was asked, for messages.
struct ProviderNames {
  std::string_view title;         ///< "DeepSeek"
  std::string_view key_variable;  ///< "DEEPSEEK_API_KEY"; may be empty
};

/// Bytes of a provider's words that an Error keeps.
inline constexpr std::size_t kMaxProviderWords = 2'000;

/// The Error that `said` amounts to.
[[nodiscard]] Error classify_provider_error(const ProviderError& said, const ProviderNames& names,
                                            const RetryAdvice& advice);

/// A provider's words for a person: HTML becomes its title, white space runs become one space, long text is cut.
[[nodiscard]] std::string summarise_words(std::string_view words, std::size_t limit);

}  // namespace sennit
