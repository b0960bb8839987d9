// How numbers are read: decimals, exponents, groups of thousands, hexadecimal and binary.
#include <sennit/tools/expression.hpp>
#include <sennit/tools/expression_parser.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace sennit::expression {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::size_t digits_at(std::string_view text) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
}

/// `,000`: a group of three digits and no more.
bool is_group(std::string_view text) {
  return text.starts_with(',') && digits_at(text.substr(1)) == 3;
}

Integer decimal_integer(std::string_view digits) {
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));  // a leading 0 would mean octal
  return digits.empty() ? Integer(0) : Integer(std::string(digits));
}

}  // namespace

Value Parser::number() {
  if (rest().starts_with("0x") || rest().starts_with("0X")) return based_number(4, "0123456789abcdef");
  if (rest().starts_with("0b") || rest().starts_with("0B")) return based_number(1, "01");
  return decimal_number();
}

Value Parser::based_number(unsigned bits, std::string_view digits) {
  const std::size_t begin = at_;
  at_ += 2;
  Integer value = 0;
  std::size_t count = 0;
  for (; at_ < text_.size(); ++at_, ++count) {
    const std::size_t digit = digits.find(static_cast<char>(is_digit(text_[at_]) ? text_[at_] : text_[at_] | 0x20));
    if (digit == std::string_view::npos) break;
    value = (value << bits) | digit;
  }
  after_ = text_.substr(begin, std::min<std::size_t>(at_ - begin, 20));
  if (count == 0) fail(begin, fmt::format("'{}' has no digits", text_.substr(begin, 2)));
  return value;
}

Value Parser::decimal_number() {
  const std::size_t begin = at_;
  std::string digits;
  const auto take_digits = [&] {
    std::size_t taken = 0;
    while (at_ < text_.size()) {
      const bool separator = taken > 0 && peek() == '_' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]);
      if (!separator && !is_digit(peek())) break;
      if (!separator) digits += peek(), ++taken;
      ++at_;
    }
    return taken;
  };
  std::size_t taken = take_digits();
  if (call_depth_ == 0 && taken <= 3 && taken > 0) {
    while (is_group(rest())) ++at_, taken += take_digits();
  }
  std::size_t places = 0;
  if (peek() == '.') {
    ++at_;
    places = take_digits();
    if (taken + places == 0) fail(begin, "expected digits around the point");
    if (peek() == '.') fail(at_, "a number has one decimal point");
  }
  long exponent = 0;
  // 2e3 is a number, 2e is twice Euler's number.
  if (const std::string_view here = rest(); here.size() > 1 && (here[0] == 'e' || here[0] == 'E')) {
    const std::size_t sign = here[1] == '+' || here[1] == '-' ? 1 : 0;
    const std::size_t length = digits_at(here.substr(1 + sign));
    if (length > 0) {
      const std::string_view written = here.substr(1 + sign, length);
      if (std::from_chars(written.data(), written.data() + length, exponent).ec != std::errc() ||
          exponent > kMaxDigits) {
        fail(at_, fmt::format("an exponent of more than {}", kMaxDigits));
      }
      if (here[1] == '-') exponent = -exponent;
      at_ += 1 + sign + length;
    }
  }
  after_ = text_.substr(begin, std::min<std::size_t>(at_ - begin, 20));
  exponent -= static_cast<long>(places);
  const Integer whole = decimal_integer(digits);
  return compute(begin, [&] {
    const Integer scale = integer_power(10, static_cast<unsigned>(std::labs(exponent)));
    return exponent < 0 ? ratio(whole, scale) : Value(whole) * Value(scale);
  });
}

}  // namespace sennit::expression
