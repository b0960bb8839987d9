#include <sennit/tools/sqlite_functions.hpp>

#include <sqlite3.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_set>

namespace sennit::sqlite {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

bool is_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

std::string_view text_of(sqlite3_value* value) {
  const auto* data = reinterpret_cast<const char*>(sqlite3_value_text(value));
  return data == nullptr ? std::string_view() : std::string_view(data, std::size_t(sqlite3_value_bytes(value)));
}

std::string_view bytes_of(sqlite3_value* value) {
  const void* data = sqlite3_value_blob(value);
  return data == nullptr ? std::string_view()
                         : std::string_view(static_cast<const char*>(data), std::size_t(sqlite3_value_bytes(value)));
}

/// In linear time, unlike string_view::find.
std::size_t first_of(std::string_view text, std::string_view what, std::size_t from) {
  const void* found = ::memmem(text.data() + from, text.size() - from, what.data(), what.size());
  return found == nullptr ? kNone : std::size_t(static_cast<const char*>(found) - text.data());
}

void give(sqlite3_context* context, std::string_view text) {
  sqlite3_result_text64(context, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void instr(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
  const bool blobs = sqlite3_value_type(values[0]) == SQLITE_BLOB && sqlite3_value_type(values[1]) == SQLITE_BLOB;
  const std::string_view text = blobs ? bytes_of(values[0]) : text_of(values[0]);
  const std::string_view what = blobs ? bytes_of(values[1]) : text_of(values[1]);
  if (what.empty()) return sqlite3_result_int(context, 1);
  std::size_t at = first_of(text, what, 0);
  if (!blobs && at != 0 && is_continuation(what.front())) at = kNone;  // in the middle of a character
  if (at == kNone) return sqlite3_result_int(context, 0);
  std::int64_t place = 1;
  for (std::size_t i = 1; i <= at; ++i) place += blobs || !is_continuation(text[i]) ? 1 : 0;
  sqlite3_result_int64(context, place);
}

void replace(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
  const std::string_view text = text_of(values[0]);
  const std::string_view what = text_of(values[1]);
  const std::string_view with = text_of(values[2]);
  if (what.empty()) return sqlite3_result_value(context, values[0]);
  const auto most =
      static_cast<std::size_t>(sqlite3_limit(sqlite3_context_db_handle(context), SQLITE_LIMIT_LENGTH, -1));
  std::string result;
  std::size_t at = 0;
  for (std::size_t next = first_of(text, what, 0); next != kNone; next = first_of(text, what, at)) {
    result.append(text, at, next - at).append(with);
    at = next + what.size();
    if (result.size() > most) return sqlite3_result_error_toobig(context);
  }
  give(context, result.append(text, at));
}

/// The character at the beginning, or at the end.
std::string_view character(std::string_view text, bool last) {
  std::size_t begin = last ? text.size() - 1 : 0;
  while (last && begin > 0 && is_continuation(text[begin])) --begin;
  std::size_t end = begin + 1;
  while (end < text.size() && is_continuation(text[end])) ++end;
  return text.substr(begin, end - begin);
}

template <bool left, bool right>
void trim(sqlite3_context* context, int count, sqlite3_value** values) {
  std::string_view text = text_of(values[0]);
  std::string_view given = count > 1 ? text_of(values[1]) : " ";
  if (given.size() > kMaxTrimmed) return sqlite3_result_error(context, "too many characters to trim", -1);
  std::unordered_set<std::string_view> removed;
  for (; !given.empty(); given.remove_prefix(character(given, false).size())) removed.insert(character(given, false));
  while (left && !text.empty() && removed.contains(character(text, false))) {
    text.remove_prefix(character(text, false).size());
  }
  while (right && !text.empty() && removed.contains(character(text, true))) {
    text.remove_suffix(character(text, true).size());
  }
  give(context, text);
}

/// As this SQLite was built.
bool has_unlike_blob(sqlite3_value** values) {
  static const bool kUnlike = sqlite3_compileoption_used("LIKE_DOESNT_MATCH_BLOBS") != 0;
  return kUnlike && (sqlite3_value_type(values[0]) == SQLITE_BLOB || sqlite3_value_type(values[1]) == SQLITE_BLOB);
}

/// True: it may be done.
bool fits(sqlite3_context* context, std::string_view pattern, std::string_view text) {
  const int most = sqlite3_limit(sqlite3_context_db_handle(context), SQLITE_LIMIT_LIKE_PATTERN_LENGTH, -1);
  const bool fits = pattern.size() <= static_cast<std::size_t>(most) &&
                    text.size() <= kMaxMatching / (pattern.empty() ? 1 : pattern.size());
  if (!fits) sqlite3_result_error(context, "LIKE or GLOB pattern too complex for so long a text", -1);
  return fits;
}

void like(sqlite3_context* context, int count, sqlite3_value** values) {
  if (has_unlike_blob(values)) return sqlite3_result_int(context, 0);
  const std::string_view pattern = text_of(values[0]);
  const std::string_view text = text_of(values[1]);
  unsigned escape = 0;
  if (count > 2) {
    const std::string_view given = text_of(values[2]);
    if (given.size() != 1 || given == "%" || given == "_") {
      return sqlite3_result_error(context, "ESCAPE expression must be a single ASCII character, and not % or _", -1);
    }
    escape = static_cast<unsigned char>(given.front());
  }
  if (!fits(context, pattern, text)) return;
  sqlite3_result_int(context, sqlite3_strlike(pattern.data(), text.data(), escape) == 0 ? 1 : 0);
}

void glob(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
  if (has_unlike_blob(values)) return sqlite3_result_int(context, 0);
  const std::string_view pattern = text_of(values[0]);
  const std::string_view text = text_of(values[1]);
  if (!fits(context, pattern, text)) return;
  sqlite3_result_int(context, sqlite3_strglob(pattern.data(), text.data()) == 0 ? 1 : 0);
}

using Function = void (*)(sqlite3_context*, int, sqlite3_value**);

/// What is common to all: null for null, and the question.
template <Function work>
void asking(sqlite3_context* context, int count, sqlite3_value** values) {
  const auto& ending = *static_cast<const Ending*>(sqlite3_user_data(context));
  if (ending.wanted(ending.state) != 0) return sqlite3_result_error_code(context, SQLITE_INTERRUPT);
  for (int i = 0; i < count; ++i) {
    if (sqlite3_value_type(values[i]) == SQLITE_NULL) return;
  }
  try {
    work(context, count, values);
  } catch (const std::bad_alloc&) {
    sqlite3_result_error_nomem(context);
  }
}

}  // namespace

void bound_functions(sqlite3* handle, const Ending& ending) {
  const auto define = [&](const char* name, int arguments, Function function) {
    constexpr int kFlags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): it is only read
    sqlite3_create_function_v2(handle, name, arguments, kFlags, const_cast<Ending*>(&ending), function, nullptr,
                               nullptr, nullptr);
  };
  define("instr", 2, &asking<&instr>);
  define("replace", 3, &asking<&replace>);
  for (const int arguments : {1, 2}) {
    define("trim", arguments, &asking<&trim<true, true>>);
    define("ltrim", arguments, &asking<&trim<true, false>>);
    define("rtrim", arguments, &asking<&trim<false, true>>);
  }
  define("like", 2, &asking<&like>);
  define("like", 3, &asking<&like>);
  define("glob", 2, &asking<&glob>);
}

}  // namespace sennit::sqlite
