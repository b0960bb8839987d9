// Private: What the engine's thread and the shards share: a queue of tickets and, in each ticket, the news. Whoever
// posts to a shard holds the ticket's lock: after the ticket has left nothing is posted any more.
#pragma once

#include <sennit/backends/llama/llama_engine.hpp>
#include <sennit/backends/llama/llama_library.hpp>

#include <boost/asio/post.hpp>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sennit {

/// Bytes that wait to be read before the sequence is held: who does not pull shall cost nothing.
inline constexpr std::size_t kMostUnread = 1024;

struct LlamaTicket::Shared {
  Shared(LlamaPrompt asked, asio::any_io_executor shard) : prompt(std::move(asked)), executor(std::move(shard)) {}

  LlamaPrompt prompt;
  asio::any_io_executor executor;
  LlamaTicket* ticket = nullptr;  // the shard's; null once it has left
  std::int32_t sequence = -1;     // the thread's
  bool held = false;              // the thread's

  std::mutex mutex;  // guards the rest
  LlamaNews news;
  bool told = false;  // a post is on its way
  bool left = false;

  [[nodiscard]] bool gone() {
    const std::lock_guard lock(mutex);
    return left;
  }
  [[nodiscard]] bool full() {
    const std::lock_guard lock(mutex);
    return news.bytes.size() >= kMostUnread;
  }

  /// Changes the news and wakes the shard. [any thread]
  template <class Change>
  static void tell(const std::shared_ptr<Shared>& self, Change change) {
    const std::lock_guard lock(self->mutex);
    if (self->left) return;
    change(self->news);
    if (std::exchange(self->told, true)) return;
    asio::post(self->executor, [self] {
      {
        const std::lock_guard inner(self->mutex);
        self->told = false;
      }
      if (self->ticket != nullptr) self->ticket->arrived_.notify_now();
    });
  }
  static void fail(const std::shared_ptr<Shared>& self, const Error& error) {
    tell(self, [&error](LlamaNews& news) { news.error = error; });
  }
};

struct LlamaEngine::State {
  explicit State(LlamaSettings what) : settings(std::move(what)) {}

  using Ticket = std::shared_ptr<LlamaTicket::Shared>;
  struct Embedding {
    std::vector<std::string> texts;
    std::promise<std::vector<std::vector<float>>> vectors;
  };

  const LlamaSettings settings;
  std::atomic<bool> stopping{false};
  std::mutex mutex;  // guards the next five
  std::condition_variable wake;
  bool nudged = false;
  std::deque<Ticket> waiting;
  std::deque<Embedding> embeddings;
  std::thread thread;

  // The thread's own.
  const sennit_llama_api* api = nullptr;
  sennit_llama_model* model = nullptr;
  sennit_llama_engine* engine = nullptr;
  sennit_llama_engine_info info{};
  std::vector<Ticket> running;
  std::vector<sennit_llama_output> outputs;

  void work();
  void load();
  void start();
  void unload();
  void admit();
  void begin(const Ticket& ticket);
  void tend();
  void step();
  void report(const sennit_llama_output& output);
  void serve_embeddings();
  std::vector<std::vector<float>> embed(const std::vector<std::string>& texts);
  [[nodiscard]] std::string place() const { return settings.file.string(); }
};

}  // namespace sennit
