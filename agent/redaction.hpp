// Private: what a run shows and keeps, without secrets (io/secrets.hpp). Where nothing is secret all of this is
// nothing.
//
// Each thing has one place where it is cleaned: a model's words as they come (DeltaRedaction), the conversation as it
// grows (Effects::State::adopt), what a tool gives before it is cut or spilt, every other event as it goes out
// (Run::State::emit), and what is stored as it is written (Journal, RunLog, stored()).
#pragma once

#include <sennit/agent/event.hpp>
#include <sennit/agent/io/secrets.hpp>
#include <sennit/agent/message.hpp>

#include <memory>
#include <span>

namespace sennit {

/// The bytes stay Base64. Those of pictures, sounds and films are not looked at.
void redact_in(Blob& file);
/// All texts of a message, its files included. What a provider signed loses its signature with its
/// words: it would not fit.
void redact_in(Message& message);
[[nodiscard]] Message redacted(Message message);
/// Its words. What it is stays.
[[nodiscard]] Error redacted(const Error& error);
void redact_in(Outcome& outcome);

/// All texts of an event, but not of a model's deltas: they have come through a DeltaRedaction.
void redact_in(EventData& data);

/// The deltas of one completion. A secret that is cut over several of them is found: what may be its beginning waits
/// until more has come, or its part of the answer ends.
class DeltaRedaction {
 public:
  DeltaRedaction();
  ~DeltaRedaction();
  DeltaRedaction(const DeltaRedaction&) = delete;
  DeltaRedaction& operator=(const DeltaRedaction&) = delete;
  /// What can be told by now. The batch itself where nothing is secret; else valid until the next call.
  [[nodiscard]] std::span<Event> take(std::span<Event> batch);
  /// Of an answer that is cut short: what was held back, and is no secret. Valid until the next call.
  [[nodiscard]] std::span<Event> rest();

 private:
  struct State;
  std::unique_ptr<State> state_;  // null where nothing is secret: a run holds as little as it can
  bool begun_ = false;
};

}  // namespace sennit
