// The thread's side: it owns everything of the module's.
#include <sennit/backends/llama/llama_thread.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace sennit {
namespace {

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

}  // namespace sennit
