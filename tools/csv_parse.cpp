#include <sennit/agent/io/error.hpp>
#include <sennit/tools/csv_parse.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <utility>

namespace sennit::csv {
namespace {

class Parser {
 public:
  Parser(std::string_view text, char separator) : rest_(text), separator_(separator) {}

  /// False at the end.
  bool next(Row& row) {
    row.clear();
    while (!rest_.empty() && (rest_.front() == '\n' || rest_.front() == '\r')) take_line_end();
    if (rest_.empty()) return false;
    ++number_;
    while (true) {
      if (row.size() == kMaxColumns) {
        throw Error(errc::too_large, fmt::format("row {} has more than {} columns", number_, kMaxColumns));
      }
      row.push_back(field());
      if (rest_.empty()) return true;
      if (rest_.front() != separator_) return take_line_end(), true;
      rest_.remove_prefix(1);
    }
  }

 private:
  void take_line_end() { rest_.remove_prefix(rest_.starts_with("\r\n") ? 2 : 1); }

  std::string field() {
    std::string value;
    if (rest_.starts_with('"')) {
      rest_.remove_prefix(1);
      while (true) {
        const std::size_t quote = rest_.find('"');
        if (quote == std::string_view::npos) {
          throw Error(errc::invalid_argument, fmt::format("in row {} a quote is opened and never closed", number_));
        }
        value += rest_.substr(0, quote);
        rest_.remove_prefix(quote + 1);
        if (!rest_.starts_with('"')) break;
        value += '"';
        rest_.remove_prefix(1);
      }
    }
    // What follows a closing quote belongs to the field: some programs write it so.
    const std::array<char, 3> ends{separator_, '\n', '\r'};
    const std::size_t end = std::min(rest_.find_first_of(std::string_view(ends.data(), ends.size())), rest_.size());
    value += rest_.substr(0, end);
    rest_.remove_prefix(end);
    return value;
  }

  std::string_view rest_;
  char separator_;
  std::size_t number_ = 0;
};

}  // namespace

char find_separator(std::string_view text) {
  constexpr std::size_t kSample = 64U << 10U;
  constexpr std::size_t kRows = 20;
  const bool cut = text.size() > kSample;
  text = text.substr(0, std::min(kSample, text.size()));
  char best = ',';
  std::size_t most = 0;
  for (const char candidate : {',', ';', '\t', '|'}) {
    std::vector<std::size_t> widths;
    try {
      Parser parser(text, candidate);
      for (Row row; widths.size() < kRows && parser.next(row);) widths.push_back(row.size());
    } catch (const Error&) {
      if (widths.empty()) continue;  // the sample may end within quotes
    }
    if (cut && widths.size() > 1 && widths.size() < kRows) widths.pop_back();
    if (widths.empty() || widths.front() < 2) continue;
    const auto same = static_cast<std::size_t>(std::count(widths.begin(), widths.end(), widths.front()));
    const std::size_t points = same * 1000 / widths.size() * 1000 + widths.front();  // agreement first, then columns
    if (points > most) most = points, best = candidate;
  }
  return best;
}

void for_each_row(std::string_view text, char separator, const std::function<bool(Row&&)>& row) {
  Parser parser(text, separator);
  for (Row fields; parser.next(fields);) {
    if (!row(std::move(fields))) return;
  }
}

Type type_of(std::string_view field) {
  if (field.empty()) return Type::empty;
  const std::string_view digits = field.starts_with('-') ? field.substr(1) : field;
  if (digits.empty() || (digits[0] != '.' && (digits[0] < '0' || digits[0] > '9'))) return Type::text;
  if (digits.size() > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9') return Type::text;
  const char* const end = field.data() + field.size();
  std::int64_t integer = 0;
  if (const auto parsed = std::from_chars(field.data(), end, integer); parsed.ec == std::errc{} && parsed.ptr == end) {
    return Type::integer;
  }
  if (digits.find_first_not_of("0123456789") == std::string_view::npos) return Type::text;  // a number too long to keep
  double real = 0;
  if (const auto parsed = std::from_chars(field.data(), end, real); parsed.ec == std::errc{} && parsed.ptr == end) {
    return Type::real;
  }
  return Type::text;
}

Type common(Type a, Type b) {
  return std::max(a, b);
}

bool looks_like_header(const Row& first) {
  std::set<std::string_view> names;
  return std::all_of(first.begin(), first.end(),
                     [&](const std::string& name) { return type_of(name) == Type::text && names.insert(name).second; });
}

}  // namespace sennit::csv
