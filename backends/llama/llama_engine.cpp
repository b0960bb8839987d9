// The thread owns everything of the module's; it shares with the shards a queue of tickets and, in each ticket, the
// news. Whoever posts to a shard holds the ticket's lock: after the ticket has left nothing is posted any more.
#include <sennit/backends/llama/llama_engine.hpp>
#include <sennit/backends/llama/llama_library.hpp>

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <thread>
#include <utility>

namespace sennit {
namespace {

/// Bytes that wait to be read before the sequence is held: who does not pull shall cost nothing.
constexpr std::size_t kMostUnread = 1024;

std::int32_t is_set(void* flag) {
  return static_cast<const std::atomic<bool>*>(flag)->load(std::memory_order_relaxed) ? 1 : 0;
}

Error error_of(const sennit_llama_why& why, const std::string& file) {
  switch (why.code) {
    case SENNIT_LLAMA_TOO_LONG:
      return Error(errc::context_length, fmt::format("the conversation has {} tokens, and the context holds {} "
                                                     "(model.options.extra.context)",
                                                     why.wanted, why.available))
          .at(file);
    case SENNIT_LLAMA_BUSY:
      return Error(errc::overloaded,
                   fmt::format("{}; a larger `model.options.extra.context` or fewer at once would help", why.text))
          .retry()
          .at(file);
    case SENNIT_LLAMA_INTERRUPTED:
      return Error(errc::cancelled, "the model is being unloaded").at(file);
    default:
      return Error(errc::io, why.text).at(file);
  }
}

}  // namespace

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

void LlamaEngine::State::work() {
  bool runnable = false;
  for (;;) {
    {
      std::unique_lock lock(mutex);
      wake.wait(lock, [&] { return stopping || nudged || runnable; });
      if (stopping) break;
      nudged = false;
    }
    serve_embeddings();
    tend();
    admit();
    runnable = std::any_of(running.begin(), running.end(), [](const Ticket& ticket) { return !ticket->held; });
    if (runnable) step();
  }
  unload();
}

void LlamaEngine::State::load() {
  if (model != nullptr) return;
  std::error_code failure;
  if (!std::filesystem::is_regular_file(settings.file, failure)) {
    throw Error(errc::not_found, "there is no such model file").at(place());
  }
  api = &llama_library();
  sennit_llama_load_options options{};
  const std::string path = place();
  options.path = path.c_str();
  options.gpu_layers = settings.gpu_layers;
  options.interrupt = {is_set, &stopping};
  sennit_llama_why why{};
  model = api->load(&options, &why);
  if (model == nullptr) throw error_of(why, place());
}

void LlamaEngine::State::start() {
  if (engine != nullptr) return;
  load();
  sennit_llama_engine_options options{};
  options.context = settings.context;
  options.sequences = settings.sequences;
  options.batch = settings.batch;
  options.threads = settings.threads;
  options.interrupt = {is_set, &stopping};
  sennit_llama_why why{};
  engine = api->start(model, &options, &why);
  if (engine == nullptr) throw error_of(why, place());
  api->describe(engine, &info);
  outputs.resize(info.sequences);
}

void LlamaEngine::State::unload() {
  running.clear();
  if (engine != nullptr) api->stop(engine);
  if (model != nullptr) api->unload(model);
}

/// Gives free sequences to those that wait, in the order of their coming.
void LlamaEngine::State::admit() {
  for (;;) {
    Ticket ticket;
    {
      const std::lock_guard lock(mutex);
      if (waiting.empty() || (engine != nullptr && running.size() >= info.sequences)) return;
      ticket = std::move(waiting.front());
      waiting.pop_front();
    }
    if (ticket->gone()) continue;
    try {
      start();
      begin(ticket);
      running.push_back(ticket);
    } catch (...) {
      LlamaTicket::Shared::fail(ticket, current_error());
    }
  }
}

void LlamaEngine::State::begin(const Ticket& ticket) {
  const LlamaPrompt& prompt = ticket->prompt;
  std::vector<sennit_llama_message> messages;
  messages.reserve(prompt.messages.size());
  for (const LlamaMessage& message : prompt.messages) {
    messages.push_back({message.role, message.content.data(), message.content.size()});
  }
  const std::string trigger(kCallBegin);
  sennit_llama_request request = prompt.sampling;
  request.messages = messages.data();
  request.message_count = messages.size();
  request.grammar = prompt.grammar.empty() ? nullptr : prompt.grammar.c_str();
  request.trigger = prompt.waits ? trigger.c_str() : nullptr;
  std::vector<std::string> notices;
  if (info.own_template == 0) {
    notices.push_back(fmt::format("{}: llama.cpp does not know the model's chat template; ChatML is used in its place",
                                  settings.file.filename().string()));
  }
  sennit_llama_why why{};
  std::int32_t sequence = api->submit(engine, &request, &why);
  if (sequence < 0 && why.code == SENNIT_LLAMA_BAD_GRAMMAR) {
    // Looser is better than not at all: whatever the model writes is checked in any case.
    notices.emplace_back("llama.cpp could not read the grammar that was made of the schemas; nothing enforces them");
    request.grammar = request.trigger = nullptr;
    sequence = api->submit(engine, &request, &why);
  }
  if (sequence < 0) throw error_of(why, place());
  ticket->sequence = sequence;
  ticket->prompt = {};
  if (!notices.empty()) {
    LlamaTicket::Shared::tell(ticket, [&notices](LlamaNews& news) { news.notices = std::move(notices); });
  }
}

/// Ends what nobody waits for any more, and holds what nobody reads.
void LlamaEngine::State::tend() {
  std::erase_if(running, [this](const Ticket& ticket) {
    if (ticket->gone()) {
      api->cancel(engine, ticket->sequence);
      return true;
    }
    const bool full = ticket->full();
    if (full != std::exchange(ticket->held, full)) api->hold(engine, ticket->sequence, full ? 1 : 0);
    return false;
  });
}

void LlamaEngine::State::step() {
  const std::size_t count = api->step(engine, outputs.data(), outputs.size());
  for (std::size_t i = 0; i < count; ++i) report(outputs[i]);
  const std::lock_guard lock(mutex);
  if (!waiting.empty()) nudged = true;  // a sequence may have become free
}

void LlamaEngine::State::report(const sennit_llama_output& output) {
  const auto found = std::find_if(running.begin(), running.end(),
                                  [&output](const Ticket& ticket) { return ticket->sequence == output.sequence; });
  if (found == running.end()) return;
  if (output.kind == SENNIT_LLAMA_BROKEN) {
    sennit_llama_why why{};
    why.code = output.code;
    std::copy_n(output.text, std::min(output.length, sizeof why.text - 1), why.text);
    LlamaTicket::Shared::fail(*found, error_of(why, place()));
  } else {
    LlamaTicket::Shared::tell(*found, [&output](LlamaNews& news) {
      news.bytes.append(output.text, output.length);
      if (output.kind != SENNIT_LLAMA_STOPPED) ++news.tokens;
      news.prompt = output.prompt;
      news.cached = output.cached;
      news.written = output.written;
      if (output.kind == SENNIT_LLAMA_STOPPED) news.end = LlamaEnd::stopped;
      if (output.kind == SENNIT_LLAMA_LENGTH) news.end = LlamaEnd::length;
      if (output.kind == SENNIT_LLAMA_FULL) news.end = LlamaEnd::full;
    });
  }
  if (output.kind != SENNIT_LLAMA_TOKEN) running.erase(found);
}

void LlamaEngine::State::serve_embeddings() {
  for (;;) {
    Embedding asked;
    {
      const std::lock_guard lock(mutex);
      if (embeddings.empty()) return;
      asked = std::move(embeddings.front());
      embeddings.pop_front();
    }
    try {
      load();
      asked.vectors.set_value(embed(asked.texts));
    } catch (...) {
      asked.vectors.set_exception(std::current_exception());
    }
  }
}

std::vector<std::vector<float>> LlamaEngine::State::embed(const std::vector<std::string>& texts) {
  std::vector<sennit_llama_message> messages;
  messages.reserve(texts.size());
  for (const std::string& text : texts) messages.push_back({nullptr, text.data(), text.size()});
  sennit_llama_why why{};
  std::int32_t dimensions = 0;
  if (api->embed(model, nullptr, 0, nullptr, &dimensions, &why) < 0) throw error_of(why, place());
  const auto width = static_cast<std::size_t>(dimensions);
  std::vector<float> all(width * texts.size());
  if (api->embed(model, messages.data(), messages.size(), all.data(), &dimensions, &why) < 0) {
    throw error_of(why, place());
  }
  std::vector<std::vector<float>> vectors;
  vectors.reserve(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(i * width);
    vectors.emplace_back(begin, begin + dimensions);
  }
  return vectors;
}

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
