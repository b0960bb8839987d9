#include <sennit/agent/io/database.hpp>

#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

namespace sennit {
namespace {

bool may_succeed_later(int code) {
  return code == SQLITE_BUSY || code == SQLITE_LOCKED || code == SQLITE_FULL || code == SQLITE_INTERRUPT;
}

[[noreturn]] void fail(int code, std::string message) {
  const int kind = code & 0xFF;  // without what extends it
  if (kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB) message += "; bring back a copy, or move it away to begin anew";
  if (kind == SQLITE_FULL) message += "; make room, nothing that was kept is lost";
  Error error(errc::storage, std::move(message));
  if (may_succeed_later(code)) throw std::move(error).retry();
  throw error;
}

[[noreturn]] void fail(sqlite3* handle, int code, std::string_view what) {
  std::string message(what);
  message += ": ";
  message += handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
  fail(code, std::move(message));
}

/// The rules for files that may have been written by somebody else: stored state is input too.
void harden(sqlite3* handle) {
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, int{kMaxStoredBytes});  // the default of 1 GB is an attack surface
  sqlite3_limit(handle, SQLITE_LIMIT_SQL_LENGTH, 1 << 20);
  sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_limit(handle, SQLITE_LIMIT_EXPR_DEPTH, 200);
}

/// What is stored is private: what SQLite makes beside the file gets the file's permissions. Made without being opened,
/// because closing a file takes the locks off it that others in this program have.
void create_private(const std::filesystem::path& path) {
  if (path.empty() || path == ":memory:") return;
  (void)::mknod(path.c_str(), S_IFREG | 0600, 0);  // it may be there already; what else is wrong, opening it will tell
}

/// Switching to WAL takes a lock while holding another, and there SQLite asks no busy handler: of two processes that
/// open a new file at the same time, one is refused at once.
void use_wal(Database& database, std::chrono::milliseconds busy_timeout) {
  constexpr std::chrono::milliseconds kPause{2};
  const auto deadline = std::chrono::steady_clock::now() + busy_timeout;
  while (true) {
    try {
      Statement query = database.prepare("PRAGMA journal_mode=WAL");
      const std::string mode = query.step() ? std::string(query.text(0)) : std::string();
      if (mode == "wal" || mode == "memory") return;
      // Silently another mode: what is promised of concurrent programs and of kill -9 rests on WAL.
      throw Error(errc::storage, "the file system cannot hold a database: SQLite cannot use a write-ahead log there");
    } catch (const Error& error) {
      if (!error.retryable() || std::chrono::steady_clock::now() >= deadline) throw;
    }
    std::this_thread::sleep_for(kPause);
  }
}

// SQLite asks after so many steps of its virtual machine, which takes well under a millisecond.
constexpr int kStepsBetweenQuestions = 10'000;

}  // namespace

/// When the statement that works now has to be done.
struct Statement::Clock {
  void begin() { due = std::chrono::steady_clock::now() + limit; }
  static int is_due(void* clock) { return std::chrono::steady_clock::now() >= static_cast<Clock*>(clock)->due ? 1 : 0; }
  std::chrono::milliseconds limit;
  std::chrono::steady_clock::time_point due;
};

Statement::Statement(Statement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)), clock_(other.clock_) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(statement_, other.statement_);
  std::swap(clock_, other.clock_);
  return *this;
}

Statement::~Statement() {
  sqlite3_finalize(statement_);
}

Statement& Statement::bind(int index, std::int64_t value) {
  if (const int code = sqlite3_bind_int64(statement_, index, value); code != SQLITE_OK) {
    fail(sqlite3_db_handle(statement_), code, "binding a value");
  }
  return *this;
}

Statement& Statement::bind(int index, double value) {
  if (const int code = sqlite3_bind_double(statement_, index, value); code != SQLITE_OK) {
    fail(sqlite3_db_handle(statement_), code, "binding a value");
  }
  return *this;
}

Statement& Statement::bind(int index, std::string_view value) {
  // An empty view may have a null pointer, which SQLite would take for NULL.
  const char* data = value.data() == nullptr ? "" : value.data();
  const int code = sqlite3_bind_text64(statement_, index, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  if (code != SQLITE_OK) fail(sqlite3_db_handle(statement_), code, "binding a text");
  return *this;
}

Statement& Statement::bind_null(int index) {
  sqlite3_bind_null(statement_, index);
  return *this;
}

bool Statement::step() {
  if (sqlite3_stmt_busy(statement_) == 0) clock_->begin();
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  std::string words = sqlite3_errmsg(sqlite3_db_handle(statement_));
  if (code == SQLITE_INTERRUPT && Clock::is_due(clock_) != 0) {
    words = "a statement took longer than " + std::to_string(clock_->limit.count()) + " ms";
  }
  sqlite3_reset(statement_);
  fail(code, "the store: " + words);
}

void Statement::run() {
  while (step()) {
  }
  reset();
}

void Statement::reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}
double Statement::real(int column) const {
  return sqlite3_column_double(statement_, column);
}
bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::string_view Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return data == nullptr ? std::string_view{}
                         : std::string_view(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
}

Database::Database(const std::filesystem::path& path, DatabaseOptions options)
    : clock_(std::make_unique<Statement::Clock>()) {
  clock_->limit = options.statement_deadline;
  create_private(path);
  const int code = sqlite3_open_v2(path.c_str(), &handle_,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  try {
    if (code != SQLITE_OK) fail(handle_, code, "cannot open " + path.string());
    sqlite3_busy_timeout(handle_, static_cast<int>(options.busy_timeout.count()));
    sqlite3_progress_handler(handle_, kStepsBetweenQuestions, &Statement::Clock::is_due, clock_.get());
    harden(handle_);
    use_wal(*this, options.busy_timeout);
    execute("PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; PRAGMA cell_size_check=ON;");
  } catch (const Error& error) {
    sqlite3_close(handle_);
    handle_ = nullptr;
    throw Error(error).at(path.string());
  }
}

Database::Database(Database&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), clock_(std::move(other.clock_)) {}

Database& Database::operator=(Database&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(clock_, other.clock_);
  return *this;
}

Database::~Database() {
  sqlite3_close_v2(handle_);
}

Statement Database::prepare(std::string_view sql) {
  clock_->begin();
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                      &statement, nullptr);
  if (code != SQLITE_OK) fail(handle_, code, "preparing a statement");
  return {statement, clock_.get()};
}

void Database::execute(const char* sql) {
  clock_->begin();
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(handle_, code, "the store");
}

void Database::vacuum() {
  // It attaches a temporary file, and no deadline would fit all files.
  struct Allowed {
    Allowed(sqlite3* of, Statement::Clock* with) : handle(of), clock(with) {
      sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 1);
      sqlite3_progress_handler(handle, 0, nullptr, nullptr);
    }
    ~Allowed() {
      sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
      sqlite3_progress_handler(handle, kStepsBetweenQuestions, &Statement::Clock::is_due, clock);
    }
    Allowed(const Allowed&) = delete;
    Allowed& operator=(const Allowed&) = delete;
    sqlite3* handle;
    Statement::Clock* clock;
  };
  const Allowed allowed(handle_, clock_.get());
  execute("VACUUM");
}

std::int64_t Database::last_insert_id() const {
  return sqlite3_last_insert_rowid(handle_);
}
std::int64_t Database::changes() const {
  return sqlite3_changes64(handle_);
}

void Database::interrupt() {
  sqlite3_interrupt(handle_);
}

std::int64_t Database::version_of(std::string_view component, std::int64_t newest) {
  if (!prepare("SELECT 1 FROM sqlite_schema WHERE name = 'schema_versions'").step()) return 0;
  Statement query = prepare("SELECT version FROM schema_versions WHERE component = ?");
  const std::int64_t version = query.bind(1, component).step() ? query.integer(0) : 0;
  if (version <= newest) return version;
  throw Error(errc::storage, "the store was written by a newer Sennit (schema " + std::string(component) +
                                 " is at version " + std::to_string(version) + ", this program knows " +
                                 std::to_string(newest) + "): use that version, or another state folder");
}

void Database::migrate(std::string_view component, std::initializer_list<const char*> steps) {
  const auto newest = static_cast<std::int64_t>(steps.size());
  // Without a transaction first: the lock that a migration needs may be another program's for long.
  if (version_of(component, newest) == newest) return;
  while (true) {
    Transaction transaction(*this);  // read again in it: another process may be migrating the same file
    execute("CREATE TABLE IF NOT EXISTS schema_versions(component TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT");
    const std::int64_t version = version_of(component, newest);
    if (version == newest) return;
    execute(steps.begin()[version]);
    prepare(
        "INSERT INTO schema_versions(component, version) VALUES(?1, ?2) "
        "ON CONFLICT(component) DO UPDATE SET version = excluded.version")
        .bind(1, component)
        .bind(2, version + 1)
        .run();
    transaction.commit();
  }
}

Transaction::Transaction(Database& database) : database_(database) {
  database_.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.execute("ROLLBACK");
  } catch (const Error&) {
    // SQLite has rolled back by itself where ROLLBACK fails.
  }
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace sennit
