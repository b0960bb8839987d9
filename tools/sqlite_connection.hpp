// Private: A SQLite database that a model may put questions to.
//
// The SQL is the model's, and the file may be somebody else's: so an authorizer permits by name what is harmless and
// refuses the rest (ATTACH, load_extension, PRAGMAs that change something), one statement at a time, and time, memory
// and what is shown are bounded.
#pragma once

#include <sennit/agent/io/json.hpp>
#include <sennit/tools/files_walk.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;

namespace sennit::sqlite {

inline constexpr std::size_t kMaxRows = 1000;             ///< of one answer
inline constexpr std::size_t kMaxOutput = 24U << 10U;     ///< bytes of one answer: fits into what a model is handed
inline constexpr std::size_t kMaxCell = 1000;             ///< bytes of a value that are shown
inline constexpr std::size_t kMaxSql = 32U << 10U;        ///< bytes of a statement
inline constexpr int kMaxValue = 1 << 20;                 ///< bytes of a value that SQLite handles
inline constexpr std::int64_t kMaxMemory = 256LL << 20U;  ///< bytes that one statement may take

/// How values are shown to a model.
enum class Format { table, json };

struct Question {
  std::string sql;
  json::value parameters{};  ///< a list for `?`, an object for `:name`
  std::size_t limit = 100;   ///< rows
  Format format = Format::table;
};

/// One connection, used by one thread. Throws Error: denied (what is not permitted), invalid_argument (SQL that cannot
/// be understood), timeout, too_large, cancelled, not_found, storage; with SQLite's own words where it has some.
class Connection {
 public:
  enum class May { read, write };

  /// An existing file, by its fixed_path().
  Connection(const std::filesystem::path& file, May may, std::chrono::milliseconds deadline, files::StopFlag stop);
  /// A new one in memory, without the rules until restrict().
  Connection(std::chrono::milliseconds deadline, files::StopFlag stop);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// From now on only what is permitted, and read-only unless `may` says otherwise.
  void restrict(May may);
  /// For code of ours, before restrict().
  void execute(const std::string& sql);
  [[nodiscard]] sqlite3* handle() const noexcept;

  /// The rows as text, with a last line in brackets where something was left out; or how many rows were changed.
  [[nodiscard]] std::string ask(const Question& question);
  /// The statements that made what is in the database.
  [[nodiscard]] std::string schema();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sennit::sqlite
