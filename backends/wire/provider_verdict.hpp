// Private: Which of our errors a provider's refusal is, as tables of what providers say. A new wording is a row.
#pragma once

#include <sennit/agent/io/error.hpp>

#include <string>
#include <string_view>

namespace sennit {

struct ProviderVerdict {
  errc code;
  bool retryable;
  std::string_view what;  ///< for a person
};

/// `text` in lower case, the first `limit` bytes of it.
[[nodiscard]] std::string lower_case(std::string_view text, std::size_t limit);

/// A type or code as the tables have it: lower case, without `_` and `-`, so that bad_request_error and BadRequestError
/// are the same word.
[[nodiscard]] std::string folded_kind(std::string_view kind);

/// `status` 0: not known. `kinds`: the types and codes, folded, each one between spaces. `words`: the message in lower
/// case; a message may quote what the user wrote, so words decide only where their status allows it.
[[nodiscard]] ProviderVerdict verdict_of(int status, std::string_view kinds, std::string_view words);

}  // namespace sennit
