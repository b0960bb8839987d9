// A model server for the program's tests: what it says is decided by the last message that it got.
#pragma once

#include "support/http_server.hpp"
#include <sennit/agent/io/json.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sennit::testing {

/// The deltas of an answer, as server-sent events.
class Answer {
 public:
  Answer&& text(std::string_view words) && {
    delta({{"content", words}});
    return std::move(*this);
  }
  Answer&& think(std::string_view words) && {
    delta({{"reasoning_content", words}});
    return std::move(*this);
  }
  Answer&& call(std::string_view name, std::string_view arguments) && {
    const std::size_t index = calls_++;
    delta({{"tool_calls", json::array{{{"index", index},
                                       {"id", "call_" + std::to_string(index)},
                                       {"type", "function"},
                                       {"function", {{"name", name}, {"arguments", arguments}}}}}}});
    return std::move(*this);
  }
  [[nodiscard]] Reply reply(std::string_view reason = {}) && {
    if (reason.empty()) reason = calls_ > 0 ? "tool_calls" : "stop";
    events_.push_back(json::serialize(
        json::value{{"choices", json::array{{{"index", 0}, {"delta", json::object{}}, {"finish_reason", reason}}}},
                    {"usage", {{"prompt_tokens", 100}, {"completion_tokens", 7}}}}));
    events_.emplace_back("[DONE]");
    return Reply::sse(events_);
  }
  /// What was said so far, then silence.
  [[nodiscard]] Reply silence() && {
    std::size_t bytes = 0;
    for (const std::string& event : events_) bytes += event.size() + 8;  // "data: " and two line ends
    events_.emplace_back("[DONE]");
    return Reply::sse(events_).stall_after(bytes);
  }

 private:
  void delta(json::object what) {
    events_.push_back(json::serialize(
        json::value{{"choices", json::array{{{"index", 0}, {"delta", std::move(what)}, {"finish_reason", nullptr}}}}}));
  }
  std::vector<std::string> events_;
  std::size_t calls_ = 0;
};

/// The last message of a request: its role and its text.
[[nodiscard]] inline std::pair<std::string, std::string> last_message(const HttpRequest& request) {
  const json::value body = json::parse(request.body);
  const json::value& last = body.at("messages").as_array().back();
  const json::value& content = last.at("content");
  return {std::string(last.at("role").as_string()),
          content.is_string() ? std::string(content.as_string()) : json::serialize(content)};
}

[[nodiscard]] inline std::size_t message_count(const HttpRequest& request) {
  return json::parse(request.body).at("messages").as_array().size();
}

/// An agent file for a server. `more`: further lines.
[[nodiscard]] inline std::string agent_for(const HttpServer& server, std::string_view more = {}) {
  return "sennit: 1\nname: tester\nmodel: {name: openai-compatible/test, base_url: " + server.url("/v1") + "}\n" +
         std::string(more);
}

}  // namespace sennit::testing
