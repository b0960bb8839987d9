// One completion, and how long it took: what `sennit ping` measures.
#pragma once

#include <sennit/agent/backend.hpp>
#include <sennit/agent/completion.hpp>
#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/environment.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sennit::app {

struct ProbeQuestion {
  std::string words;
  std::vector<ToolDescription> tools{};
  ToolChoice choice = ToolChoice::automatic;
  CompletionOptions options{};
};

struct ProbeResult {
  Completion completion;
  std::optional<Error> error;  ///< set: the completion broke
  std::chrono::microseconds first_token{0};
  std::chrono::microseconds writing{0};  ///< from the first token to the last
  std::size_t pieces = 0;                ///< TokenStream::pieces()
  bool shows_thoughts = false;           ///< reasoning came as it was written

  /// Tokens a second while it wrote; nothing where too little came to say. Reasoning that is not shown is not counted:
  /// it was written before the first token.
  [[nodiscard]] std::optional<double> speed() const;
};

/// `environment` and `backend` outlive it; runs on the environment's shard. A failure is in the result. Cancellation:
/// terminal; throws Error(errc::cancelled).
[[nodiscard]] asio::awaitable<ProbeResult> probe(Environment& environment, std::shared_ptr<const Backend> backend,
                                                 ProbeQuestion question);

}  // namespace sennit::app
