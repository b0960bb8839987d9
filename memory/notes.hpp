// Memory `notes`: short texts in SQLite, found by full-text search.
//
// They live in `notes.db` of the state folder, beside the store and not in it: a search or a clean-up of notes then
// never holds up a run's journal, and a person can copy or delete what an agent knows as one file.
#pragma once

#include <sennit/agent/registry.hpp>

#include <cstddef>
#include <memory>

namespace sennit {

inline constexpr std::size_t kMaxNote = 8U << 10U;  ///< bytes of one note; longer texts are files, not notes
inline constexpr std::size_t kMaxNotes = 10'000;    ///< notes of one space; nothing is dropped silently
inline constexpr std::size_t kMaxRecalled = 100;    ///< notes of one search

/// The factory. Without a state folder the notes live as long as the object. The file is opened when first used.
[[nodiscard]] std::shared_ptr<Memory> make_notes(const MemorySettings& settings, const PartContext& context);

}  // namespace sennit
