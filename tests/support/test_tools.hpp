// Tools that transcripts and tests call: small, deterministic, each with one way to misbehave.
#pragma once

#include <sennit/agent/registry.hpp>

namespace sennit::testing {

/// * `echo {text}` gives the text; `shout {text, times?}` repeats it with a progress event a time
/// * `fail {message}` fails; `refuse {}` gives an error result without throwing
/// * `nap {milliseconds}` waits and says so (timeout 200 ms); `big {bytes}` gives that many bytes (cap 1,000)
/// * `pay {amount}` declares that it spends money; `save {text}` that it writes
/// * `question {text}` asks the person; `hang {}` waits until it is cancelled
/// * `stubborn {}` does so too and then ends well; `curse {}` throws what is no exception
/// * `fail_at_length {}` fails in 5,000 bytes (cap 1,000); `garble {text}` gives or fails with bytes that are no text
void add_test_tools(Registry& registry);

}  // namespace sennit::testing
