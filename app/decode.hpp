// `sennit decode`: what Sennit reads in a recorded answer of a model server, as one JSON object.
//
// The answer goes through the decoder that runs use, so this shows what an agent would have seen: for bug reports, and
// for checking Sennit against traffic of your own.
#pragma once

#include <sennit/agent/io/json.hpp>
#include <sennit/backends/chat_decoder.hpp>

#include <cstddef>
#include <span>
#include <string_view>

namespace CLI {
class App;
}

namespace sennit::app {

/// Adds the subcommand to `app`. Running it prints to standard output and sets `exit_code`.
void add_decode(CLI::App& app, int& exit_code);

struct DecodeOptions {
  ChatFraming framing = ChatFraming::detect;
  int status = 200;           ///< HTTP status of the answer
  bool split_think = false;   ///< move <think> text from `text` to `reasoning`, as an agent sees it
};

/// {text, reasoning, refusal, tool_calls: [{id, name, arguments, arguments_raw}], finish_reason, finish_detail,
/// usage: {input, output, cached_input, reasoning}, error}; what the answer lacks is null. `pieces`: sizes of the
/// pieces in which the decoder gets the body, repeated to its end; empty: whole.
[[nodiscard]] json::object decode_body(std::string_view body, const DecodeOptions& options,
                                       std::span<const std::size_t> pieces);

}  // namespace sennit::app
