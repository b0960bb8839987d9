// Private: A model of a provider with everything that an agent file decides about it, and the body of a request to it.
//
// Bodies are pure: the same request gives the same bytes. The messages come after everything that stays as it is, and
// are written one after another without look-ahead, so a conversation that grows keeps its beginning byte by byte: that
// is what providers' prompt caches match on.
#pragma once

#include <sennit/agent/backend.hpp>
#include <sennit/agent/definition.hpp>
#include <sennit/backends/catalogue/catalogue.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace sennit {

struct WireModel {
  std::shared_ptr<const Catalogue> catalogue;  ///< holds the provider
  const Provider* provider = nullptr;
  ModelEntry entry;  ///< what the catalogue knows of it
  Api api = Api::chat_completions;
  std::string name;  ///< without the provider
  std::string id;    ///< "provider/model"
  /// Who made a Reasoning part, as ModelInfo::provider: a part of somebody else is not sent back.
  std::string maker;
  std::string url;           ///< of the endpoint
  bool own_address = false;  ///< the provider's own, not one from the agent file
  ReasoningReplay replay = ReasoningReplay::never;
  bool replay_presence = false;  ///< turns with tool calls carry the field of the reasoning even if it is empty
  ThinkStart think = ThinkStart::off;
  bool strict = false;
  bool stream = true;
  CompletionOptions options;

  [[nodiscard]] bool made(const Reasoning& reasoning) const { return reasoning.provider == maker; }
  /// Whether the reasoning of a turn goes back: of the one that is at work, or of an earlier one.
  [[nodiscard]] bool replays(bool running) const {
    return replay == ReasoningReplay::always || (replay == ReasoningReplay::within_turn && running);
  }
};

/// Throws Error(errc::config) if `spec` lacks a model name or an address that the provider does not bring, names a
/// protocol that it does not speak, or if its `options.extra` would replace what the agent itself decides (the model,
/// the messages, the tools). `provider` is one of `catalogue`.
[[nodiscard]] WireModel resolve_model(std::shared_ptr<const Catalogue> catalogue, const Provider& provider,
                                      const ModelSpec& spec);

/// In the model's protocol. Throws Error(errc::invalid_argument) if a part of the request cannot be expressed.
[[nodiscard]] std::string request_body(const WireModel& model, const CompletionRequest& request);

// ---- for the writers of the protocols ----

/// What the caller asks for, else what the agent file says. Throws Error(errc::invalid_argument) where
/// `options.extra` would replace what the agent itself decides.
[[nodiscard]] CompletionOptions options_of(const WireModel& model, const CompletionRequest& request);

/// `effort` as the model takes it: itself, else the nearest that it has, of two equally near the lower one; empty if it
/// takes none. A word that is no effort is given as it is, for the provider to judge.
[[nodiscard]] std::string accepted_effort(const ModelEntry& entry, std::string_view effort);

/// What the instructions say where no field of a protocol can hold the model to a schema.
[[nodiscard]] std::string schema_in_words(const json::object& schema);

/// Both, set apart by an empty line; where one is empty, the other.
[[nodiscard]] std::string in_paragraphs(std::string_view first, std::string_view second);

/// Throws Error(errc::invalid_argument): the protocol has no place for a file of this kind.
[[noreturn]] void refuse_blob(const WireModel& model, const Blob& blob, std::string_view takes);

}  // namespace sennit
