// A backend that serves recorded answers instead of a model: for tests, demonstrations and bug reports. No network.
//
// `model: replay/FILE` answers every completion with that body; `model: replay/FOLDER` serves the folder's bodies in
// turn, in the order of their numbers ("1.sse", "02-second-try.503.json": a second ending is the HTTP status). Paths
// are relative to the agent file. `options.extra.piece` feeds the body to the decoder in pieces of so many bytes, one a
// batch, as a slow network would.
#pragma once

#include <sennit/agent/backend.hpp>
#include <sennit/agent/registry.hpp>
#include <sennit/backends/wire/answer_decoder.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace sennit {

/// A recorded body.
struct Recording {
  std::filesystem::path file;
  int status = 200;
};

/// The bodies at `path`, in the order in which they are served. Throws Error(errc::not_found) naming what is missing.
[[nodiscard]] std::vector<Recording> find_recordings(const std::filesystem::path& path);

/// The bytes of a body. Blocks. Throws Error: not_found, io, too_large (64 MiB).
[[nodiscard]] std::string read_recording(const std::filesystem::path& file);

/// The framing of a body by the ending of its name: .sse, .ndjson, .json; anything else is looked at.
[[nodiscard]] Framing framing_of(const std::filesystem::path& file);

/// Serves what `spec.name` ("replay/PATH") names, relative to `directory`. All streams of one backend share the turn.
/// Throws Error(errc::config or errc::not_found).
[[nodiscard]] std::shared_ptr<const Backend> make_replay_backend(const ModelSpec& spec,
                                                                 const std::filesystem::path& directory);

void add_replay_backend(Registry& registry);

}  // namespace sennit
