// Private: Arithmetic in text: parses an expression and computes it, exactly where that is possible.
//
// Numbers are fractions of big integers, so 0.1 + 0.2 is 0.3 and 2^200 has all its digits; only roots, logarithms and
// the like are decimal approximations (60 digits inside). Everything is bounded, the work of a whole expression too
// (see kMaxWork), because a model writes the input.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sennit::expression {

inline constexpr std::size_t kMaxLength = 10'000;  ///< bytes of an expression
inline constexpr int kMaxNesting = 200;            ///< parentheses, calls, signs and powers inside one another
inline constexpr unsigned kMaxDigits = 10'000;     ///< of an exact number; more is an error or an approximation
inline constexpr int kShownDigits = 15;            ///< significant digits of what does not end or is approximate
inline constexpr int kMinShownDigits = 2;
inline constexpr int kMaxShownDigits = 50;

/// Computes `text` and writes the result as a number that the same grammar reads again: whole numbers with all their
/// digits, short decimals exactly, everything else with `digits` significant digits.
///
///   operators    + - * / ^ (right to left; also **) % (remainder, sign of the divisor) ! ( ); × ÷ · − ² ³ √ ° work too
///   percent      15% is 0.15; 15% of 240 is 36; 240 + 15% is 276; of is a multiplication: 1/4 of 80;
///                17 % -5 is refused: it may mean a remainder or a percentage
///   numbers      1234.5  1,234.5 (outside of calls)  1_000  1.5e-3  0xff  0b101
///   constants    pi, π, e, tau, phi
///   functions    see expression_functions.cpp; trigonometry in radians, or with a degree sign: sin(30°)
///   products     2(3 + 4), 2pi: a missing sign is a multiplication
///
/// -2^2 is -4. Throws Error(errc::invalid_argument): `column 7: expected a number after '*'`, then the line and a
/// caret.
[[nodiscard]] std::string evaluate(std::string_view text, int digits = kShownDigits);

}  // namespace sennit::expression
