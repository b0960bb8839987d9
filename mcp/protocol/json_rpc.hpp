// Messages of JSON-RPC 2.0, both ways. Pure: text in, messages out.
#pragma once

#include <sennit/agent/io/json.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sennit::mcp {

/// Bytes of one message: a base64 image fits.
inline constexpr std::size_t kMaxMessage = 16ULL << 20U;
/// Messages of one batch (a thing of version 2025-03-26 alone).
inline constexpr std::size_t kMaxBatch = 100;

/// Of a request, chosen by whoever sends it. Also a progress token.
using Id = std::variant<std::int64_t, std::string>;

struct Request {
  Id id;
  std::string method;
  json::object params;
  friend bool operator==(const Request&, const Request&) = default;
};

struct Notification {
  std::string method;
  json::object params;
  friend bool operator==(const Notification&, const Notification&) = default;
};

/// The error member of an answer.
struct Fault {
  std::int64_t code = 0;
  std::string message;
  json::value data{};
  friend bool operator==(const Fault&, const Fault&) = default;
};

/// The answer to a request.
struct Answer {
  std::optional<Id> id;  ///< nothing in a Fault about a message whose id could not be read
  std::variant<json::object, Fault> outcome;

  [[nodiscard]] const json::object* result() const { return std::get_if<json::object>(&outcome); }
  [[nodiscard]] const Fault* fault() const { return std::get_if<Fault>(&outcome); }
  friend bool operator==(const Answer&, const Answer&) = default;
};

/// What is no message: what to answer, and to whom.
struct Unreadable {
  std::optional<Id> id;
  Fault fault;  ///< code::kParse or code::kInvalidRequest
  friend bool operator==(const Unreadable&, const Unreadable&) = default;
};

using Message = std::variant<Request, Notification, Answer, Unreadable>;

/// Reads one message. Never throws for what comes from outside: that is Unreadable. Text beyond kMaxMessage, deeper
/// than kMaxJsonDepth or not UTF-8 is; so is an array.
[[nodiscard]] Message read_message(std::string_view text);
[[nodiscard]] Message read_message(const json::value& value);
/// Reads one message, or an array of up to kMaxBatch of them. Never empty.
[[nodiscard]] std::vector<Message> read_messages(std::string_view text);

[[nodiscard]] json::object to_json(const Request& request);
[[nodiscard]] json::object to_json(const Notification& notification);
[[nodiscard]] json::object to_json(const Answer& answer);

/// One line, without its end: JSON never holds a bare line feed.
template <class T>
[[nodiscard]] std::string write_message(const T& message) {
  return json::serialize(to_json(message));
}

[[nodiscard]] json::value to_json(const Id& id);
/// A string or an integer; nothing otherwise.
[[nodiscard]] std::optional<Id> read_id(const json::value& value);
/// For people: `7`, `"abc"`.
[[nodiscard]] std::string describe(const Id& id);

/// The object at `key`, or null.
[[nodiscard]] const json::object* find_object(const json::value& value, std::string_view key) noexcept;
[[nodiscard]] const json::object* find_object(const json::object& value, std::string_view key) noexcept;
/// The array at `key`, or null.
[[nodiscard]] const json::array* find_array(const json::object& value, std::string_view key) noexcept;
/// The string at `key`, or an empty view.
[[nodiscard]] std::string_view text_at(const json::object& value, std::string_view key) noexcept;
/// Whether `key` is there and true.
[[nodiscard]] bool true_at(const json::object& value, std::string_view key) noexcept;

}  // namespace sennit::mcp
