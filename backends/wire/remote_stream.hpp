// Private: One completion over HTTP, in any protocol.
//
// Thin by intention: wire_model.hpp writes the body, answer_decoder.hpp reads the answer, the catalogue says who wants
// what. Here is only what needs a socket and a clock: sending, deadlines, ending. It never retries: the run owns that.
#pragma once

#include <sennit/agent/backend.hpp>
#include <sennit/agent/definition.hpp>
#include <sennit/backends/wire/wire_model.hpp>

#include <memory>
#include <string>

namespace sennit {

/// What a backend knows and its streams share.
struct RemoteSettings {
  ModelSpec spec;
  WireModel model;
};

/// The stream of a request with this body. See make_remote_backend() for what it promises.
[[nodiscard]] std::unique_ptr<TokenStream> make_remote_stream(Environment& environment,
                                                              std::shared_ptr<const RemoteSettings> settings,
                                                              std::string body);

/// A URL as an error may show it: without user, query and fragment.
[[nodiscard]] std::string public_address(std::string_view url);

}  // namespace sennit
