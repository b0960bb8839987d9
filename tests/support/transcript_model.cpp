#include "support/transcript_model.hpp"

#include <sennit/agent/io/signal.hpp>

#include <sstream>
#include <stdexcept>
#include <utility>

namespace sennit::testing {
namespace {

std::pair<std::string, std::string> split_word(const std::string& line) {
  const auto space = line.find(' ');
  if (space == std::string::npos) return {line, {}};
  return {line.substr(0, space), line.substr(space + 1)};
}

StopReason stop_reason(const std::string& name) {
  for (const StopReason reason : {StopReason::stop, StopReason::length, StopReason::tool_calls,
                                  StopReason::content_filter, StopReason::refusal, StopReason::other}) {
    if (to_string(reason) == name) return reason;
  }
  throw std::runtime_error("unknown finish reason '" + name + "'");
}

/// A turn as batches of events: one a line, so that every line is an arrival of its own.
class TurnStream final : public TokenStream {
 public:
  TurnStream(const TranscriptSection& turn, std::function<void()> on_stall) : on_stall_(std::move(on_stall)) {
    for (const std::string& line : turn.lines) take(line);
    if (!stalls_ && !terminal_) events_.push_back({{}, Finished{reason_, {}}});
  }

  asio::awaitable<std::span<Event>> next() override {
    batch_.clear();
    if (events_.empty()) {
      if (stalls_) {
        on_stall_();
        co_await never_.wait();
      }
      co_return std::span<Event>{};
    }
    batch_.push_back(std::move(events_.front()));
    events_.pop_front();
    co_return std::span<Event>(batch_);
  }

 private:
  void take(const std::string& line) {
    const auto [word, rest] = split_word(line);
    if (word == "text") {
      events_.push_back({{}, TextDelta{unescape(rest)}});
    } else if (word == "reasoning") {
      events_.push_back({{}, ReasoningDelta{unescape(rest), nullptr}});
    } else if (word == "signature") {
      events_.push_back({{}, ReasoningDelta{"", json::string(rest)}});
    } else if (word == "refusal") {
      events_.push_back({{}, RefusalDelta{unescape(rest)}});
    } else if (word == "call" || word.starts_with("call#")) {
      const auto [name, arguments] = split_word(rest);
      const std::string id = word == "call" ? "call_" + std::to_string(calls_ + 1) : word.substr(5);
      events_.push_back({{}, ToolCallDelta{calls_, id == "-" ? "" : id, name, unescape(arguments), false}});
      ++calls_;
      if (reason_ == StopReason::stop) reason_ = StopReason::tool_calls;
    } else if (word == "usage") {
      std::istringstream in(rest);
      Usage usage;
      in >> usage.input.emplace() >> usage.output.emplace();
      events_.push_back({{}, UsageUpdate{usage}});
    } else if (word == "finish") {
      reason_ = stop_reason(rest);
    } else if (word == "stall") {
      stalls_ = true;
    } else if (word == "fail") {
      fail(rest);
    } else {
      throw std::runtime_error("unknown line in a model turn: " + line);
    }
  }

  void fail(const std::string& rest) {
    auto [code, message] = split_word(rest);
    const bool retry = message.starts_with("retry ");
    Error error(parse_errc(code).value(), retry ? message.substr(6) : message);
    if (retry) error = std::move(error).retry(std::chrono::milliseconds(1));
    events_.push_back({{}, Failed{std::move(error)}});
    terminal_ = true;
  }

  std::deque<Event> events_;
  std::vector<Event> batch_;
  StopReason reason_ = StopReason::stop;
  std::uint32_t calls_ = 0;
  bool stalls_ = false;
  bool terminal_ = false;
  std::function<void()> on_stall_;
  Signal never_;
};

class TranscriptBackend final : public Backend {
 public:
  TranscriptBackend(std::shared_ptr<TranscriptTurns> turns, std::string agent, ModelInfo info)
      : turns_(std::move(turns)), agent_(std::move(agent)), info_(std::move(info)) {}

  const ModelInfo& info() const override { return info_; }

  std::unique_ptr<TokenStream> stream(Environment& /*environment*/, const CompletionRequest& request) const override {
    std::string asked = std::to_string(request.messages.size()) + " messages";
    for (const ToolDescription& tool : request.tools) asked += " " + tool.name;
    turns_->requests.push_back(std::move(asked));
    turns_->instructions = request.instructions;
    auto& queue = turns_->by_agent[agent_];
    if (queue.empty()) {
      throw Error(errc::internal, "the transcript has no further turn for " + (agent_.empty() ? "the model" : agent_));
    }
    auto stream = std::make_unique<TurnStream>(queue.front(), turns_->on_stall);
    queue.pop_front();
    return stream;
  }

 private:
  std::shared_ptr<TranscriptTurns> turns_;
  std::string agent_;
  ModelInfo info_;
};

}  // namespace

BackendFactory transcript_backend(std::shared_ptr<TranscriptTurns> turns) {
  return [turns = std::move(turns)](const ModelSpec& spec, const PartContext& context) {
    const std::string agent = context.definition.name == turns->main_agent ? "" : context.definition.name;
    ModelInfo info{spec.name, "transcript", std::nullopt, spec.prices};
    return std::make_shared<TranscriptBackend>(turns, agent, std::move(info));
  };
}

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == 'n') {
      out += '\n';
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace sennit::testing
