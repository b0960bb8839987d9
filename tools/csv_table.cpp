#include <sennit/tools/csv_parse.hpp>
#include <sennit/tools/csv_table.hpp>
#include <sennit/tools/files_access.hpp>
#include <sennit/tools/sqlite_rows.hpp>

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace sennit::csv {
namespace {

constexpr std::size_t kMaxName = 60;

struct Column {
  std::string name;
  Type type = Type::empty;
};

std::string_view sql_type(Type type) {
  switch (type) {
    case Type::integer:
      return "INTEGER";
    case Type::real:
      return "REAL";
    default:
      return "TEXT";
  }
}

std::string as_name(std::string_view name) {
  std::string result = "\"";
  for (const char c : name) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

/// A column's name on one line, different from those before it in SQLite's eyes, which see no difference of case.
std::string name_for(std::string_view given, const std::vector<Column>& before) {
  std::string name;
  for (const char c : given.substr(0, kMaxName)) name += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  name = sanitize_utf8(name);
  while (name.ends_with(' ')) name.pop_back();
  name.erase(0, std::min(name.find_first_not_of(' '), name.size()));
  if (name.empty()) name = fmt::format("column_{}", before.size() + 1);
  const auto taken = [&](const std::string& wanted) {
    return std::any_of(before.begin(), before.end(),
                       [&](const Column& column) { return sqlite3_stricmp(column.name.c_str(), wanted.c_str()) == 0; });
  };
  std::string result = name;
  for (int i = 2; taken(result); ++i) result = fmt::format("{}_{}", name, i);
  return result;
}

/// The first pass: names and types.
struct Survey {
  std::vector<Column> columns;
  std::size_t rows = 0;
  std::size_t short_rows = 0;
  std::size_t long_rows = 0;
  bool header = false;
};

Survey survey(std::string_view text, char separator, std::optional<bool> header, const files::StopFlag& stop) {
  Survey result;
  bool first = true;
  for_each_row(text, separator, [&](Row&& row) {
    if (files::is_set(stop)) throw Error(errc::cancelled, "reading was cancelled");
    if (std::exchange(first, false)) {
      result.header = header.value_or(looks_like_header(row));
      for (const std::string& field : row) {
        result.columns.push_back({name_for(result.header ? std::string_view(field) : "", result.columns)});
      }
      if (result.header) return true;
    }
    if (++result.rows > kMaxRows) throw Error(errc::too_large, fmt::format("the file has more than {} rows", kMaxRows));
    if (row.size() < result.columns.size()) ++result.short_rows;
    if (row.size() > result.columns.size()) ++result.long_rows;
    for (std::size_t i = 0; i < std::min(row.size(), result.columns.size()); ++i) {
      result.columns[i].type = common(result.columns[i].type, type_of(row[i]));
    }
    return true;
  });
  if (result.columns.empty()) throw Error(errc::invalid_argument, "the file is empty");
  return result;
}

void insert(sqlite::Connection& connection, std::string_view text, char separator, const Survey& found,
            const files::StopFlag& stop) {
  std::string sql = "INSERT INTO data VALUES(?";
  for (std::size_t i = 1; i < found.columns.size(); ++i) sql += ",?";
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(connection.handle(), (sql + ")").c_str(), -1, &raw, nullptr) != SQLITE_OK) {
    throw Error(errc::storage, sqlite3_errmsg(connection.handle()));
  }
  const sqlite::Prepared statement(raw);
  bool skip = found.header;
  for_each_row(text, separator, [&](Row&& row) {
    if (std::exchange(skip, false)) return true;
    if (files::is_set(stop)) throw Error(errc::cancelled, "reading was cancelled");
    for (std::size_t i = 0; i < found.columns.size(); ++i) {
      const int index = static_cast<int>(i) + 1;
      if (i < row.size() && !row[i].empty()) {
        // The column's affinity makes numbers of them.
        sqlite3_bind_text64(raw, index, row[i].data(), row[i].size(), SQLITE_TRANSIENT, SQLITE_UTF8);
      } else {
        sqlite3_bind_null(raw, index);
      }
    }
    const int code = sqlite3_step(raw);
    sqlite3_reset(raw);
    if (code == SQLITE_TOOBIG) throw Error(errc::too_large, "a field of the file is too large");
    if (code != SQLITE_DONE) throw Error(errc::storage, sqlite3_errmsg(connection.handle()));
    return true;
  });
}

}  // namespace

std::string load(sqlite::Connection& connection, std::string_view text, const Reading& reading,
                 const files::StopFlag& stop) {
  const char separator = reading.separator == '\0' ? find_separator(text) : reading.separator;
  const Survey found = survey(text, separator, reading.header, stop);
  std::string columns;
  for (const Column& column : found.columns) {
    columns += fmt::format("{}{} {}", columns.empty() ? "" : ", ", as_name(column.name), sql_type(column.type));
  }
  connection.execute("CREATE TABLE data(" + columns + "); BEGIN;");
  insert(connection, text, separator, found, stop);
  connection.execute("COMMIT;");
  std::string said = fmt::format("table data({}), {} rows", columns, found.rows);
  if (!found.header) said += ", no header";
  if (found.short_rows > 0) said += fmt::format("; {} rows are shorter: filled with NULL", found.short_rows);
  if (found.long_rows > 0) said += fmt::format("; {} rows are longer: the rest is left out", found.long_rows);
  return said;
}

}  // namespace sennit::csv
