// How a number of an expression is written down.
#include <sennit/tools/expression.hpp>
#include <sennit/tools/expression_value.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

namespace sennit::expression {
namespace {

constexpr int kMostPlainDigits = 21;      // before the point; above, an exponent reads better
constexpr int kFewestPlainExponent = -7;  // 0.000001 is plain, 1e-7 is not
constexpr int kShortDecimal = 20;         // significant digits up to which a decimal is written out exactly

/// 0.digits × 10^exponent, without trailing zeros.
struct Digits {
  bool negative = false;
  std::string digits;
  long exponent = 0;
};

/// `widest`: the digits before the point above which an exponent is written.
std::string write(const Digits& number, long widest) {
  std::string text = number.negative ? "-" : "";
  const long point = number.exponent;  // digits before the decimal point
  const auto size = static_cast<long>(number.digits.size());
  if (point > widest || point - 1 < kFewestPlainExponent + 1) {
    text += number.digits[0];
    if (size > 1) text += "." + number.digits.substr(1);
    return text + fmt::format("e{}", point - 1);
  }
  if (point <= 0) return text + "0." + std::string(static_cast<std::size_t>(-point), '0') + number.digits;
  if (size <= point) return text + number.digits + std::string(static_cast<std::size_t>(point - size), '0');
  return text + number.digits.substr(0, static_cast<std::size_t>(point)) + "." +
         number.digits.substr(static_cast<std::size_t>(point));
}

void strip_zeros(std::string& digits) {
  digits.erase(digits.find_last_not_of('0') + 1);
}

/// A fraction with a short finite decimal expansion, exactly.
std::optional<Digits> short_decimal(const Fraction& value, int longest) {
  // 10^places is the first power of ten that the denominator divides; more places than this are never short.
  constexpr unsigned kMostPlaces = 400;
  const Integer bottom = denominator(value);
  if (mp::msb(bottom) > kMostPlaces) return std::nullopt;
  Integer scale = 1;
  unsigned places = 0;
  while (places < kMostPlaces && scale % bottom != 0) scale *= 10, ++places;
  if (scale % bottom != 0) return std::nullopt;
  const Integer scaled = mp::abs(numerator(value)) * (scale / bottom);
  Digits result{value.sign() < 0, scaled.str(), 0};
  result.exponent = static_cast<long>(result.digits.size()) - static_cast<long>(places);
  strip_zeros(result.digits);
  if (static_cast<int>(result.digits.size()) > longest) return std::nullopt;
  return result;
}

Digits rounded(const Decimal& value, int digits) {
  // `-d.ddde+x`
  const std::string text = value.str(digits - 1, std::ios_base::scientific);
  Digits result{text[0] == '-', {}, 0};
  const std::size_t mark = text.find('e');
  for (const char c : text.substr(0, mark)) {
    if (c >= '0' && c <= '9') result.digits += c;
  }
  result.exponent = std::strtol(text.c_str() + mark + 1, nullptr, 10) + 1;
  strip_zeros(result.digits);
  return result;
}

}  // namespace

std::string format(const Value& value, int digits) {
  if (value.is_zero()) return "0";
  if (value.is_whole()) return numerator(value.fraction()).str();
  if (value.exact()) {
    if (const auto exact = short_decimal(value.fraction(), std::max(digits, kShortDecimal)))
      return write(*exact, kMostPlainDigits);
  }
  // A rounded number is never filled up with zeros that look like digits.
  digits = std::clamp(digits, kMinShownDigits, kMaxShownDigits);
  return write(rounded(value.decimal(), digits), std::min(digits, kMostPlainDigits));
}

}  // namespace sennit::expression
