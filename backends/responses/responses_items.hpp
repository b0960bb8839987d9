// Private: What stands where in the objects of a Responses answer: the texts of an item, a call's arguments, counts,
// errors. Pure.
#pragma once

#include <sennit/agent/io/json.hpp>
#include <sennit/backends/wire/provider_error.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace sennit {

/// The kinds of text in an answer. A reasoning item may have both a summary and the thoughts themselves.
enum class ResponsesText : std::uint8_t { answer, refusal, summary, thought };

struct ResponsesTextKind {
  ResponsesText kind;
  std::string_view events;  ///< their types are this and ".delta" or ".done"
  std::string_view part;    ///< the type of a part that holds such a text
  std::string_view key;     ///< the text's key in the part and in the event that ends it
  std::string_view index;   ///< the key of the part's number in an event
};
inline constexpr std::array kResponsesTexts = {
    ResponsesTextKind{ResponsesText::answer, "response.output_text", "output_text", "text", "content_index"},
    ResponsesTextKind{ResponsesText::summary, "response.reasoning_summary_text", "summary_text", "text",
                      "summary_index"},
    ResponsesTextKind{ResponsesText::thought, "response.reasoning_text", "reasoning_text", "text", "content_index"},
    ResponsesTextKind{ResponsesText::refusal, "response.refusal", "refusal", "refusal", "content_index"},
};

/// A text of an item that came whole.
struct ResponsesPart {
  ResponsesText kind;
  std::int64_t number = 0;  ///< among the parts beside it
  std::string_view text;
};
/// In the order in which they are to be read; a summary comes before the thoughts. The views look into `item`.
[[nodiscard]] std::vector<ResponsesPart> parts_of(const json::object& item);

[[nodiscard]] bool is_custom_call(const json::object& item);
/// A call that the client is to answer; servers have tools of their own.
[[nodiscard]] bool is_call(const json::object& item);
/// What the model wrote for the tool: JSON for a function, free text for a custom tool. Null if there is nothing.
[[nodiscard]] const json::value* arguments_of(const json::object& item);
/// A reasoning item as the next request has to repeat it.
[[nodiscard]] json::object reasoning_block(const json::object& item);

/// A number that tells where something stands; nothing if it is none.
[[nodiscard]] std::optional<std::int64_t> index_of(const json::value* value);
/// The array under `key`; empty if there is none.
[[nodiscard]] const json::array& array_at(const json::object& object, std::string_view key);

/// The counts under the names that chat completions gives them (see chat_usage.hpp).
[[nodiscard]] json::object as_chat_usage(const json::object& usage);
/// The fields of an error. `flat`: they stand in an event, whose `type` is another thing. `verbatim`: as they were
/// sent.
[[nodiscard]] ProviderError read_responses_error(const json::object& fields, bool flat, bool verbatim);

}  // namespace sennit
