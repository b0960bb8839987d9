// Texts as vectors: whatever gives them, behind one interface. Near vectors mean near texts, for search and memory.
#pragma once

#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/usage.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sennit {

/// What the vectors are for: some models give a question and the text that answers it vectors of their own kinds.
/// Models that know no difference ignore it.
enum class EmbedFor : std::uint8_t { query, document };

struct EmbedderInfo {
  std::string id;                         ///< "openai/text-embedding-3-small": vectors of two ids cannot be compared
  std::optional<std::size_t> dimensions;  ///< where the settings say so
  std::optional<Prices> prices;
};

struct Embeddings {
  std::vector<std::vector<float>> vectors;  ///< one a text, in the order of the texts; all of one length, finite
  Usage usage;                              ///< of all requests that gave them
};

/// Immutable after construction. [thread-safe]
class Embedder {
 public:
  virtual ~Embedder();
  [[nodiscard]] virtual const EmbedderInfo& info() const = 0;
  /// Vectors for any number of texts, none of them empty; sent in as many requests as the provider wants. All or none:
  /// a failure is thrown as Error, after the retries that the settings allow. The work does not need the Embedder any
  /// more once it is made. Cancellation: terminal.
  [[nodiscard]] virtual asio::awaitable<Embeddings> embed(Environment& environment, std::vector<std::string> texts,
                                                          EmbedFor use) const = 0;
};

/// The cosine of the angle between two vectors, from -1 to 1; 0 where one of them has no direction.
/// Throws Error(errc::invalid_argument) if their lengths differ.
[[nodiscard]] double cosine(std::span<const float> a, std::span<const float> b);

}  // namespace sennit
