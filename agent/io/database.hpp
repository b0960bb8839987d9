// SQLite behind RAII: one connection, hardened, with bound parameters only.
//
// A Database is used by one thread at a time. Nothing here awaits: callers bring it to a Pool or own a thread.
#pragma once

#include <sennit/agent/io/error.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

struct sqlite3;
struct sqlite3_stmt;

namespace sennit {

/// The longest text, and the longest row, that a Database takes.
inline constexpr std::size_t kMaxStoredBytes = 64ULL << 20U;

struct DatabaseOptions {
  /// How long a statement waits for another connection's lock.
  std::chrono::milliseconds busy_timeout{5'000};
  /// How long one statement may work (not wait) before it is stopped. Generous: it ends what would never end.
  std::chrono::milliseconds statement_deadline{30'000};
};

/// A prepared statement. Views given by text() are valid until the next step() or reset().
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  Statement& bind(int index, std::int64_t value);  ///< indexes start at 1
  Statement& bind(int index, double value);
  Statement& bind(int index, std::string_view value);  ///< copied
  Statement& bind_null(int index);
  /// True if there is a row. Throws Error(errc::storage) with SQLite's words; retryable where the same may succeed
  /// later: another connection has the lock, the disk is full, the deadline passed.
  bool step();
  /// Runs a statement that gives no rows, and makes it ready for the next use.
  void run();
  void reset();
  [[nodiscard]] std::int64_t integer(int column) const;  ///< columns start at 0
  [[nodiscard]] double real(int column) const;
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] bool is_null(int column) const;

 private:
  friend class Database;
  struct Clock;
  Statement(sqlite3_stmt* statement, Clock* clock) : statement_(statement), clock_(clock) {}
  sqlite3_stmt* statement_ = nullptr;
  Clock* clock_ = nullptr;  // the database's, which outlives this
};

class Database {
 public:
  /// Opens or creates `path` (":memory:" works; a new file is its owner's alone) in WAL mode with the hardening of our
  /// safety rules: DEFENSIVE, trusted_schema off, no extension loading, lowered limits, synchronous
  /// NORMAL (survives kill -9; a power cut may lose the last commits but never corrupts).
  /// Throws Error(errc::storage), also where the file system cannot do WAL.
  explicit Database(const std::filesystem::path& path, DatabaseOptions options = {});
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  [[nodiscard]] Statement prepare(std::string_view sql);
  /// Runs one or several statements without parameters.
  void execute(const char* sql);
  /// Rewrites the file without its unused pages, however long that takes. REQUIRES: no transaction, no open statement.
  void vacuum();
  [[nodiscard]] std::int64_t last_insert_id() const;
  [[nodiscard]] std::int64_t changes() const;
  /// Stops the statement that works now, if any: it throws. [thread-safe]
  void interrupt();

  /// Brings the schema to the newest version: `steps[i]` leads from version i to i+1, each in its own transaction.
  /// `component` names whose schema it is: several components share a file. A file that is newer than this program
  /// is refused with Error(errc::storage). Where nothing is to be done no lock is taken.
  void migrate(std::string_view component, std::initializer_list<const char*> steps);

 private:
  [[nodiscard]] std::int64_t version_of(std::string_view component, std::int64_t newest);

  sqlite3* handle_ = nullptr;
  std::unique_ptr<Statement::Clock> clock_;
};

/// BEGIN IMMEDIATE … COMMIT; rolls back if commit() was not reached.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace sennit
