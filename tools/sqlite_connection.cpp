#include <sennit/tools/files_access.hpp>
#include <sennit/tools/sqlite_connection.hpp>
#include <sennit/tools/sqlite_file.hpp>
#include <sennit/tools/sqlite_functions.hpp>
#include <sennit/tools/sqlite_rows.hpp>
#include <sennit/tools/sqlite_rules.hpp>

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

namespace sennit::sqlite {
namespace {

// SQLite asks after so many steps of its virtual machine: so often that a step that makes a value of kMaxValue bytes
// cannot use much more memory or time than it may before the next question.
constexpr int kStepsBetweenQuestions = 10;

using Time = std::chrono::steady_clock::time_point;

}  // namespace

struct Connection::State {
  State(std::chrono::milliseconds limit, files::StopFlag flag) : deadline(limit), stop(std::move(flag)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  std::chrono::milliseconds deadline;
  files::StopFlag stop;
  std::optional<HeldFile> file;
  Ending ending;
  sqlite3* handle = nullptr;
  bool may_write = false;
  Time due{};
  std::int64_t memory_before = 0;
  enum class Why { none, stopped, late, large } why = Why::none;

  void begin() {
    due = std::chrono::steady_clock::now() + deadline;
    memory_before = sqlite3_memory_used();
    why = Why::none;
  }

  [[nodiscard]] bool must_end() {
    if (files::is_set(stop)) {
      why = Why::stopped;
    } else if (std::chrono::steady_clock::now() >= due) {
      why = Why::late;
    } else if (sqlite3_memory_used() - memory_before > kMaxMemory) {
      why = Why::large;  // of all connections in this program; so generous that it is this one's
    }
    return why != Why::none;
  }

  static int on_progress(void* state) { return static_cast<State*>(state)->must_end() ? 1 : 0; }

  /// Another connection has the lock.
  static int on_busy(void* state, int /*times*/) {
    constexpr std::chrono::milliseconds kPause{5};
    if (static_cast<State*>(state)->must_end()) return 0;
    std::this_thread::sleep_for(kPause);
    return 1;
  }

  [[noreturn]] void fail(int code) const {
    const int kind = code & 0xFF;
    const std::string words = handle == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle);
    if (why == Why::stopped) throw Error(errc::cancelled, "the query was cancelled");
    if (why == Why::large) {
      throw Error(errc::too_large, fmt::format("the statement needs more than {} MiB of memory", kMaxMemory >> 20U));
    }
    if (why == Why::late) {
      const auto limit = std::chrono::duration<double>(deadline).count();
      throw Error(errc::timeout, kind == SQLITE_BUSY || kind == SQLITE_LOCKED
                                     ? fmt::format("the database is locked by another program for {} seconds", limit)
                                     : fmt::format("the statement took longer than {} seconds", limit));
    }
    // SQLite takes a refusal of CREATE for a schema that changed meanwhile.
    if (kind == SQLITE_AUTH || words.starts_with("not authorized")) {
      throw Error(errc::denied, fmt::format("{}: {}", words,
                                            may_write ? "one statement that reads or changes this database is permitted"
                                                      : "only queries (SELECT) of this database are permitted"));
    }
    if (is_super_journal(code)) {
      throw Error(errc::denied,
                  "an interrupted change was rolled back; its journal names a second file, which was left as it is "
                  "(move it away if it is yours): call again");
    }
    switch (kind) {
      case SQLITE_READONLY:
        throw Error(errc::denied, fmt::format("{}: the database can only be read", words));
      case SQLITE_ERROR:
      case SQLITE_RANGE:
      case SQLITE_MISMATCH:
      case SQLITE_CONSTRAINT:
        throw Error(errc::invalid_argument, words);
      case SQLITE_TOOBIG:
        throw Error(
            errc::too_large,
            fmt::format("{} (a value has at most {} bytes here; length() tells how large it is)", words, kMaxValue));
      default:
        throw Error(errc::storage, words);
    }
  }

  void check(int code) const {
    if (code != SQLITE_OK) fail(code);
  }

  void open(const char* name, int flags, const char* vfs = nullptr) {
    const int code = sqlite3_open_v2(name, &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
    if (code != SQLITE_OK) fail(code);
    sqlite3_busy_handler(handle, &on_busy, this);
    harden(handle);
    ending = {&on_progress, this};
    bound_functions(handle, ending);
  }

  ~State() { sqlite3_close_v2(handle); }
};

Connection::Connection(const std::filesystem::path& file, May may, std::chrono::milliseconds deadline,
                       files::StopFlag stop)
    : state_(std::make_unique<State>(deadline, std::move(stop))) {
  state_->begin();
  state_->file.emplace(file);
  state_->open(state_->file->path().c_str(), may == May::write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY,
               held_vfs());
  restrict(may);
}

Connection::Connection(std::chrono::milliseconds deadline, files::StopFlag stop)
    : state_(std::make_unique<State>(deadline, std::move(stop))) {
  state_->begin();
  state_->open(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
}

Connection::~Connection() = default;

void Connection::restrict(May may) {
  state_->may_write = may == May::write;
  sqlite3_progress_handler(state_->handle, kStepsBetweenQuestions, &State::on_progress, state_.get());
  // Sorting in memory, where kMaxMemory bounds it, and not in files that fill a disk.
  execute("PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON; PRAGMA foreign_keys=ON;");
  if (!state_->may_write) execute("PRAGMA query_only=ON;");
  state_->check(sqlite3_set_authorizer(state_->handle, &authorize, state_->may_write ? state_.get() : nullptr));
}

void Connection::execute(const std::string& sql) {
  state_->begin();
  state_->check(sqlite3_exec(state_->handle, sql.c_str(), nullptr, nullptr, nullptr));
}

sqlite3* Connection::handle() const noexcept {
  return state_->handle;
}

std::string Connection::ask(const Question& question) {
  if (question.sql.size() > kMaxSql) {
    throw Error(errc::too_large, fmt::format("the statement is longer than {} bytes", kMaxSql));
  }
  if (question.sql.find('\0') != std::string::npos) {
    throw Error(errc::invalid_argument, "`sql` holds a NUL character");
  }
  state_->begin();
  sqlite3* const handle = state_->handle;
  const auto prepare = [&](std::string_view sql, std::string_view& rest) {
    sqlite3_stmt* statement = nullptr;
    const char* tail = nullptr;
    state_->check(sqlite3_prepare_v3(handle, sql.data(), static_cast<int>(sql.size()), 0, &statement, &tail));
    rest = sql.substr(static_cast<std::size_t>(tail - sql.data()));
    return Prepared(statement);
  };
  std::string_view rest;
  const Prepared statement = prepare(question.sql, rest);
  if (!statement) throw Error(errc::invalid_argument, "there is no statement in `sql`");
  while (!rest.empty()) {
    if (prepare(rest, rest)) throw Error(errc::invalid_argument, "`sql` holds more than one statement: give one");
  }
  if (!state_->may_write && sqlite3_stmt_readonly(statement.get()) == 0) {
    throw Error(errc::denied, "the statement would change something: only queries (SELECT) are permitted");
  }
  bind(statement.get(), question.parameters);
  const std::int64_t before = sqlite3_total_changes64(handle);
  Rows rows(statement.get(), question.format);
  const std::size_t limit = std::min(question.limit, kMaxRows);
  bool more = false;
  while (true) {
    const int code = sqlite3_step(statement.get());
    if (code == SQLITE_DONE) break;
    if (code != SQLITE_ROW) state_->fail(code);
    // A statement that changes something runs to its end, whatever of its rows is shown.
    const bool keep = rows.count() < limit && rows.bytes() < kMaxOutput;
    if (keep) rows.add();
    more = more || !keep;
    if (more && !state_->may_write) break;
  }
  const bool has_rows = rows.columns() > 0;
  std::string text = has_rows ? std::move(rows).text(more) : std::string();
  if (!has_rows || sqlite3_stmt_readonly(statement.get()) == 0) {
    text += fmt::format("[{} rows changed]\n", sqlite3_total_changes64(handle) - before);
  }
  return text;
}

std::string Connection::schema() {
  Question question;
  question.sql =
      "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
      "ORDER BY type = 'index', type = 'trigger', name";
  state_->begin();
  sqlite3_stmt* raw = nullptr;
  state_->check(sqlite3_prepare_v3(state_->handle, question.sql.c_str(), -1, 0, &raw, nullptr));
  const Prepared statement(raw);
  std::string text;
  while (true) {
    const int code = sqlite3_step(raw);
    if (code == SQLITE_DONE) break;
    if (code != SQLITE_ROW) state_->fail(code);
    const std::string made = value_text(raw, 3);
    text += sqlite3_column_type(raw, 3) == SQLITE_NULL ? fmt::format("{} {}\n", value_text(raw, 0), value_text(raw, 1))
                                                       : made + ";\n";
    if (text.size() > kMaxOutput) {
      text += "[there is more: ask with SELECT name, sql FROM sqlite_schema WHERE …]\n";
      break;
    }
  }
  return text.empty() ? "[the database has no tables]\n" : text;
}

}  // namespace sennit::sqlite
