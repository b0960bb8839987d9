// One error type for the whole library.
//
// A failure is thrown (or carried in a `Failed` event) as `sennit::Error`: a code from a closed list that programs
// branch on, words for a person, and what the other side said. Expected ends of a run are not errors: see Outcome.
#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

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
  suspended,         ///< the run stops here and can be resumed; the message says what it waits for
  diverged,          ///< a run was told again and something had changed; the message shows what
  storage,           ///< the store could not read or write
  io,                ///< a local file, pipe or child failed
  internal,          ///< a bug in Sennit
};

[[nodiscard]] std::string_view to_string(errc code) noexcept;
[[nodiscard]] std::optional<errc> parse_errc(std::string_view name) noexcept;

/// What went wrong, where, and whether trying again makes sense. A value, small and cheap to copy (its words are
/// shared until they change), comparable, safe to hand to another thread.
class Error : public std::exception {
 public:
  Error(errc code, std::string message);
  // Copies do not throw, and serve as moves as well: an Error always has its words.
  Error(const Error&) noexcept = default;
  Error& operator=(const Error&) noexcept = default;
  Error(Error&& other) noexcept : std::exception(), words_(other.words_) {}
  Error& operator=(Error&& other) noexcept { return *this = std::as_const(other); }
  ~Error() override = default;

  /// Adds the place: `file:line:col`, a URL without its query, a tool's name.
  [[nodiscard]] Error at(std::string where) &&;
  /// Says that the same call may succeed later, optionally not before `after` (from Retry-After).
  [[nodiscard]] Error retry(std::optional<std::chrono::milliseconds> after = {}) &&;
  /// Adds what the provider said: its HTTP status, its own error type, its own message.
  [[nodiscard]] Error provider(int status, std::string type, std::string words) &&;

  [[nodiscard]] errc code() const noexcept { return words_->code; }
  [[nodiscard]] const std::string& message() const noexcept { return words_->message; }
  [[nodiscard]] const std::string& where() const noexcept { return words_->where; }
  [[nodiscard]] bool retryable() const noexcept { return words_->retryable; }
  [[nodiscard]] std::optional<std::chrono::milliseconds> retry_after() const noexcept { return words_->retry_after; }
  [[nodiscard]] int status() const noexcept { return words_->status; }  ///< HTTP status, 0 if there was none
  [[nodiscard]] const std::string& provider_type() const noexcept { return words_->provider_type; }
  [[nodiscard]] const std::string& provider_message() const noexcept { return words_->provider_message; }

  /// `where: message`, for a person.
  [[nodiscard]] std::string describe() const { return where().empty() ? message() : where() + ": " + message(); }
  [[nodiscard]] const char* what() const noexcept override { return words_->message.c_str(); }

  friend bool operator==(const Error& a, const Error& b) noexcept { return *a.words_ == *b.words_; }

 private:
  struct Words {
    errc code;
    std::string message;
    std::string where{};
    bool retryable = false;
    std::optional<std::chrono::milliseconds> retry_after{};
    int status = 0;
    std::string provider_type{};
    std::string provider_message{};
    friend bool operator==(const Words&, const Words&) = default;
  };
  /// To be changed: our own copy if others share it.
  Words& own();

  std::shared_ptr<Words> words_;  // never null
};

/// Turns whatever is being thrown into an Error (an unknown exception becomes errc::internal with its words).
/// REQUIRES: called inside a catch block.
[[nodiscard]] Error current_error();

}  // namespace sennit
