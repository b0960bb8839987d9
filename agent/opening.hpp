// Private: how a run comes by its session, its conversation and its journal: new, resumed, replayed or forked.
#pragma once

#include <sennit/agent/agent_parts.hpp>
#include <sennit/agent/journal.hpp>
#include <sennit/agent/run_state.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace sennit {

/// What a run works on.
struct Opening {
  Journal journal;
  std::string input;
  std::string say;               // of a fork: see Effects::State::say
  std::vector<Message> history;  // the conversation so far
  std::int64_t next_position = 0;
  std::string notice{};  // for the person; empty: nothing
  Standing before{};     // of a run that goes on: how it stood until this attempt
};

/// Takes the session (and waits for it, if the run's options say so) or the run that goes on, and what `beginning`
/// holds. Throws Error.
[[nodiscard]] asio::awaitable<Opening> open_run(Run::State& run, Session::State& session, Beginning& beginning);

/// Gives the session back. `conversation` is what a session in memory holds from now on; null: what it held before.
void close_session(Session::State& session, std::vector<Message>* conversation);

/// Error(errc::busy) for a session in memory.
[[nodiscard]] Error session_is_busy();

}  // namespace sennit
