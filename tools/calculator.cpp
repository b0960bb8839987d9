#include <sennit/agent/typed_tool.hpp>
#include <sennit/tools/calculator.hpp>
#include <sennit/tools/expression.hpp>
#include <sennit/tools/options.hpp>

#include <optional>
#include <string>

namespace sennit {
namespace {

struct CalculatorArgs {
  std::string expression;
  std::optional<int> digits;
};
SENNIT_DESCRIBE(CalculatorArgs,
                (expression, "for example: (3 + 4) * 2^10, 15% of 240, sqrt(2), round(1/3, 4), sin(30°), 5!",
                 {.min_length = 1}),
                (digits, "significant digits of a result that is not exact (default 15)",
                 {.minimum = expression::kMinShownDigits, .maximum = expression::kMaxShownDigits}))

struct NoOptions {};
SENNIT_DESCRIBE(NoOptions)

constexpr std::string_view kDescription =
    "Computes an arithmetic expression and returns the number. Exact for whole numbers of any size, fractions and "
    "decimals. Operators + - * / ^ % (remainder) !, percentages (15% of 240, 240 + 15%), constants pi and e, functions "
    "sqrt cbrt root abs round floor ceil min max sum mean median ln log (base 10; log(x, b) for another) log2 exp sin "
    "cos tan asin acos atan (radians, or sin(30°)) gcd lcm mod factorial ncr npr.";

}  // namespace

std::vector<std::shared_ptr<Tool>> make_calculator(const json::object& options, const PartContext& /*context*/) {
  static_cast<void>(read_options<NoOptions>(options, "calculator"));
  // A plain function: big numbers may take a moment, so it runs on the pool.
  const auto calculate = [](const CalculatorArgs& args) {
    return expression::evaluate(args.expression, args.digits.value_or(expression::kShownDigits));
  };
  return {make_tool("calculator", std::string(kDescription), calculate, {.repeat = Repeat::idempotent})};
}

}  // namespace sennit
