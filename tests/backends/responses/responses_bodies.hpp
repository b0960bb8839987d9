// Events of the Responses protocol for tests, in words of our own.
#pragma once

#include <sennit/agent/io/json.hpp>

#include <string>
#include <string_view>

namespace sennit::testing::responses {

/// `what`: "output_text", "refusal" …
inline std::string delta(std::string_view what, int index, std::string_view text) {
  return json::serialize(json::object{{"type", "response." + std::string(what) + ".delta"},
                                      {"output_index", index},
                                      {"content_index", 0},
                                      {"delta", text}});
}

inline std::string arguments(int index, std::string_view text) {
  return json::serialize(
      json::object{{"type", "response.function_call_arguments.delta"}, {"output_index", index}, {"delta", text}});
}

/// `step`: "added" or "done"; `item` is JSON text.
inline std::string item(std::string_view step, int index, std::string_view item) {
  return std::string(R"({"type":"response.output_item.)")
      .append(step)
      .append(R"(","output_index":)")
      .append(std::to_string(index))
      .append(R"(,"item":)")
      .append(item)
      .append("}");
}

/// The last event of an answer that went well; `output` is JSON text, the items with commas between them.
inline std::string completed(std::string_view output) {
  return std::string(R"({"type":"response.completed","response":{"object":"response","status":"completed","output":[)")
      .append(output)
      .append(R"(],"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":2},"output_tokens":4,)"
              R"("output_tokens_details":{"reasoning_tokens":1},"total_tokens":13}}})");
}

}  // namespace sennit::testing::responses
