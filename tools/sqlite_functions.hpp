// Private: SQL functions in the place of SQLite's own whose time grows with the product of two lengths.
//
// SQLite asks whether a statement must end between the rounds of its loops, never within a function: instr() of two
// long values takes minutes. These take time that grows with the sum, or refuse; and each asks before it begins.
#pragma once

#include <cstddef>

struct sqlite3;

namespace sennit::sqlite {

/// Pattern times text of LIKE and GLOB, in bytes: a quarter of a second at most.
inline constexpr std::size_t kMaxMatching = 128U << 20U;
inline constexpr std::size_t kMaxTrimmed = 1000;  ///< bytes of the characters that trim() is to remove

/// Whether the statement must end; 0: not yet.
struct Ending {
  int (*wanted)(void* state) = nullptr;
  void* state = nullptr;
};

/// instr, replace, trim, ltrim, rtrim, like, glob, with the results of SQLite's own. `ending` outlives the connection.
/// An index is not used for LIKE and GLOB.
void bound_functions(sqlite3* handle, const Ending& ending);

}  // namespace sennit::sqlite
