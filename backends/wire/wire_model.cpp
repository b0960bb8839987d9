#include <sennit/agent/io/digest.hpp>
#include <sennit/backends/chat/chat_request.hpp>
#include <sennit/backends/gemini/gemini_request.hpp>
#include <sennit/backends/messages/messages_request.hpp>
#include <sennit/backends/ollama/ollama_request.hpp>
#include <sennit/backends/responses/responses_request.hpp>
#include <sennit/backends/wire/wire_json.hpp>
#include <sennit/backends/wire/wire_model.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <span>
#include <utility>

namespace sennit {
namespace {

/// The path of an endpoint below its base address.
std::string endpoint_path(Api api, std::string_view model, bool stream) {
  switch (api) {
    case Api::messages:
      return "/messages";
    case Api::responses:
      return "/responses";
    case Api::generate_content:
      return fmt::format("/models/{}:{}", model, stream ? "streamGenerateContent" : "generateContent");
    case Api::ollama_chat:
      return "/api/chat";
    case Api::chat_completions:
      break;
  }
  return "/chat/completions";
}

/// The base address may be written with the endpoint's path, with a slash at its end, with a query.
std::string endpoint(std::string_view base, Api api, std::string_view model, bool stream) {
  const std::string path = endpoint_path(api, model, stream);
  const std::string_view query = base.substr(std::min(base.find('?'), base.size()));
  base.remove_suffix(query.size());
  while (base.ends_with('/')) base.remove_suffix(1);
  // Ollama's other protocols live below /v1, its own does not.
  if (api == Api::ollama_chat && base.ends_with("/v1")) base.remove_suffix(3);
  std::string url(base);
  if (!base.ends_with(path)) url += path;
  url += query;
  if (api == Api::generate_content && stream) url += query.empty() ? "?alt=sse" : "&alt=sse";
  return url;
}

std::optional<ReasoningReplay> parse_replay(std::string_view word) {
  if (word.empty()) return {};
  if (word == "never") return ReasoningReplay::never;
  if (word == "within_turn") return ReasoningReplay::within_turn;
  if (word == "always") return ReasoningReplay::always;
  throw Error(errc::config, fmt::format("reasoning_replay is never, within_turn or always, not “{}”", word));
}

std::string protocols_of(const Provider& provider) {
  std::string names;
  for (const Endpoint& endpoint : provider.apis) {
    names.append(names.empty() ? "" : ", ").append(to_string(endpoint.api));
  }
  return names;
}

/// The protocol that the agent file names, else the model's own, else the provider's usual one.
const Endpoint& endpoint_for(const Provider& provider, const ModelEntry& entry, const ModelSpec& spec) {
  std::optional<Api> api = entry.api;
  if (!spec.api.empty()) {
    api = parse_api(spec.api);
    const Endpoint* named = api ? provider.endpoint(*api) : nullptr;
    if (named == nullptr) {
      throw Error(errc::config,
                  fmt::format("`model.api` is {}, but {} speaks {}", spec.api, provider.title, protocols_of(provider)));
    }
    return *named;
  }
  const Endpoint* found = api ? provider.endpoint(*api) : nullptr;
  return found != nullptr ? *found : provider.apis.front();
}

std::string resolve_url(const Provider& provider, const Endpoint& where, const ModelSpec& spec,
                        const WireModel& model) {
  std::string base = spec.base_url.empty() ? where.base_url : spec.base_url;
  if (base.empty()) {
    throw Error(errc::config,
                fmt::format("{} needs `model.base_url`, for example http://127.0.0.1:8000/v1", provider.name));
  }
  if (!base.starts_with("http://") && !base.starts_with("https://") && !begins_with_reference(base)) {
    throw Error(errc::config, fmt::format("`model.base_url` must begin with http:// or https://: {}", base));
  }
  const bool beta = spec.strict_tools.value_or(false) && provider.strict == StrictTools::all_with_beta &&
                    where.api == Api::chat_completions;
  if (beta && base.starts_with(where.base_url)) base = where.base_url + "/beta";
  return endpoint(base, where.api, model.name, model.stream);
}

/// What the agent decides, not its options: replaced there, the run would speak of something else than it sent.
void refuse_own_fields(const json::object& extra, errc code) {
  for (const std::string_view field : {"model", "messages", "input", "contents", "tools"}) {
    if (extra.contains(field)) {
      throw Error(code, fmt::format("`options.extra` cannot hold `{}`: the agent itself says that", field));
    }
  }
}

/// Reasoning as text is good for all models of a provider; what is signed or encrypted only for the model that did it.
/// https://ai.google.dev/gemini-api/docs/thought-signatures
std::string maker_of(const WireModel& model) {
  const bool signs = model.api == Api::messages || model.api == Api::responses || model.api == Api::generate_content;
  if (!signs) return model.provider->name;
  std::string maker = fmt::format("{}/{}/{}", to_string(model.api), model.provider->name, model.name);
  // What one account or region has encrypted, another one refuses.
  constexpr std::size_t kDigest = 12;
  return model.own_address ? maker : fmt::format("{}@{}", maker, sha256(model.url).substr(0, kDigest));
}

void resolve_reasoning(WireModel& model, const ModelSpec& spec) {
  const Provider& provider = *model.provider;
  const std::optional<ReasoningReplay> wanted = parse_replay(spec.reasoning_replay);
  model.replay = wanted.value_or(model.entry.replay.value_or(provider.replay));
  // Whoever insists on replay serves a model that checks for it.
  model.replay_presence = provider.replay_needs_presence || model.entry.replay_needs_presence.value_or(false) ||
                          wanted == ReasoningReplay::always;
  const ThinkStart usual = model.entry.think.value_or(provider.think);
  if (!spec.split_think) {
    model.think = usual;
  } else if (*spec.split_think) {
    model.think = usual == ThinkStart::off ? ThinkStart::tagged : usual;
  }
}

}  // namespace

WireModel resolve_model(std::shared_ptr<const Catalogue> catalogue, const Provider& provider, const ModelSpec& spec) {
  WireModel model;
  model.catalogue = std::move(catalogue);
  model.provider = &provider;
  const std::size_t slash = spec.name.find('/');
  model.name = slash == std::string::npos ? std::string() : spec.name.substr(slash + 1);
  if (model.name.empty()) model.name = provider.default_model;
  // Google lists its models as "models/NAME".
  if (provider.apis.front().api == Api::generate_content && model.name.starts_with("models/")) model.name.erase(0, 7);
  if (model.name.empty()) throw Error(errc::config, fmt::format("name the model: {}/MODEL", provider.name));
  model.id = fmt::format("{}/{}", provider.name, model.name);
  model.entry = model.catalogue->model(provider, model.name);
  model.stream = spec.stream.value_or(true);
  const Endpoint& where = endpoint_for(provider, model.entry, spec);
  model.api = where.api;
  model.url = resolve_url(provider, where, spec, model);
  model.own_address = spec.base_url.empty();
  model.maker = maker_of(model);
  resolve_reasoning(model, spec);
  model.strict = spec.strict_tools.value_or(false);
  refuse_own_fields(spec.options.extra, errc::config);
  model.options = spec.options;
  return model;
}

CompletionOptions options_of(const WireModel& model, const CompletionRequest& request) {
  const CompletionOptions& defaults = model.options;
  CompletionOptions options = request.options;
  if (!options.temperature) options.temperature = defaults.temperature;
  if (!options.top_p) options.top_p = defaults.top_p;
  if (!options.max_tokens) options.max_tokens = defaults.max_tokens;
  if (!options.seed) options.seed = defaults.seed;
  if (options.stop.empty()) options.stop = defaults.stop;
  if (options.reasoning_effort.empty()) options.reasoning_effort = defaults.reasoning_effort;
  if (!options.parallel_tool_calls) options.parallel_tool_calls = defaults.parallel_tool_calls;
  for (const auto& [key, value] : defaults.extra) {
    if (!options.extra.contains(key)) options.extra.emplace(key, value);
  }
  refuse_own_fields(options.extra, errc::invalid_argument);
  return options;
}

std::string accepted_effort(const ModelEntry& entry, std::string_view effort) {
  constexpr std::array<std::string_view, 7> kLevels = {"none", "minimal", "low", "medium", "high", "xhigh", "max"};
  if (!entry.efforts) return std::string(effort);
  if (entry.efforts->empty()) return {};
  const auto* wanted = std::ranges::find(kLevels, effort);
  if (wanted == kLevels.end()) return std::string(effort);
  std::string_view best = effort;
  std::ptrdiff_t distance = kLevels.size();
  for (const auto* level = kLevels.begin(); level != kLevels.end(); ++level) {
    if (std::ranges::find(*entry.efforts, *level) == entry.efforts->end()) continue;
    if (std::abs(level - wanted) >= distance) continue;
    best = *level;
    distance = std::abs(level - wanted);
  }
  return std::string(best);
}

std::string schema_in_words(const json::object& schema) {
  std::string words = "Answer with one JSON object and nothing else. It must be valid against this JSON Schema:\n";
  append_json(words, schema);
  return words;
}

std::string in_paragraphs(std::string_view first, std::string_view second) {
  return fmt::format("{}{}{}", first, first.empty() || second.empty() ? "" : "\n\n", second);
}

void refuse_blob(const WireModel& model, const Blob& blob, std::string_view takes) {
  throw Error(errc::invalid_argument, fmt::format("{} takes {} only, not a file of type “{}”; pass its text instead",
                                                  model.provider->title, takes, blob.media_type));
}

namespace {

bool holds_images(std::span<const Message> messages) {
  return std::ranges::any_of(messages, [](const Message& message) {
    return std::ranges::any_of(message.parts, [](const Part& part) {
      const auto* file = std::get_if<Blob>(&part);
      return file != nullptr && file->media_type.starts_with("image/");
    });
  });
}

/// A conversation may have begun with a model that sees. Its images stay as words: what was said about them is there.
/// An image that comes with the question itself is an error: the answer would be about nothing.
std::vector<Message> without_images(const WireModel& model, std::span<const Message> messages) {
  std::vector<Message> seen(messages.begin(), messages.end());
  const auto last_user =
      std::find_if(seen.rbegin(), seen.rend(), [](const Message& m) { return m.role == Role::user; });
  for (Message& message : seen) {
    for (Part& part : message.parts) {
      const auto* file = std::get_if<Blob>(&part);
      if (file == nullptr || !file->media_type.starts_with("image/")) continue;
      if (last_user != seen.rend() && &message == &*last_user) {
        throw Error(errc::invalid_argument,
                    fmt::format("{} takes no images; `sennit models --with images` lists models "
                                "that do",
                                model.id));
      }
      part = Text{"(an image, which this model cannot see)"};
    }
  }
  return seen;
}

std::string body_of(const WireModel& model, const CompletionRequest& request) {
  switch (model.api) {
    case Api::messages:
      return messages_request_body(model, request);
    case Api::responses:
      return responses_request_body(model, request);
    case Api::generate_content:
      return gemini_request_body(model, request);
    case Api::ollama_chat:
      return ollama_request_body(model, request);
    case Api::chat_completions:
      break;
  }
  return chat_request_body(model, request);
}

std::string body_with_what_is_seen(const WireModel& model, const CompletionRequest& request) {
  const bool blind = model.entry.abilities && !model.entry.can(Ability::images);
  if (!blind || !holds_images(request.messages)) return body_of(model, request);
  const std::vector<Message> seen = without_images(model, request.messages);
  CompletionRequest changed = request;
  changed.messages = seen;
  return body_of(model, changed);
}

bool is_plain_image(const Blob& file) {
  return file.media_type.starts_with("image/") && !file.data.empty();
}

/// Files of earlier turns that a protocol may have no place for stay as words; nothing if there are none. An error that
/// one of them brought about is not to come back with every later word of the conversation.
std::optional<std::vector<Message>> without_earlier_files(std::span<const Message> messages) {
  const auto last_user =
      std::find_if(messages.rbegin(), messages.rend(), [](const Message& m) { return m.role == Role::user; });
  const auto earlier = static_cast<std::size_t>(messages.rend() - last_user);
  std::vector<Message> changed(messages.begin(), messages.end());
  bool any = false;
  for (std::size_t i = 0; i + 1 < earlier; ++i) {
    for (Part& part : changed[i].parts) {
      const auto* file = std::get_if<Blob>(&part);
      if (file == nullptr || is_plain_image(*file)) continue;
      part = Text{fmt::format("(a file of type {}, which this model cannot take)", file->media_type)};
      any = true;
    }
  }
  if (!any) return std::nullopt;
  return changed;
}

}  // namespace

std::string request_body(const WireModel& model, const CompletionRequest& request) {
  try {
    return body_with_what_is_seen(model, request);
  } catch (const Error& error) {
    if (error.code() != errc::invalid_argument) throw;
    const std::optional<std::vector<Message>> changed = without_earlier_files(request.messages);
    if (!changed) throw;
    CompletionRequest again = request;
    again.messages = *changed;
    return body_with_what_is_seen(model, again);
  }
}

}  // namespace sennit
