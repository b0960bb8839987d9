#include <sennit/agent/io/error.hpp>
#include <sennit/tools/sqlite_rows.hpp>

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cmath>
#include <string_view>

namespace sennit::sqlite {
namespace {

std::string_view bytes_of(sqlite3_stmt* statement, int column) {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement, column))};
}

/// The text, not longer than what is shown of a value.
std::string shown(std::string_view text) {
  if (text.size() <= kMaxCell) return sanitize_utf8(text);
  std::size_t end = kMaxCell;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return sanitize_utf8(text.substr(0, end)) + "…";
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\n') {
      result += "\\n";
    } else if (c == '|') {
      result += "\\|";
    } else if (static_cast<unsigned char>(c) < 0x20 && c != '\t') {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      result += c;
    }
  }
  return result;
}

std::string blob_text(sqlite3_stmt* statement, int column) {
  return fmt::format("[blob, {} bytes]", sqlite3_column_bytes(statement, column));
}

json::value value_json(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_NULL:
      return nullptr;
    case SQLITE_INTEGER:
      return sqlite3_column_int64(statement, column);
    case SQLITE_FLOAT: {
      const double value = sqlite3_column_double(statement, column);
      return std::isfinite(value) ? json::value(value) : json::value(bytes_of(statement, column));
    }
    case SQLITE_BLOB:
      return json::value(blob_text(statement, column));
    default:
      return json::value(shown(bytes_of(statement, column)));
  }
}

int bind_value(sqlite3_stmt* statement, int index, const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return sqlite3_bind_null(statement, index);
    case json::kind::bool_:
      return sqlite3_bind_int(statement, index, value.get_bool() ? 1 : 0);
    case json::kind::int64:
      return sqlite3_bind_int64(statement, index, value.get_int64());
    case json::kind::uint64:  // larger than SQLite's integers
      return sqlite3_bind_double(statement, index, static_cast<double>(value.get_uint64()));
    case json::kind::double_:
      return sqlite3_bind_double(statement, index, value.get_double());
    case json::kind::string: {
      const json::string& text = value.get_string();
      return sqlite3_bind_text64(statement, index, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    }
    default:
      throw Error(errc::invalid_argument, "a parameter is a text, a number, true, false or null");
  }
}

const json::value& value_for(sqlite3_stmt* statement, int index, const json::value& parameters) {
  const char* const name = sqlite3_bind_parameter_name(statement, index);
  if (const json::object* named = parameters.if_object(); named != nullptr && name != nullptr) {
    const json::value* value = named->if_contains(name + 1);  // without its `:`, `@` or `$`
    if (value == nullptr) value = named->if_contains(name);
    if (value == nullptr) throw Error(errc::invalid_argument, fmt::format("the parameter {} has no value", name));
    return *value;
  }
  const json::array* list = parameters.if_array();
  if (list == nullptr || static_cast<std::size_t>(index) > list->size()) {
    throw Error(errc::invalid_argument,
                fmt::format("the statement has {} parameters: give `parameters` as a list with a value for each",
                            sqlite3_bind_parameter_count(statement)));
  }
  return (*list)[static_cast<std::size_t>(index) - 1];
}

}  // namespace

void Finalize::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

void bind(sqlite3_stmt* statement, const json::value& parameters) {
  const int count = sqlite3_bind_parameter_count(statement);
  if (const json::array* list = parameters.if_array();
      list != nullptr && list->size() > static_cast<std::size_t>(count)) {
    throw Error(errc::invalid_argument,
                fmt::format("there are {} values for the {} parameters of the statement", list->size(), count));
  }
  for (int index = 1; index <= count; ++index) {
    if (bind_value(statement, index, value_for(statement, index, parameters)) != SQLITE_OK) {
      throw Error(errc::invalid_argument, fmt::format("the value of parameter {} cannot be used", index));
    }
  }
}

std::string value_text(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_NULL:
      return "NULL";
    case SQLITE_BLOB:
      return blob_text(statement, column);
    default:
      return shown(bytes_of(statement, column));
  }
}

Rows::Rows(sqlite3_stmt* statement, Format format)
    : statement_(statement), format_(format), columns_(sqlite3_column_count(statement)) {
  if (format_ == Format::json || columns_ == 0) return;
  line([this](int i) { return shown(sqlite3_column_name(statement_, i)); });
}

void Rows::line(const std::function<std::string(int)>& cell) {
  const std::size_t begin = text_.size();
  for (int i = 0; i < columns_; ++i) {
    if (text_.size() - begin > kMaxOutput) {
      text_ += fmt::format(" | [{} more columns]", columns_ - i);
      break;
    }
    text_ += (i == 0 ? "" : " | ") + escaped(cell(i));
  }
  text_ += '\n';
}

void Rows::add() {
  ++count_;
  if (format_ == Format::json) {
    json::object row;
    std::size_t size = 0;
    for (int i = 0; i < columns_ && size <= kMaxOutput; ++i) {
      size += static_cast<std::size_t>(std::min(sqlite3_column_bytes(statement_, i), int{kMaxCell}));
      std::string name = sanitize_utf8(sqlite3_column_name(statement_, i));
      while (row.contains(name)) name += '_';
      row[name] = value_json(statement_, i);
    }
    text_ += json::serialize(row) + "\n";
    return;
  }
  line([this](int i) { return value_text(statement_, i); });
}

std::string Rows::text(bool more) && {
  if (more) {
    text_ += fmt::format("[{} rows are shown; there are more: ask for less, or count and group them]\n", count_);
  } else {
    text_ += fmt::format("[{} row{}]\n", count_, count_ == 1 ? "" : "s");
  }
  return std::move(text_);
}

}  // namespace sennit::sqlite
