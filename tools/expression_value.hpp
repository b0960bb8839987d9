// Private: Numbers of an expression: exact fractions, decimal approximations where no fraction will do.
#pragma once

#include <boost/multiprecision/cpp_dec_float.hpp>
#include <boost/multiprecision/cpp_int.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

namespace sennit::expression {

namespace mp = boost::multiprecision;
using Integer = mp::number<mp::cpp_int_backend<>, mp::et_off>;
using Fraction = mp::number<mp::rational_adaptor<mp::cpp_int_backend<>>, mp::et_off>;
using Decimal = mp::number<mp::cpp_dec_float<60>, mp::et_off>;

/// A number. Operations throw Error(errc::invalid_argument) without a position: the parser knows it and adds it.
class Value {
 public:
  Value() = default;
  Value(Fraction exact);                                       // NOLINT: a number is a value
  Value(Integer whole) : Value(Fraction(std::move(whole))) {}  // NOLINT
  Value(long long whole) : Value(Integer(whole)) {}            // NOLINT
  /// Throws if it is not finite.
  explicit Value(Decimal approximate);

  [[nodiscard]] bool exact() const { return std::holds_alternative<Fraction>(number_); }
  [[nodiscard]] const Fraction& fraction() const { return std::get<Fraction>(number_); }  ///< REQUIRES: exact()
  [[nodiscard]] Decimal decimal() const;
  [[nodiscard]] bool is_zero() const;
  [[nodiscard]] bool is_negative() const;
  [[nodiscard]] bool is_whole() const;  ///< exact and an integer
  /// Throws naming `what` if it is not whole.
  [[nodiscard]] Integer whole(std::string_view what) const;

 private:
  std::variant<Fraction, Decimal> number_;
};

[[nodiscard]] Value operator-(const Value& value);
[[nodiscard]] Value operator+(const Value& a, const Value& b);
[[nodiscard]] Value operator-(const Value& a, const Value& b);
[[nodiscard]] Value operator*(const Value& a, const Value& b);
[[nodiscard]] Value operator/(const Value& a, const Value& b);
[[nodiscard]] bool operator<(const Value& a, const Value& b);

/// a - b * floor(a / b)
[[nodiscard]] Value remainder(const Value& a, const Value& b);
[[nodiscard]] Value power(const Value& base, const Value& exponent);
[[nodiscard]] Value factorial(const Value& value);
/// `value`, which is a whole number. (Boost 1.81's own conversion overflows an int for zero.)
[[nodiscard]] Integer whole(const Decimal& value);
/// The largest whole number that is not above `value`.
[[nodiscard]] Value floor(const Value& value);
/// The real root of `degree` >= 2; exact where it is a fraction.
[[nodiscard]] Value root(const Value& value, unsigned degree);

/// See evaluate().
[[nodiscard]] std::string format(const Value& value, int digits);

/// Throws Error(errc::invalid_argument).
[[noreturn]] void refuse(std::string message);

/// What one expression may cost, in steps of about a nanosecond on one 64-bit limb: counted, so that an expression is
/// computed or refused alike on every machine, and a model cannot keep a thread of the pool busy.
inline constexpr std::size_t kMaxWork = 100'000'000;
/// Gives the calling thread a full account. The account is the thread's because an operator takes no further argument;
/// an expression is computed on one thread from its beginning to its end.
void begin_work();
/// Takes from the account, before the work is done. Throws Error(errc::invalid_argument) when it is used up.
void spend(std::size_t steps);
/// The size of a number as work is counted.
[[nodiscard]] std::size_t limbs(const Integer& value);
/// Whole numbers, their work counted: nothing bounds the result of the first two.
[[nodiscard]] Integer integer_power(const Integer& base, unsigned exponent);
[[nodiscard]] Value ratio(const Integer& top, const Integer& bottom);  ///< REQUIRES: bottom != 0
/// Not negative.
[[nodiscard]] Integer common_divisor(const Integer& a, const Integer& b);
/// Throws if the whole number `value` has more than kMaxDigits digits.
void check_digits(const Integer& value);

}  // namespace sennit::expression
