#include <sennit/tools/expression.hpp>
#include <sennit/tools/expression_functions.hpp>

#include <boost/math/constants/constants.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace sennit::expression {
namespace {

using Arguments = std::span<const Value>;

constexpr int kMaxPlaces = 1000;  // of round(x, places)
constexpr unsigned kMaxRootDegree = 1000;
const Decimal kMaxAngle("1e15");  // reducing larger angles would cost the digits that matter
const Decimal kMaxExp("2e6");     // e^2000000 has 868,589 digits
const Decimal kTiny("1e-45");     // sin(pi) is zero, not 1e-60

Decimal pi() {
  return boost::math::constants::pi<Decimal>();
}

Decimal angle(const Value& value) {
  Decimal radians = value.decimal();
  if (mp::abs(radians) > kMaxAngle) refuse("an angle of more than 1e15 radians");
  return radians;
}

/// Near enough to a whole number to be it: cos(60°) is 0.5, sin(180°) is 0.
Value settle(const Decimal& value) {
  const Decimal twice = mp::round(value * 2);
  if (mp::abs(twice) <= 2 && mp::abs(value * 2 - twice) < kTiny) return Fraction(whole(twice), 2);
  return Value(value);
}

Value sine(Arguments a) {
  return settle(mp::sin(angle(a[0])));
}
Value cosine(Arguments a) {
  return settle(mp::cos(angle(a[0])));
}

Value tangent(Arguments a) {
  const Decimal x = angle(a[0]);
  const Decimal below = mp::cos(x);
  if (mp::abs(below) < kTiny) refuse("tan is not defined here");
  return settle(mp::sin(x) / below);
}

Decimal unit_range(const Value& value, std::string_view name) {
  const Decimal x = value.decimal();
  if (mp::abs(x) > 1) refuse(fmt::format("{} is defined from -1 to 1", name));
  return x;
}

Value arcsine(Arguments a) {
  return Value(Decimal(mp::asin(unit_range(a[0], "asin"))));
}
Value arccosine(Arguments a) {
  return a[0].exact() && a[0].fraction() == 1 ? Value(0) : Value(Decimal(mp::acos(unit_range(a[0], "acos"))));
}
Value arctangent(Arguments a) {
  return Value(Decimal(mp::atan(a[0].decimal())));
}

Value arctangent2(Arguments a) {
  const Decimal y = a[0].decimal();
  const Decimal x = a[1].decimal();
  if (x.is_zero() && y.is_zero()) refuse("atan2(0, 0) is not defined");
  if (x.is_zero()) return Value(Decimal(y.sign() < 0 ? -pi() / 2 : pi() / 2));
  Decimal result = mp::atan(y / x);
  if (x.sign() < 0) result += y.sign() < 0 ? Decimal(-pi()) : pi();
  return Value(result);
}

Decimal exponential(const Value& value) {
  const Decimal x = value.decimal();
  if (mp::abs(x) > kMaxExp) refuse(x > 0 ? "the result is too large" : "the result is too close to zero");
  return mp::exp(x);
}

Value exp(Arguments a) {
  return a[0].is_zero() ? Value(1) : Value(exponential(a[0]));
}
Value hyperbolic_sine(Arguments a) {
  return a[0].is_zero() ? Value(0) : Value(Decimal((exponential(a[0]) - exponential(-a[0])) / 2));
}
Value hyperbolic_cosine(Arguments a) {
  return Value(Decimal((exponential(a[0]) + exponential(-a[0])) / 2));
}

Value hyperbolic_tangent(Arguments a) {
  if (a[0].is_zero()) return Value(0);
  const Decimal x = a[0].decimal();
  if (mp::abs(x) > 200) return Value(x > 0 ? 1 : -1);
  const Decimal square = mp::exp(2 * x);
  return Value(Decimal((square - 1) / (square + 1)));
}

Decimal logarithm(const Value& value) {
  if (value.is_zero() || value.is_negative()) refuse("a logarithm is defined for numbers above 0");
  // A big fraction is split: top and bottom may each be near the bound, their logarithms are small.
  if (!value.exact()) return mp::log(value.decimal());
  return mp::log(Value(Integer(numerator(value.fraction()))).decimal()) -
         mp::log(Value(Integer(denominator(value.fraction()))).decimal());
}

/// Whole where it is one but for noise: log10(1000) is exactly 3.
Value quotient(const Decimal& top, const Decimal& bottom) {
  if (bottom.is_zero()) refuse("a logarithm to base 1 is not defined");
  const Decimal value = top / bottom;
  const Decimal nearest = mp::round(value);
  if (mp::abs(nearest) < 1'000'000'000 && mp::abs(value - nearest) < kTiny) return whole(nearest);
  return Value(value);
}

Value natural_log(Arguments a) {
  return a[0].exact() && a[0].fraction() == 1 ? Value(0) : Value(logarithm(a[0]));
}
Value log2(Arguments a) {
  return quotient(logarithm(a[0]), logarithm(Value(2)));
}
Value log10(Arguments a) {
  return quotient(logarithm(a[0]), logarithm(Value(10)));
}
Value log(Arguments a) {
  return a.size() == 1 ? log10(a) : quotient(logarithm(a[0]), logarithm(a[1]));
}

Value square_root(Arguments a) {
  return root(a[0], 2);
}
Value cube_root(Arguments a) {
  return root(a[0], 3);
}

Value any_root(Arguments a) {
  const Integer degree = a[1].whole("the degree of a root");
  if (degree < 2 || degree > kMaxRootDegree)
    refuse(fmt::format("the degree of a root is from 2 to {}", kMaxRootDegree));
  return root(a[0], static_cast<unsigned>(degree));
}

Value absolute(Arguments a) {
  return a[0].is_negative() ? -a[0] : a[0];
}
Value sign(Arguments a) {
  return a[0].is_zero() ? Value(0) : Value(a[0].is_negative() ? -1 : 1);
}

/// 10^places, places being the second argument if there is one.
Value scale(Arguments a) {
  if (a.size() < 2) return Value(1);
  const Integer places = a[1].whole("the number of decimal places");
  if (mp::abs(places) > kMaxPlaces) refuse(fmt::format("decimal places are from -{0} to {0}", kMaxPlaces));
  return power(Value(10), Value(places));
}

Value floor_to(Arguments a) {
  return floor(a[0] * scale(a)) / scale(a);
}
Value ceil_to(Arguments a) {
  return -(floor(-a[0] * scale(a)) / scale(a));
}
Value truncate_to(Arguments a) {
  return a[0].is_negative() ? ceil_to(a) : floor_to(a);
}

/// Halves away from zero, as at school.
Value round_to(Arguments a) {
  const Value half = Fraction(1, 2);
  const Value size = a[0].is_negative() ? -a[0] : a[0];
  const Value rounded = floor(size * scale(a) + half) / scale(a);
  return a[0].is_negative() ? -rounded : rounded;
}

Value least(Arguments a) {
  return *std::min_element(a.begin(), a.end());
}
Value greatest(Arguments a) {
  return *std::max_element(a.begin(), a.end());
}

Value sum(Arguments a) {
  Value total;
  for (const Value& value : a) total = total + value;
  return total;
}

Value product(Arguments a) {
  Value total(1);
  for (const Value& value : a) total = total * value;
  return total;
}

Value mean(Arguments a) {
  return sum(a) / Value(static_cast<long long>(a.size()));
}

Value median(Arguments a) {
  std::vector<Value> sorted(a.begin(), a.end());
  std::sort(sorted.begin(), sorted.end());
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / Value(2);
}

Value greatest_divisor(Arguments a) {
  Integer result = 0;
  for (const Value& value : a) result = common_divisor(result, value.whole("an argument of gcd"));
  return result;
}

Value common_multiple(Arguments a) {
  Value result(1);
  for (const Value& value : a) {
    const Integer next = mp::abs(value.whole("an argument of lcm"));
    if (next.is_zero()) return Value(0);
    const Integer so_far = result.whole("lcm");
    result = Value(so_far) / Value(common_divisor(so_far, next)) * Value(next);
  }
  return result;
}

/// Before a factor joins a product that may be divided by a small number afterwards.
void spend_on_factor(const Integer& product, const Integer& factor) {
  constexpr std::size_t kSmallDivisionCost = 8;
  spend(limbs(product) * (limbs(factor) + kSmallDivisionCost));
}

Value choose(Arguments a) {
  const Integer n = a[0].whole("the first argument of ncr");
  Integer k = a[1].whole("the second argument of ncr");
  if (n < 0 || k < 0) refuse("ncr is defined for whole numbers from 0");
  if (k > n) return Value(0);
  if (Integer rest = n - k; rest < k) k = std::move(rest);
  if (k > 10'000) refuse("ncr of so many has too many digits");
  Integer result = 1;
  const Integer rest = n - k;
  for (unsigned i = 1; i <= static_cast<unsigned>(k); ++i) {
    const Integer factor = rest + i;
    spend_on_factor(result, factor);
    result = result * factor / i;
    check_digits(result);
  }
  return result;
}

Value arrange(Arguments a) {
  const Integer n = a[0].whole("the first argument of npr");
  const Integer k = a[1].whole("the second argument of npr");
  if (n < 0 || k < 0) refuse("npr is defined for whole numbers from 0");
  if (k > n) return Value(0);
  if (k > 10'000) refuse("npr of so many has too many digits");
  Integer result = 1;
  for (unsigned i = 0; i < static_cast<unsigned>(k); ++i) {
    const Integer factor = n - i;
    spend_on_factor(result, factor);
    result *= factor;
    check_digits(result);
  }
  return result;
}

Value hypotenuse(Arguments a) {
  Value total;
  for (const Value& side : a) total = total + side * side;
  return root(total, 2);
}

constexpr Function kFunctions[] = {
    {"abs", 1, 1, absolute},
    {"acos", 1, 1, arccosine},
    {"asin", 1, 1, arcsine},
    {"atan", 1, 1, arctangent},
    {"atan2", 2, 2, arctangent2},
    {"average", 1, -1, mean},
    {"avg", 1, -1, mean},
    {"cbrt", 1, 1, cube_root},
    {"ceil", 1, 2, ceil_to},
    {"cos", 1, 1, cosine},
    {"cosh", 1, 1, hyperbolic_cosine},
    {"degrees", 1, 1, [](Arguments a) { return Value(Decimal(a[0].decimal() * 180 / pi())); }},
    {"exp", 1, 1, exp},
    {"factorial", 1, 1, [](Arguments a) { return factorial(a[0]); }},
    {"floor", 1, 2, floor_to},
    {"gcd", 1, -1, greatest_divisor},
    {"hypot", 2, -1, hypotenuse},
    {"lcm", 1, -1, common_multiple},
    {"ln", 1, 1, natural_log},
    {"log", 1, 2, log},  // base 10 as on a pocket calculator, or log(x, base)
    {"log10", 1, 1, log10},
    {"log2", 1, 1, log2},
    {"max", 1, -1, greatest},
    {"mean", 1, -1, mean},
    {"median", 1, -1, median},
    {"min", 1, -1, least},
    {"mod", 2, 2, [](Arguments a) { return remainder(a[0], a[1]); }},
    {"ncr", 2, 2, choose},
    {"npr", 2, 2, arrange},
    {"pow", 2, 2, [](Arguments a) { return power(a[0], a[1]); }},
    {"product", 1, -1, product},
    {"radians", 1, 1, [](Arguments a) { return to_radians(a[0]); }},
    {"root", 2, 2, any_root},
    {"round", 1, 2, round_to},
    {"sign", 1, 1, sign},
    {"sin", 1, 1, sine},
    {"sinh", 1, 1, hyperbolic_sine},
    {"sqrt", 1, 1, square_root},
    {"sum", 1, -1, sum},
    {"tan", 1, 1, tangent},
    {"tanh", 1, 1, hyperbolic_tangent},
    {"trunc", 1, 2, truncate_to},
};

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x + ('a' - 'A') : x) == y; });
}

}  // namespace

const Function* find_function(std::string_view name) {
  for (const Function& function : kFunctions) {
    if (same_name(name, function.name)) return &function;
  }
  return nullptr;
}

std::optional<Value> find_constant(std::string_view name) {
  if (same_name(name, "pi") || name == "π") return Value(pi());
  if (same_name(name, "e")) return Value(boost::math::constants::e<Decimal>());
  if (same_name(name, "tau")) return Value(Decimal(2 * pi()));
  if (same_name(name, "phi")) return Value(Decimal((1 + mp::sqrt(Decimal(5))) / 2));
  return std::nullopt;
}

std::vector<std::string> known_names() {
  std::vector<std::string> names{"pi", "e", "tau", "phi"};
  for (const Function& function : kFunctions) names.emplace_back(function.name);
  return names;
}

Value to_radians(const Value& degrees) {
  return Value(Decimal(degrees.decimal() * pi() / 180));
}

}  // namespace sennit::expression
