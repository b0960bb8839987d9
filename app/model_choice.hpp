// Another model than the agent file names: what `--model`, `/model` and a run that is gone on with make of its
// settings.
//
// What a file says of its model is partly about the agent (how warm, how patient) and partly about the one who serves
// it: a key, an address, headers. The second kind must not reach anybody else.
#pragma once

#include <sennit/agent/definition.hpp>

#include <string>

namespace sennit::app {

/// `chosen` in the place of `model`. From the same provider it has everything of `model` but `prices`; from another one
/// only what holds for any model: the neutral options, timeouts, retry, and how the network is reached (`proxy`,
/// `ca_file`). Fallbacks and routes are those of `chosen`: a person who names a model wants that one.
[[nodiscard]] ModelSpec choose_model(const ModelSpec& model, ModelSpec chosen);

/// The agent with the model of that name.
[[nodiscard]] Definition with_model(Definition definition, std::string name);

}  // namespace sennit::app
