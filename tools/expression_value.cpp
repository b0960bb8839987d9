#include <sennit/agent/io/error.hpp>
#include <sennit/tools/expression.hpp>
#include <sennit/tools/expression_value.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace sennit::expression {
namespace {

constexpr double kBitsPerDigit = 3.3219280948873623;
constexpr auto kMaxBits = static_cast<std::size_t>(kMaxDigits * kBitsPerDigit);
constexpr double kMaxExponent = 1'000'000;  // of ten, of an approximation
constexpr unsigned kMaxFactorial = 3'000;   // 3000! has 9,131 digits

// What a step of these costs beside one of a multiplication, measured.
constexpr std::size_t kDivisionCost = 3;     // also of a greatest common divisor
constexpr std::size_t kDecimalCost = 2'000;  // a limb of an exact number that becomes a decimal
constexpr unsigned kFactorialCost = 16;      // n! takes n²/16 steps

thread_local std::size_t work_left = 0;

// What remains of two approximations that cancel is noise below this part of them.
const Decimal kNoise("1e-50");
// More than a root of a decimal can be wrong, as a part of it.
const Decimal kNearRoot("1e-45");

std::size_t bits(const Integer& value) {
  return value.is_zero() ? 1 : mp::msb(mp::abs(value)) + 1;
}

std::size_t size_of(const Fraction& value) {
  return limbs(numerator(value)) + limbs(denominator(value));
}

/// Before an operation of two exact numbers: each may look for common divisors.
void spend_on(const Fraction& a, const Fraction& b) {
  spend(kDivisionCost * size_of(a) * size_of(b));
}

[[noreturn]] void refuse_digits() {
  refuse(fmt::format("the result has more than {} digits", kMaxDigits));
}

/// The exact result if it is of a bearable size, else an approximation; a whole number is never approximated silently.
Value bounded(Fraction result) {
  const std::size_t size = std::max(bits(numerator(result)), bits(denominator(result)));
  if (size <= kMaxBits) return result;
  if (denominator(result) == 1) refuse_digits();
  spend(kDecimalCost * size_of(result));
  return Value(Decimal(numerator(result)) / Decimal(denominator(result)));
}

Integer floor_of(const Fraction& value) {
  spend(kDivisionCost * limbs(numerator(value)) * limbs(denominator(value)));
  Integer quotient;
  Integer rest;
  mp::divide_qr(Integer(numerator(value)), Integer(denominator(value)), quotient, rest);
  return rest.sign() < 0 ? Integer(quotient - 1) : quotient;
}

Value exact_power(const Fraction& base, const Integer& exponent) {
  const auto count = static_cast<unsigned>(mp::abs(exponent));
  Integer top = integer_power(numerator(base), count);
  Integer bottom = integer_power(denominator(base), count);
  if (exponent.sign() < 0) std::swap(top, bottom);
  return bounded(ratio(top, bottom).fraction());
}

Value approximate_power(const Value& base, const Value& exponent) {
  if (base.is_negative() && !exponent.is_whole()) {
    refuse("a negative number has no real power with a fractional exponent (for roots: cbrt(x), root(x, n))");
  }
  const Decimal b = base.decimal();
  const Decimal e = exponent.decimal();
  const Decimal size = e * mp::log10(mp::abs(b));
  if (mp::abs(size) > kMaxExponent) refuse(size > 0 ? "the result is too large" : "the result is too close to zero");
  const Decimal magnitude = mp::pow(mp::abs(b), e);
  const bool negative = base.is_negative() && (exponent.whole("an exponent") & 1) != 0;
  return Value(negative ? Decimal(-magnitude) : magnitude);
}

/// The whole r with r^degree == value, if there is one. REQUIRES: value >= 0
std::optional<Integer> exact_root(const Integer& value, unsigned degree) {
  if (value < 2) return value;
  // Newton's iteration, from so little above that each step doubles the digits that are right.
  const Decimal near = mp::pow(Value(value).decimal(), Decimal(1) / degree);
  Integer guess = whole(mp::ceil(near + near * kNearRoot)) + 1;
  while (true) {
    const Integer below = integer_power(guess, degree - 1);
    spend(kDivisionCost * limbs(value) * limbs(below));
    Integer next = (guess * (degree - 1) + value / below) / degree;
    if (next >= guess) break;
    guess = std::move(next);
  }
  if (integer_power(guess, degree) != value) return std::nullopt;
  return guess;
}

}  // namespace

void refuse(std::string message) {
  throw Error(errc::invalid_argument, std::move(message));
}

void begin_work() {
  work_left = kMaxWork;
}

void spend(std::size_t steps) {
  if (steps > work_left) {
    work_left = 0;
    refuse("this takes too much work: compute less in one expression, or with smaller numbers");
  }
  work_left -= steps;
}

std::size_t limbs(const Integer& value) {
  return value.backend().size();
}

Integer integer_power(const Integer& base, unsigned exponent) {
  const std::size_t size = limbs(base) + bits(base) * exponent / 64;
  spend(size * size / 2);
  return mp::pow(base, exponent);
}

Value ratio(const Integer& top, const Integer& bottom) {
  spend(kDivisionCost * limbs(top) * limbs(bottom));
  return Fraction(top, bottom);
}

Integer common_divisor(const Integer& a, const Integer& b) {
  spend(kDivisionCost * limbs(a) * limbs(b));
  return mp::gcd(a, b);
}

void check_digits(const Integer& value) {
  if (bits(value) > kMaxBits) refuse_digits();
}

Value::Value(Fraction exact) : number_(std::move(exact)) {}

Value::Value(Decimal approximate) : number_(std::move(approximate)) {
  if (!mp::isfinite(std::get<Decimal>(number_))) refuse("the result is too large");
}

Decimal Value::decimal() const {
  if (const auto* decimal = std::get_if<Decimal>(&number_)) return *decimal;
  spend(kDecimalCost * size_of(fraction()));
  return Decimal(numerator(fraction())) / Decimal(denominator(fraction()));
}

bool Value::is_zero() const {
  return exact() ? fraction().is_zero() : std::get<Decimal>(number_).is_zero();
}
bool Value::is_negative() const {
  return exact() ? fraction().sign() < 0 : std::get<Decimal>(number_).sign() < 0;
}
bool Value::is_whole() const {
  return exact() && denominator(fraction()) == 1;
}

Integer Value::whole(std::string_view what) const {
  if (!is_whole()) refuse(fmt::format("{} must be a whole number, not {}", what, format(*this, kShownDigits)));
  return numerator(fraction());
}

Value operator-(const Value& value) {
  return value.exact() ? Value(-value.fraction()) : Value(-value.decimal());
}

Value operator+(const Value& a, const Value& b) {
  if (a.exact() && b.exact()) {
    spend_on(a.fraction(), b.fraction());
    return bounded(a.fraction() + b.fraction());
  }
  const Decimal x = a.decimal();
  const Decimal y = b.decimal();
  Decimal sum = x + y;
  if (mp::abs(sum) < kNoise * std::max<Decimal>(mp::abs(x), mp::abs(y))) return Value(0);
  return Value(std::move(sum));
}

Value operator-(const Value& a, const Value& b) {
  return a + -b;
}

Value operator*(const Value& a, const Value& b) {
  if (a.exact() && b.exact()) {
    spend_on(a.fraction(), b.fraction());
    return bounded(a.fraction() * b.fraction());
  }
  return Value(a.decimal() * b.decimal());
}

Value operator/(const Value& a, const Value& b) {
  if (b.is_zero()) refuse("division by zero");
  if (a.exact() && b.exact()) {
    spend_on(a.fraction(), b.fraction());
    return bounded(a.fraction() / b.fraction());
  }
  return Value(a.decimal() / b.decimal());
}

bool operator<(const Value& a, const Value& b) {
  if (a.exact() && b.exact()) {
    spend_on(a.fraction(), b.fraction());
    return a.fraction() < b.fraction();
  }
  return a.decimal() < b.decimal();
}

Integer whole(const Decimal& value) {
  return value.is_zero() ? Integer(0) : Integer(value);
}

Value floor(const Value& value) {
  if (value.exact()) return floor_of(value.fraction());
  // An approximation that is a whole number but for noise is that number: floor(log10(1000)) is 3.
  const Decimal nearest = mp::round(value.decimal());
  if (mp::abs(nearest) > Decimal("1e40")) refuse("too large an approximation to be rounded");
  const bool is_whole = mp::abs(value.decimal() - nearest) < kNoise * std::max<Decimal>(1, mp::abs(nearest));
  return whole(is_whole ? nearest : Decimal(mp::floor(value.decimal())));
}

Value remainder(const Value& a, const Value& b) {
  if (b.is_zero()) refuse("remainder of a division by zero");
  return a - b * floor(a / b);
}

Value power(const Value& base, const Value& exponent) {
  if (base.is_zero() && exponent.is_negative()) refuse("division by zero: 0 to a negative power");
  if (base.is_zero()) return Value(exponent.is_zero() ? 1 : 0);
  if (exponent.exact() && exponent.fraction() == Fraction(1, 2) && !base.is_negative()) return root(base, 2);
  if (!base.exact() || !exponent.is_whole()) return approximate_power(base, exponent);
  const Fraction& fraction = base.fraction();
  const Integer count = exponent.whole("an exponent");
  if (mp::abs(numerator(fraction)) == 1 && denominator(fraction) == 1) {
    return Value(fraction.sign() > 0 || (count & 1) == 0 ? 1 : -1);
  }
  const std::size_t size = std::max(bits(numerator(fraction)), bits(denominator(fraction)));
  if (mp::abs(count) * (size - 1) <= kMaxBits) return exact_power(fraction, count);
  if (base.is_whole() && count > 0) refuse_digits();
  return approximate_power(base, exponent);
}

Value factorial(const Value& value) {
  const Integer n = value.whole("the operand of a factorial");
  if (n < 0) refuse("a negative number has no factorial");
  if (n > kMaxFactorial) refuse(fmt::format("factorials are computed up to {}!", kMaxFactorial));
  const auto count = static_cast<unsigned>(n);
  spend(count * count / kFactorialCost);
  Integer product = 1;
  for (unsigned i = 2; i <= count; ++i) product *= i;
  return product;
}

Value root(const Value& value, unsigned degree) {
  if (value.is_negative()) {
    if (degree % 2 == 0) refuse("a negative number has no real root of even degree");
    return -root(-value, degree);
  }
  if (value.is_zero()) return Value(0);
  if (value.exact()) {
    const auto top = exact_root(numerator(value.fraction()), degree);
    const auto bottom = top ? exact_root(denominator(value.fraction()), degree) : std::nullopt;
    if (bottom) return ratio(*top, *bottom);
  }
  if (degree == 2) return Value(mp::sqrt(value.decimal()));
  return Value(mp::pow(value.decimal(), Decimal(1) / degree));
}

}  // namespace sennit::expression
