// The shards' side: whoever asks, and leaves.
#include <sennit/backends/llama/llama_thread.hpp>

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>

#include <map>
#include <utility>

namespace sennit {

LlamaEngine::LlamaEngine(LlamaSettings settings) : state_(std::make_unique<State>(std::move(settings))) {
  // Signals belong to the host program's own threads.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    state_->thread = std::thread([state = state_.get()] { state->work(); });
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

LlamaEngine::~LlamaEngine() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_one();
  state_->thread.join();
}

std::shared_ptr<LlamaEngine> LlamaEngine::find(const LlamaSettings& settings) {
  static std::mutex mutex;
  static std::map<LlamaSettings, std::weak_ptr<LlamaEngine>> engines;
  const std::lock_guard lock(mutex);
  std::erase_if(engines, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<LlamaEngine>& known = engines[settings];
  std::shared_ptr<LlamaEngine> engine = known.lock();
  if (!engine) known = engine = std::make_shared<LlamaEngine>(settings);
  return engine;
}

void LlamaEngine::nudge() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->nudged = true;
  }
  state_->wake.notify_one();
}

void LlamaEngine::leave(const std::shared_ptr<LlamaTicket::Shared>& shared) {
  {
    const std::lock_guard lock(state_->mutex);
    std::erase(state_->waiting, shared);
  }
  nudge();
}

std::unique_ptr<LlamaTicket> LlamaEngine::ask(LlamaPrompt prompt, asio::any_io_executor executor) {
  auto shared = std::make_shared<LlamaTicket::Shared>(std::move(prompt), std::move(executor));
  std::unique_ptr<LlamaTicket> ticket(new LlamaTicket(shared_from_this(), shared));
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->waiting.size() > state_->settings.queue) {
      throw Error(errc::overloaded, fmt::format("{} requests wait for the model already (model.options.extra.queue)",
                                                state_->waiting.size()))
          .retry()
          .at(state_->place());
    }
    state_->waiting.push_back(std::move(shared));
  }
  nudge();
  return ticket;
}

std::vector<std::vector<float>> LlamaEngine::embed(const std::vector<std::string>& texts) {
  State::Embedding asked{texts, {}};
  std::future<std::vector<std::vector<float>>> vectors = asked.vectors.get_future();
  {
    const std::lock_guard lock(state_->mutex);
    state_->embeddings.push_back(std::move(asked));
  }
  nudge();
  return vectors.get();
}

LlamaTicket::LlamaTicket(std::shared_ptr<LlamaEngine> engine, std::shared_ptr<Shared> shared)
    : engine_(std::move(engine)), shared_(std::move(shared)) {
  shared_->ticket = this;
}

LlamaTicket::~LlamaTicket() {
  shared_->ticket = nullptr;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->left = true;
    shared_->news = {};
  }
  engine_->leave(shared_);
}

LlamaNews LlamaTicket::take() {
  LlamaNews taken;
  {
    const std::lock_guard lock(shared_->mutex);
    taken = std::exchange(shared_->news, {});
  }
  if (taken.bytes.size() >= kMostUnread) engine_->nudge();  // it may have been held
  return taken;
}

}  // namespace sennit
