// Tools that transcripts and tests call: small, deterministic, each with one way to misbehave.
#pragma once

#include <sennit/agent/registry.hpp>

namespace sennit::testing {

/// * `echo {text}` gives the text; `shout {text, times?}` repeats it with a progress event a time
/// * `fail {message}` fails; `refuse {}` gives an error result without throwing
/// * `nap {milliseconds}` waits and says so (timeout 200 ms); `big {bytes}` gives that many bytes (cap 1,000)
/// * `pay {amount}` declares that it spends money; `save {text}` that it writes
/// * `question {text}` asks the person
void add_test_tools(Registry& registry);

}  // namespace sennit::testing
