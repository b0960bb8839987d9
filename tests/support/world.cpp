#include "support/world.hpp"

#include "support/test_tools.hpp"
#include <sennit/plugins/builtin.hpp>

#include <algorithm>
#include <deque>
#include <memory>
#include <set>
#include <stdexcept>

namespace sennit::testing {

class World::Stream final : public TokenStream {
 public:
  Stream(Turn turn, std::atomic<int>& stalled) : turn_(std::move(turn)), stalled_(stalled) {
    if (!turn_.stalls) turn_.events.emplace_back(Finished{reason(), ""});
  }

  asio::awaitable<std::span<Event>> next() override {
    if (next_ == turn_.events.size()) {
      if (turn_.stalls) {
        ++stalled_;
        stalled_.notify_all();
        co_await never_.wait();
      }
      co_return std::span<Event>{};
    }
    event_.data = std::move(turn_.events[next_++]);
    co_return std::span<Event>(&event_, 1);
  }

 private:
  [[nodiscard]] StopReason reason() const {
    const auto is_call = [](const EventData& data) { return std::holds_alternative<ToolCallDelta>(data); };
    return std::any_of(turn_.events.begin(), turn_.events.end(), is_call) ? StopReason::tool_calls : StopReason::stop;
  }

  Turn turn_;
  std::atomic<int>& stalled_;
  std::size_t next_ = 0;
  Event event_;
  Signal never_;
};

class World::Model final : public Backend {
 public:
  Model(World& world, ModelInfo info) : world_(world), info_(std::move(info)) {}
  const ModelInfo& info() const override { return info_; }
  std::unique_ptr<TokenStream> stream(Environment& /*environment*/, const CompletionRequest& request) const override {
    const std::lock_guard lock(world_.mutex_);
    const auto own = world_.plays.find(info_.id);
    const Play& play = own == world_.plays.end() ? world_.play_ : own->second;
    return std::make_unique<Stream>(play(request), world_.stalled_);
  }

 private:
  World& world_;
  ModelInfo info_;
};

World::World(Play play, RuntimeOptions options, const std::function<void(Registry&)>& more)
    : play_(std::move(play)), runtime(registry(more), std::move(options)) {}

Registry World::registry(const std::function<void(Registry&)>& more) {
  Registry registry = builtin();
  add_test_tools(registry);
  registry.add_backend("world", [this](const ModelSpec& spec, const PartContext& /*context*/) {
    return std::make_shared<Model>(*this, ModelInfo{spec.name, spec.name, std::nullopt, spec.prices});
  });
  if (more) more(registry);
  return registry;
}

Agent World::agent(Definition definition) {
  if (definition.model.name == ModelSpec{}.name) definition.model.name = "world/model";
  return {runtime, std::move(definition)};
}

void World::wait_for_stall(int count) const {
  for (int now = stalled_.load(); now < count; now = stalled_.load()) stalled_.wait(now);
}

Play says(std::string text) {
  return [text = std::move(text)](const CompletionRequest&) { return Turn{{TextDelta{text}}}; };
}

Play plays(std::vector<Turn> turns) {
  auto queue = std::make_shared<std::deque<Turn>>(turns.begin(), turns.end());
  return [queue](const CompletionRequest&) {
    if (queue->empty()) throw Error(errc::internal, "the test has no further turn for the model");
    Turn turn = std::move(queue->front());
    queue->pop_front();
    return turn;
  };
}

EventData calls(std::uint32_t call, std::string id, std::string name, std::string arguments) {
  return ToolCallDelta{call, std::move(id), std::move(name), std::move(arguments), false};
}

asio::awaitable<std::vector<Event>> read_all(Run& run, std::function<void(const Event& event)> react) {
  std::vector<Event> all;
  while (auto events = co_await run.next()) {
    for (const Event& event : *events) {
      all.push_back(event);
      if (react) react(event);
    }
  }
  co_return all;
}

asio::awaitable<bool> shut_down(Runtime& runtime, milliseconds grace) {
  co_await runtime.shutdown(grace);
  co_return true;
}

std::string text_of(const std::vector<Event>& events) {
  std::string text;
  for (const Event& event : events) {
    if (const auto* delta = std::get_if<TextDelta>(&event.data)) text += delta->text;
  }
  return text;
}

std::string ill_formed(std::span<const Message> messages) {
  std::set<std::string> open;
  std::set<std::string> seen;
  for (const Message& message : messages) {
    if (message.parts.empty()) return "a message without parts";
    if (message.role != Role::tool && !open.empty()) return "the call " + *open.begin() + " has no result";
    for (const Part& part : message.parts) {
      if (const auto* call = std::get_if<ToolCall>(&part)) {
        if (!seen.insert(call->id).second) return "two calls are named " + call->id;
        open.insert(call->id);
      } else if (const auto* result = std::get_if<ToolResult>(&part); result && open.erase(result->call_id) == 0) {
        return "a result without a call: " + result->call_id;
      }
    }
  }
  return open.empty() ? "" : "the call " + *open.begin() + " has no result";
}

}  // namespace sennit::testing
