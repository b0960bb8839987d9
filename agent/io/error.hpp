// One error type for the whole library.
//
// A failure is thrown (or carried in a `Failed` event) as `sennit::Error`: a code from a closed list that programs
// branch on, words for a person, and what the other side said. Expected ends of a run are not errors: see Outcome.
#pragma once

#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

namespace sennit {

/// The closed list of failures. Names are stable: they appear in JSON (`to_string`).
enum class errc {
  invalid_argument,  ///< a caller or a model passed something that cannot be right
  config,            ///< an agent file or an option is wrong; `where` is file:line:col
  not_found,         ///< a name, file or id does not exist
  busy,              ///< somebody else holds it (a session with a running run)
  cancelled,         ///< stopped on request
  connect_failed,    ///< no connection (name, route, refused, TLS)
  timeout,           ///< a deadline passed; the message names which one
  truncated,         ///< the peer ended in the middle of an answer
  protocol,          ///< the peer sent what its protocol does not allow
  too_large,         ///< a bound was exceeded; the message names it
  bad_request,       ///< the provider refused the request (HTTP 400, 404, 422 …)
  context_length,    ///< the conversation does not fit into the model's context
  authentication,    ///< missing or wrong key (401)
  permission,        ///< the key may not do this (403)
  quota,             ///< out of credit: waiting does not help (402, insufficient_quota)
  rate_limited,      ///< too many requests: waiting helps (429)
  overloaded,        ///< the provider is busy (503, 529, insufficient_system_resource)
  server,            ///< the provider failed (5xx)
  content_filter,    ///< the provider withheld the answer
  empty_response,    ///< a well-formed answer without text, reasoning or tool call
  limit,             ///< a limit of the run was reached; the message names it
  tool,              ///< a tool failed
  denied,            ///< a policy or a person said no
  storage,           ///< the store could not read or write
  io,                ///< a local file, pipe or child failed
  internal,          ///< a bug in Sennit
};

[[nodiscard]] std::string_view to_string(errc code) noexcept;
[[nodiscard]] std::optional<errc> parse_errc(std::string_view name) noexcept;

/// What went wrong, where, and whether trying again makes sense. A value: copyable, comparable, safe to move
/// between threads.
class Error : public std::exception {
 public:
  Error(errc code, std::string message) : code_(code), message_(std::move(message)) {}

  /// Adds the place: `file:line:col`, a URL without its query, a tool's name.
  Error at(std::string where) && { return where_ = std::move(where), std::move(*this); }
  /// Says that the same call may succeed later, optionally not before `after` (from Retry-After).
  Error retry(std::optional<std::chrono::milliseconds> after = {}) && {
    retryable_ = true;
    retry_after_ = after;
    return std::move(*this);
  }
  /// Adds what the provider said: its HTTP status, its own error type, its own message.
  Error provider(int status, std::string type, std::string words) && {
    status_ = status;
    provider_type_ = std::move(type);
    provider_message_ = std::move(words);
    return std::move(*this);
  }

  [[nodiscard]] errc code() const noexcept { return code_; }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
  [[nodiscard]] const std::string& where() const noexcept { return where_; }
  [[nodiscard]] bool retryable() const noexcept { return retryable_; }
  [[nodiscard]] std::optional<std::chrono::milliseconds> retry_after() const noexcept { return retry_after_; }
  [[nodiscard]] int status() const noexcept { return status_; }  ///< HTTP status, 0 if there was none
  [[nodiscard]] const std::string& provider_type() const noexcept { return provider_type_; }
  [[nodiscard]] const std::string& provider_message() const noexcept { return provider_message_; }

  /// `where: message`, for a person.
  [[nodiscard]] std::string describe() const { return where_.empty() ? message_ : where_ + ": " + message_; }
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

  friend bool operator==(const Error& a, const Error& b) noexcept {
    return a.code_ == b.code_ && a.message_ == b.message_ && a.where_ == b.where_ && a.retryable_ == b.retryable_ &&
           a.retry_after_ == b.retry_after_ && a.status_ == b.status_ && a.provider_type_ == b.provider_type_ &&
           a.provider_message_ == b.provider_message_;
  }

 private:
  errc code_;
  std::string message_;
  std::string where_;
  bool retryable_ = false;
  std::optional<std::chrono::milliseconds> retry_after_;
  int status_ = 0;
  std::string provider_type_;
  std::string provider_message_;
};

/// Turns whatever is being thrown into an Error (an unknown exception becomes errc::internal with its words).
/// REQUIRES: called inside a catch block.
[[nodiscard]] Error current_error();

}  // namespace sennit
