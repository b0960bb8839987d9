#include <sennit/tools/sqlite_connection.hpp>
#include <sennit/tools/sqlite_rules.hpp>

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace sennit::sqlite {
namespace {

std::string lowered(const char* text) {
  std::string result(text == nullptr ? "" : text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

/// Of these, what is asked about a table is its name; the others are refused an argument, which would set them.
bool is_harmless_pragma(const char* name, const char* argument) {
  constexpr std::array<std::string_view, 8> kOfTables{"foreign_key_list", "index_info", "index_list",  "index_xinfo",
                                                      "table_info",       "table_list", "table_xinfo", "function_list"};
  constexpr std::array<std::string_view, 8> kQuestions{"data_version", "application_id", "collation_list",
                                                       "encoding",     "freelist_count", "page_count",
                                                       "page_size",    "user_version"};
  const std::string wanted = lowered(name);
  if (std::find(kOfTables.begin(), kOfTables.end(), wanted) != kOfTables.end()) return true;
  return argument == nullptr && std::find(kQuestions.begin(), kQuestions.end(), wanted) != kQuestions.end();
}

bool is_harmless_function(const char* name) {
  // The time of json_patch grows with the square of its arguments, and nothing stops it.
  constexpr std::array<std::string_view, 7> kRefused{"edit",     "fts3_tokenizer", "json_patch",   "load_extension",
                                                     "readfile", "writefile",      "zeroblob_file"};
  return std::find(kRefused.begin(), kRefused.end(), lowered(name)) == kRefused.end();
}

bool is_own_table(const char* name) {
  return lowered(name).starts_with("sqlite_");
}

/// Changes to rows and to the schema of the database itself; nothing that outlives the statement in the connection.
bool is_change(int action, const char* first, const char* second, const char* database) {
  switch (action) {
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
      return lowered(database) == "main";  // the schema's own tables are guarded by DEFENSIVE
    case SQLITE_CREATE_TABLE:
    case SQLITE_CREATE_INDEX:
    case SQLITE_CREATE_VIEW:
    case SQLITE_DROP_TABLE:
    case SQLITE_DROP_INDEX:
    case SQLITE_DROP_VIEW:
    case SQLITE_DROP_TRIGGER:
    case SQLITE_REINDEX:
    case SQLITE_ANALYZE:
      return !is_own_table(first);
    case SQLITE_ALTER_TABLE:
      return lowered(first) == "main";
    case SQLITE_DROP_VTABLE:
      return true;
    case SQLITE_CREATE_VTABLE:
      return lowered(second) == "fts5";
    default:
      return false;
  }
}

}  // namespace

int authorize(void* may_write, int action, const char* first, const char* second, const char* database,
              const char* /*trigger*/) {
  bool permitted = false;
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
      permitted = true;
      break;
    case SQLITE_FUNCTION:
      permitted = is_harmless_function(second);
      break;
    case SQLITE_PRAGMA:
      permitted = is_harmless_pragma(first, second);
      break;
    case SQLITE_UPDATE:
      // What a virtual table says its columns are is read like a change of the schema, and changes nothing. A statement
      // that would is refused by SQLite itself, and in a connection that only reads three times over.
      permitted =
          lowered(first) == "sqlite_master" || (may_write != nullptr && is_change(action, first, second, database));
      break;
    default:
      permitted = may_write != nullptr && is_change(action, first, second, database);
  }
  return permitted ? SQLITE_OK : SQLITE_DENY;
}

void harden(sqlite3* handle) {
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  constexpr std::array<std::pair<int, int>, 11> kLimits{{{SQLITE_LIMIT_LENGTH, kMaxValue},
                                                         {SQLITE_LIMIT_SQL_LENGTH, 1 << 20},
                                                         {SQLITE_LIMIT_ATTACHED, 0},
                                                         {SQLITE_LIMIT_EXPR_DEPTH, 100},
                                                         {SQLITE_LIMIT_COMPOUND_SELECT, 50},
                                                         {SQLITE_LIMIT_VDBE_OP, 100'000},
                                                         {SQLITE_LIMIT_FUNCTION_ARG, 100},
                                                         {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000},
                                                         {SQLITE_LIMIT_VARIABLE_NUMBER, 1000},
                                                         {SQLITE_LIMIT_TRIGGER_DEPTH, 10},
                                                         {SQLITE_LIMIT_WORKER_THREADS, 0}}};
  for (const auto& [limit, value] : kLimits) sqlite3_limit(handle, limit, value);
}

}  // namespace sennit::sqlite
