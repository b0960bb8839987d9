// Private: what a tool gives, cut to what a model should read.
#pragma once

#include <sennit/agent/effects_state.hpp>

#include <cstddef>
#include <string>

namespace sennit {

/// A large output must not eat the context: the model gets its beginning (`limit` bytes; zero: all), a person the
/// whole, in a file of the state folder, with its labels beside it for who reads on there.
[[nodiscard]] asio::awaitable<std::string> cap_output(Effects::State& state, std::string effect, std::string content,
                                                      const Labels& labels, std::size_t limit);

}  // namespace sennit
