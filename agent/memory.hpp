// Long-term notes: what an agent knows across conversations.
#pragma once

#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/labels.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

struct Note {
  std::int64_t id = 0;
  std::string text;
  WallTime created;
  double score = 0;  ///< of a search; higher is better
  Labels labels{};   ///< of the conversation that it was written down in
};

/// How the message begins that puts notes before the model; each note follows on a line of its own, after "- ".
inline constexpr std::string_view kNotesHead = "Notes from earlier conversations that may matter here:";

/// Shared by runs on several shards. [thread-safe] Every function throws Error(errc::storage) on failure.
class Memory {
 public:
  virtual ~Memory() = default;
  /// Keeps a note and gives its id. The same text again gives the id of the note that is there, which then has the
  /// labels of both.
  [[nodiscard]] virtual asio::awaitable<std::int64_t> remember(Environment& environment, std::string text,
                                                               Labels labels = {}) = 0;
  /// The notes that best match `query`, best first; any language. An empty query gives the newest.
  [[nodiscard]] virtual asio::awaitable<std::vector<Note>> recall(Environment& environment, std::string query,
                                                                  std::size_t limit) = 0;
  /// Deletes a note; false if there is none with this id.
  [[nodiscard]] virtual asio::awaitable<bool> forget(Environment& environment, std::int64_t id) = 0;
};

}  // namespace sennit
