#include <sennit/agent/io/error.hpp>
#include <sennit/tools/expression.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <string>
#include <utility>

using namespace sennit;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using expression::evaluate;

namespace {

std::string message(const std::string& text) {
  try {
    return "no error: " + evaluate(text);
  } catch (const Error& error) {
    CHECK(error.code() == errc::invalid_argument);
    return error.message();
  }
}

/// Without the line and the caret.
std::string first_line(const std::string& text) {
  const std::string whole = message(text);
  return whole.substr(0, whole.find('\n'));
}

std::string repeat(std::string_view part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += part;
  return text;
}

}  // namespace

TEST_CASE("an error shows the column, the line and a caret under the place") {
  CHECK(message("2 + 3 *") == "column 8: expected a number after '*'\n  2 + 3 *\n         ^");
  CHECK(message("  1/0") == "column 4: division by zero\n    1/0\n     ^");
  CHECK(message("√-1") == "column 2: expected a number after '√', found '-'\n  √-1\n   ^");
  CHECK(message("ä") == "column 1: expected a number, found 'ä'\n  ä\n  ^");
  CHECK(message("1\n+") == "column 4: expected a number after '+'\n  1 +\n     ^");
  CHECK(message(repeat("1+", 100)) ==
        "column 201: expected a number after '+'\n  …" + repeat("1+", 20) + "\n   " + repeat(" ", 40) + "^");
}

TEST_CASE("each mistake in an expression has its own words") {
  const std::pair<const char*, const char*> cases[] = {
      {"", "column 1: the expression is empty"},
      {"   ", "column 1: the expression is empty"},
      {"2 + (3", "column 5: this '(' is never closed"},
      {"sqrt(4", "column 5: this '(' is never closed"},
      {"2 + 3)", "column 6: this ')' has no '('"},
      {"()", "column 2: expected a number after '(', found ')'"},
      {"(1 2)", "column 4: expected an operator, found a number"},
      {"(1 $", "column 4: expected ')' or an operator, found '$'"},
      {"2 3", "column 3: expected an operator, found a number"},
      {"2 + * 3", "column 5: expected a number after '+', found '*'"},
      {"* 3", "column 1: expected a number, found '*'"},
      {"$5", "column 1: expected a number, found '$'"},
      {"5 € + 1", "column 3: expected an operator, found '€'"},
      {"\x01", "column 1: expected a number, found a control character"},
      {"1 = 1", "column 3: '=' is not an operator: give the expression alone"},
      {"3,5",
       "column 2: a ',' separates the arguments of a function; a decimal point is '.', thousands are groups of three "
       "digits"},
      {"1,0000",
       "column 2: a ',' separates the arguments of a function; a decimal point is '.', thousands are groups of three "
       "digits"},
      {"max(1,000, 2)", "column 7: in a call a ',' separates arguments: write thousands without it"},
      {"1..2", "column 3: a number has one decimal point"},
      {"1.2.3", "column 4: a number has one decimal point"},
      {".", "column 1: expected digits around the point"},
      {"0x", "column 1: '0x' has no digits"},
      {"0b2", "column 1: '0b' has no digits"},
      {"1e999999", "column 2: an exponent of more than 10000"},
      {"1e99999999999999999999", "column 2: an exponent of more than 10000"},
      {"sqr(4)", "column 1: unknown name 'sqr'; did you mean sqrt?"},
      {"flor(4)", "column 1: unknown name 'flor'; did you mean floor?"},
      {"x + 1", "column 1: unknown name 'x'"},
      {"2 * foo", "column 5: unknown name 'foo'"},
      {"xyzzy(1)", "column 1: unknown name 'xyzzy'"},
      {"sqrt", "column 1: sqrt is a function: write sqrt(…)"},
      {"sqrt 4", "column 1: sqrt is a function: write sqrt(…)"},
      {"sqrt()", "column 1: sqrt takes 1 argument, not 0"},
      {"abs(1, 2)", "column 1: abs takes 1 argument, not 2"},
      {"max()", "column 1: max takes at least 1 argument, not 0"},
      {"hypot(1)", "column 1: hypot takes at least 2 arguments, not 1"},
      {"mod(1)", "column 1: mod takes 2 arguments, not 1"},
      {"round(1, 2, 3)", "column 1: round takes 1 or 2 arguments, not 3"},
      {"max(1 & 2)", "column 7: expected ',' or ')' in the call of max, found '&'"},
      {"max(1,)", "column 7: expected a number after ',', found ')'"},
      {"5!!", "column 2: '!!' can be read in two ways: write (n!)! for the factorial of a factorial"},
      {"of 5", "column 1: expected a number, found 'of'"},
      {"7 mod", "column 6: expected a number after 'mod'"},
  };
  for (const auto& [text, expected] : cases) {
    INFO(text);
    CHECK(first_line(text) == expected);
  }
}

TEST_CASE("a percent sign before a sign is refused where it may be a remainder") {
  for (const char* text : {"17 % -5", "10 % +3", "17%-5", "17 % - 5", "17% -5", "17 % −5", "(20 - 3) % -(5)",
                           "10 % -3 % 4", "2 * 10% -x", "17 %-5"}) {
    INFO(text);
    CHECK_THAT(first_line(text),
               EndsWith(": '%' before a sign can be read in two ways: write a % (-b) for the remainder, a% - b for a "
                        "percentage"));
  }
  CHECK(message("2 + 17 % -5").ends_with("2 + 17 % -5\n         ^"));
}

TEST_CASE("what is not defined is refused with the reason") {
  const std::pair<const char*, const char*> cases[] = {
      {"1/0", "column 2: division by zero"},
      {"1/(2-2)", "column 2: division by zero"},
      {"5 // 0", "column 3: division by zero"},
      {"5 % 0", "column 3: remainder of a division by zero"},
      {"mod(5, 0)", "column 1: remainder of a division by zero"},
      {"0^-1", "column 2: division by zero: 0 to a negative power"},
      {"(-8)^(1/3)",
       "column 5: a negative number has no real power with a fractional exponent (for roots: cbrt(x), root(x, n))"},
      {"(-8)^0.5",
       "column 5: a negative number has no real power with a fractional exponent (for roots: cbrt(x), root(x, n))"},
      {"sqrt(-1)", "column 1: a negative number has no real root of even degree"},
      {"root(-16, 4)", "column 1: a negative number has no real root of even degree"},
      {"root(2, 1)", "column 1: the degree of a root is from 2 to 1000"},
      {"root(2, 2.5)", "column 1: the degree of a root must be a whole number, not 2.5"},
      {"ln(0)", "column 1: a logarithm is defined for numbers above 0"},
      {"log(-1)", "column 1: a logarithm is defined for numbers above 0"},
      {"log(5, 1)", "column 1: a logarithm to base 1 is not defined"},
      {"(-3)!", "column 5: a negative number has no factorial"},
      {"2.5!", "column 4: the operand of a factorial must be a whole number, not 2.5"},
      {"tan(90°)", "column 1: tan is not defined here"},
      {"asin(2)", "column 1: asin is defined from -1 to 1"},
      {"acos(-1.1)", "column 1: acos is defined from -1 to 1"},
      {"atan2(0, 0)", "column 1: atan2(0, 0) is not defined"},
      {"gcd(1.5, 2)", "column 1: an argument of gcd must be a whole number, not 1.5"},
      {"lcm(pi)", "column 1: an argument of lcm must be a whole number, not 3.14159265358979"},
      {"ncr(-1, 2)", "column 1: ncr is defined for whole numbers from 0"},
      {"round(1, 0.5)", "column 1: the number of decimal places must be a whole number, not 0.5"},
  };
  for (const auto& [text, expected] : cases) {
    INFO(text);
    CHECK(first_line(text) == expected);
  }
}

TEST_CASE("what would be too large is refused at once") {
  const std::pair<std::string, const char*> cases[] = {
      {"2^10^10", "column 2: the result has more than 10000 digits"},
      {"9^9^9", "column 2: the result has more than 10000 digits"},
      {"2^2^2^2^2^2", "column 4: the result has more than 10000 digits"},
      {"10^10000", "column 3: the result has more than 10000 digits"},
      {"1e10000", "column 1: the result has more than 10000 digits"},
      {"3000!*3000!", "column 6: the result has more than 10000 digits"},
      {"3001!", "column 5: factorials are computed up to 3000!"},
      {"(3!)!!", "column 5: '!!' can be read in two ways: write (n!)! for the factorial of a factorial"},
      {"1e9!", "column 4: factorials are computed up to 3000!"},
      {"ncr(1e9, 9000)", "column 1: the result has more than 10000 digits"},
      {"ncr(1e9, 5e8)", "column 1: ncr of so many has too many digits"},
      {"exp(1e9)", "column 1: the result is too large"},
      {"exp(-1e9)", "column 1: the result is too close to zero"},
      {"pi^1e7", "column 3: the result is too large"},
      {"1.5^1e9", "column 4: the result is too large"},
      {"0.5^1e9", "column 4: the result is too close to zero"},
      {"sin(1e16)", "column 1: an angle of more than 1e15 radians"},
      {"round(1/3, 1001)", "column 1: decimal places are from -1000 to 1000"},
      {"root(2, 1001)", "column 1: the degree of a root is from 2 to 1000"},
      {"floor(exp(200))", "column 1: too large an approximation to be rounded"},
      {repeat("9", 10'000), "column 1: the result has more than 10000 digits"},
      {repeat("(", 100'000), "the expression has 100000 bytes; at most 10000 are computed"},
      {repeat("(", 10'000), "column 201: nested deeper than 200"},
      {repeat("-", 9'999) + "1", "column 201: nested deeper than 200"},
      {repeat("2^", 4'000) + "1", "column 401: nested deeper than 200"},
      {repeat("√", 3'000) + "1", "column 201: nested deeper than 200"},
      {repeat("abs(", 2'000) + "1", "column 801: nested deeper than 200"},
      {"5" + repeat("²", 4'000), "column 15: the result has more than 10000 digits"},
  };
  for (const auto& [text, expected] : cases) {
    INFO(text.substr(0, 60));
    const auto begin = std::chrono::steady_clock::now();
    CHECK(first_line(text) == expected);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
  }
}

TEST_CASE("an expression that would take too much work in all is refused, wherever the work is") {
  const std::string fraction = "(3/7)^11000";
  const std::string other = "(5/11)^9000";
  const std::pair<const char*, std::string> cases[] = {
      {"combinations", repeat("ncr(33000,10000)+", 588) + "1"},
      {"fractions", fraction + repeat("*" + fraction + "/" + fraction, 380)},
      {"roots", repeat("root(7^11e3,999)+", 580) + "1"},
      {"greatest common divisors", "gcd(" + repeat("7^11e3,3^2e4,", 700) + "1)"},
      {"comparisons", "median(" + repeat("1e9999,pi,", 900) + "1)"},
  };
  for (const auto& [name, text] : cases) {
    INFO(name);
    REQUIRE(text.size() <= expression::kMaxLength);
    CHECK_THAT(first_line(text), EndsWith(": this takes too much work: compute less in one expression, or with smaller "
                                          "numbers"));
  }
}

TEST_CASE("the work of an expression is its own") {
  CHECK_THAT(first_line(repeat("3000!+", 1'600) + "1"), ContainsSubstring("too much work"));
  CHECK(evaluate("1+1") == "2");
  CHECK(evaluate("ncr(33000,10000)/ncr(33000,10000)") == "1");
}

TEST_CASE("a nesting of 190 is no problem") {
  CHECK(evaluate(repeat("(", 190) + "7" + repeat(")", 190)) == "7");
  CHECK(evaluate(repeat("-", 190) + "7") == "7");
  CHECK(evaluate(repeat("1+", 4'000) + "1") == "4001");
}
